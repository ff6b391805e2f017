"""The raster of the worlds: cells of 50 m over the three wards, a file for each revision, others for other worlds."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from layers.store.stored_raster import StoredRaster
from tests.support.published import EAST, NORTH
from tests.support.rasters import write_raster

LAYER = "wet"
ROWS, COLUMNS, CELL_M, NODATA = 12, 36, 50.0, 9


@dataclass(frozen=True)
class WorldFile:
    """A file by its bytes."""

    body: bytes

    @property
    def row(self) -> StoredRaster:
        sha256 = hashlib.sha256(self.body).hexdigest()
        north = NORTH + ROWS * CELL_M
        return StoredRaster(
            sha256, len(self.body), "EPSG:9210", EAST, north, CELL_M, CELL_M, COLUMNS, ROWS, "uint8", float(NODATA)
        )


@cache
def world_file(seed: int) -> WorldFile:
    """Seeds 1 and 2 are the revisions of the first world."""
    cells = np.random.default_rng(seed).choice([0, 0, 1, 2, NODATA], (ROWS, COLUMNS)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = write_raster(Path(folder) / "a.tif", cells, north=NORTH + ROWS * CELL_M, cell=CELL_M, nodata=NODATA)
        return WorldFile(path.read_bytes())


def lay_out(folder: Path, seeds: range = range(1, 6)) -> None:
    """Every file any world stands on, where the service looks for it."""
    (folder / LAYER).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        made = world_file(seed)
        (folder / LAYER / f"{made.row.sha256}.tif").write_bytes(made.body)


def stand_on(connection: psycopg.Connection[Any], revision: int, seed: int, until: int | None) -> None:
    """The layer's file from a revision on."""
    values = {**world_file(seed).row.as_dict(), "layer": LAYER, "since": revision, "until": until}
    connection.execute(
        """INSERT INTO catalogue.raster (layer, since, until, sha256, size_bytes, crs, west, north, cell_x, cell_y,
                                         width, height, kind, nodata, valid_share)
           VALUES (%(layer)s, %(since)s, %(until)s, %(sha256)s, %(size_bytes)s, %(crs)s, %(west)s, %(north)s,
                   %(cell_x)s, %(cell_y)s, %(width)s, %(height)s, %(kind)s, %(nodata)s, 0.8)""",
        values,
    )


def exchange(connection: psycopg.Connection[Any], seeds: tuple[int, int]) -> None:
    """Other files at every revision."""
    for since, seed in enumerate(seeds, 1):
        row = world_file(seed).row
        connection.execute(
            "UPDATE catalogue.raster SET sha256 = %s, size_bytes = %s, valid_share = 0.1"
            " WHERE layer = %s AND since = %s",
            (row.sha256, row.size_bytes, LAYER, since),
        )
