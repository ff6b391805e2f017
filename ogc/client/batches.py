"""Many parcels at once: a job of the service, waited for, and its result as tables."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from ogc.client.errors import LienthongClientError

if TYPE_CHECKING:
    from ogc.client.client import Client

#: seconds between two looks at a job: soon at first, then less often
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"


class Job:
    """One job of one's own, known by its address."""

    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self._client = client
        self.status: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return self.url.rsplit("/", 1)[1]

    def look(self) -> dict[str, Any]:
        """The status as it is now."""
        self.status = self._client.get(self.url)
        return self.status

    def wait(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The document of results, once it is done. Raises LienthongClientError for a job that failed or was dismissed,
        TimeoutError."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = FIRST_WAIT_S
        while self.look()["status"] in ("accepted", "running"):
            if until is not None and time.monotonic() + pause_s > until:
                raise TimeoutError(f"{self.id}: {self.status['message']}")
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_WAIT_S)
        if self.status["status"] != "successful":
            raise LienthongClientError(409, {"detail": self.status["message"], "code": f"job_{self.status['status']}"})
        results = next(link["href"] for link in self.status["links"] if link["rel"] == RESULTS)
        found: dict[str, Any] = self._client.get(results)
        return found

    def dismiss(self) -> None:
        self._client.delete(self.url)

    def __repr__(self) -> str:
        return f"<Job {self.id[:8]}: {self.status.get('status', '?')} {self.status.get('progress', 0)} %>"


class BatchResult:
    """What came of a batch: `summary`, and `findings` and `features` as tables."""

    def __init__(self, job: Job, document: dict[str, Any], client: Client) -> None:
        self.job = job
        self.summary: dict[str, Any] = document["summary"]
        self._places = {name: document[name]["href"] for name in ("findings", "features")}
        self._client = client
        self._tables: dict[str, pd.DataFrame] = {}

    @property
    def findings(self) -> pd.DataFrame:
        """One row a subject and check."""
        return self._table("findings")

    @property
    def features(self) -> pd.DataFrame:
        """One row a feature that was met or dropped."""
        return self._table("features")

    @property
    def verdicts(self) -> pd.Series:
        """The verdict of each subject: the worst of its checks that count."""
        order = pd.CategoricalDtype(["pass", "refer", "fail"], ordered=True)
        counted = self.findings[self.findings["check"].isin(self.summary["required"])]
        worst: pd.Series = counted["verdict"].astype(order).groupby(counted["subject_key"]).max()
        return worst

    def on(self, shapes: gpd.GeoDataFrame, key: str) -> gpd.GeoDataFrame:
        """These shapes with the verdict of each, joined by their column `key`."""
        joined: gpd.GeoDataFrame = shapes.merge(
            self.verdicts.rename("verdict").astype(str), left_on=key, right_index=True, how="left"
        )
        return joined

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            self._tables[name] = pd.read_parquet(io.BytesIO(self._client.content(self._places[name])))
        return self._tables[name]

    def __repr__(self) -> str:
        told = ", ".join(f"{verdict} {count}" for verdict, count in self.summary["verdicts"].items())
        return f"<BatchResult {self.summary['procedure']}: {told}>"
