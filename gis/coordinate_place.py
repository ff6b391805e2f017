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
    if table.meridian is not None:
        found = meridian_crs(ground.projection.storage).get(table.meridian)
        if found is not None:
            return found
    return ground.projection.storage


def placed(table: Table, crs: str | None, axes: Axes | None, ground: Ground) -> Placed:
    """The table as it is to be read. Raises MisplacedError with proposals, CoordinatesError, CrsError."""
    asked = Placed(table, crs or default_crs(table, ground), axes or "north_east")
    crs_named(asked.crs)
    misplaced = _misplaced(asked, ground, is_stated=crs is not None)
    try:
        polygon_of(table, asked.axes)
    except CoordinatesError as error:
        reordered = _reordered(table, asked.axes)
        if reordered is None:
            raise
        raise MisplacedError(error.kind, error.message, _in_order(replace(asked, table=reordered), ground)) from error
    if misplaced is None:
        return asked
    proposals = list(_proposals(asked, ground))[:MOST_PROPOSALS]
    raise MisplacedError(misplaced, _words_of(misplaced, proposals, asked, ground), proposals)


def other_meridians(found: Placed, ground: Ground) -> tuple[str, ...]:
    """Other systems of the datum under which the same numbers lie in the area too; those meant for it first."""
    if found.table.has_degrees:
        return ()
    others = (replace(found, crs=name) for name in _likely(ground) if name != found.crs)
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


def _in_order(asked: Placed, ground: Ground) -> list[Proposal]:
    """The points by their numbers, where the ground then lies; with what else is wrong changed too."""
    if _lies_inside(asked, ground):
        return [Proposal(asked, ("point_order",), _reason(("point_order",), asked))]
    more = list(_proposals(asked, ground))[:MOST_PROPOSALS]
    kinds = [("point_order", *each.kinds) for each in more]
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


@lru_cache(maxsize=16)
def meridian_crs(storage: str) -> dict[tuple[int, int], str]:
    """The 3-degree systems of the datum by degrees and minutes of their central meridian."""
    found: dict[tuple[int, int], str] = {}
    for name in (storage, *family_of(storage)):
        values = _parameters(crs_named(name))
        meridian = values.get("Longitude of natural origin")
        if meridian is not None and abs(values.get("Scale factor at natural origin", 0.0) - 0.9999) < 1e-9:
            found.setdefault((int(meridian), round((meridian - int(meridian)) * 60)), name)
    return found


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
    "point_order": lambda _: Message(
        "Các điểm không theo thứ tự: nối theo số hiệu điểm", "The points are out of order: joined by their numbers"
    ),
}


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
    "Ground", "MisplacedError", "Placed", "Proposal", "crs_title", "default_crs", "in_crs84", "meridian_crs", "moved",
    "other_meridians", "placed", "systems_of",
]  # fmt: skip
