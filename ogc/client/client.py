"""One service, one caller.

client = Client("http://127.0.0.1:8000", token=…)
client.layers()
client.layer("land_use_plan").to_gdf(bbox=(106.6, 10.9, 106.7, 11.0), filter="ma_loai_dat = 'ODT'")
client.check("25747/45/123", "land_use_change", target_use="ODT", target_area_m2=150)
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import geopandas as gpd
import httpx
import pandas as pd

from ogc.client.answers import CheckAnswer
from ogc.client.batches import BatchResult, Job
from ogc.client.errors import raise_for_problem
from ogc.client.layer import LayerHandle
from ogc.client.subject import parcel_reference

DEFAULT_URL = "http://127.0.0.1:8000"
INSIDE_COLUMNS = (
    "fid", "key", "label", "commune", "sheet", "parcel", "land_type", "lies", "area_m2", "inside_m2", "left_m2",
    "share", "registered_area_m2", "registered_inside_m2",
)  # fmt: skip


class Client:
    """A connection to a Lienthong service.

    `url` defaults to LIENTHONG_URL or the demo on this machine, `token` to LIENTHONG_TOKEN or none (open data only).
    Raises LienthongClientError for whatever the service refuses.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, timeout_s: float = 60.0, language: str = "vi"
    ) -> None:
        self.url = (url or os.environ.get("LIENTHONG_URL") or DEFAULT_URL).rstrip("/")
        token = token or os.environ.get("LIENTHONG_TOKEN")
        headers = {"Accept-Language": language, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **parameters: object) -> Any:
        """JSON of any address of the service; parameters that are None are left out."""
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        response = self._http.get(path, params=given or None)
        raise_for_problem(response)
        return response.json()

    def download(self, path: str, **parameters: object) -> bytes:
        """The bytes of a file of the service, in the client's language unless `lang` says otherwise."""
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        response = self._http.get(path, params=given or None, headers={"Accept": "*/*"})
        raise_for_problem(response)
        return response.content

    def verify(self, code: str) -> dict[str, Any]:
        """What the extract with this code is worth today: known, unchanged, superseded, signed."""
        found: dict[str, Any] = self.get(f"/verify/{code}")
        return found

    def whoami(self) -> dict[str, Any]:
        """Who the service takes the caller for."""
        answer: dict[str, Any] = self.get("/whoami")
        return answer

    def layers(self) -> pd.DataFrame:
        """The layers the caller may see: one row each, indexed by id."""
        collections = self.get("/collections")["collections"]
        columns = ["id", "title", "sector", "sharing", "description"]
        return pd.DataFrame([{name: row.get(name) for name in columns} for row in collections]).set_index("id")

    def layer(self, layer_id: str) -> LayerHandle:
        """One layer; nothing is asked of the service yet."""
        return LayerHandle(self, layer_id)

    def parcels(self, parcel: str | None = None, **look_up: object) -> pd.DataFrame:
        """Candidates of a look-up: 'COMMUNE/SHEET/PARCEL', or commune=, sheet=, parcel=, code=, point='lon,lat'."""
        if parcel is not None:
            commune, sheet, number = parcel.split("/")
            look_up |= {"commune": commune, "sheet": sheet, "parcel": number}
        columns = ["fid", "key", "label", "commune", "sheet", "parcel", "current"]
        return pd.DataFrame(self.get("/parcels", **look_up)["candidates"], columns=columns)

    def parcels_inside(self, shape: dict[str, Any] | Any) -> pd.DataFrame:
        """The parcels in a shape (a GeoJSON geometry or a shapely polygon, CRS84), one row each; totals, the ground
        without a parcel and what only touches are in `.attrs`."""
        geometry = shape if isinstance(shape, dict) else shape.__geo_interface__
        response = self._http.post("/parcels/inside", json={"geometry": geometry})
        raise_for_problem(response)
        answer = response.json()
        table = pd.DataFrame(answer.pop("parcels"), columns=list(INSIDE_COLUMNS))
        table.attrs |= answer
        return table

    def check(
        self,
        parcel: str | Sequence[str] | Path | dict[str, Any],
        procedure: str,
        *,
        dossier: str | None = None,
        purpose: str | None = None,
        as_of: str | None = None,
        on_date: str | None = None,
        **inputs: object,
    ) -> CheckAnswer:
        """Check a parcel ('25747/45/123', 'fid:…'), several as one (a list), a GeoJSON geometry, a pasted table of
        vertices or the path of a file, for a procedure; inputs by their names. A table that is refused comes with
        `proposals` in the error: check its `{"coordinates": …}` to accept one."""
        body = {
            "dossier": dossier, "purpose": purpose, "procedure": procedure, "subject": parcel_reference(parcel),
            "inputs": inputs, "as_of": as_of, "on_date": on_date,
        }  # fmt: skip
        response = self._http.post("/checks", json=body)
        raise_for_problem(response)
        if response.status_code == 202:  # it takes long: a job, waited for
            return CheckAnswer(Job(response.headers["Location"], self).wait(), self)
        return CheckAnswer(response.json(), self)

    def batch(
        self,
        procedure: str,
        *,
        commune: str | None = None,
        filter: str | None = None,
        keys: Sequence[str] | None = None,
        shapes: gpd.GeoDataFrame | None = None,
        purpose: str | None = None,
        as_of: str | None = None,
        on_date: str | None = None,
        timeout_s: float | None = None,
        **inputs: object,
    ) -> BatchResult:
        """Check many parcels (of a commune, by a CQL2 filter, by their keys; all you may see without any of these) or
        the areas of a GeoDataFrame. Waits for the job; `submit_batch` does not."""
        job = self.submit_batch(
            procedure, commune=commune, filter=filter, keys=keys, shapes=shapes, purpose=purpose, as_of=as_of,
            on_date=on_date, **inputs,
        )  # fmt: skip
        return BatchResult(job, job.wait(timeout_s), self)

    def submit_batch(self, procedure: str, *, shapes: gpd.GeoDataFrame | None = None, **asked: Any) -> Job:
        """The job of a batch; arguments as of `batch`."""
        names = ("commune", "filter", "keys", "purpose", "as_of", "on_date")
        given = {name: asked.pop(name) for name in names if asked.get(name) is not None}
        given["keys"] = list(given["keys"]) if "keys" in given else None
        if shapes is not None:
            given["features"] = json.loads(shapes.to_crs("OGC:CRS84").to_json())
        inputs = {name: value for name, value in asked.items() if name not in names}
        sent = {name: value for name, value in given.items() if value is not None}
        response = self._http.post(
            "/processes/batch-check/execution", json={"inputs": {"procedure": procedure, "inputs": inputs, **sent}}
        )
        raise_for_problem(response)
        return Job(response.headers["Location"], self)

    def jobs(self) -> list[Job]:
        """One's own jobs, the newest first."""
        found = [Job(f"{self.url}/jobs/{status['jobID']}", self) for status in self.get("/jobs", limit=100)["jobs"]]
        return found

    def content(self, address: str) -> bytes:
        """The bytes of any address of the service."""
        response = self._http.get(address, headers={"Accept": "*/*"})
        raise_for_problem(response)
        return response.content

    def stream(self, address: str, **options: Any) -> AbstractContextManager[httpx.Response]:
        """An answer that is read while it comes; whoever reads looks at its status."""
        return self._http.stream("GET", address, **options)

    def delete(self, address: str) -> None:
        raise_for_problem(self._http.delete(address))
