"""What the cells of a raster hold: how many of each class, how many without a value, how many of no class at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.rasters import MISSING, ValueClass, classified

Cells = NDArray[Any]

#: cells looked at together
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Cells by what they hold. `strays` have a value of no class; they lie between `least` and `most`."""

    by_class: tuple[int, ...]  #: in the order of the classes
    missing: int
    strays: int = 0
    least: float | None = None
    most: float | None = None

    @property
    def valid(self) -> int:
        return sum(self.by_class)

    @property
    def total(self) -> int:
        return self.valid + self.missing + self.strays


def bands_of(cells: Cells) -> Iterator[slice]:
    """The rows of an array, some at a time."""
    step = max(_AT_ONCE // max(cells.shape[1], 1), 1)
    yield from (slice(start, start + step) for start in range(0, cells.shape[0], step))


def count_cells(cells: Cells, nodata: float | None, classes: Sequence[ValueClass]) -> CellCounts:
    """All cells, counted."""
    by_class, missing, strays = np.zeros(len(classes), dtype=np.int64), 0, 0
    least, most = np.inf, -np.inf
    for rows in bands_of(cells):
        values, times = _tallied(cells[rows])
        codes = classified(values, nodata, classes)
        empty = is_missing(values, nodata)
        stray = (codes == MISSING) & ~empty
        missing += int(times[empty].sum())
        strays += int(times[stray].sum())
        by_class += np.bincount(codes[codes >= 0], times[codes >= 0], minlength=len(classes)).astype(np.int64)
        if stray.any():
            least, most = min(least, float(values[stray].min())), max(most, float(values[stray].max()))
    found = tuple(by_class.tolist())
    return CellCounts(found, missing, strays, *((least, most) if strays else (None, None)))


def _tallied(cells: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """Values and how often each occurs: once each, but of a byte every value only once."""
    flat = np.asarray(cells).ravel()
    if flat.dtype.itemsize > 1:
        return flat, np.ones(len(flat), dtype=np.int64)
    counts = np.bincount(flat.view(np.uint8), minlength=256)
    known = np.flatnonzero(counts).astype(np.uint8)
    return known.view(flat.dtype), counts[known]


def is_missing(values: Cells, nodata: float | None) -> NDArray[np.bool_]:
    """No value: what the file declares as none, and what is no number."""
    empty = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    if nodata is not None and not np.isnan(nodata):
        empty |= values == nodata
    return np.asarray(empty, dtype=bool)
