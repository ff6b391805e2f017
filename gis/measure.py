"""THE KERNEL: one pure function from a rule, subjects and candidate pieces to measures (design 2.1, 6).

The same function serves one parcel online and a partition of many in batch. Areas have two routes, held together by a
test: GEOS overlays for one subject, sums over pairs of edges (`gis.edges`) for many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import shapely

from .areas import measure_areas
from .asked import AREA, Asked
from .bounds import COINCIDENCE_M
from .candidates import (
    Booleans,
    Candidates,
    Floats,
    Geometries,
    Measures,
    Pieces,
    Subjects,
    Theme,
    measures_of,
)
from .lengths import measure_lengths
from .nearness import measure_distances, measure_entries, measure_points
from .origins import measure_from_origins
from .procedure import Relation, Rule

__all__ = ["Measures", "Pieces", "Subjects", "Theme", "are_out_of_reach", "is_out_of_reach", "measure", "measure_asked"]

AreaRoute = Literal["overlay", "edges"]

#: from so many subjects on, sums over edge pairs are faster than overlays
_MANY_SUBJECTS = 8

#: the dimension a feature must have for a relation to mean anything; the others take any
_DIMENSION = {**dict.fromkeys(AREA, 2), Relation.CROSSES_LINE: 1, Relation.CONTAINS_POINT: 0}
_ANY = -9


def measure(
    rule: Rule,
    subjects: Subjects,
    pieces: Pieces,
    *,
    area_route: AreaRoute | None = None,
    pair_bounds: bool = True,
) -> Measures:
    """Measures of the rule for every subject.

    Pieces farther than the rule's reach plus the accuracy are left out; what is nearer must all be given, whole. A
    subject that is invalid, or whose measures do not hold the guards, is marked `broken` and nothing follows for it.
    Without `pair_bounds` the accuracy bounds are taken of the themes alone, where several features share one.
    """
    by_edges = len(subjects) >= _MANY_SUBJECTS if area_route is None else area_route == "edges"
    asked = Asked.one(rule, subjects.area_m2)
    return measure_asked(asked, subjects, pieces, by_edges=by_edges, pair_bounds=pair_bounds)


def measure_asked(
    asked: Asked, subjects: Subjects, pieces: Pieces, *, by_edges: bool = False, pair_bounds: bool = True
) -> Measures:
    """`measure`, with what is asked of each subject by itself."""
    broken = _unusable(asked.relation, subjects, pieces)
    usable = _without(pieces, broken)
    if not len(usable.subject):
        measured = _nothing_near(asked.relation, subjects)
    else:
        measured = _measured(asked, Candidates.of(subjects, usable), by_edges=by_edges, pair_bounds=pair_bounds)
    if broken.any():
        measured.theme.broken[broken] = True
    return measured


def is_out_of_reach(rule: Rule, subjects: Subjects, pieces: Pieces) -> bool:
    """Every piece can be measured and is so far away that `measure` finds what it finds where there is none."""
    if _unusable(rule.relation, subjects, pieces).any():
        return False
    distance = pieces.distance_m
    if distance is None:
        distance = shapely.distance(subjects.geometry[pieces.subject], pieces.geometry)  # NaN, of an entry, is not far
    error = np.hypot(subjects.accuracy_m[pieces.subject], pieces.accuracy_m[pieces.feature])
    return bool((distance > rule.reach_m + np.maximum(error, COINCIDENCE_M)).all())


def are_out_of_reach(
    rules: Sequence[tuple[Rule, int]], subject: Subjects, shapes: Geometries, accuracy_m: Floats, distance_m: Floats
) -> Booleans:
    """`is_out_of_reach` of each piece by itself: first those of the first rule, as many as stand beside it, then those
    of the next. `subject` is one polygon."""
    count = [size for _, size in rules]
    reach = np.repeat([rule.reach_m for rule, _ in rules], count)
    wanted = np.repeat([_DIMENSION.get(rule.relation, _ANY) for rule, _ in rules], count)
    fits = (wanted == _ANY) | (shapely.get_dimensions(shapes) == wanted)
    error = np.hypot(subject.accuracy_m[0], accuracy_m)
    return np.asarray(fits & (distance_m > reach + np.maximum(error, COINCIDENCE_M)), dtype=bool)


def _measured(asked: Asked, found: Candidates, *, by_edges: bool, pair_bounds: bool) -> Measures:
    if asked.relation in AREA:
        return measure_areas(asked, found, by_edges=by_edges, pair_bounds=pair_bounds)
    if asked.relation is Relation.CROSSES_LINE:
        return measure_lengths(asked, found)
    if asked.relation is Relation.CONTAINS_POINT:
        return measure_points(asked, found)
    if asked.relation is Relation.SAME_PARCEL:
        return measure_entries(asked, found)
    return measure_distances(asked, found) if found.distances is None else measure_from_origins(asked, found)


def _nothing_near(relation: Relation, subjects: Subjects) -> Measures:
    nothing = np.zeros(0, dtype=np.int64)
    none = Pieces(nothing, nothing, np.zeros(0, dtype=object), np.zeros(0))
    theme = Theme.blank(len(subjects))
    if relation in AREA:
        theme.area_m2[:] = 0.0
    if relation is Relation.CROSSES_LINE:
        theme.length_m[:] = 0.0
    return measures_of(Candidates.of(subjects, none), np.zeros(0, dtype=object), theme)


def _unusable(relation: Relation, subjects: Subjects, pieces: Pieces) -> Booleans:
    """Subjects for which the relation cannot be measured: invalid, of the wrong kind, or near the wrong kind."""
    broken = ~subjects.is_valid
    if relation is Relation.RASTER_CLASS:
        return np.ones(len(subjects), dtype=bool)
    dimension = _DIMENSION.get(relation)
    if dimension is not None:
        broken |= shapely.get_dimensions(subjects.geometry) != 2
        wrong = shapely.get_dimensions(pieces.geometry) != dimension
        broken[pieces.subject[wrong]] = True
    elif relation is Relation.WITHIN_DISTANCE:
        broken[pieces.subject[shapely.is_missing(pieces.geometry)]] = True
    return np.asarray(broken, dtype=bool)


def _without(pieces: Pieces, broken: Booleans) -> Pieces:
    """The rows of subjects that can be measured."""
    keep = ~broken[pieces.subject]
    if keep.all():
        return pieces
    return replace(
        pieces,
        subject=pieces.subject[keep],
        feature=pieces.feature[keep],
        geometry=pieces.geometry[keep],
        piece=None if pieces.piece is None else pieces.piece[keep],
        is_subject=None if pieces.is_subject is None else pieces.is_subject[keep],
        distance_m=None if pieces.distance_m is None else pieces.distance_m[keep],
    )
