"""A pasted table of vertices as ground: rings, polygon, edge lengths, area, and what does not fit together.

Nothing is repaired here: a closing point and a point written twice in a row are left out and told; whatever else is
wrong raises. Coordinates inside are (east, north) like everywhere else; tables write X for north and Y for east.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from .coordinate_system import System
from .coordinate_text import CoordinatesError, Row, Rows, rows_of
from .errors import Message

Floats = NDArray[np.float64]
Axes = Literal["north_east", "east_north"]

#: points closer than this are one point: tables are written to the millimetre at best
SAME_POINT_M = 0.0005
SAME_POINT_DEGREES = 5e-9
#: a closing point this near was measured twice; farther away it is another ring's or a slip
NEAR_START_M = 0.05
#: an edge length beside the table may be rounded; beyond this one of the two is wrong
EDGE_TOLERANCE_M = 0.05
#: warnings told one by one
MOST_WARNINGS = 20
#: corners of a ring whose fault is looked for
_MOST_EXPLAINED = 20_000
_ORDER = re.compile(r"\D*(\d+)\D*")


@dataclass(frozen=True, slots=True)
class Ring:
    """Points in their order, the closing one left out. `xy` as written: (n, 2), X first.

    `edge_m` are the lengths written beside the points, NaN where none is: from each point to the next.
    """

    numbers: tuple[str, ...]
    xy: Floats
    edge_m: Floats

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that does not fit and changes nothing; `code` is stable."""

    code: str
    message: Message

    def as_dict(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message.as_dict()}


@dataclass(frozen=True, slots=True)
class Table:
    """What was written: rings of numbered points, whichever system they are in."""

    rings: tuple[Ring, ...]
    has_degrees: bool = False
    names_axes: bool = False
    system: System = field(default_factory=System)
    warnings: tuple[Warned, ...] = ()
    joined: Table | None = None  #: read across empty lines that may be page breaks; None where they are none

    @property
    def count(self) -> int:
        return sum(map(len, self.rings))

    def points(self, axes: Axes = "north_east") -> list[dict[str, object]]:
        """The points as a request sends them: X north, Y east, rings by number."""
        order = (0, 1) if axes == "north_east" else (1, 0)
        return [
            {"number": number, "x": float(point[order[0]]), "y": float(point[order[1]]), "ring": index}
            for index, ring in enumerate(self.rings)
            for number, point in zip(ring.numbers, ring.xy, strict=True)
        ]

    @property
    def has_lengths(self) -> bool:
        return any(not np.isnan(ring.edge_m).all() for ring in self.rings)

    def columns(self) -> dict[str, object]:
        """The points as a record keeps them: north first, one list a column, the rings by their sizes."""
        xy = np.concatenate([ring.xy for ring in self.rings])
        return {
            "rings": [len(ring) for ring in self.rings],
            "numbers": [number for ring in self.rings for number in ring.numbers],
            "x": xy[:, 0].tolist(),
            "y": xy[:, 1].tolist(),
        }

    def moved(self, move: Callable[[Floats], Floats]) -> Table:
        """The same points with other coordinates: `move` takes and gives (n, 2)."""
        return replace(self, rings=tuple(replace(ring, xy=np.asarray(move(ring.xy))) for ring in self.rings))

    def by_number(self) -> Table | None:
        """The points of each ring in the order of their numbers; None where these give no order."""
        rings = [_by_number(ring) for ring in self.rings]
        return replace(self, rings=tuple(ring for ring in rings if ring)) if all(rings) else None


@dataclass(frozen=True, slots=True)
class Edge:
    """One side of the ground, from a point to the next; lengths in metres on the grid."""

    ring: int
    start: str
    end: str
    length_m: float
    written_m: float | None


def table_of(text: str) -> Table:
    """The rings of a pasted text. Raises CoordinatesError."""
    found = rows_of(text)
    same = SAME_POINT_DEGREES if found.has_degrees else SAME_POINT_M
    blocks = _blocks(found.rows)
    whole = [found.rows] if any(len(_distinct(block, same)) < 3 for block in blocks) else blocks
    made = _table(whole, same, found)
    joined = _joined(whole, same)
    return made if len(joined) == len(whole) else replace(made, joined=_table(joined, same, found))


def _table(blocks: Sequence[Sequence[Row]], same: float, found: Rows) -> Table:
    warnings: list[Warned] = []
    rings = [ring for block in blocks for ring in _rings(block, same, warnings)]
    return Table(_sound(rings), found.has_degrees, found.names_axes, found.system, _first(warnings))


def table_of_points(points: Iterable[Mapping[str, object]]) -> Table:
    """The rings of points as a request sends them: number, x (north), y (east), ring. Raises CoordinatesError."""
    rows = [
        Row(place, int(str(point.get("ring") or 0)), str(point.get("number") or ""), float(str(point["x"])),
            float(str(point["y"])))
        for place, point in enumerate(points, start=1)
    ]  # fmt: skip
    if not rows or not all(np.isfinite((row.first, row.second)).all() for row in rows):
        raise CoordinatesError("no_points", "Cần ít nhất ba điểm có tọa độ.", "At least three points are needed.")
    first, second = np.array([(row.first, row.second) for row in rows]).T
    has_degrees = bool((np.abs(first) <= 180).all() and (np.abs(second) <= 180).all())
    same = SAME_POINT_DEGREES if has_degrees else SAME_POINT_M
    warnings: list[Warned] = []
    rings = [ring for block in _blocks(rows) for ring in _rings(block, same, warnings)]
    return Table(_sound(rings), has_degrees, warnings=_first(warnings))


def table_of_columns(kept: Mapping[str, Sequence[object]], *, has_degrees: bool) -> Table:
    """What `Table.columns` keeps, as it was."""
    xy = np.column_stack([np.array(kept["x"], dtype=np.float64), np.array(kept["y"], dtype=np.float64)])
    ends = np.cumsum(np.array(kept["rings"], dtype=np.int64))
    numbers = [str(number) for number in kept["numbers"]]
    rings = [
        Ring(tuple(numbers[start:end]), xy[start:end], np.full(end - start, np.nan))
        for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
    ]
    return Table(tuple(rings), has_degrees)


# ── rings ────────────────────────────────────────────────────────────────────────────────────────


def _blocks(rows: Sequence[Row]) -> list[Sequence[Row]]:
    starts = [place for place, row in enumerate(rows) if place == 0 or row.group != rows[place - 1].group]
    return [rows[start:end] for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]


def _joined(blocks: Sequence[Sequence[Row]], same: float) -> list[Sequence[Row]]:
    """The blocks with those put together that an empty line may have cut: the first is not closed, the numbers run on,
    and neither lies inside another block."""
    doubtful = [place for place in range(1, len(blocks)) if _may_run_on(blocks[place - 1], blocks[place], same)]
    inside = _inside_another(blocks) if doubtful else frozenset()
    made: list[Sequence[Row]] = [*blocks[:1]]
    for place, block in enumerate(blocks[1:], start=1):
        if place in doubtful and not {place - 1, place} & inside:
            made[-1] = [*made[-1], *block]
        else:
            made.append(block)
    return made


def _may_run_on(before: Sequence[Row], after: Sequence[Row], same: float) -> bool:
    near = NEAR_START_M if same == SAME_POINT_M else same
    if any(_closes((row,), before[-1], same, near) for row in before[:-3]):
        return False
    last, first = _ORDER.fullmatch(before[-1].number), _ORDER.fullmatch(after[0].number)
    return last is None or first is None or int(first[1]) > int(last[1])


def _inside_another(blocks: Sequence[Sequence[Row]]) -> frozenset[int]:
    polygons = [shapely.Polygon([(row.first, row.second) for row in block]) for block in blocks]
    sound = [place for place, polygon in enumerate(polygons) if _is_valid(polygon)]
    kept = [polygons[place] for place in sound]
    within, around = shapely.STRtree(kept).query(kept, predicate="within")
    return frozenset(sound[place] for place in within[within != around].tolist())


def _distinct(rows: Sequence[Row], same: float) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        if not any(_apart(row, other) <= same for other in kept[:3]):
            kept.append(row)
        if len(kept) >= 3:
            break
    return kept


def _apart(one: Row, other: Row) -> float:
    return max(abs(one.first - other.first), abs(one.second - other.second))


def _rings(rows: Sequence[Row], same: float, warnings: list[Warned]) -> list[Ring]:
    """A point that repeats the start closes a ring; a start's number that comes again elsewhere begins another."""
    rings: list[Ring] = []
    open_: list[Row] = []
    near = NEAR_START_M if same == SAME_POINT_M else same
    for place, row in enumerate(rows):
        if len(open_) >= 3 and _closes(open_, row, same, near):
            if _apart(open_[0], row) > same:
                warnings.append(_not_quite_closed(open_[0], row))
            rings.append(_ring(open_))
            open_ = []
            continue
        if len(open_) >= 3 and row.number and row.number == open_[0].number:
            if len(rows) - place < 3:
                raise _unclosed(open_[0], row)
            rings.append(_ring(open_))
            open_ = []
        if open_ and _apart(open_[-1], row) <= same:
            warnings.append(_twice(open_[-1], row))
            continue
        open_.append(row)
    if open_:
        if len(open_) < 3:
            raise CoordinatesError(
                "too_few_points", f"Vòng bắt đầu ở điểm {_named(open_[0])} có dưới ba điểm.",
                f"The ring that begins at point {_named(open_[0])} has fewer than three points.",
            )  # fmt: skip
        rings.append(_ring(open_))
    return rings


def _closes(open_: Sequence[Row], row: Row, same: float, near: float) -> bool:
    start = open_[0]
    return _apart(start, row) <= (near if row.number and row.number == start.number else same)


def _ring(rows: Sequence[Row]) -> Ring:
    beside = np.array([np.nan if row.edge_m is None else row.edge_m for row in rows])
    below = np.array([np.nan if row.edge_below_m is None else row.edge_below_m for row in rows])
    written = np.where(np.isnan(below), beside, below)
    if len(rows) > 1 and np.isnan(beside[0]) and not np.isnan(beside[1:]).any():
        written = np.roll(beside, -1)  # the length stands at the end of its edge
    return Ring(tuple(row.number for row in rows), np.array([(row.first, row.second) for row in rows]), written)


def _sound(rings: Sequence[Ring]) -> tuple[Ring, ...]:
    if not rings:
        raise CoordinatesError("no_points", "Cần ít nhất ba điểm có tọa độ.", "At least three points are needed.")
    return tuple(
        ring if all(ring.numbers) else replace(ring, numbers=tuple(str(n) for n in range(1, len(ring) + 1)))
        for ring in rings
    )


def _by_number(ring: Ring) -> Ring | None:
    found = [_ORDER.fullmatch(number) for number in ring.numbers]
    values = [int(match[1]) for match in found if match]
    if len(set(values)) != len(ring):
        return None
    order = np.argsort(values, kind="stable")
    no_edges = np.full(len(ring), np.nan)  # lengths belong to neighbours as they were written
    return Ring(tuple(ring.numbers[place] for place in order), ring.xy[order], no_edges)


# ── ground ───────────────────────────────────────────────────────────────────────────────────────


def polygon_of(table: Table, axes: Axes = "north_east") -> BaseGeometry:
    """The ground in (east, north): a ring inside another is a hole, one outside a part.

    Raises CoordinatesError naming the points of a ring that crosses or touches itself, and rings that cross.
    """
    polygons = [shapely.Polygon(_east_north(ring, axes)) for ring in table.rings]
    for ring, polygon in zip(table.rings, polygons, strict=True):
        _require_simple(ring, polygon, axes)
    made = polygons[0] if len(polygons) == 1 else _assembled(polygons)
    if not _is_valid(made) or made.area <= 0:
        raise _crossing_rings()
    return made


def edges_of(
    table: Table, to_metres: Callable[[Floats], Floats] | None = None, axes: Axes = "north_east"
) -> list[Edge]:
    """All edges with their lengths; `to_metres` moves (n, 2) of (east, north) to metres where they are none."""
    found: list[Edge] = []
    for index, ring in enumerate(table.rings):
        xy = _east_north(ring, axes)
        metres = to_metres(xy) if to_metres else xy
        lengths = np.hypot(*(np.roll(metres, -1, axis=0) - metres).T)
        ends = (*ring.numbers[1:], ring.numbers[0])
        written = [None if np.isnan(value) else float(value) for value in ring.edge_m]
        found += [
            Edge(index, *each)
            for each in zip(ring.numbers, ends, map(float, lengths), written, strict=True)
        ]  # fmt: skip
    return found


def edge_warnings(edges: Sequence[Edge]) -> tuple[Warned, ...]:
    """Edges whose written length is another than the points give."""
    return _first([
        _wrong_edge(edge)
        for edge in edges
        if edge.written_m is not None and abs(edge.length_m - edge.written_m) > EDGE_TOLERANCE_M
    ])  # fmt: skip


def _east_north(ring: Ring, axes: Axes) -> Floats:
    return ring.xy[:, ::-1] if axes == "north_east" else ring.xy


def _assembled(polygons: Sequence[shapely.Polygon]) -> BaseGeometry:
    """Even depth is ground, odd depth a hole of the ring around it."""
    order = sorted(range(len(polygons)), key=lambda place: -polygons[place].area)
    parent: dict[int, int | None] = {}
    depth: dict[int, int] = {}
    for rank, place in enumerate(order):
        around = [other for other in order[:rank] if _holds(polygons[other], polygons[place])]
        parent[place] = around[-1] if around else None
        depth[place] = len(around)
    shells = [place for place in order if depth[place] % 2 == 0]
    holes = {shell: [h for h in order if depth[h] % 2 == 1 and parent[h] == shell] for shell in shells}
    parts = [
        shapely.Polygon(polygons[shell].exterior, [polygons[hole].exterior for hole in holes[shell]])
        for shell in sorted(shells)
    ]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _holds(outer: BaseGeometry, inner: BaseGeometry) -> bool:
    if shapely.contains(outer, inner):
        return True
    if shapely.relate_pattern(outer, inner, "T********"):
        raise _crossing_rings()
    return False


def _require_simple(ring: Ring, polygon: BaseGeometry, axes: Axes) -> None:
    if _is_valid(polygon) and polygon.area > 0:
        return
    reason = shapely.is_valid_reason(polygon) if len(ring) < _MOST_EXPLAINED else ""
    place = re.search(r"\[(\S+) (\S+)\]", reason)
    edge = _edge_at(ring, axes, (float(place[1]), float(place[2]))) if place else None
    at = (f" gần cạnh {edge}", f" near edge {edge}") if edge else ("", "")
    raise CoordinatesError(
        "crossing", f"Ranh giới tự cắt hoặc chạm chính nó{at[0]}. Kiểm tra thứ tự và tọa độ các điểm.",
        f"The boundary crosses or touches itself{at[1]}. Check the order and the coordinates of the points.",
    )  # fmt: skip


def _is_valid(shape: BaseGeometry) -> bool:
    """Asked as an array of one: of single shapes GEOS tells without letting other threads run."""
    one = np.empty(1, dtype=object)
    one[0] = shape
    return bool(shapely.is_valid(one)[0])


def _edge_at(ring: Ring, axes: Axes, place: tuple[float, float]) -> str | None:
    xy = _east_north(ring, axes)
    lines = shapely.linestrings(np.stack([xy, np.roll(xy, -1, axis=0)], axis=1))
    nearest = int(np.argmin(shapely.distance(lines, shapely.Point(place))))
    return f"{ring.numbers[nearest]}–{(*ring.numbers[1:], ring.numbers[0])[nearest]}"


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def _named(row: Row) -> str:
    return row.number or f"(dòng {row.line})"


def _metres(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def _twice(before: Row, row: Row) -> Warned:
    pair = f"{_named(before)}, {_named(row)}"
    return Warned("duplicate_point", Message(f"Điểm {pair} trùng tọa độ: chỉ tính một điểm.",
                                             f"Points {pair} are at the same place and count as one."))  # fmt: skip


def _not_quite_closed(start: Row, row: Row) -> Warned:
    name, off = _named(row), f"{_apart(start, row) * 1000:.0f} mm"
    return Warned("closing_point", Message(
        f"Điểm khép {name} lệch {off} so với điểm đầu; lấy theo điểm đầu.",
        f"The closing point {name} is {off} off the first; the first counts."))  # fmt: skip


def _unclosed(start: Row, row: Row) -> CoordinatesError:
    name, off = _named(row), _apart(start, row)
    return CoordinatesError(
        "closing_point",
        f"Điểm {name} (dòng {row.line}) mang số hiệu điểm đầu nhưng lệch {_metres(off)} m. Sửa hoặc bỏ dòng này.",
        f"Point {name} (line {row.line}) has the first point's number and lies {off:.2f} m away from it. "
        "Correct it or leave the line out.",
    )


def _wrong_edge(edge: Edge) -> Warned:
    name, written = f"{edge.start}–{edge.end}", edge.written_m or 0.0
    return Warned("edge_length", Message(
        f"Cạnh {name} ghi {_metres(written)} m nhưng tính từ tọa độ là {_metres(edge.length_m)} m.",
        f"Edge {name} is written as {written:.2f} m, but the coordinates give {edge.length_m:.2f} m."))  # fmt: skip


def _crossing_rings() -> CoordinatesError:
    return CoordinatesError(
        "crossing_rings", "Các vòng của khu đất cắt hoặc chồng lên nhau. Kiểm tra lại từng vòng.",
        "Rings of the ground cross or overlap each other. Check each ring.",
    )  # fmt: skip


def _first(warnings: Sequence[Warned]) -> tuple[Warned, ...]:
    rest = len(warnings) - MOST_WARNINGS
    more = Warned("more", Message(f"và {rest} cảnh báo khác", f"and {rest} more warnings"))
    return (*warnings[:MOST_WARNINGS], more) if rest > 0 else tuple(warnings)


__all__ = [
    "Axes", "CoordinatesError", "Edge", "Ring", "Table", "Warned",
    "edge_warnings", "edges_of", "polygon_of", "table_of", "table_of_columns", "table_of_points",
]  # fmt: skip
