"""Rasters of layers: rows that say which file stands from which revision on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .connection import Connection, execute, row, rows
from .raster_files import NamedFile
from .statements import blocks
from .stored_raster import StoredRaster

_SQL = "rasters"


@dataclass(frozen=True, slots=True)
class RasterFigures:
    """What a raster holds as a whole: share of cells with a value, m² of each class by its number."""

    valid_share: float
    areas_m2: Mapping[int, float]


async def replace(
    connection: Connection, layer: str, revision: int, raster: StoredRaster, figures: RasterFigures
) -> None:
    """This raster stands from the revision on. Callers hold the transaction."""
    await close(connection, layer, revision)
    areas = json.dumps({str(number): area for number, area in figures.areas_m2.items()})
    values = {**raster.as_dict(), "layer": layer, "since": revision, "valid_share": figures.valid_share}
    await execute(connection, blocks(_SQL)["insert"], {**values, "areas_m2": areas})


async def close(connection: Connection, layer: str, revision: int) -> int:
    """None stands from the revision on; how many ended."""
    return await execute(connection, blocks(_SQL)["close"], {"layer": layer, "revision": revision})


async def restore(connection: Connection, layer: str, revision: int, old: int) -> None:
    """The raster of an older revision stands again."""
    await close(connection, layer, revision)
    await execute(connection, blocks(_SQL)["restore"], {"layer": layer, "revision": revision, "old": old})


async def raster_at(
    connection: Connection, layer: str, revision: int | None
) -> tuple[StoredRaster, RasterFigures] | None:
    """The raster of a revision (None: now) with its figures; None where there is none."""
    found = await row(connection, blocks(_SQL)["at"], {"layer": layer, "revision": revision})
    if found is None:
        return None
    areas = {int(number): float(area) for number, area in found["areas_m2"].items()}
    return StoredRaster.of(found), RasterFigures(found["valid_share"], areas)


async def named_files(connection: Connection) -> list[NamedFile]:
    return [NamedFile(**found) for found in await rows(connection, blocks(_SQL)["files"])]
