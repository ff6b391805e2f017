"""Distances from where a text measures them: `within_distance` of rules with terms (domain reference 5.2-5.7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .asked import Asked
from .bounds import COINCIDENCE_M
from .candidates import (
    DISTANCE_ASSUMED,
    ORIGIN_UNKNOWN,
    WITHIN_ACCURACY,
    Booleans,
    Candidates,
    Distances,
    Floats,
    Measures,
    Theme,
    contact_words,
    measures_of,
    pair_distances,
)
from .shadows import only_near


def measure_from_origins(asked: Asked, found: Candidates) -> Measures:
    """Distances to the legal origin of each feature, held against the feature's own distance."""
    assert found.distances is not None
    found = only_near(found, _reach_m(found.distances))
    drawn, terms = pair_distances(found, np.zeros(len(found.subject), dtype=bool)), found.distances
    assert terms is not None
    reach = _reach_m(terms)
    keep = np.asarray(drawn <= reach + np.maximum(found.error_m, COINCIDENCE_M), dtype=bool)
    drawn, found, terms = drawn[keep], found.only(keep), terms.at(keep.nonzero()[0])
    error = np.where(drawn <= COINCIDENCE_M, 0.0, found.error_m)
    nearest = np.maximum(drawn - terms.offset_m, 0.0)
    holds, surely, possibly = _held(terms, drawn - terms.offset_m, error)
    counting = found.counts
    theme = Theme.blank(len(found.subjects))
    theme.nearest_m[:] = found.min_by_subject(nearest, counting)
    theme.count[:] = found.count_by_subject(counting & holds)
    theme.count_low[:] = found.count_by_subject(counting & surely)
    theme.count_high[:] = found.count_by_subject(counting & possibly)
    words = contact_words(asked.word[found.subject], holds, drawn)
    doubt = _doubt(terms, possibly & ~surely)
    return replace(measures_of(found, words, theme, nearest_m=nearest), doubt=doubt)


def _reach_m(terms: Distances) -> Floats:
    """How far from what is drawn each feature may matter."""
    return terms.distance_m + terms.offset_m + terms.nearer_m


def _held(terms: Distances, distance_m: Floats, error_m: Floats) -> tuple[Booleans, Booleans, Booleans]:
    """Within the feature's distance as measured, in any case, and at all."""
    farthest = distance_m + terms.farther_m
    holds = terms.is_told & (farthest <= terms.distance_m)
    surely = terms.is_told & (farthest + error_m <= terms.distance_m)
    possibly = distance_m - terms.nearer_m - error_m <= terms.distance_m
    return np.asarray(holds, dtype=bool), np.asarray(surely, dtype=bool), np.asarray(possibly, dtype=bool)


def _doubt(terms: Distances, doubtful: Booleans) -> NDArray[np.object_]:
    """Why each doubtful pair is so: what nobody stated weighs more than what was measured."""
    why = np.full(len(doubtful), "", dtype=object)
    why[doubtful] = WITHIN_ACCURACY
    why[doubtful & ((terms.nearer_m > 0) | (terms.farther_m > 0))] = ORIGIN_UNKNOWN
    why[doubtful & ~terms.is_told] = DISTANCE_ASSUMED
    return why
