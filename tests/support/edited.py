"""A layer with every type of column, published from a file, and callers who may edit all of it, some of it, or none.

officer   everything of every row
ward      rows of commune 25747; public and internal columns, no names
east      rows that lie within the eastern half
clerk     the shapes coarsely, public columns
split     as ward in commune 25747, as clerk in 25750; the quiet places
public    public columns of every row, nothing to edit
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import psycopg
import shapely
from psycopg.conninfo import make_conninfo

from layers.profile.apply import apply
from layers.profile.grammar import CodeList, LayerDefinition, ProfileHeader
from layers.profile.profile import Profile
from layers.store.connection import Database
from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.files import CRS, publish_file, square, write
from tests.support.serving import serve

STORAGE = "<http://www.opengis.net/def/crs/EPSG/0/9210>"


def _title(text: str) -> dict[str, str]:
    return {"vi": text, "en": text}


_ATTRIBUTES: list[dict[str, Any]] = [
    {"name": "ma_xa", "required": True, "role": "commune", "tag": "public", "indexed": True},
    {"name": "so", "required": True, "tag": "public"},
    {"name": "loai", "type": "code", "codes": "land_use", "tag": "public", "indexed": True},
    {"name": "hang", "enum": ["mot", "hai"], "tag": "internal"},
    {"name": "dien_tich", "type": "number", "tag": "internal", "role": "registered_area"},
    {"name": "tang", "type": "integer", "tag": "internal"},
    {"name": "da_duyet", "type": "boolean", "tag": "internal"},
    {"name": "ngay", "type": "date", "tag": "internal", "role": "effective_from"},
    {"name": "luc", "type": "datetime", "tag": "internal"},
    {"name": "muc_dich", "type": "list", "tag": "internal",
     "items": [{"name": "ma", "type": "code", "codes": "land_use"}, {"name": "dt", "type": "number"}]},
    {"name": "chu", "tag": "personal"},
    {"name": "sai_so", "type": "number", "role": "accuracy", "tag": "commercial"},
]  # fmt: skip


def _layer(layer_id: str, geometry: str, **more: Any) -> LayerDefinition:
    plain = {
        "id": layer_id, "sector": "land", "title": _title(layer_id), "geometry": geometry, "sharing": "shared",
        "complete_for": "all", "precisions_m": [50],
    }  # fmt: skip
    return LayerDefinition.model_validate({**plain, **more})


LAYERS = (
    _layer("plot", "MultiPolygon", key=["ma_xa", "so"], accuracy_m=0.1, attributes=_ATTRIBUTES,
           style={"coverage": True}),
    _layer("spot", "Point", attributes=[{"name": "ten", "tag": "public"}]),
    _layer("quiet", "MultiPolygon", key="ma", sharing="restricted", hide_activity=True, attributes=[
        {"name": "ma", "required": True, "tag": "public"}, {"name": "ghi_chu", "tag": "internal"}]),
    _layer("entry", "none", key="ma", duplicates="keep", attributes=[
        {"name": "ma", "required": True, "tag": "public"}, {"name": "ly_do", "tag": "public"}]),
)  # fmt: skip
_ALL = ["public", "internal", "personal", "commercial"]
_EDIT = ["items", "tile", "edit"]
GRANTS: list[dict[str, Any]] = [
    *({"id": f"officer_{layer}", "to": {"role": "officer"}, "layer": layer, "actions": [*_EDIT, "check", "publish"],
       "columns": {"tags": _ALL}} for layer in ("plot", "spot", "quiet", "entry")),
    {"id": "plots_for_all", "to": {"anyone": True}, "layer": "plot", "actions": ["items", "tile"]},
    {"id": "quiet_for_all", "to": {"anyone": True}, "layer": "quiet", "actions": ["items"]},
    {"id": "ward_plots", "to": {"role": "ward"}, "layer": "plot", "actions": _EDIT, "rows": "ma_xa IN :claims.communes",
     "columns": {"tags": ["public", "internal"]}},
    {"id": "east_plots", "to": {"role": "east"}, "layer": "plot", "actions": _EDIT, "edge": "within",
     "rows": "S_INTERSECTS(geometry, BBOX(106.6951, 10.9, 107.5, 11.1))"},
    {"id": "clerk_plots", "to": {"role": "clerk"}, "layer": "plot", "actions": _EDIT, "geometry": {"precision_m": 50}},
    {"id": "split_near", "to": {"role": "split"}, "layer": "plot", "actions": _EDIT, "rows": "ma_xa = '25747'",
     "columns": {"tags": ["public", "internal"]}},
    {"id": "split_far", "to": {"role": "split"}, "layer": "plot", "actions": _EDIT, "rows": "ma_xa = '25750'",
     "geometry": {"precision_m": 50}},
    {"id": "split_quiet", "to": {"role": "split"}, "layer": "quiet", "actions": _EDIT},
    {"id": "spots_for_all", "to": {"anyone": True}, "layer": "spot", "actions": ["items", "edit"],
     "valid": {"until": "2020-01-01"}},
]  # fmt: skip
PROCEDURE: dict[str, Any] = {
    "id": "quiet_check", "title": _title("quiet"), "inputs": [],
    "checks": [{"id": "quiet", "layer": "quiet", "relation": "overlaps_area", "min_area_m2": 1.0}],
}  # fmt: skip
IDENTITIES = [
    {"id": "public", "title": _title("public")},
    {"id": "officer", "title": _title("officer"), "roles": ["officer"], "sector": "land"},
    {"id": "ward", "title": _title("ward"), "roles": ["ward"], "claims": {"communes": ["25747"]}},
    {"id": "east", "title": _title("east"), "roles": ["east"]},
    {"id": "clerk", "title": _title("clerk"), "roles": ["clerk"]},
    {"id": "split", "title": _title("split"), "roles": ["split"]},
]


def profile() -> Profile:
    header = {
        "id": "edited", "crs": {"storage": CRS, "to_wgs84": "EPSG:6960"}, "sectors": {"land": _title("land")},
        "reference_layers": {"parcel": "plot"}, "extent": [105.5, 10.8, 107.5, 11.6],
    }  # fmt: skip
    entries = [{"code": "ODT", "title": _title("ODT")}, {"code": "CLN", "title": _title("CLN"), "replaces": ["LNC"]}]
    codes = CodeList.model_validate({"id": "land_use", "title": _title("land use"), "entries": entries})
    return Profile.model_validate({
        "header": ProfileHeader.model_validate(header), "layers": LAYERS, "codes": (codes,), "grants": GRANTS,
        "identities": IDENTITIES, "procedures": [PROCEDURE],
    })  # fmt: skip


def plot(commune: str, number: int, shape: shapely.Geometry | None = None, **more: Any) -> dict[str, Any]:
    """A row as a file has it."""
    row = {
        "ma_xa": commune, "so": str(number), "loai": "ODT", "hang": "mot", "dien_tich": 400.5, "tang": 2,
        "da_duyet": True, "ngay": "2025-07-01", "luc": "2025-07-01T08:30:00+07:00",
        "muc_dich": '[{"ma": "ODT", "dt": 100.0}]', "chu": f"Chủ {number}", "sai_so": 0.05,
    }  # fmt: skip
    return {**row, "geometry": shape or square(number % 10, number // 10), **more}


def plots(count: int = 20) -> list[dict[str, Any]]:
    return [plot("25747" if number < count // 2 else "25750", number) for number in range(count)]


def fill(url: str, folder: Path) -> None:
    """Apply the profile and publish twenty plots, two quiet places, three spots and two entries."""

    async def body() -> None:
        async with Database.open(url) as database:
            await apply(database, profile(), "tests")

    anyio.run(body)
    publish_file(url, write(folder / "plot.gpkg", plots()), "plot")
    spots = [{"ten": f"Điểm {n}", "geometry": square(n, 5).centroid} for n in range(3)]
    publish_file(url, write(folder / "spot.gpkg", spots), "spot")
    quiet = [{"ma": f"Q{n}", "ghi_chu": f"kín {n}", "geometry": square(n, 8)} for n in range(2)]
    publish_file(url, write(folder / "quiet.gpkg", quiet), "quiet")


class Editor:
    """One identity at one service."""

    def __init__(self, base: str, secrets: Path, identity: str) -> None:
        headers = {} if identity == "public" else {"Authorization": f"Bearer {make_token(secrets, identity)}"}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=30)

    def items(self, layer: str = "plot", **query: Any) -> dict[str, dict[str, Any]]:
        """Features by their key."""
        found = self.http.get(f"/collections/{layer}/items", params={"limit": 1000, **query})
        assert found.status_code == 200, found.text
        return {_key(feature): feature for feature in found.json()["features"]}

    def read(self, fid: int, layer: str = "plot", **query: Any) -> tuple[dict[str, Any], str]:
        """The feature and its ETag."""
        found = self.http.get(f"/collections/{layer}/items/{fid}", params=query)
        assert found.status_code == 200, found.text
        return found.json(), found.headers["etag"]

    def send(
        self, method: str, fid: int | None = None, body: object = None, etag: str | None = None, layer: str = "plot",
        **headers: str,
    ) -> httpx.Response:  # fmt: skip
        kind = "application/merge-patch+json" if method == "PATCH" else "application/geo+json"
        told = {"Content-Type": kind} if body is not None else {}
        told |= {"If-Match": etag} if etag is not None else {}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/collections/{layer}/items" + (f"/{fid}" if fid is not None else "")
        return self.http.request(method, path, json=body, headers=told)

    def patch(self, fid: int, properties: Mapping[str, Any], layer: str = "plot", **body: Any) -> httpx.Response:
        """On top of what is read now."""
        _, etag = self.read(fid, layer)
        return self.send("PATCH", fid, {"properties": dict(properties), **body}, etag, layer)


def _key(feature: Mapping[str, Any]) -> str:
    told = feature["properties"]
    return ".".join(str(told[name]) for name in ("ma_xa", "so", "ma", "ten") if name in told)


class Service:
    """A running service over a filled database."""

    def __init__(self, base: str, url: str, secrets: Path) -> None:
        self.base, self.url = base, url
        self.officer, self.ward, self.east, self.clerk, self.split, self.public = (
            Editor(base, secrets, name) for name in ("officer", "ward", "east", "clerk", "split", "public")
        )

    def close(self) -> None:
        for editor in (self.officer, self.ward, self.east, self.clerk, self.split, self.public):
            editor.http.close()


def as_server(url: str) -> str:
    """The login of the web service, which owns nothing."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "DO $$ BEGIN IF NOT (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'lt_server') THEN "
            "ALTER ROLE lt_server LOGIN; END IF; END $$"
        )
    return make_conninfo(url, user="lt_server")


@contextmanager
def service(url: str, folder: Path, **settings: Any) -> Iterator[Service]:
    made = Settings(data=folder, database_url=as_server(url), **settings)
    with serve(create_app(made, demo=True)) as base:
        running = Service(base, url, made.secrets_folder)
        try:
            yield running
        finally:
            running.close()


def in_metres(shape: shapely.Geometry) -> dict[str, Any]:
    """GeoJSON in the storage CRS."""
    found: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return found
