"""How far a measure can move within the accuracy of the two sides (design 6, "Accuracy").

A boundary is thought displaced by up to the error, at right angles to itself. Where it coincides with the subject's own
boundary, within 1 cm, the two were drawn as one and do not move against each other. Everything is taken from whole
pieces united once and cut once; nothing here intersects the result of an intersection.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .edges import sums

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]

#: boundaries closer than this are one boundary
COINCIDENCE_M = 0.01
#: overlays that need not be exact run on this grid, on which GEOS cannot fail in silence (prototypes 4b)
GRID_M = 1e-4
#: what the last digits of coordinates may add up to
ROUNDING_M2 = 1e-4


def strip_limit_m2(length_m: Floats, corners: Floats, error_m: Floats) -> Floats:
    """No boundary of this length and so many corners sweeps more than this when displaced by the error."""
    return error_m * length_m + np.pi / 2 * error_m**2 * corners


def boundary_length_in_boxes(polygons: Geometries, boxes: Floats) -> tuple[Floats, Floats]:
    """Length of the boundary of polygon i inside box i (n, 4), in metres, and the number of its edges there."""
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    owner = part_owner[ring_part[ring[edge]]]
    start, step = points[edge], points[edge + 1] - points[edge]
    inside = _share_in_boxes(start, step, boxes[owner])
    length = sums(owner, inside * np.hypot(step[:, 0], step[:, 1]), len(polygons))
    return length, sums(owner, inside > 0, len(polygons))


def _share_in_boxes(start: Floats, step: Floats, boxes: Floats) -> Floats:
    """Share (0 to 1) of each segment that lies in its box: the overlap of its parameter ranges in x and in y."""
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (boxes[:, :2] - start) / step, (boxes[:, 2:] - start) / step
    still = step == 0
    within = (start >= boxes[:, :2]) & (start <= boxes[:, 2:])
    low = np.where(still, np.where(within, 0.0, 2.0), np.minimum(enter, leave))
    high = np.where(still, np.where(within, 1.0, -1.0), np.maximum(enter, leave))
    first, last = np.maximum(low.max(axis=1), 0.0), np.minimum(high.min(axis=1), 1.0)
    return np.asarray(np.maximum(last - first, 0.0))


def area_bounds_m2(subject: Any, pieces: Geometries, area_m2: float, error_m: float) -> tuple[float, float]:
    """Least and greatest area of the subject that the pieces, united, can cover. Raises GEOSException.

    With S the strip around the boundary that may move: greatest = area(P ∩ (U ∪ S)), least = greatest − area(P ∩ S).
    """
    strip = _moving_strip(subject, pieces, error_m)
    if strip is None:
        return area_m2, area_m2
    whole = float(shapely.area(subject))
    for grid, slack in ((None, ROUNDING_M2 + 1e-9 * whole), (GRID_M, GRID_M * float(shapely.length(subject)))):
        try:
            swollen = shapely.union_all(np.append(pieces, strip), grid_size=grid)
            high = float(shapely.area(shapely.intersection(subject, swollen, grid_size=grid)))
            in_strip = float(shapely.area(shapely.intersection(subject, strip, grid_size=grid)))
        except GEOSException:
            continue
        low = high - in_strip
        if -slack <= low <= area_m2 + slack and area_m2 - slack <= high <= whole + slack:
            return min(max(low, 0.0), area_m2), min(max(high, area_m2), whole)
    raise GEOSException("the bounds of an area do not hold their guards")


def _moving_strip(subject: Any, pieces: Geometries, error_m: float) -> Any | None:
    """The boundary of the united pieces near the subject, less what coincides with its own, widened by the error."""
    united = pieces[0] if len(pieces) == 1 else shapely.union_all(pieces)
    xmin, ymin, xmax, ymax = shapely.bounds(subject)
    reach = 2 * error_m + COINCIDENCE_M  # the ends of the clipped lines stay out of the error's reach
    near = shapely.clip_by_rect(shapely.boundary(united), xmin - reach, ymin - reach, xmax + reach, ymax + reach)
    moving = shapely.difference(near, shapely.buffer(shapely.boundary(subject), COINCIDENCE_M, quad_segs=2))
    if shapely.is_empty(moving):
        return None
    return shapely.buffer(moving, error_m, cap_style="flat", quad_segs=3)


def covered_within_coincidence_m2(subject: Any, pieces: Geometries) -> float:
    """Area of the subject within 1 cm of the united pieces: what `inside` may take as covered. Raises GEOSException."""
    edges = shapely.buffer(shapely.boundary(pieces), COINCIDENCE_M, quad_segs=2)
    swollen = shapely.union_all(np.concatenate([pieces, edges]), grid_size=GRID_M)
    return float(shapely.area(shapely.intersection(subject, swollen, grid_size=GRID_M)))


def length_bounds_m(subject: Any, lines: Any, length_m: float, error_m: float, *, enters: bool) -> tuple[float, float]:
    """Least and greatest length of the lines inside the subject; 0 where they then only run along its boundary."""
    band = shapely.buffer(shapely.boundary(subject), COINCIDENCE_M, quad_segs=2)
    sure = float(shapely.length(shapely.intersection(lines, shapely.buffer(subject, -error_m))))
    on_boundary = float(shapely.length(shapely.intersection(lines, band))) if error_m > COINCIDENCE_M else 0.0
    low = min(sure + on_boundary, length_m) if sure > 0 else 0.0
    if not enters and not _can_enter(subject, lines, band, error_m):
        return low, 0.0
    return low, max(float(shapely.length(shapely.intersection(lines, shapely.buffer(subject, error_m)))), length_m)


def _can_enter(subject: Any, lines: Any, band: Any, error_m: float) -> bool:
    """True where a part that does not coincide with the boundary, displaced at right angles, meets the inside.

    Where a line leaves the boundary, at a corner as a rule, it is not a whole error away at once: twice the error from
    there is left out.
    """
    xmin, ymin, xmax, ymax = shapely.bounds(subject)
    reach = 2 * error_m + COINCIDENCE_M
    near = shapely.clip_by_rect(lines, xmin - reach, ymin - reach, xmax + reach, ymax + reach)
    contact = shapely.buffer(shapely.intersection(near, band), 2 * error_m, quad_segs=4)
    moving = shapely.difference(near, contact)
    if shapely.is_empty(moving):
        return False
    swept = shapely.buffer(moving, error_m, cap_style="flat", quad_segs=3)
    return float(shapely.area(shapely.intersection(swept, subject))) > COINCIDENCE_M * error_m
