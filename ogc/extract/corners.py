"""The table of corners: numbers, coordinates and edges of every ring of the subject."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from .parts import Corner, Ring
from .words import Words

Place = tuple[float, float]


def rings_of(shape: BaseGeometry) -> tuple[Ring, ...]:
    """Every ring of a polygon or multipolygon; numbers run through all of them."""
    rings: list[Ring] = []
    number = 1
    for is_hole, places in _lines(shape):
        corners = tuple(_corners(_started(places), number))
        number += len(corners)
        place = 1 + sum(ring.is_hole == is_hole for ring in rings)
        rings.append(Ring(is_hole, place, corners))
    return tuple(rings)


def crs_name(crs: str, words: Words) -> str:
    """'VN-2000, kinh tuyến trục 105°45′, múi chiếu 3° (EPSG:9210)'."""
    meridian, factor = _projection(crs)
    if meridian is None:
        return crs
    width = 6 if factor and factor < 0.99985 else 3
    return words("crs_zone", meridian=_degrees(meridian), width=width, code=crs)


@lru_cache
def _projection(crs: str) -> tuple[float | None, float | None]:
    """Central meridian in degrees and scale factor of a projection of VN-2000."""
    found = CRS.from_user_input(crs)
    operation = found.coordinate_operation
    if operation is None or "VN-2000" not in found.name:
        return None, None
    values = {parameter.name: float(parameter.value) for parameter in operation.params}
    return values.get("Longitude of natural origin"), values.get("Scale factor at natural origin")


def _degrees(value: float) -> str:
    minutes = round(value * 60)
    return f"{minutes // 60}°{minutes % 60:02d}′"


def _lines(shape: BaseGeometry) -> Iterator[tuple[bool, list[Place]]]:
    for polygon in shapely.get_parts(shape):
        if polygon.geom_type != "Polygon":
            continue
        for position, ring in enumerate((polygon.exterior, *polygon.interiors)):
            places = [(float(x), float(y)) for x, y in shapely.get_coordinates(ring)[:-1]]
            yield position > 0, places if not ring.is_ccw else places[::-1]


def _started(places: Sequence[Place]) -> list[Place]:
    """The same ring from its corner farthest to the north-west."""
    first = max(range(len(places)), key=lambda i: (places[i][1] - places[i][0], places[i]))
    return [*places[first:], *places[:first]]


def _corners(places: Sequence[Place], number: int) -> Iterator[Corner]:
    for position, (east, north) in enumerate(places):
        to_east, to_north = places[(position + 1) % len(places)]
        yield Corner(number + position, north, east, math.hypot(to_east - east, to_north - north))


# ── on paper ─────────────────────────────────────────────────────────────────────────────────────

#: corners printed; the attached table has all of them
MOST_CORNERS = 600
#: rows of one block, which holds twice as many corners, read down and then across
BLOCK_ROWS = 40


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the table that reads down its left and then its right half; `right` may be missing."""

    ring: Ring
    is_first: bool
    rows: tuple[tuple[Corner, Corner | None], ...]


def blocks_of(rings: Sequence[Ring]) -> tuple[list[Block], int]:
    """The table in blocks, and how many corners are left out."""
    left, blocks = MOST_CORNERS, list[Block]()
    for ring in rings:
        corners = ring.corners[: max(0, left)]
        left -= len(corners)
        for start in range(0, len(corners), 2 * BLOCK_ROWS):
            blocks.append(Block(ring, start == 0, _halves(corners[start : start + 2 * BLOCK_ROWS])))
    return blocks, sum(len(ring.corners) for ring in rings) - sum(_size(block) for block in blocks)


def _halves(corners: Sequence[Corner]) -> tuple[tuple[Corner, Corner | None], ...]:
    half = (len(corners) + 1) // 2
    right: list[Corner | None] = [*corners[half:], None]
    return tuple(zip(corners[:half], right, strict=False))


def _size(block: Block) -> int:
    return sum(1 + (right is not None) for _, right in block.rows)
