"""Small rasters written for tests, published as the command line does, and a place to check parcels against them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.access.principal import Principal, operator
from layers.checking.answer import Answer
from layers.checking.replay import Replay, replay
from layers.checking.request import ByGeometry, CheckRequest, parse_parcel
from layers.checking.run import check
from layers.profile.grammar import LayerDefinition
from layers.profile.load import load_profile
from layers.publishing import revisions
from layers.publishing.options import PublishOptions
from layers.publishing.publication import OnStep, no_step
from layers.publishing.raster_publication import ConfirmRaster, publish_raster, yes
from layers.publishing.raster_report import RasterReport
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database

from .checked import finding, geojson
from .published import EAST, NORTH, Publisher, apply_profile, box

PROFILE = Path(__file__).resolve().parents[1] / "profiles" / "rasters"
OPERATOR = operator("tester")
CELL_M = 10.0
Cells = NDArray[Any]


def definition(layer: str) -> LayerDefinition:
    found = load_profile(PROFILE).layer(layer)
    assert found is not None
    return found


def write_raster(
    path: Path, cells: Cells, *, west: float = EAST, north: float = NORTH + 100, cell: float = CELL_M,
    crs: str | None = "EPSG:9210", nodata: float | None = None, transform: tuple[float, ...] | None = None,
    **more: Any,
) -> Path:  # fmt: skip
    """A GeoTIFF whose upper left corner is 100 m north of the middle; `cells` may have bands in front."""
    import rasterio
    from rasterio.transform import Affine

    bands = cells if cells.ndim == 3 else cells[None]
    place = Affine(*transform) if transform else Affine(cell, 0, west, 0, -cell, north)
    profile = {
        "driver": "GTiff", "width": bands.shape[2], "height": bands.shape[1], "count": len(bands),
        "dtype": bands.dtype.name, "transform": place, "nodata": nodata, **more,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile | ({"crs": crs} if crs else {})) as opened:
        opened.write(bands)
    return path


def depths(rows: int = 10, columns: int = 10) -> Cells:
    """Dry in the west half, 0.3 m in the next three columns, 1 m in the rest."""
    cells = np.zeros((rows, columns), dtype=np.float32)
    cells[:, 5:8], cells[:, 8:] = 0.3, 1.0
    return cells


def parcel(number: int, west: float, south: float, width: float, height: float, **more: object) -> dict[str, Any]:
    return {"ma_xa": "25747", "so_to": "1", "so_thua": str(number), "geom": box(west, south, width, height), **more}


PARCELS = [
    parcel(1, 5, 5, 20, 20),
    parcel(2, 45, 20, 20, 10),
    parcel(3, 60, 20, 40, 30),
    parcel(4, 90, 50, 30, 10),
    parcel(5, 500, 0, 10, 10),
    parcel(6, 52, 52, 3, 2),
    parcel(7, 40, 70, 9.5, 10, sai_so=1.0),
]


def fill(url: str) -> None:
    """The profile and its parcels: no raster is published."""
    publisher = Publisher.of(url, "rasters")
    apply_profile(url, publisher.profile)
    publisher.publish("commune", [{"ma_xa": "25747", "geom": box(-1000, -1000, 2000, 2000)}])
    publisher.publish("parcel", PARCELS)


@dataclass
class RasterPlace:
    """A database of a test's own, with a folder of raster files."""

    url: str
    files: Path

    @property
    def folder(self) -> Path:
        return self.files / "rasters"

    def ask(self, body: Callable[[Database, Catalogue], Any]) -> Any:
        async def run() -> Any:
            async with Database.open(self.url, size=3, rasters=self.folder) as database:
                async with database.connection() as connection:
                    catalogue = await load_catalogue(connection)
                return await body(database, catalogue)

        return anyio.run(run)

    def write(self, name: str, cells: Cells, **more: Any) -> Path:
        return write_raster(self.files / f"{name}.tif", cells, **more)

    def publish(
        self, path: Path, layer: str = "depth", *, on_step: OnStep = no_step, principal: Principal = OPERATOR,
        confirm: ConfirmRaster = yes, **options: Any,
    ) -> RasterReport:  # fmt: skip
        async def body(database: Database, catalogue: Catalogue) -> RasterReport:
            return await publish_raster(
                database, catalogue, path, layer, PublishOptions(**options), principal=principal, on_step=on_step,
                confirm=confirm,
            )  # fmt: skip

        found: RasterReport = self.ask(body)
        return found

    def publish_cells(self, cells: Cells, layer: str = "depth", *, nodata: float | None = None, **options: Any) -> Any:
        return self.publish(self.write(layer, cells, nodata=nodata), layer, **options)

    def change(self, name: str, *arguments: Any, **more: Any) -> Any:
        """Call a function of `revisions`."""
        return self.ask(lambda database, catalogue: getattr(revisions, name)(database, catalogue, *arguments, **more))

    def check(self, subject: int | shapely.Geometry, *, principal: Principal = OPERATOR, **more: Any) -> Answer:
        query = parse_parcel(f"25747/1/{subject}") if isinstance(subject, int) else ByGeometry(geojson(subject))
        request = CheckRequest("flood", query, {}, **more)
        found: Answer = self.ask(lambda database, catalogue: check(database, catalogue, request, principal))
        return found

    def finding(self, subject: int | shapely.Geometry, name: str = "any_depth", **more: Any) -> dict[str, Any]:
        return finding(self.check(subject, **more), name)

    def replay(self, record_id: str) -> Replay:
        found: Replay = self.ask(lambda database, _: replay(database, record_id))
        return found

    def files_of(self, layer: str = "depth") -> list[Path]:
        return sorted((self.folder / layer).glob("*.tif"))


def areas(found: Mapping[str, Any]) -> dict[str, float]:
    """Area by class of all that occurs, hits and drops alike."""
    return {each["key"]: each["area_m2"] for each in (*found["features"], *found["dropped"])}
