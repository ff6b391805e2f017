"""Where a table of vertices lies, and what was most likely meant where it lies nowhere sensible.

A wrong meridian moves ground by tens of kilometres, swapped axes by hundreds; both still look like a tidy parcel. What
fits after one change is proposed with that change named; nothing is changed without being asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from .coordinate_system import System
from .coordinate_text import CoordinatesError
from .coordinates import Axes, Table, polygon_of
from .crs import WGS84, Projection, crs_named, family_of
from .errors import Message

Floats = NDArray[np.float64]
Extent = tuple[float, float, float, float]  #: west, south, east, north in CRS84

#: borders of a province are not a wall
GROWN_DEGREES = 0.1
#: proposals of one answer
MOST_PROPOSALS = 5
_MILLIMETRES = 1000.0
_SAMPLE = 2_000


@dataclass(frozen=True, slots=True)
class Ground:
    """Where subjects of a profile lie; `zones` are the profile's own systems, storage first."""

    projection: Projection
    zones: tuple[str, ...]
    extent: Extent

    @property
    def geographic(self) -> str:
        """The geographic system under the storage CRS."""
        base = crs_named(self.projection.storage).geodetic_crs
        return ":".join(base.to_authority() or ("EPSG", "4326")) if base else "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Placed:
    """A table with the system and the axes it is read in."""

    table: Table
    crs: str
    axes: Axes = "north_east"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was probably meant: the table with one or two things changed, and why."""

    placed: Placed
    kinds: tuple[str, ...]
    reason: Message

    def coordinates(self) -> dict[str, object]:
        """The `coordinates` of a request that says it so."""
        points = self.placed.table.points() if self.placed.axes == "north_east" else _turned(self.placed.table).points()
        return {"points": points, "crs": self.placed.crs, "axes": "north_east"}


class MisplacedError(CoordinatesError):
    """A table that gives no ground as it stands; `proposals` are ready to be asked again."""

    def __init__(self, kind: str, message: Message, proposals: Sequence[Proposal] = ()) -> None:
        super().__init__(kind, message.vi, message.en)
        self.proposals = tuple(proposals)


def default_crs(table: Table, ground: Ground) -> str:
    """The system a table says itself, else the storage CRS; degrees are those of the storage datum."""
    if table.has_degrees:
        return ground.geographic
    return next(iter(stated_crs(table, ground)), ground.projection.storage)


def stated_crs(table: Table, ground: Ground) -> tuple[str, ...]:
    """The systems of the datum that a table's words mean, 3-degree zones first; none where they say nothing of it."""
    stated = table.system
    if table.has_degrees or (stated.meridian is None and stated.width is None):
        return ()
    found = [name for name in _likely(ground) if _is_as_stated(name, table)]
    return tuple(sorted(found, key=lambda name: (name != ground.projection.storage, _is_utm(name))))


def _is_as_stated(name: str, table: Table) -> bool:
    found, stated = _zone(name), table.system
    if found is None:
        return False
    return stated.meridian in (None, found.meridian) and stated.width in (None, found.width)


def placed(table: Table, crs: str | None, axes: Axes | None, ground: Ground) -> Placed:
    """The table as it is to be read. Raises MisplacedError with proposals, CoordinatesError, CrsError."""
    asked = Placed(replace(table, joined=None), crs or default_crs(table, ground), axes or "north_east")
    crs_named(asked.crs)
    if table.joined is not None:
        readings = [
            *_readings(replace(asked, table=table.joined), ground, "one_ring"),
            *_readings(asked, ground, "parts"),
        ]
        raise MisplacedError("cut_ring", _CUT_RING, readings[:MOST_PROPOSALS])
    if crs is not None and _says_system(table) and _zone(crs) and not _is_as_stated(crs, table):
        raise MisplacedError("meridian", _contradicts(asked), _of_meridian(asked, ground))
    if crs is None and _says_system(table) and not stated_crs(table, ground):
        raise MisplacedError("meridian", _UNKNOWN_MERIDIAN, _of_meridian(asked, ground))
    table = asked.table
    misplaced = _misplaced(asked, ground, is_stated=crs is not None)
    try:
        polygon_of(table, asked.axes)
    except CoordinatesError as error:
        reordered = _reordered(table, asked.axes)
        if reordered is None:
            raise
        raise MisplacedError(
            error.kind, error.message, _changed(replace(asked, table=reordered), ground, "point_order")
        ) from error
    if misplaced is None:
        return asked
    proposals = list(_proposals(asked, ground))[:MOST_PROPOSALS]
    raise MisplacedError(misplaced, _words_of(misplaced, proposals, asked, ground), proposals)


def other_meridians(found: Placed, ground: Ground) -> tuple[str, ...]:
    """Other systems that the table's words allow and in which the same numbers lie in the area too."""
    if found.table.has_degrees:
        return ()
    names = stated_crs(found.table, ground) if _says_system(found.table) else _likely(ground)
    others = (replace(found, crs=name) for name in names if name != found.crs)
    return tuple(other.crs for other in others if _lies_inside(other, ground))


def in_crs84(found: Placed, ground: Ground) -> BaseGeometry:
    return moved(found, "EPSG:4326", ground)


def moved(found: Placed, crs: str, ground: Ground) -> BaseGeometry:
    """The polygon of a table in another system."""
    shape = polygon_of(found.table, found.axes)
    if found.crs == crs:
        return shape
    one = np.empty(1, dtype=object)
    one[0] = shape
    return np.asarray(ground.projection.to_crs(one, found.crs, WGS84 if crs == "EPSG:4326" else crs))[0]  # type: ignore[no-any-return]


# ── inside or not ────────────────────────────────────────────────────────────────────────────────


def _misplaced(asked: Placed, ground: Ground, *, is_stated: bool) -> str | None:
    """Degrees are taken only where their system is stated: VN-2000 and WGS 84 lie 225 m apart."""
    if asked.table.has_degrees and not is_stated:
        return "degrees"
    return None if _lies_inside(asked, ground) else "outside"


def _lies_inside(asked: Placed, ground: Ground) -> bool:
    """Whether all points (of long tables, some evenly drawn) lie in the area."""
    xy = np.concatenate([ring.xy for ring in asked.table.rings])
    xy = xy[:: max(1, len(xy) // _SAMPLE)]
    points = np.asarray(shapely.points(xy[:, ::-1] if asked.axes == "north_east" else xy), dtype=object)
    if asked.crs in ("EPSG:4326", "OGC:CRS84"):
        degrees = shapely.get_coordinates(points)
    else:
        degrees = shapely.get_coordinates(ground.projection.to_crs(points, asked.crs, WGS84))
    west, south, east, north = ground.extent
    low, high = np.array([west, south]) - GROWN_DEGREES, np.array([east, north]) + GROWN_DEGREES
    return bool(np.isfinite(degrees).all() and (degrees >= low).all() and (degrees <= high).all())


# ── what may have been meant ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of how a table is read."""

    kind: str
    placed: Placed


def _proposals(asked: Placed, ground: Ground) -> Iterator[Proposal]:
    """What fits after one change; only where nothing does, what fits after two."""
    once = list(_changes(asked, ground))
    fitting: list[tuple[tuple[str, ...], Placed]] = [
        ((change.kind,), change.placed) for change in once if _lies_inside(change.placed, ground)
    ]
    if asked.table.has_degrees:
        fitting = list(_of_degrees(asked, ground))
    elif not fitting:
        fitting = [
            ((first.kind, second.kind), second.placed)
            for first in once
            for second in _changes(first.placed, ground)
            if second.kind != first.kind and _lies_inside(second.placed, ground)
        ]
    seen: set[tuple[object, ...]] = set()
    for kinds, found in fitting:
        named = (found.crs, tuple(_first_point(found)))
        if named not in seen:
            seen.add(named)
            yield Proposal(found, kinds, _reason(kinds, found))


def _first_point(found: Placed) -> Floats:
    xy = found.table.rings[0].xy[0]
    return np.asarray(xy[::-1] if found.axes == "north_east" else xy)


def _changes(asked: Placed, ground: Ground) -> Iterator[_Change]:
    table = asked.table
    yield _Change("swapped_axes", replace(asked, axes="east_north" if asked.axes == "north_east" else "north_east"))
    for name in _likely(ground):
        if name != asked.crs:
            yield _Change("wrong_meridian" if not _is_utm(name) else "utm", replace(asked, crs=name))
    in_metres = replace(table.moved(lambda xy: xy / _MILLIMETRES), warnings=table.warnings)
    yield _Change("millimetres", replace(asked, table=in_metres))


def _of_degrees(asked: Placed, ground: Ground) -> Iterator[tuple[tuple[str, ...], Placed]]:
    """Degrees in the system of the datum or in WGS 84, latitude first or longitude first."""
    for name in dict.fromkeys((ground.geographic, "EPSG:4326")):
        here = replace(asked, crs=name)
        turned: Axes = "east_north" if asked.axes == "north_east" else "north_east"
        if _lies_inside(here, ground):
            yield ("degrees",), here
        elif _lies_inside(there := replace(here, axes=turned), ground):
            yield ("degrees", "swapped_axes"), there


def _says_system(table: Table) -> bool:
    return not table.has_degrees and (table.system.meridian is not None or table.system.width is not None)


def _of_meridian(asked: Placed, ground: Ground) -> list[Proposal]:
    """The table in every system in which it lies in the area: the one asked for, those it names, the others."""
    names = dict.fromkeys((asked.crs, *stated_crs(asked.table, ground), *_likely(ground)))
    fitting = [there for name in names if _lies_inside(there := replace(asked, crs=name), ground)]
    kinds = [("utm" if _is_utm(each.crs) else "wrong_meridian",) for each in fitting]
    return [Proposal(each, kind, _reason(kind, each)) for each, kind in zip(fitting, kinds, strict=True)][
        :MOST_PROPOSALS
    ]


def _readings(asked: Placed, ground: Ground, kind: str) -> list[Proposal]:
    """The table read in this way, where that gives ground."""
    try:
        polygon_of(asked.table, asked.axes)
    except CoordinatesError:
        return []
    return _changed(asked, ground, kind)


def _changed(asked: Placed, ground: Ground, kind: str) -> list[Proposal]:
    """A table with one thing changed, where the ground then lies; with what else is wrong changed too."""
    if _lies_inside(asked, ground):
        return [Proposal(asked, (kind,), _reason((kind,), asked))]
    more = list(_proposals(asked, ground))[:MOST_PROPOSALS]
    kinds = [(kind, *each.kinds) for each in more]
    return [Proposal(each.placed, both, _reason(both, each.placed)) for each, both in zip(more, kinds, strict=True)]


def _reordered(table: Table, axes: Axes) -> Table | None:
    """The points by their numbers, where they are not so already and then give ground."""
    made = table.by_number()
    if made is None:
        return None
    try:
        polygon_of(made, axes)
    except CoordinatesError:
        return None
    return made


@lru_cache(maxsize=16)
def _likely(ground: Ground) -> tuple[str, ...]:
    """All systems of the datum: the profile's, those made for this area, the rest."""
    west, south, east, north = ground.extent
    area = shapely.box(west, south, east, north)

    def rank(name: str) -> int:
        use = crs_named(name).area_of_use
        return 0 if use is not None and shapely.box(*use.bounds).intersects(area) else 1

    family = sorted(family_of(ground.projection.storage), key=lambda name: (rank(name), _is_utm(name), name))
    return tuple(dict.fromkeys((*ground.zones, *family)))


def systems_of(ground: Ground) -> list[tuple[str, Message]]:
    """Systems a document of the area may be in, with their titles: the profile's first, degrees last."""
    names = [*_likely(ground), ground.geographic, "EPSG:4326"]
    return [(name, crs_title(name)) for name in dict.fromkeys(names)]


@lru_cache(maxsize=256)
def _zone(name: str) -> System | None:
    """Central meridian and width of a system; None where it is no zone of 3 or 6 degrees."""
    values = _parameters(crs_named(name))
    meridian = values.get("Longitude of natural origin")
    width = {9999: 3, 9996: 6}.get(round(values.get("Scale factor at natural origin", 0.0) * 10_000))
    if meridian is None or width is None:
        return None
    return System((int(meridian), round((meridian - int(meridian)) * 60, 6)), width)


def _is_utm(name: str) -> bool:
    return abs(_parameters(crs_named(name)).get("Scale factor at natural origin", 1.0) - 0.9996) < 1e-9


def _parameters(crs: pyproj.CRS) -> dict[str, float]:
    operation = crs.coordinate_operation
    return {each.name: float(each.value) for each in operation.params} if operation is not None else {}


def _turned(table: Table) -> Table:
    """X and Y exchanged."""
    return table.moved(lambda xy: xy[:, ::-1])


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def _reason(kinds: Sequence[str], found: Placed) -> Message:
    parts = [_REASONS[kind](found) for kind in kinds]
    return Message("; ".join(part.vi for part in parts) + ".", "; ".join(part.en for part in parts) + ".")


def crs_title(name: str) -> Message:
    """'EPSG:5899 (kinh tuyến trục 107°45′, múi 3°)'."""
    values = _parameters(crs_named(name))
    meridian = values.get("Longitude of natural origin")
    if meridian is None:
        return Message(f"{name} ({crs_named(name).name})", f"{name} ({crs_named(name).name})")
    at = f"{int(meridian)}°{round((meridian - int(meridian)) * 60):02d}′"
    width = ("múi 6°, UTM", "6-degree UTM zone") if _is_utm(name) else ("múi 3°", "3-degree zone")
    return Message(f"{name} (kinh tuyến trục {at}, {width[0]})", f"{name} (central meridian {at}, {width[1]})")


def _in_system(vi: str, en: str, found: Placed) -> Message:
    title = crs_title(found.crs)
    return Message(f"{vi} {title.vi}", f"{en} {title.en}")


_REASONS: Mapping[str, Callable[[Placed], Message]] = {
    "swapped_axes": lambda _: Message(
        "Hai cột X, Y bị đổi chỗ: X phải là hướng Bắc, Y là hướng Đông",
        "Columns X and Y are exchanged: X is north, Y is east",
    ),
    "wrong_meridian": lambda found: _in_system("Tọa độ thuộc", "The coordinates belong to", found),
    "utm": lambda found: _in_system("Tọa độ là UTM:", "The coordinates are UTM:", found),
    "degrees": lambda found: _in_system("Tọa độ là kinh vĩ độ", "The coordinates are degrees in", found),
    "millimetres": lambda _: Message("Tọa độ tính bằng milimét", "The coordinates are in millimetres"),
    "one_ring": lambda _: Message("Một vòng, bỏ qua dòng trống", "One ring, across the empty lines"),
    "parts": lambda _: Message("Nhiều phần, mỗi đoạn một vòng", "Several parts, a ring for each piece"),
    "point_order": lambda _: Message(
        "Các điểm không theo thứ tự: nối theo số hiệu điểm", "The points are out of order: joined by their numbers"
    ),
}


_CUT_RING = Message(
    "Dòng trống cắt bảng giữa chừng: các đoạn chưa khép và số hiệu điểm nối tiếp nhau. Chọn một vòng hay nhiều phần.",
    "An empty line cuts the table: the pieces are not closed and their numbers run on. Choose one ring or parts.",
)
_UNKNOWN_MERIDIAN = Message(
    "Không có hệ VN-2000 nào có kinh tuyến trục và múi chiếu ghi trong bảng. Sửa lại hoặc chọn một đề xuất.",
    "No VN-2000 system has the central meridian and zone that the table states. Correct it, or choose a proposal.",
)


def _contradicts(asked: Placed) -> Message:
    title = crs_title(asked.crs)
    return Message(
        f"Bảng ghi kinh tuyến trục hoặc múi chiếu khác với {title.vi} đã chọn. Chọn một trong hai.",
        f"The table states another central meridian or zone than {title.en}, which was asked for. Choose one.",
    )


def _words_of(kind: str, proposals: Sequence[Proposal], asked: Placed, ground: Ground) -> Message:
    title = crs_title(asked.crs)
    west, south, east, north = (round(value, 2) for value in ground.extent)
    where = Message(
        f"Đọc theo {title.vi} thì khu đất nằm ngoài địa bàn ({west}–{east}° Đ, {south}–{north}° B).",
        f"Read in {title.en} the ground lies outside the province ({west}–{east}° E, {south}–{north}° N).",
    )
    if kind == "degrees":
        where = Message(
            "Bảng ghi kinh vĩ độ mà không ghi hệ tọa độ (VN-2000 và WGS 84 lệch nhau khoảng 225 m).",
            "The table has degrees and names no system (VN-2000 and WGS 84 lie about 225 m apart).",
        )
    if proposals:
        return Message(f"{where.vi} Có {len(proposals)} đề xuất.", f"{where.en} {len(proposals)} proposal(s) follow.")
    if _is_shortened(asked, ground):
        return Message(
            f"{where.vi} Tọa độ có vẻ thiếu chữ số đầu hoặc là hệ tọa độ giả định; ghi đủ tọa độ VN-2000.",
            f"{where.en} Leading digits seem to be missing, or the system is a local one; write whole coordinates.",
        )
    return Message(f"{where.vi} Kiểm tra lại hệ tọa độ.", f"{where.en} Check the coordinate system.")


def _is_shortened(asked: Placed, ground: Ground) -> bool:
    """Whether the numbers are smaller than any of the area, as after cutting leading digits or shifting the origin."""
    xy = np.abs(np.concatenate([ring.xy for ring in asked.table.rings]))
    return bool(not asked.table.has_degrees and (xy.max(axis=0) < 500_000).any() and xy.max() < 1_000_000)


__all__ = [
    "Ground", "MisplacedError", "Placed", "Proposal", "crs_title", "default_crs", "in_crs84", "moved",
    "other_meridians", "placed", "stated_crs", "systems_of",
]  # fmt: skip
