"""Exported layers, read back near a partition: row groups of pieces lie along a curve, so that only a few are opened.

Files never change while a batch runs; what is small or needed again is kept open by the process that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from gis.candidates import COUNTS, Distances
from gis.coverage import Ground

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BOX = ("xmin", "ymin", "xmax", "ymax")
ROW_GROUP = 4_096
_KEPT_OPEN = 128
#: pairs of boxes that are compared sooner than a tree is built
_COMPARED_ONE_BY_ONE = 400_000
#: pieces of a layer that a process keeps in memory rather than read them for each partition
_KEPT_PIECES = 50_000


@dataclass(frozen=True, slots=True)
class Near:
    """Pieces of a zone near a box."""

    feature: Integers
    geometry: Objects


class PieceFile:
    """The pieces of a layer: zone, feature, box, geometry (WKB). A small one is read once and kept."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, memory_map=True)
        self._groups = self._read_boxes()
        self._kept: dict[int, tuple[Near, Floats]] = {}

    def meeting(self, zone: int, boxes: Floats) -> tuple[Integers, Integers, Near]:
        """Pairs (box, piece) of the zone whose boxes meet, and the pieces."""
        if self._file.metadata.num_rows > _KEPT_PIECES:
            near = self._near(zone, around(boxes))
            return *meeting(shapely.bounds(near.geometry), boxes), near
        if zone not in self._kept:
            near = self._near(zone, np.array([-np.inf, -np.inf, np.inf, np.inf]))
            self._kept[zone] = (near, np.asarray(shapely.bounds(near.geometry)))
        near, bounds = self._kept[zone]
        return *meeting(bounds, boxes), near

    def _near(self, zone: int, box: Floats) -> Near:
        """Pieces of the zone whose box meets this one; only row groups that may hold some are opened."""
        low_zone, high_zone, xmin, ymin, xmax, ymax = self._groups.T
        meets = (low_zone <= zone) & (high_zone >= zone)
        meets &= (xmin <= box[2]) & (xmax >= box[0]) & (ymin <= box[3]) & (ymax >= box[1])
        groups = np.flatnonzero(meets).tolist()
        if not groups:
            return Near(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object))
        table = self._file.read_row_groups(groups)
        columns = {name: table[name].to_numpy() for name in ("zone", "feature", *BOX)}
        keep = (columns["zone"] == zone) & (columns["xmin"] <= box[2]) & (columns["xmax"] >= box[0])
        keep &= (columns["ymin"] <= box[3]) & (columns["ymax"] >= box[1])
        found = np.flatnonzero(keep)
        wkb = table["geometry"].take(pa.array(found)).to_numpy()
        return Near(columns["feature"][found].astype(np.int64), np.asarray(shapely.from_wkb(wkb), dtype=object))

    def _read_boxes(self) -> Floats:
        """Of each row group: lowest and highest zone, and the box around all it holds."""
        metadata = self._file.metadata
        place = {metadata.schema.column(i).name: i for i in range(metadata.num_columns)}
        made = np.zeros((metadata.num_row_groups, 6))
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)

            def bounds(name: str) -> tuple[float, float]:
                statistics = group.column(place[name]).statistics  # noqa: B023 - used within the turn
                return float(statistics.min), float(statistics.max)

            made[number] = (
                *bounds("zone"), bounds("xmin")[0], bounds("ymin")[0], bounds("xmax")[1], bounds("ymax")[1],
            )  # fmt: skip
        return made


@dataclass(frozen=True, slots=True)
class Facts:
    """The features of a layer, by position."""

    fid: Integers
    key: pa.Array  #: the key, else the fid as text
    accuracy_m: Floats
    excluded: Mapping[int, Objects]  #: by the number of the rule
    distances: Mapping[int, Distances]  #: by the number of the rule, of those with terms


@lru_cache(maxsize=_KEPT_OPEN)
def pieces_in(path: Path) -> PieceFile:
    return PieceFile(path)


@lru_cache(maxsize=_KEPT_OPEN)
def facts_in(path: Path) -> Facts:
    table = pq.read_table(path)
    fid = table["fid"].combine_chunks()
    excluded = {
        int(name.removeprefix("excluded_")): _words(table[name])
        for name in table.column_names
        if name.startswith("excluded_")
    }
    key = pc.coalesce(table["key"].combine_chunks(), fid.cast(pa.string()))
    return Facts(fid.to_numpy(), key, table["accuracy_m"].to_numpy(), excluded, _distances_in(table))


def _distances_in(table: pa.Table) -> dict[int, Distances]:
    found = {}
    for name in table.column_names:
        if name.startswith("terms_"):
            told = table[name].combine_chunks()
            found[int(name.removeprefix("terms_"))] = Distances(
                told.field("distance_m").to_numpy(),
                told.field("offset_m").to_numpy(),
                told.field("nearer_m").to_numpy(),
                told.field("farther_m").to_numpy(),
                told.field("is_told").to_numpy(zero_copy_only=False),
                np.array(told.field("origin").to_pylist(), dtype=object),
            )
    return found


def _words(column: pa.ChunkedArray) -> Objects:
    """A column of few words, mostly empty, as Python's own strings."""
    made = np.full(len(column), COUNTS, dtype=object)
    filled = np.flatnonzero(pc.not_equal(column, COUNTS).to_numpy(zero_copy_only=False))
    made[filled] = column.take(pa.array(filled)).to_pylist()
    return made


@lru_cache(maxsize=_KEPT_OPEN)
def entries_in(path: Path) -> Mapping[str, Sequence[int]]:
    """Entries of a register by the parcel they name."""
    table = pq.read_table(path)
    found: dict[str, list[int]] = {}
    for ref, feature in zip(table["ref"].to_pylist(), table["feature"].to_pylist(), strict=True):
        found.setdefault(ref, []).append(feature)
    return found


@dataclass(frozen=True, slots=True)
class MappedGround:
    """What a layer claims to have mapped, and what was refused, in one zone."""

    everywhere: bool
    areas: Objects
    refused: Objects

    def around(self, boxes: Floats) -> tuple[Ground, Ground]:
        """Areas and refused shapes that meet each box."""
        return _ground(self.areas, boxes), _ground(self.refused, boxes)


def _ground(shapes: Objects, boxes: Floats) -> Ground:
    box, shape = meeting(np.asarray(shapely.bounds(shapes)).reshape(-1, 4), boxes)
    return Ground(box, shapes[shape])


def meeting(bounds: Floats, boxes: Floats) -> tuple[Integers, Integers]:
    """Pairs (box, shape) whose boxes meet, by box and shape; a box of nothing (NaN) meets nothing. `bounds` are those
    of the shapes: most layers have a few among thousands of subjects, for which no tree is worth its while."""
    known = np.flatnonzero(~np.isnan(boxes).any(axis=1))
    near = np.flatnonzero(_overlap(bounds, around(boxes)))
    if not len(near) or not len(known):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if len(near) * len(known) <= _COMPARED_ONE_BY_ONE:
        found, asking = np.nonzero(_overlap(bounds[near][:, None], boxes[known][None]))
        box, shape = known[asking], near[found]
    else:
        asking, found = shapely.STRtree(_diagonals(bounds[near])).query(_diagonals(boxes[known]))
        box, shape = known[asking], near[found]
    order = np.lexsort((shape, box))  # a tree has no order of its own; sums of floats depend on it
    return box[order].astype(np.int64), shape[order].astype(np.int64)


def _overlap(one: Floats, other: Floats) -> NDArray[np.bool_]:
    meets = (one[..., 0] <= other[..., 2]) & (one[..., 2] >= other[..., 0])
    return np.asarray(meets & (one[..., 1] <= other[..., 3]) & (one[..., 3] >= other[..., 1]), dtype=bool)


def _diagonals(boxes: Floats) -> Objects:
    """Lines with the same boxes, made in a third of the time of rectangles."""
    return np.asarray(shapely.linestrings(boxes.reshape(-1, 2, 2)), dtype=object)


def around(boxes: Floats) -> Floats:
    """The box around all boxes; of empty subjects there are none."""
    known = boxes[~np.isnan(boxes).any(axis=1)]
    if not len(known):
        return np.array([np.inf, np.inf, -np.inf, -np.inf])
    return np.concatenate([known[:, :2].min(axis=0), known[:, 2:].max(axis=0)])


@lru_cache(maxsize=_KEPT_OPEN)
def mapped_in(path: Path, zone: int) -> MappedGround:
    table = pq.read_table(path)
    kind = np.array(table["kind"].to_pylist(), dtype=object)
    here = np.array(table["zone"].to_pylist(), dtype=object) == zone

    def shapes(wanted: str) -> Objects:
        wkb = table["geometry"].take(pa.array(np.flatnonzero((kind == wanted) & here))).to_pylist()
        return np.asarray(shapely.from_wkb(np.array(wkb, dtype=object)), dtype=object)

    return MappedGround(bool((kind == "everywhere").any()), shapes("area"), shapes("refused"))
