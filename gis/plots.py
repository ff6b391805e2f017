"""What a plot is besides its shape: its boundary along a road, its depth behind it, its area without what is excluded.

A boundary runs along a road where it lies within a stated distance of the road land and keeps its distance: side lines
that run away from the road do not. Everything is taken from whole shapes united once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .bounds import COINCIDENCE_M

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

#: a stretch leaves the road where it gains more than this share of its length in distance (30 degrees)
_PARALLEL = 0.5
#: stretches are looked at by parts no longer than this: a curve keeps its distance only piece by piece
_STEP_M = 2.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure with its bounds within the accuracy; NaN where it could not be taken."""

    measured: float
    low: float
    high: float

    @classmethod
    def unknown(cls) -> Interval:
        return cls(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class Roads:
    """Shapes near one plot: how far from each as drawn its land reaches, and by how much that may be less or more."""

    geometry: Geometries
    reach_m: Floats
    nearer_m: Floats
    farther_m: Floats


def frontage(plot: Any, roads: Roads, accuracy_m: float) -> Interval:
    """Length of the plot's boundary along the roads, in metres. Its two ends are corners of the plot."""
    if not len(roads.geometry):
        return Interval(0.0, 0.0, 0.0)
    try:
        found = [
            _length(_along(plot, roads, by)) for by in (np.zeros(len(roads.reach_m)), -roads.farther_m, roads.nearer_m)
        ]
    except GEOSException:
        return Interval.unknown()
    ends = np.sqrt(2.0) * accuracy_m
    measured, low, high = found
    return Interval(measured, max(min(low, measured) - ends, 0.0), max(high, measured) + (ends if high > 0 else 0.0))


def depth(plot: Any, roads: Roads, accuracy_m: float) -> Interval:
    """How far the plot reaches behind its longest stretch along a road; NaN without one."""
    try:
        stretches = _along(plot, roads, np.zeros(len(roads.reach_m))) if len(roads.geometry) else np.zeros((0, 2, 2))
    except GEOSException:
        return Interval.unknown()
    if not len(stretches):
        return Interval.unknown()
    steps: Floats = stretches[:, 1] - stretches[:, 0]
    longest = steps[np.argmax(np.hypot(steps[:, 0], steps[:, 1]))]
    normal = np.array([-longest[1], longest[0]]) / np.hypot(*longest)
    across = shapely.get_coordinates(plot) @ normal
    measured = float(across.max() - across.min())
    either = float(np.sqrt(2.0) * accuracy_m)
    return Interval(measured, max(measured - either, 0.0), measured + either)


def net_area(plot: Any, excluded: Geometries, error_m: float, accuracy_m: float) -> Interval:
    """Area of the plot less what the excluded shapes cover of it together; shapes that overlap count once."""
    whole = float(shapely.area(plot))
    try:
        united = shapely.union_all(excluded) if len(excluded) else shapely.Polygon()
        covered = [
            float(shapely.area(shapely.intersection(plot, _grown(united, by)))) for by in (0.0, error_m, -error_m)
        ]
        own = [float(shapely.area(shapely.buffer(plot, by))) - whole for by in (-accuracy_m, accuracy_m)]
    except GEOSException:
        return Interval.unknown()
    taken, most, least = covered
    slack = 1e-4 + 1e-6 * whole
    if not (least - slack <= taken <= most + slack and taken <= whole + slack):
        return Interval.unknown()
    return Interval(whole - taken, max(whole - max(most, taken) + own[0], 0.0), whole - min(least, taken) + own[1])


def _grown(shape: Any, by_m: float) -> Any:
    return shape if by_m == 0.0 else shapely.buffer(shape, by_m)


def _along(plot: Any, roads: Roads, by_m: Floats) -> NDArray[np.float64]:
    """Segments (n, 2, 2) of the boundary that run along the road land, moved by so much."""
    reach = np.maximum(roads.reach_m + by_m, COINCIDENCE_M)
    band = shapely.union_all(shapely.buffer(roads.geometry, reach, quad_segs=8))
    lines = shapely.segmentize(shapely.intersection(shapely.boundary(plot), band), _STEP_M)
    points, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    first = np.flatnonzero(line[1:] == line[:-1])
    if not len(first):
        return np.zeros((0, 2, 2))
    away = shapely.distance(shapely.points(points), shapely.union_all(roads.geometry))
    steps: Floats = points[first + 1] - points[first]
    length = np.hypot(steps[:, 0], steps[:, 1])
    keeps = np.abs(np.diff(away)[first]) <= _PARALLEL * length
    found: Floats = np.stack([points[first], points[first + 1]], axis=1)[keeps & (length > 0)]
    return found


def _length(segments: NDArray[np.float64]) -> float:
    steps = segments[:, 1] - segments[:, 0]
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())
