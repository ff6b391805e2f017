"""Cells of one raster file: opened by its hash, read around shapes, and counted exactly by class.

A file that is missing, is not what its name says, or cannot be read gives no answer: RasterError with the reason.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.rasters import MISSING, Codes, ValueClass, classified
from layers.errors import StoreError
from layers.store.raster_files import sha256_of
from layers.store.stored_raster import StoredRaster

from .covered import covered_cells

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: shapes whose cells are read together; a multiple of the file's blocks
_TOGETHER = 512 * 512
#: a shape over more cells is cut into tiles of this side
_TILE = 256
#: a shape with more corners is cut up too: no call of exactextract may hold the interpreter for long
_MANY_CORNERS = 4_000
#: as many shapes at most are looked at to see which lie together
_NEIGHBOURS = 4_096
#: no class lies alone
SEVERAL = -1
#: more cells under one subject are not counted
MOST_CELLS = 60_000_000
_OPEN_FILES = 4


class RasterError(StoreError):
    """A raster that could not be read for a check; `reason` is a code of `reasons`."""

    code = "raster"

    def __init__(self, reason: str) -> None:
        super().__init__("Không đọc được ảnh để kiểm tra.", "A raster could not be read for the check.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RasterFile:
    """A file with what its row says of it."""

    path: Path
    row: StoredRaster


class CellReader:
    """Counts the cells of one file under shapes given in columns and rows. For one thread."""

    def __init__(self, file: RasterFile, classes: Sequence[ValueClass], deadline: float | None = None) -> None:
        self.row, self.classes, self.deadline = file.row, tuple(classes), deadline
        self._dataset = _opened(file)

    def covered(self, shapes: Geometries) -> Floats:
        """Cells each shape covers (n, classes + 1), in the order of the classes, last those without a value."""
        found = np.zeros((len(shapes), len(self.classes) + 1))
        windows = _windows(shapely.bounds(shapes))
        is_large = _are_large(shapely.get_num_coordinates(shapes).astype(np.int64), windows)
        for place in np.flatnonzero(is_large).tolist():
            found[place] = self._of_large(shapes[place], windows[place])
        for together in _runs(windows, np.flatnonzero(~is_large)):
            self._check_time()
            found[together] = self._of_some(shapes[together], windows[together])
        return found

    def classes_around(self, boxes: Floats, corners: Integers) -> Integers:
        """The place of the class that lies alone in each box, given in columns and rows, of a shape with so many
        corners; SEVERAL where it is not alone, or where the shape is so large that nobody looks."""
        windows = _windows(boxes)
        found = np.full(len(boxes), SEVERAL, dtype=np.int64)
        for together in _runs(windows, (~_are_large(corners, windows)).nonzero()[0]):
            self._check_time()
            codes, there = self._codes_under(windows[together])
            alone = ((there[:, 2:] > there[:, :2]).all(axis=1) & (_changes_in(codes, there) == 0)).nonzero()[0]
            found[together[alone]] = codes[there[alone, 0], there[alone, 1]] % (len(self.classes) + 1)
        return found

    def _codes_under(self, windows: Integers) -> tuple[Codes, Integers]:
        """One reading under all windows, and where in it each lies."""
        row, column = windows[:, :2].min(axis=0).tolist()
        end_row, end_column = windows[:, 2:].max(axis=0).tolist()
        return self._codes(row, column, end_row, end_column), windows - np.array([row, column, row, column])

    def _of_some(self, shapes: Geometries, windows: NDArray[np.int64]) -> Floats:
        """Small shapes near each other: one reading, and only those over cells of several classes are measured."""
        codes, there = self._codes_under(windows)
        found = np.zeros((len(shapes), len(self.classes) + 1))
        has_cells = (there[:, 2:] > there[:, :2]).all(axis=1)
        changes = _changes_in(codes, there)
        of_one = np.flatnonzero(has_cells & (changes == 0))
        found[of_one, codes[there[of_one, 0], there[of_one, 1]]] = shapely.area(shapes[of_one])
        mixed = np.flatnonzero(has_cells & (changes > 0))
        if len(mixed):
            row, column = windows[:, :2].min(axis=0).tolist()
            found[mixed] = covered_cells(codes, row, column, shapes[mixed], len(self.classes))
        return found

    def _of_large(self, shape: Any, window: NDArray[np.int64]) -> Floats:
        """Tile by tile: tiles inside are counted whole, those at the edge are cut out of the shape."""
        if _cells(window) > MOST_CELLS:
            raise RasterError("raster_too_large")
        found = np.zeros(len(self.classes) + 1)
        shapely.prepare(shape)
        for top, left, bottom, right in _tiles(window):
            self._check_time()
            tile = shapely.box(left, -bottom, right, -top)
            if not shapely.intersects(shape, tile):
                continue
            codes = self._codes(top, left, bottom, right)
            if shapely.contains_properly(shape, tile):
                found += np.bincount(codes.ravel() % len(found), minlength=len(found))
                continue
            part = np.array([_areas_only(shapely.intersection(shape, tile))], dtype=object)
            if not shapely.is_empty(part[0]):
                found += covered_cells(codes, top, left, part, len(self.classes))[0]
        return found

    def _check_time(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise RasterError("timeout")

    def _codes(self, top: int, left: int, bottom: int, right: int) -> Codes:
        """Places of classes, MISSING where there is no value or no cell."""
        codes = np.full((bottom - top, right - left), MISSING, dtype=np.int16)
        rows, columns = (max(top, 0), min(bottom, self.row.height)), (max(left, 0), min(right, self.row.width))
        if rows[0] < rows[1] and columns[0] < columns[1]:
            values = self._values(rows, columns)
            part = codes[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
            part[:] = classified(values, self.row.nodata, self.classes)
        return codes

    def _values(self, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[Any]:
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        window = Window(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
        try:
            found: NDArray[Any] = self._dataset.read(1, window=window)
        except (RasterioError, OSError) as error:
            raise RasterError("raster_damaged") from error
        return found


def _changes_in(codes: Codes, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many neighbouring cells differ inside each window (top, left, bottom, right): 0 where it holds one class."""
    if len(windows) == 1:  # sums over rows and columns are worth their while for many windows only
        return _changes_in_one(codes, windows)
    top, left, bottom, right = windows.T
    across = _summed(codes[:, 1:] != codes[:, :-1])
    down = _summed(codes[1:] != codes[:-1])
    return _in_boxes(across, top, left, bottom, right - 1) + _in_boxes(down, top, left, bottom - 1, right)


def _changes_in_one(codes: Codes, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    top, left, bottom, right = windows[0].tolist()
    inside = codes[top:bottom, left:right]
    across, down = inside[:, 1:] != inside[:, :-1], inside[1:] != inside[:-1]
    return np.array([np.count_nonzero(across) + np.count_nonzero(down)])


def _summed(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Sums over all rows before and columns before, with a row and a column of nothing in front."""
    made = np.zeros((flags.shape[0] + 1, flags.shape[1] + 1), dtype=np.int64)
    np.cumsum(np.cumsum(flags, axis=0), axis=1, out=made[1:, 1:])
    return made


def _in_boxes(summed: NDArray[np.int64], *sides: NDArray[np.int64]) -> NDArray[np.int64]:
    top, left, bottom, right = sides
    bottom, right = np.maximum(bottom, top), np.maximum(right, left)
    return summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]


# ── windows ──────────────────────────────────────────────────────────────────────────────────────
def _windows(boxes: Floats) -> NDArray[np.int64]:
    """First row, first column, and one after the last of each, under each box. Raises RasterError for one that has no
    place."""
    west, south, east, north = boxes.T
    sides = np.empty((len(boxes), 4))
    sides[:, 0], sides[:, 1] = np.floor(-north), np.floor(west)
    sides[:, 2], sides[:, 3] = np.ceil(-south), np.ceil(east)
    if not (np.abs(sides) < 2**40).all():
        raise RasterError("error")
    return sides.astype(np.int64)


def _cells(window: NDArray[np.int64]) -> int:
    return int((window[2] - window[0]) * (window[3] - window[1]))


def _are_large(corners: Integers, windows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Shapes that are taken tile by tile."""
    cells = (windows[:, 2] - windows[:, 0]) * (windows[:, 3] - windows[:, 1])
    has_many_corners = (corners > _MANY_CORNERS) & (cells > _TILE)
    return np.asarray((cells > _TOGETHER) | has_many_corners, dtype=bool)


def _runs(windows: Integers, places: Integers) -> Iterator[Integers]:
    """Neighbours in the given order whose cells together are few."""
    if len(places) == 1:
        yield places
        return
    while len(places):
        some = windows[places[:_NEIGHBOURS]]
        top, left = np.minimum.accumulate(some[:, :2], axis=0).T
        bottom, right = np.maximum.accumulate(some[:, 2:], axis=0).T
        too_many = np.flatnonzero((bottom - top) * (right - left) > _TOGETHER)
        count = max(int(too_many[0]), 1) if len(too_many) else len(some)
        yield places[:count]
        places = places[count:]


def _tiles(window: NDArray[np.int64]) -> Iterator[tuple[int, int, int, int]]:
    top, left, bottom, right = window.tolist()
    for row in range(top - top % _TILE, bottom, _TILE):
        for column in range(left - left % _TILE, right, _TILE):
            yield row, column, row + _TILE, column + _TILE


def _areas_only(shape: Any) -> Any:
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])


# ── files ────────────────────────────────────────────────────────────────────────────────────────
class _Open(threading.local):
    """Datasets of one thread: GDAL's may not be shared."""

    def __init__(self) -> None:
        self.known: OrderedDict[tuple[object, ...], Any] = OrderedDict()


_OPEN = _Open()


def _opened(file: RasterFile) -> Any:
    """The dataset of a file that holds what its name says. Raises RasterError."""
    try:
        found = file.path.stat()
    except OSError as error:
        raise RasterError("raster_missing") from error
    mark = (file.path, found.st_size, found.st_mtime_ns, found.st_ino)
    if not _is_whole(*mark, file.row.sha256):
        raise RasterError("raster_damaged")
    if mark not in _OPEN.known:
        _OPEN.known[mark] = _open(file)
        while len(_OPEN.known) > _OPEN_FILES:
            _OPEN.known.popitem(last=False)[1].close()
    _OPEN.known.move_to_end(mark)
    return _OPEN.known[mark]


def _open(file: RasterFile) -> Any:
    import rasterio
    from rasterio.errors import RasterioError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = rasterio.open(file.path, driver="GTiff")
        except (RasterioError, OSError) as error:
            raise RasterError("raster_damaged") from error
    if (made.width, made.height, made.dtypes[0]) != (file.row.width, file.row.height, file.row.kind):
        made.close()
        raise RasterError("raster_damaged")
    return made


@lru_cache(maxsize=256)
def _is_whole(path: Path, _size: int, _modified_ns: int, _number: int, sha256: str) -> bool:
    """Hashed once a process, and again when the file has another size, time or number."""
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
