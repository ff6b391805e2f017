"""Areas of pairs and of themes: `overlaps_area`, `covers_area`, `inside`."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .asked import CONTACT_AREA_M2, Asked
from .bounds import (
    GRID_M,
    ROUNDING_M2,
    Boundaries,
    boundary_length_in_boxes,
    bounds_or_nothing,
    covered_within_coincidence_m2,
    strip_limit_m2,
)
from .candidates import (
    Booleans,
    Candidates,
    Floats,
    Geometries,
    Integers,
    Measures,
    Theme,
    contact_words,
    measures_of,
    near_enough,
    pair_distances,
)
from .edges import Edges, pair_areas, sums
from .shadows import only_near

#: pieces of different features with less than this in common do not overlap
_DISJOINT_M2 = 1e-6


def measure_areas(asked: Asked, found: Candidates, *, by_edges: bool, pair_bounds: bool) -> Measures:
    """Areas of every pair, the union of every theme, and its bounds where the decision could flip."""
    if by_edges:
        found = only_near(found, asked.reach_m[found.subject])
    of_rows = _row_areas_by_edges(found) if by_edges else _row_areas_by_overlay(found)
    areas = found.sum_by_pair(of_rows)
    distance = pair_distances(found, areas > CONTACT_AREA_M2)
    keep = near_enough(found, distance, asked.reach_m[found.subject])
    of_rows, areas, distance, found = of_rows[keep[found.row_pair]], areas[keep], distance[keep], found.only(keep)
    theme = _theme(asked, found, of_rows, areas, by_edges=by_edges)
    areas = np.maximum(areas, 0.0) + 0.0  # what rounding left below nothing is nothing; the guard has seen it
    low, high = _bounds(asked, found, of_rows, areas, theme, pair_bounds=pair_bounds)
    counting = found.counts
    theme.nearest_m[:] = found.min_by_subject(distance, counting)
    theme.count[:] = found.count_by_subject(counting & (areas > CONTACT_AREA_M2))
    words = contact_words(asked.word[found.subject], areas > CONTACT_AREA_M2, distance)
    return measures_of(
        found, words, theme, area_m2=areas, area_low_m2=low, area_high_m2=high, nearest_m=distance
    )  # fmt: skip


def _row_areas_by_overlay(found: Candidates) -> Floats:
    """What is known to lie apart is not cut."""
    if found.distance_m is None:
        return np.asarray(shapely.area(shapely.intersection(found.row_shape, found.geometry)))
    areas, near = np.zeros(len(found.geometry)), (found.distance_m <= 0).nonzero()[0]
    areas[near] = shapely.area(shapely.intersection(found.row_shape[near], found.geometry[near]))
    return areas


def _row_areas_by_edges(found: Candidates) -> Floats:
    """Rows whose subject lies inside its piece, as most do in a plan or a commune, share all of it: only the others
    are added up edge by edge."""
    areas = found.subjects.area_m2[found.row_subject]
    cut = np.flatnonzero(~_lies_inside(found))
    if not len(cut):
        return areas
    _, first, row_piece = np.unique(found.piece[cut], return_index=True, return_inverse=True)
    parts, start = found.subjects.parts
    subject = found.row_subject[cut]
    count = start[subject + 1] - start[subject]
    row = np.repeat(np.arange(len(subject)), count)
    part = start[subject][row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    of_parts = pair_areas(parts, part, Edges.of(found.geometry[cut[first]]), row_piece[row])
    areas[cut] = sums(row, of_parts, len(subject))
    return areas


def _lies_inside(found: Candidates) -> Booleans:
    """Rows whose subject lies wholly inside its piece; only pieces whose box holds the subject's are asked."""
    inner = shapely.bounds(found.subjects.geometry)[found.row_subject]
    outer = shapely.bounds(found.geometry)
    holds = (outer[:, :2] <= inner[:, :2]).all(axis=1) & (outer[:, 2:] >= inner[:, 2:]).all(axis=1)
    rows = np.flatnonzero(holds & found.subjects.is_valid[found.row_subject])
    shapely.prepare(found.geometry[rows])
    inside = np.zeros(len(outer), dtype=bool)
    inside[rows] = shapely.contains_properly(found.geometry[rows], found.row_shape[rows])
    return inside


def _theme(asked: Asked, found: Candidates, of_rows: Floats, areas: Floats, *, by_edges: bool) -> Theme:
    """The area of the union of all features that count, guarded on both sides."""
    counted = np.where(found.counts, areas, 0.0)
    total, largest = found.sum_by_subject(counted), found.max_by_subject(counted)
    features = found.count_by_subject(counted > 0)
    united = np.where(features > 0, total, 0.0)
    broken = _is_broken(found, areas)
    several = features > 1
    if by_edges:
        several &= _shared_area_m2(found, of_rows, several) > _DISJOINT_M2
    for subject in several.nonzero()[0].tolist():
        united[subject] = _united_area_m2(found, subject, counted > 0, float(largest[subject]), float(total[subject]))
    broken |= np.isnan(united)
    if asked.is_inside.any():
        united = _with_coincident_boundary(asked, found, united)
    theme = Theme.blank(len(found.subjects))
    theme.area_m2[:], theme.broken[:] = united, broken
    return theme


def _is_broken(found: Candidates, areas: Floats) -> Booleans:
    """A feature cannot share less than nothing with its subject, nor more than all of it."""
    limit = found.subjects.area_m2[found.subject]
    wrong = ~((areas >= -ROUNDING_M2) & (areas <= limit + _rounding_m2(limit)))
    return found.count_by_subject(wrong) > 0


def _rounding_m2(area_m2: Floats) -> Floats:
    return ROUNDING_M2 + 1e-9 * area_m2


def _shared_area_m2(found: Candidates, of_rows: Floats, several: Booleans) -> Floats:
    """How much the features of each subject overlap each other: where nothing, the union is the sum."""
    rows = np.flatnonzero((of_rows > 0) & found.counts[found.row_pair] & several[found.row_subject])
    one, other = _row_pairs_of_one_subject(found, rows)
    if not len(one):
        return np.zeros(len(found.subjects))
    _, first, piece = np.unique(found.piece[rows], return_index=True, return_inverse=True)
    edges = Edges.of(found.geometry[rows[first]])
    pairs, back = np.unique(np.stack([piece[one], piece[other]]), axis=1, return_inverse=True)
    shared = np.abs(pair_areas(edges, pairs[0], edges, pairs[1]))[back.ravel()]
    return sums(found.row_subject[rows[one]], shared, len(found.subjects))


def _row_pairs_of_one_subject(found: Candidates, rows: Integers) -> tuple[Integers, Integers]:
    """Positions (i, j), i < j, in `rows` of pieces of one subject and of different features."""
    subject = found.row_subject[rows]
    last = np.searchsorted(subject, subject, side="right")
    following = last - np.arange(len(rows)) - 1
    one = np.repeat(np.arange(len(rows)), following)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(following) - following, following)
    differ = found.row_pair[rows[one]] != found.row_pair[rows[other]]
    return one[differ], other[differ]


def _united_area_m2(found: Candidates, subject: int, pairs: Booleans, largest: float, total: float) -> float:
    pieces = found.rows_of(subject, pairs)
    return covered_area_m2(found.subjects.geometry[subject], pieces, largest, total)


def covered_area_m2(shape: Any, pieces: Geometries, largest: float, total: float) -> float:
    """Whole pieces united and cut once; NaN when neither plain overlay nor the one on a grid holds the guard: no less
    than the largest of what is united, no more than all of it together."""
    limit = min(total, float(shapely.area(shape)))
    for grid, slack in ((None, ROUNDING_M2), (GRID_M, GRID_M * float(shapely.length(shape)))):
        try:
            united = shapely.union_all(pieces, grid_size=grid)
            area = float(shapely.area(shapely.intersection(shape, united, grid_size=grid)))
        except GEOSException:
            continue
        if largest - slack <= area <= limit + slack:
            return min(area, limit)
    return float("nan")


def _with_coincident_boundary(asked: Asked, found: Candidates, united: Floats) -> Floats:
    """For `inside`: a remainder wholly within 1 cm of the theme is a shared boundary, and the subject is covered."""
    whole = found.subjects.area_m2
    short = asked.is_inside & (united < asked.area_m2)
    possible = short & (united >= whole - (found.subjects.perimeter_m + 1.0) * 0.02)
    for subject in np.flatnonzero(possible & (united > 0)).tolist():
        pieces = found.rows_of(subject, found.counts)
        try:
            covered = covered_within_coincidence_m2(found.subjects.geometry[subject], pieces)
        except GEOSException:
            continue
        if covered >= whole[subject] - CONTACT_AREA_M2 - GRID_M * found.subjects.perimeter_m[subject]:
            united[subject] = whole[subject]
    return united


def _bounds(
    asked: Asked, found: Candidates, of_rows: Floats, areas: Floats, theme: Theme, *, pair_bounds: bool
) -> tuple[Floats, Floats]:
    """Bounds of pairs and, written into the theme, of themes: only where the decision on the theme could flip."""
    low, high = np.full(len(areas), np.nan), np.full(len(areas), np.nan)
    counting = found.counts
    error = found.max_by_subject(np.where(counting, found.error_m, 0.0))
    flips = _could_flip(asked, found, theme, error)
    subjects = flips.nonzero()[0]
    if not len(subjects):
        return low, high
    features = found.count_by_subject(counting)
    _bound_themes(found, of_rows, theme, subjects, error)
    wanted = counting & flips[found.subject]
    alone = np.flatnonzero(wanted & (features[found.subject] == 1))
    low[alone], high[alone] = theme.area_low_m2[found.subject[alone]], theme.area_high_m2[found.subject[alone]]
    together = np.flatnonzero(wanted & (features[found.subject] > 1))
    if pair_bounds and len(together):
        low[together], high[together] = _bounds_of_pairs(found, of_rows, areas, together)
    return low, high


def _bound_themes(found: Candidates, of_rows: Floats, theme: Theme, subjects: Integers, error_m: Floats) -> None:
    """The bounds of these subjects' themes; where they cannot be had, the subject is broken."""
    is_asked = np.isin(np.arange(len(found.subjects)), subjects)
    rows = np.flatnonzero(is_asked[found.row_subject] & found.counts[found.row_pair])
    shared = _shared_area_m2(found, of_rows, is_asked)
    low, high = bounds_or_nothing(
        Boundaries(
            subject=found.subjects.geometry[subjects],
            area_m2=theme.area_m2[subjects],
            error_m=error_m[subjects],
            overlapping=shared[subjects] > _DISJOINT_M2,
            owner=np.searchsorted(subjects, found.row_subject[rows]),
            piece=found.geometry[rows],
            number=found.piece[rows],
            meets=of_rows[rows] > 0,
        )
    )
    theme.area_low_m2[subjects], theme.area_high_m2[subjects] = low, high
    theme.broken[subjects] |= np.isnan(low)


def _bounds_of_pairs(found: Candidates, of_rows: Floats, areas: Floats, pairs: Integers) -> tuple[Floats, Floats]:
    """The bounds of single features where several share a theme; pieces of one feature never overlap."""
    rows = np.flatnonzero(np.isin(found.row_pair, pairs))
    return bounds_or_nothing(
        Boundaries(
            subject=found.subjects.geometry[found.subject[pairs]],
            area_m2=areas[pairs],
            error_m=found.error_m[pairs],
            overlapping=np.zeros(len(pairs), dtype=bool),
            owner=np.searchsorted(pairs, found.row_pair[rows]),
            piece=found.geometry[rows],
            number=found.piece[rows],
            meets=of_rows[rows] > 0,
        )
    )


def _could_flip(asked: Asked, found: Candidates, theme: Theme, error: Floats) -> NDArray[np.bool_]:
    """A cheap and safe look: no strip of the error's width along the boundaries nearby could change the decision."""
    whole, area = found.subjects.area_m2, theme.area_m2
    threshold = asked.area_m2
    open_question = (error > 0) & ~theme.broken & (found.count_by_subject(found.counts) > 0)
    is_hit, is_covered = area >= threshold, area >= whole - CONTACT_AREA_M2
    own_strip = strip_limit_m2(found.subjects.perimeter_m, found.subjects.vertices.astype(np.float64), error)
    certain = is_hit & is_covered & (whole - own_strip >= threshold)
    certain |= ~is_hit & (whole < threshold)  # even the whole subject would not be enough
    open_question &= ~certain
    rows = (open_question[found.row_subject] & found.counts[found.row_pair]).nonzero()[0]
    if not len(rows):
        return open_question
    subject = found.row_subject[rows]
    grow = error[subject][:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
    boxes = shapely.bounds(found.subjects.geometry[subject]) + grow
    length, edges = boundary_length_in_boxes(found.geometry[rows], found.piece[rows], boxes)
    strip = strip_limit_m2(sums(subject, length, len(whole)), sums(subject, edges, len(whole)), error)
    return open_question & np.where(is_hit, area - strip < threshold, area + strip >= threshold)
