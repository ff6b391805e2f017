"""Lengths of lines inside subjects: `crosses_line`. A line on the boundary counts by its length; a line only on it
touches."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from shapely.errors import GEOSException

from .asked import CONTACT_LENGTH_M, Asked
from .bounds import COINCIDENCE_M, length_bounds_m
from .candidates import (
    Booleans,
    Candidates,
    Floats,
    Geometries,
    Measures,
    Theme,
    contact_words,
    measures_of,
    near_enough,
    pair_distances,
)  # fmt: skip
from .shadows import only_near

_ROUNDING_M = 1e-6


def measure_lengths(asked: Asked, found: Candidates) -> Measures:
    """Dissolved lengths of every pair and theme, with bounds."""
    found = only_near(found, asked.reach_m[found.subject])
    distance = pair_distances(found, np.zeros(len(found.subject), dtype=bool))
    keep = near_enough(found, distance, asked.reach_m[found.subject])
    distance, found = distance[keep], found.only(keep)
    lines = pair_lines(found)
    lengths = lengths_inside(found, lines)
    enters = _enters(found, lines, lengths)
    theme = _theme(found, lines, lengths, enters, distance)
    words = contact_words(asked.word[found.subject], enters, distance)
    return measures_of(found, words, theme, length_m=lengths, nearest_m=distance)


def pair_lines(found: Candidates) -> Geometries:
    """The pieces of each pair as one shape; an overlay then dissolves what runs twice."""
    parts, row = shapely.get_parts(found.geometry, return_index=True)
    made = np.full(len(found.subject), None, dtype=object)
    if len(parts):
        owners, index = np.unique(found.row_pair[row], return_inverse=True)
        made[owners] = shapely.multilinestrings(parts, indices=index)
    return made


def lengths_inside(found: Candidates, lines: Geometries) -> Floats:
    """Length inside or on the boundary of the subject, in metres, one a pair."""
    cut = shapely.intersection(found.subjects.geometry[found.subject], lines)
    return np.asarray(shapely.length(cut), dtype=np.float64)


def _enters(found: Candidates, lines: Geometries, lengths: Floats) -> Booleans:
    """True where a line goes deeper than 1 cm into the subject."""
    enters = np.zeros(len(lengths), dtype=bool)
    inside = np.flatnonzero(lengths > CONTACT_LENGTH_M)
    if len(inside):
        subjects, back = np.unique(found.subject[inside], return_inverse=True)
        shapes = found.subjects.geometry[subjects]
        core = shapely.buffer(shapes, -COINCIDENCE_M, quad_segs=2)
        core = np.where(shapely.is_empty(core), shapes, core)  # thinner than 2 cm: any length inside is deep enough
        enters[inside] = shapely.intersects(core[back], lines[inside])
    return enters


def _theme(found: Candidates, lines: Geometries, lengths: Floats, enters: Booleans, distance: Floats) -> Theme:
    crossing = enters & found.counts
    total = found.sum_by_subject(np.where(crossing, lengths, 0.0))
    largest = found.max_by_subject(np.where(crossing, lengths, 0.0))
    counting = found.counts
    theme = Theme.blank(len(found.subjects))
    theme.length_m[:], theme.count[:] = total, found.count_by_subject(crossing)
    theme.nearest_m[:] = found.min_by_subject(distance, counting)
    for subject in np.flatnonzero(theme.count > 1):
        _dissolve(found, theme, lines, crossing, int(subject), float(largest[subject]))
    error = found.max_by_subject(np.where(counting, found.error_m, 0.0))
    for subject in np.flatnonzero((error > 0) & (found.count_by_subject(counting) > 0) & ~theme.broken):
        _bound(found, theme, lines, int(subject), float(error[subject]))
    return theme


def _dissolve(
    found: Candidates, theme: Theme, lines: Geometries, crossing: Booleans, subject: int, largest: float
) -> None:
    """The theme's length with what several features share counted once."""
    first, last = np.searchsorted(found.subject, [subject, subject + 1])
    together = _collected(lines[first:last][crossing[first:last]])
    try:
        length = float(shapely.length(shapely.intersection(found.subjects.geometry[subject], together)))
    except GEOSException:
        length = float("nan")
    holds = largest - _ROUNDING_M <= length <= theme.length_m[subject] + _ROUNDING_M
    theme.broken[subject] |= not holds
    theme.length_m[subject] = length


def _bound(found: Candidates, theme: Theme, lines: Geometries, subject: int, error_m: float) -> None:
    first, last = np.searchsorted(found.subject, [subject, subject + 1])
    together = _collected(lines[first:last][found.counts[first:last]])
    try:
        theme.length_low_m[subject], theme.length_high_m[subject] = length_bounds_m(
            found.subjects.geometry[subject],
            together,
            float(theme.length_m[subject]),
            error_m,
            enters=bool(theme.count[subject]),
        )
    except GEOSException:
        theme.broken[subject] = True


def _collected(lines: Geometries) -> Any:
    return shapely.multilinestrings(shapely.get_parts(lines))
