"""Points inside, distances, and register entries: `contains_point`, `within_distance`, `same_parcel`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from .asked import Asked
from .bounds import COINCIDENCE_M
from .candidates import (
    Candidates,
    Measures,
    Theme,
    contact_words,
    measures_of,
    near_enough,
    pair_distances,
)  # fmt: skip
from .lengths import lengths_inside, pair_lines
from .shadows import only_near


def measure_points(asked: Asked, found: Candidates) -> Measures:
    """Features with a point in the subject; a point within 1 cm of the boundary lies on it, which
    its accuracy may leave open."""
    found = only_near(found, asked.reach_m[found.subject])
    distance = pair_distances(found, np.zeros(len(found.subject), dtype=bool))
    keep = near_enough(found, distance, asked.reach_m[found.subject])
    distance, found = distance[keep], found.only(keep)
    points, row = shapely.get_parts(found.geometry, return_index=True)
    pair = found.row_pair[row]
    shapes = found.subjects.geometry[found.subject[pair]]
    from_boundary = shapely.distance(shapely.boundary(shapes), points)
    is_off_boundary = from_boundary > COINCIDENCE_M
    is_in = is_off_boundary & shapely.intersects(shapes, points)
    error = found.error_m[pair]

    def has(of_points: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.bincount(pair[of_points], minlength=len(found.subject)) > 0

    inside, sure = has(is_in), has(is_in & (from_boundary >= error))
    possible = inside | has((from_boundary < error) & (is_off_boundary | (error > COINCIDENCE_M)))
    counting = found.counts
    theme = Theme.blank(len(found.subjects))
    theme.nearest_m[:] = found.min_by_subject(distance, counting)
    theme.count[:] = found.count_by_subject(inside & counting)
    theme.count_low[:] = found.count_by_subject(sure & counting)
    theme.count_high[:] = found.count_by_subject(possible & counting)
    words = contact_words(asked.word[found.subject], inside, distance)
    return replace(measures_of(found, words, theme, nearest_m=distance), is_inside=inside)


def measure_distances(asked: Asked, found: Candidates) -> Measures:
    """Distances to the nearest point of each feature; what touches, touches, whatever the accuracy."""
    found = only_near(found, asked.reach_m[found.subject])
    distance = pair_distances(found, np.zeros(len(found.subject), dtype=bool))
    keep = near_enough(found, distance, asked.reach_m[found.subject])
    distance, found = distance[keep], found.only(keep)
    is_within = distance <= asked.distance_m[found.subject]
    error = np.where(distance <= COINCIDENCE_M, 0.0, found.error_m)
    counting = found.counts
    theme = Theme.blank(len(found.subjects))
    theme.nearest_m[:] = found.min_by_subject(distance, counting)
    theme.nearest_low_m[:] = found.min_by_subject(np.maximum(distance - error, 0.0), counting)
    theme.nearest_high_m[:] = found.min_by_subject(distance + error, counting)
    theme.count[:] = found.count_by_subject(counting & is_within)
    words = contact_words(asked.word[found.subject], is_within, distance)
    dimensions = np.unique(shapely.get_dimensions(found.geometry))
    if len(dimensions) == 1 and dimensions[0] == 1:
        lengths = lengths_inside(found, pair_lines(found))
        return measures_of(found, words, theme, nearest_m=distance, length_m=lengths)
    return measures_of(found, words, theme, nearest_m=distance)


def measure_entries(asked: Asked, found: Candidates) -> Measures:
    """Register entries keyed to the subject: each is a hit, there is nothing to measure."""
    count = found.count_by_subject(found.counts)
    theme = Theme.blank(len(found.subjects))
    theme.count[:], theme.count_low[:], theme.count_high[:] = count, count, count
    return measures_of(found, asked.word[found.subject], theme)
