"""Pieces: shapes cut so that none has more than so many vertices. Areas and lengths add up over them (design 2.2).

Polygons are cut across; lines only at their own vertices: a new vertex on a slanted segment lies beside it by the last
digit of a coordinate, and a line that runs on a parcel's boundary would then run beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiPoint
from shapely.geometry.base import BaseGeometry

Geometries = NDArray[np.object_]

MAX_VERTICES = 64
#: pieces that do not sum up to the whole this closely are thrown away, and the whole is its own piece
SUM_TOLERANCE = 1e-6
_LINES = ("LineString", "MultiLineString", "LinearRing")
#: cuts in a row that may bring no fewer vertices: long needles gain one for each they lose
_PATIENCE = 4


def subdivide(geoms: Geometries, max_vertices: int = MAX_VERTICES) -> tuple[Geometries, NDArray[np.int64]]:
    """Pieces of valid shapes, and for each piece the position of its shape. Empty and missing shapes have none."""
    found = np.asarray(geoms, dtype=object)
    present = ~shapely.is_missing(found) & ~shapely.is_empty(found)
    is_large = present & (shapely.get_num_coordinates(found) > max_vertices)
    small = np.flatnonzero(present & ~is_large)
    cut = [_checked_pieces(found[place], max_vertices) for place in np.flatnonzero(is_large)]
    counts = np.array([len(pieces) for pieces in cut], dtype=np.int64)
    pieces = np.empty(len(small) + int(counts.sum()), dtype=object)
    pieces[: len(small)] = found[small]
    pieces[len(small) :] = [piece for pieces_of_one in cut for piece in pieces_of_one]
    index = np.concatenate([small, np.repeat(np.flatnonzero(is_large), counts)])
    order = np.argsort(index, kind="stable")
    return pieces[order], index[order]


def _checked_pieces(shape: BaseGeometry, max_vertices: int) -> list[BaseGeometry]:
    try:
        pieces = _cut(shape, max_vertices, _PATIENCE)
    except shapely.errors.GEOSException:
        return [shape]
    made = np.array(pieces, dtype=object)
    sums_up = all(
        abs(float(measure(made).sum()) - float(measure(shape))) <= SUM_TOLERANCE * float(measure(shape))
        for measure in _measures(shape)
    )
    return pieces if sums_up and bool(np.all(shapely.is_valid(made))) else [shape]


def _measures(shape: BaseGeometry) -> list[Callable[..., Any]]:
    """What must add up: areas of polygons, lengths of lines, the number of points."""
    by_dimension: dict[int, Callable[..., Any]] = {0: shapely.get_num_coordinates, 1: shapely.length, 2: shapely.area}
    if shape.geom_type == "GeometryCollection":
        return [shapely.area]
    return [by_dimension[int(shapely.get_dimensions(shape))]]


def _cut(shape: BaseGeometry, max_vertices: int, patience: int) -> list[BaseGeometry]:
    """Halve until small enough: parts first, since they may lie far apart, then boxes."""
    vertices = int(shapely.get_num_coordinates(shape))
    if vertices <= max_vertices or patience == 0:
        return [shape]
    if shapely.get_num_geometries(shape) > 1 and shape.geom_type != "MultiPoint":
        children = list(shapely.get_parts(shape))
    else:
        children = _runs(shape, max_vertices) if shape.geom_type in _LINES else _halves(shape)
    gains = max(int(shapely.get_num_coordinates(child)) for child in children) < vertices
    left = _PATIENCE if gains else patience - 1
    return [piece for child in children for piece in _cut(child, max_vertices, left)]


def _runs(line: BaseGeometry, max_vertices: int) -> list[BaseGeometry]:
    """Runs of vertices; each ends where the next begins."""
    coordinates = shapely.get_coordinates(line)
    begins = range(0, len(coordinates) - 1, max_vertices - 1)
    return [LineString(coordinates[begin : begin + max_vertices]) for begin in begins]


def _halves(shape: BaseGeometry) -> list[BaseGeometry]:
    """Cut across the longer side, between two vertices next to the median: no vertex and no edge lies on the cut."""
    coordinates = shapely.get_coordinates(shape)
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    axis = int(np.argmax(high - low))
    cut = _beside_median(coordinates[:, axis])
    if shape.geom_type == "MultiPoint":
        below = coordinates[:, axis] < cut
        return [MultiPoint(coordinates[below]), MultiPoint(coordinates[~below])]
    margin = high - low + 1.0
    first_high, second_low = high + margin, low - margin
    first_high[axis] = second_low[axis] = cut
    boxes = ((*(low - margin), *first_high), (*second_low, *(high + margin)))
    halves = [_clipped(shape, *box) for box in boxes]
    return [half for half in halves if not half.is_empty] or [shape]


def _clipped(shape: BaseGeometry, xmin: float, ymin: float, xmax: float, ymax: float) -> BaseGeometry:
    """The fast rectangle clip; where it fails, or gives something invalid, the exact overlay."""
    try:
        clipped = shapely.clip_by_rect(shape, xmin, ymin, xmax, ymax)
        if shapely.is_valid(np.array([clipped], dtype=object))[0]:  # of single shapes GEOS lets nobody else run
            return clipped
    except shapely.errors.GEOSException:  # now and then it closes a ring of three points
        pass
    return shapely.intersection(shape, shapely.box(xmin, ymin, xmax, ymax))


def _beside_median(values: NDArray[np.float64]) -> float:
    distinct = np.unique(values)
    middle = int(np.searchsorted(distinct, np.median(values)))
    middle = min(max(middle, 1), len(distinct) - 1)
    return float((distinct[middle - 1] + distinct[middle]) / 2)
