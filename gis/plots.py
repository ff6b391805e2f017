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
#: steps that turn by no more than this (the sine of 1 degree) are one stretch
_STRAIGHT = 0.0175


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
    """How far the plot reaches behind its longest stretch along a road; NaN without one.

    Of stretches equally long within the accuracy the smaller depth is taken, and the bounds hold all of them.
    """
    try:
        stretches = _along(plot, roads, np.zeros(len(roads.reach_m))) if len(roads.geometry) else np.zeros((0, 2, 2))
    except GEOSException:
        return Interval.unknown()
    if not len(stretches):
        return Interval.unknown()
    either = float(np.sqrt(2.0) * accuracy_m)
    steps = _straight(stretches)
    length = np.hypot(steps[:, 0], steps[:, 1])
    steps = steps[length >= length.max() - max(2.0 * either, COINCIDENCE_M)]
    normals = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / np.hypot(steps[:, 0], steps[:, 1])[:, None]
    across = shapely.get_coordinates(plot) @ normals.T
    found = across.max(axis=0) - across.min(axis=0)
    return Interval(float(found.min()), max(float(found.min()) - either, 0.0), float(found.max()) + either)


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
    # normalized, a ring begins at a corner wherever it was drawn from: no straight side is cut in two
    lines = shapely.segmentize(shapely.intersection(shapely.boundary(shapely.normalize(plot)), band), _STEP_M)
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


def _straight(segments: NDArray[np.float64]) -> Floats:
    """Vectors of whole stretches: segments that follow one another and go straight on are one."""
    steps: Floats = segments[:, 1] - segments[:, 0]
    follows = (segments[1:, 0] == segments[:-1, 1]).all(axis=1)
    unit = steps / np.hypot(steps[:, 0], steps[:, 1])[:, None]
    turn = unit[:-1, 0] * unit[1:, 1] - unit[:-1, 1] * unit[1:, 0]
    goes_on = follows & (np.abs(turn) <= _STRAIGHT) & ((unit[:-1] * unit[1:]).sum(axis=1) > 0)
    whole: Floats = np.add.reduceat(steps, np.flatnonzero(np.concatenate([[True], ~goes_on])), axis=0)
    return whole


def _length(segments: NDArray[np.float64]) -> float:
    steps = segments[:, 1] - segments[:, 0]
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())
