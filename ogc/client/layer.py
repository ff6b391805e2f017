"""One layer of the service, read page by page into a GeoDataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from ogc.client.downloads import FORMATS, download

if TYPE_CHECKING:
    import folium

    from ogc.client.client import Client

PAGE_SIZE = 10_000
WGS84 = "OGC:CRS84"


class LayerHandle:
    """A layer by id. `to_gdf` reads it, `download` keeps it as a file, `explore` draws it."""

    def __init__(self, client: Client, layer_id: str) -> None:
        self._client = client
        self.id = layer_id

    def info(self) -> dict[str, Any]:
        """The collection's description."""
        answer: dict[str, Any] = self._client.get(f"/collections/{self.id}")
        return answer

    def schema(self) -> pd.DataFrame:
        """The columns the caller may see: name, title, type."""
        properties = self._client.get(f"/collections/{self.id}/schema")["properties"]
        rows = [{"column": n, "title": p.get("title"), "type": p.get("type")} for n, p in properties.items()]
        return pd.DataFrame(rows, columns=["column", "title", "type"]).set_index("column")

    def to_gdf(
        self,
        bbox: Sequence[float] | None = None,
        filter: str | None = None,
        columns: Sequence[str] | None = None,
        as_of: date | datetime | str | None = None,
        *,
        limit: int | None = None,
    ) -> gpd.GeoDataFrame:
        """Features in WGS 84 (lon, lat), indexed by fid.

        `bbox` = (west, south, east, north) in degrees, `filter` = CQL2 text, `columns` = those wanted, `as_of` = what
        the service knew at that instant (a date means the end of that day), `limit` = at most so many features.
        """
        parameters = {**_conditions(bbox, filter, columns, as_of), "limit": min(limit or PAGE_SIZE, PAGE_SIZE)}
        features: list[dict[str, Any]] = []
        for page in self._pages(parameters):
            features += page
            if limit is not None and len(features) >= limit:
                break
        return _frame(features[:limit], columns)

    def download(
        self,
        path: str | Path,
        bbox: Sequence[float] | None = None,
        filter: str | None = None,
        columns: Sequence[str] | None = None,
        as_of: date | datetime | str | None = None,
        *,
        crs: str | None = None,
        as_job: bool = False,
        timeout_s: float | None = None,
    ) -> Path:
        """The layer, or what fulfils the conditions, as a file: .gpkg, .parquet, .fgb, .zip (Shapefile), .dxf, .xlsx,
        .csv or .geojsonl by its name. `crs` as 'EPSG:9210'; large files become a job of the service, waited for."""
        target = Path(path)
        kind = FORMATS.get(target.suffix.lower())
        if kind is None:
            raise ValueError(f"{target.name}: {', '.join(FORMATS)}")
        given = {**_conditions(bbox, filter, columns, as_of), "crs": crs, "f": kind}
        parameters = {name: str(value) for name, value in given.items() if value is not None}
        return download(
            self._client, f"/collections/{self.id}/items", parameters, target, as_job=as_job, timeout_s=timeout_s
        )

    def _pages(self, parameters: dict[str, object]) -> Iterator[list[dict[str, Any]]]:
        """Follow the service's own `next` links to the end."""
        answer = self._client.get(f"/collections/{self.id}/items", **parameters)
        yield answer["features"]
        while following := _link(answer, "next"):
            answer = self._client.get(following)
            yield answer["features"]

    def explore(self, bbox: Sequence[float] | None = None, **options: Any) -> folium.Map:
        """Features on a map whose scripts come from the service itself; options as of `to_gdf`, then of folium."""
        from ogc.client.maps import explore

        reading = {name: options.pop(name) for name in ("filter", "columns", "as_of", "limit") if name in options}
        return explore(self._client, self.to_gdf(bbox, **reading), **options)

    def __repr__(self) -> str:
        return f"<LayerHandle {self.id} of {self._client.url}>"


def _conditions(
    bbox: Sequence[float] | None,
    filter: str | None,
    columns: Sequence[str] | None,
    as_of: date | datetime | str | None,
) -> dict[str, object]:
    return {
        "bbox": None if bbox is None else ",".join(repr(float(value)) for value in bbox),
        "filter": filter,
        "properties": None if columns is None else ",".join(columns),
        "as-of": as_of.isoformat() if isinstance(as_of, date) else as_of,
    }


def _link(answer: dict[str, Any], relation: str) -> str | None:
    return next((link["href"] for link in answer.get("links", ()) if link["rel"] == relation), None)


def _frame(features: list[dict[str, Any]], columns: Sequence[str] | None) -> gpd.GeoDataFrame:
    """GeoJSON features as a GeoDataFrame; no feature gives an empty one of the same kind."""
    if not features:
        return gpd.GeoDataFrame({name: [] for name in columns or ()}, geometry=[], crs=WGS84)
    frame = gpd.GeoDataFrame.from_features(features, crs=WGS84)
    frame.index = pd.Index([feature["id"] for feature in features], name="fid")
    return frame
