"""Rasters of layers: rows that say which file stands from which revision on, and the folder in which the files lie.

A file is named by the SHA-256 of its bytes, put in place whole and never overwritten: what a record used stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from uuid import uuid4

from gis.rasters import Grid
from layers.errors import StoreError

from .connection import Connection, execute, row, rows
from .statements import blocks

_SQL = "rasters"
_DRAFT = ".draft-"
#: nobody publishes that long between a file in place and its row
ORPHAN_AGE_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class StoredRaster:
    """One row of `catalogue.raster`, without its layer and revisions."""

    sha256: str
    size_bytes: int
    crs: str
    west: float
    north: float
    cell_x: float
    cell_y: float
    width: int
    height: int
    kind: str
    nodata: float | None

    @property
    def grid(self) -> Grid:
        return Grid(self.west, self.north, self.cell_x, self.cell_y, self.width, self.height)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> StoredRaster:
        """From a row, or from the JSON of one."""
        return cls(**{name: found[name] for name in _COLUMNS})

    def as_dict(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = tuple(each.name for each in fields(StoredRaster))


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


# ── files ────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file some revision stands on."""

    layer: str
    sha256: str
    size_bytes: int


async def named_files(connection: Connection) -> list[NamedFile]:
    return [NamedFile(**found) for found in await rows(connection, blocks(_SQL)["files"])]


@dataclass(frozen=True, slots=True)
class RasterFolder:
    """Where the files lie: <root>/<layer>/<sha256>.tif."""

    root: Path

    def path(self, layer: str, sha256: str) -> Path:
        return self.root / layer / f"{sha256}.tif"

    @contextmanager
    def draft(self, layer: str) -> Iterator[Path]:
        """A name for a file on its way, in the folder it will lie in; gone afterwards unless it was put in place."""
        folder = self.root / layer
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_DRAFT}{uuid4().hex}.tif"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def put(self, draft: Path, layer: str) -> str:
        """The file in place, on the disk, under its digest; an equal one stays and counts as new for the sweeper."""
        sha256 = sha256_of(draft)
        place = self.path(layer, sha256)
        if place.exists() and place.stat().st_size == draft.stat().st_size and sha256_of(place) == sha256:
            os.utime(place)
            return sha256
        _sync(draft)
        draft.replace(place)  # one that was damaged gives way: its name says what it should hold
        _sync(place.parent)
        return sha256

    def missing(self, files: Iterable[NamedFile]) -> list[NamedFile]:
        """Those that are not there, or not as long as they were."""
        return [each for each in files if _size(self.path(each.layer, each.sha256)) != each.size_bytes]

    def sweep(self, named: Iterable[NamedFile], *, now: float | None = None, age_s: float = ORPHAN_AGE_S) -> int:
        """Remove old files no revision stands on, and old drafts; how many."""
        kept = {self.path(each.layer, each.sha256) for each in named}
        instant, removed = time.time() if now is None else now, 0
        for path in sorted(self.root.glob("*/*.tif")):
            with suppress(FileNotFoundError):
                if path not in kept and instant - path.stat().st_mtime > age_s:
                    path.unlink()
                    removed += 1
        return removed


def folder_of(root: Path | None) -> RasterFolder:
    """Raises StoreError where this process was not told where rasters lie."""
    if root is None:
        raise StoreError(
            "Chưa biết thư mục lưu ảnh (raster). Đặt LIENTHONG_DATA hoặc LIENTHONG_RASTERS.",
            "The folder of rasters is not known. Set LIENTHONG_DATA or LIENTHONG_RASTERS.",
        )
    return RasterFolder(root)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
