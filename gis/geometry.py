"""Shapes as stored: snapped, valid, of one type, in a spatial order. All functions take and give arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]

#: a repair that changes the area by more than the larger of the two is no repair (design, section 4)
REPAIR_LIMIT_M2 = 1.0
REPAIR_LIMIT_SHARE = 0.01

_DIMENSION_OF = {"Point": 0, "LineString": 1, "Polygon": 2}
_MAKE_MULTI: dict[int, Callable[..., Any]] = {
    0: shapely.multipoints,
    1: shapely.multilinestrings,
    2: shapely.multipolygons,
}
_HILBERT_LEVELS = 16


#: 0.1 mm, in metres and in degrees
GRID_M, GRID_DEGREES = 1e-4, 1e-9


def rounded(corners: NDArray[np.float64], grid: float) -> NDArray[np.float64]:
    """The nearest places of the grid."""
    per_unit = 1.0 / grid
    return np.round(corners * per_unit) / per_unit


def snap(geoms: Geometries, grid_m: float = GRID_M) -> Geometries:
    """Coordinates on the grid. A ring that the grid would break is rebuilt on it; what was invalid stays invalid.

    Shapes that vanish on the grid come back empty.
    """
    found = np.asarray(geoms, dtype=object)
    snapped = _array(shapely.transform(found, lambda xy: rounded(xy, grid_m), include_z=False))
    broken = np.flatnonzero(~shapely.is_valid(snapped) & shapely.is_valid(found))
    for place in broken:
        on_grid = shapely.set_precision(found[place], grid_m, mode="valid_output")
        snapped[place] = shapely.set_precision(on_grid, 0)  # a kept precision model would govern later overlays
    return snapped


@dataclass(frozen=True, slots=True)
class Repaired:
    """Shapes after `repair`; all arrays have one entry a shape."""

    geometry: Geometries
    area_before_m2: NDArray[np.float64]
    area_after_m2: NDArray[np.float64]
    repaired: NDArray[np.bool_]  #: was invalid and is valid now
    refused: NDArray[np.bool_]  #: invalid, and the repair would change too much; the shape is left as it came


def repair(geoms: Geometries) -> Repaired:
    """Make invalid shapes valid by their structure, and refuse where that changes more than the limit."""
    found = np.asarray(geoms, dtype=object)
    invalid = ~shapely.is_valid(found) & ~shapely.is_missing(found)
    before = np.nan_to_num(shapely.area(found))
    made = found.copy()
    places = np.flatnonzero(invalid)
    made[places] = [_make_valid(shape) for shape in found[places]]
    after = np.nan_to_num(shapely.area(made))
    limit = np.maximum(REPAIR_LIMIT_M2, REPAIR_LIMIT_SHARE * before)
    refused = invalid & ((np.abs(after - before) > limit) | shapely.is_empty(made) | ~shapely.is_valid(made))
    made[refused] = found[refused]
    return Repaired(made, before, after, invalid & ~refused, refused)


def promote(geoms: Geometries, stored_type: str) -> Geometries:
    """Two-dimensional shapes of the stored type, single ones made multi. None where a shape has another type.

    `stored_type` is MultiPoint, MultiLineString, MultiPolygon or Geometry (anything goes). From a collection, as
    repairs make them, the parts of the right dimension are taken.
    """
    found = _array(shapely.force_2d(np.asarray(geoms, dtype=object)))
    if stored_type == "Geometry":
        return found
    dimension = _DIMENSION_OF[stored_type.removeprefix("Multi")]
    parts, owner = _simple_parts(found)
    keep = (shapely.get_dimensions(parts) == dimension) & ~shapely.is_empty(parts)
    promoted = np.full(len(found), None, dtype=object)
    if keep.any():
        owners, start = np.unique(owner[keep], return_inverse=True)
        promoted[owners] = _MAKE_MULTI[dimension](parts[keep], indices=start)
    return promoted


def hilbert_order(geoms: Geometries) -> NDArray[np.int64]:
    """Positions of the shapes along a Hilbert curve through the centres of their boxes; ties keep their order."""
    bounds = np.nan_to_num(shapely.bounds(np.asarray(geoms, dtype=object)))
    return order_of_places((bounds[:, :2] + bounds[:, 2:]) / 2)


def order_of_places(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions of places (n, 2) along a Hilbert curve; ties keep their order."""
    if not len(places):
        return np.zeros(0, dtype=np.int64)
    low = places.min(axis=0)
    span = max(float((places.max(axis=0) - low).max()), 1e-9)
    cells = ((places - low) / span * (2**_HILBERT_LEVELS - 1)).astype(np.int64)
    return np.argsort(_hilbert_distance(cells[:, 0], cells[:, 1]), kind="stable")


def _hilbert_distance(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distance along the curve: quadrant by quadrant, turning the frame as the curve turns."""
    x, y = x.copy(), y.copy()
    distance = np.zeros_like(x)
    for level in range(_HILBERT_LEVELS - 1, -1, -1):
        side = 1 << level
        right, upper = (x & side) > 0, (y & side) > 0
        distance += side * side * ((3 * right) ^ upper)
        flipped = ~upper & right
        x[flipped], y[flipped] = side - 1 - (x[flipped] & (side - 1)), side - 1 - (y[flipped] & (side - 1))
        x, y = np.where(upper, x, y) & (side - 1), np.where(upper, y, x) & (side - 1)
    return distance


def _make_valid(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.make_valid(shape, method="structure", keep_collapsed=False)


def _simple_parts(geoms: Geometries) -> tuple[Geometries, NDArray[np.int64]]:
    """All single parts, collections opened to the bottom, with the position of the shape each came from."""
    parts, owner = shapely.get_parts(geoms, return_index=True)
    while np.any(shapely.get_type_id(parts) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    parts, inner = shapely.get_parts(parts, return_index=True)
    return _array(parts), np.asarray(owner[inner], dtype=np.int64)


def _array(geoms: object) -> Geometries:
    return np.asarray(geoms, dtype=object)
