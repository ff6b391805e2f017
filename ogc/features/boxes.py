"""`bbox` and `bbox-crs`: four or six numbers in a system that the service has (Features 1, 7.15.3; Features 2, 6.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.crs import WGS84, Projection
from layers.filters import GEOMETRY, Expression, written
from layers.filters.tree import Spatial
from layers.profile.profile import Profile
from ogc.common.crs_names import WGS84_SRID, Crs
from ogc.common.parameters import invalid_value

Box = tuple[float, float, float, float]
#: of a side that is straight in a plane and bows in degrees: enough for 1 mm on 10 km, 1 cm on 40 km
_STEPS = 64
#: metres: beyond it no plane of the earth goes
_FARTHEST = 1e9

_WRONG = ("cần bốn hoặc sáu số: góc dưới rồi góc trên", "four or six numbers: the lower corner, then the upper one")
_OUTSIDE = ("nằm ngoài phạm vi của hệ tọa độ", "outside of where its system holds")


@dataclass(frozen=True, slots=True)
class Area:
    """What a box asks for: a box of CRS84, or a condition where its sides are straight in another system."""

    box: Box | None = None
    condition: Expression | None = None


def numbers(text: str) -> Box:
    """The two corners in the order they were given; heights are not looked at."""
    try:
        found = [written.number(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(*_WRONG) from None
    if len(found) == 6:
        found = [found[0], found[1], found[3], found[4]]
    if len(found) != 4 or not all(map(math.isfinite, found)):
        raise ValueError(*_WRONG)
    first, second, third, fourth = found
    return first, second, third, fourth


def area(corners: Box, crs: Crs, profile: Profile) -> Area:
    """Raises InvalidRequestError for corners that are no box of their system."""
    west, south, east, north = corners
    if crs.is_latitude_first:
        west, south, east, north = south, west, north, east
    if crs.srid == WGS84_SRID:
        if south > north or max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
            raise invalid_value("bbox", *_WRONG)
        return Area(box=(west, south, east, north))
    if south > north or west > east:
        raise invalid_value("bbox", *_WRONG)
    if max(map(abs, corners)) > _FARTHEST:
        raise invalid_value("bbox", *_OUTSIDE)
    return Area(condition=Spatial("intersects", GEOMETRY, _in_degrees((west, south, east, north), crs, profile)))


def _in_degrees(box: Box, crs: Crs, profile: Profile) -> BaseGeometry:
    """A box of a plane in CRS84, its sides bowed as they are."""
    header = profile.header.crs
    drawn = shapely.segmentize(_drawn(box), max(box[2] - box[0], box[3] - box[1]) / _STEPS or 1.0)
    (moved,) = Projection(header.storage, header.to_wgs84).to_crs(np.array([drawn], dtype=object), crs.name, WGS84)
    if not np.isfinite(shapely.get_coordinates(moved)).all() or not shapely.is_valid(moved):
        raise invalid_value("bbox", *_OUTSIDE)
    found: BaseGeometry = moved
    return found


def _drawn(box: Box) -> BaseGeometry:
    """A box without area is a line or a point: a polygon without area is not valid."""
    west, south, east, north = box
    if west == east and south == north:
        return shapely.Point(west, south)
    is_line = west == east or south == north
    return shapely.LineString([(west, south), (east, north)]) if is_line else shapely.box(*box)
