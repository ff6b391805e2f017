"""How far a measure can move within the accuracy of the two sides (design 6, "Accuracy").

A boundary is thought displaced by up to the error, at right angles to itself. Where it coincides with the subject's own
boundary, within 1 cm, the two were drawn as one and do not move against each other. Everything is taken from whole
pieces united once and cut once; nothing here intersects the result of an intersection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .edges import Edges, pair_areas, sums

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: boundaries closer than this are one boundary
COINCIDENCE_M = 0.01
#: overlays that need not be exact run on this grid, on which GEOS cannot fail in silence (prototypes 4b)
GRID_M = 1e-4
#: so many polygons are taken apart without a look which are one
_FEW = 8
#: what the last digits of coordinates may add up to
ROUNDING_M2 = 1e-4


def strip_limit_m2(length_m: Floats, corners: Floats, error_m: Floats) -> Floats:
    """No boundary of this length and so many corners sweeps more than this when displaced by the error."""
    return error_m * length_m + np.pi / 2 * error_m**2 * corners


def boundary_length_in_boxes(polygons: Geometries, number: Integers, boxes: Floats) -> tuple[Floats, Floats]:
    """Length of the boundary of polygon i inside box i (n, 4), in metres, and the number of its edges there. Polygons
    of the same number are one: it is taken apart once, however many boxes it lies near."""
    first, which = _distinct(number)
    begins, ends, start = _segments(polygons[first])
    count = (start[1:] - start[:-1])[which]
    owner = np.arange(len(which)).repeat(count)
    edge = np.arange(len(owner)) + (start[which] - count.cumsum() + count).repeat(count)
    near = _reach_into(begins, ends, edge, boxes, count).nonzero()[0]  # of a commune's edges few are near a parcel
    edge, owner = edge[near], owner[near]
    begins, step = begins[edge], ends[edge] - begins[edge]
    inside = _share_in_boxes(begins, step, boxes[owner])
    length = sums(owner, inside * np.hypot(step[:, 0], step[:, 1]), len(which))
    return length, sums(owner, inside > 0, len(which))


def _distinct(number: Integers) -> tuple[Integers, Integers]:
    """Where each number stands first, and which of these each one is. Few are taken for as many: to take one polygon
    apart twice costs less than to see that it is one."""
    if len(number) <= _FEW:
        return np.arange(len(number)), np.arange(len(number))
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return first, which


def _segments(polygons: Geometries) -> tuple[Floats, Floats, Integers]:
    """Where every boundary edge begins and ends (n, 2); those of polygon i stand at start[i] to start[i + 1]."""
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    edge = (ring[1:] == ring[:-1]).nonzero()[0]
    owner = part_owner[ring_part[ring[edge]]]
    start = owner.searchsorted(np.arange(len(polygons) + 1))
    return points[edge], points[edge + 1], start


def _reach_into(begins: Floats, ends: Floats, edge: Integers, boxes: Floats, count: Integers) -> NDArray[np.bool_]:
    """Edges whose boxes meet that of their polygon, which has so many."""
    west, south, east, north = (side.repeat(count) for side in boxes.T)
    low_x, low_y = np.minimum(begins, ends).T
    high_x, high_y = np.maximum(begins, ends).T
    meets = (low_x.take(edge) <= east) & (high_x.take(edge) >= west)
    return np.asarray(meets & (low_y.take(edge) <= north) & (high_y.take(edge) >= south), dtype=bool)


def _share_in_boxes(start: Floats, step: Floats, boxes: Floats) -> Floats:
    """Share (0 to 1) of each segment that lies in its box: the overlap of its parameter ranges in x and in y."""
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (boxes[:, :2] - start) / step, (boxes[:, 2:] - start) / step
    still = step == 0
    within = (start >= boxes[:, :2]) & (start <= boxes[:, 2:])
    low = np.where(still, np.where(within, 0.0, 2.0), np.minimum(enter, leave))
    high = np.where(still, np.where(within, 1.0, -1.0), np.maximum(enter, leave))
    first = np.maximum(np.maximum(low[:, 0], low[:, 1]), 0.0)  # of two columns several times faster than `max`
    last = np.minimum(np.minimum(high[:, 0], high[:, 1]), 1.0)
    return np.asarray(np.maximum(last - first, 0.0))


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Subjects whose bounds are asked, with what covers them: piece[i] and, in area, meets[i] belong to subject
    owner[i]. `overlapping` says of which subjects the pieces overlap each other."""

    subject: Geometries
    area_m2: Floats  #: the theme's, as measured
    error_m: Floats
    overlapping: NDArray[np.bool_]
    owner: Integers
    piece: Geometries
    number: Integers  #: of each piece: equal numbers are one piece
    meets: NDArray[np.bool_]  #: the piece shares area with the subject

    def only(self, place: int) -> Boundaries:
        """One subject of them."""
        one, rows = slice(place, place + 1), self.owner == place
        return Boundaries(
            self.subject[one], self.area_m2[one], self.error_m[one], self.overlapping[one],
            self.owner[rows] - place, self.piece[rows], self.number[rows], self.meets[rows],
        )  # fmt: skip


def bounds_or_nothing(asked: Boundaries) -> tuple[Floats, Floats]:
    """`area_bounds_m2`, with NaN for the subjects on which an overlay fails."""
    try:
        return area_bounds_m2(asked)
    except GEOSException:
        if len(asked.subject) == 1:
            return np.array([np.nan]), np.array([np.nan])
    each = [bounds_or_nothing(asked.only(place)) for place in range(len(asked.subject))]
    return np.concatenate([low for low, _ in each]), np.concatenate([high for _, high in each])


def area_bounds_m2(asked: Boundaries) -> tuple[Floats, Floats]:
    """Least and greatest area of each subject that its pieces, united, can cover; NaN where a guard fails.

    With S the strip around the boundary that may move, area(P ∩ S ∩ U) may be lost and area(P ∩ S) − area(P ∩ S ∩ U)
    may be won. The strips are cut once; what the pieces hold of them is summed over edge pairs, not overlaid.
    """
    low, high = asked.area_m2.copy(), asked.area_m2.copy()
    strips = _moving_strips(asked)
    moving = np.flatnonzero(~shapely.is_empty(strips))
    for place in moving[asked.overlapping[moving]].tolist():
        low[place], high[place] = _bounds_of_overlapping(asked, place, strips[place])
    alone = moving[~asked.overlapping[moving]]
    if len(alone):
        low[alone], high[alone] = _bounds_of_disjoint(asked, alone, strips[alone])
    return low, high


def _bounds_of_disjoint(asked: Boundaries, places: Integers, strips: Geometries) -> tuple[Floats, Floats]:
    shapes, area = asked.subject[places], asked.area_m2[places]
    whole = np.asarray(shapely.area(shapes))
    inside = np.asarray(shapely.intersection(shapes, strips), dtype=object)
    edges, one = Edges.of(inside), np.arange(len(places))
    cut = np.asarray(shapely.area(inside))
    summed = pair_areas(Edges.of(shapes), one, Edges.of(strips), one)
    position = np.full(len(asked.subject), -1)
    position[places] = one
    rows = np.flatnonzero(asked.meets & (position[asked.owner] >= 0))
    owner = position[asked.owner[rows]]
    held = sums(owner, pair_areas(edges, owner, Edges.of(asked.piece[rows]), np.arange(len(rows))), len(places))
    low, high = area - held, area + cut - held
    slack = ROUNDING_M2 + 1e-9 * whole
    holds = (np.abs(cut - summed) <= slack) & (held <= cut + slack) & (low >= -slack) & (high <= whole + slack)
    low, high = np.clip(low, 0.0, area), np.clip(high, area, np.maximum(whole, area))
    return np.where(holds, low, np.nan), np.where(holds, high, np.nan)


def _bounds_of_overlapping(asked: Boundaries, place: int, strip: Any) -> tuple[float, float]:
    """Where pieces overlap, they and the strip are united whole and cut once."""
    subject, area = asked.subject[place], float(asked.area_m2[place])
    pieces, whole = asked.piece[asked.owner == place], float(shapely.area(subject))
    for grid, slack in ((None, ROUNDING_M2 + 1e-9 * whole), (GRID_M, GRID_M * float(shapely.length(subject)))):
        try:
            swollen = shapely.union_all(np.append(pieces, strip), grid_size=grid)
            high = float(shapely.area(shapely.intersection(subject, swollen, grid_size=grid)))
            low = high - float(shapely.area(shapely.intersection(subject, strip, grid_size=grid)))
        except GEOSException:
            continue
        if -slack <= low <= area + slack and area - slack <= high <= whole + slack:
            return min(max(low, 0.0), area), min(max(high, area), whole)
    return float("nan"), float("nan")


def _moving_strips(asked: Boundaries) -> Geometries:
    """The boundary of the united pieces near each subject, less what coincides with its own, widened by the error."""
    reach = 2 * asked.error_m + COINCIDENCE_M  # the ends of the clipped lines stay out of the error's reach
    boxes = shapely.bounds(asked.subject) + reach[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
    near = np.array(
        [shapely.clip_by_rect(line, *box) for line, box in zip(_outlines(asked), boxes, strict=True)], dtype=object
    )
    bands = shapely.buffer(shapely.boundary(asked.subject), COINCIDENCE_M, quad_segs=2)
    moving = shapely.difference(near, bands)
    return np.asarray(shapely.buffer(moving, asked.error_m, cap_style="flat", quad_segs=3), dtype=object)


def _outlines(asked: Boundaries) -> list[Any]:
    """The boundary of the united pieces of each subject; neighbours often share the same pieces."""
    known: dict[tuple[int, ...], Any] = {}
    start = np.searchsorted(asked.owner, np.arange(len(asked.subject) + 1))
    found = []
    for begin, end in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        name = tuple(asked.number[begin:end].tolist())
        if name not in known:
            united = asked.piece[begin] if len(name) == 1 else shapely.union_all(asked.piece[begin:end])
            known[name] = shapely.boundary(united)
        found.append(known[name])
    return found


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
