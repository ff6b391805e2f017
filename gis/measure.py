"""THE KERNEL: one pure function from a rule, subjects and candidate pieces to measures (design 2.1, 6).

The same function serves one parcel online and a partition of many in batch. Areas have two routes, held together by a
test: GEOS overlays for one subject, sums over pairs of edges (`gis.edges`) for many.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import shapely

from .areas import measure_areas
from .bounds import COINCIDENCE_M
from .candidates import Booleans, Candidates, Measures, Pieces, Subjects, Theme, measures_of
from .lengths import measure_lengths
from .nearness import measure_distances, measure_entries, measure_points
from .origins import measure_from_origins
from .procedure import Relation, Rule

__all__ = ["Measures", "Pieces", "Subjects", "Theme", "is_out_of_reach", "measure"]

AreaRoute = Literal["overlay", "edges"]

#: from so many subjects on, sums over edge pairs are faster than overlays
_MANY_SUBJECTS = 8

_AREA = (Relation.OVERLAPS_AREA, Relation.COVERS_AREA, Relation.INSIDE)
#: the dimension a feature must have for a relation to mean anything; the others take any
_DIMENSION = {**dict.fromkeys(_AREA, 2), Relation.CROSSES_LINE: 1, Relation.CONTAINS_POINT: 0}


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
    broken = _unusable(rule, subjects, pieces)
    usable = _without(pieces, broken)
    if not len(usable.subject):
        measured = _nothing_near(rule, subjects)
    else:
        by_edges = len(subjects) >= _MANY_SUBJECTS if area_route is None else area_route == "edges"
        measured = _measured(rule, Candidates.of(subjects, usable), by_edges=by_edges, pair_bounds=pair_bounds)
    return replace(measured, theme=replace(measured.theme, broken=measured.theme.broken | broken))


def is_out_of_reach(rule: Rule, subjects: Subjects, pieces: Pieces) -> bool:
    """Every piece can be measured and is so far away that `measure` finds what it finds where there is none."""
    if _unusable(rule, subjects, pieces).any():
        return False
    distance = shapely.distance(subjects.geometry[pieces.subject], pieces.geometry)  # NaN, of an entry, is not far
    error = np.hypot(subjects.accuracy_m[pieces.subject], pieces.accuracy_m[pieces.feature])
    return bool((distance > rule.reach_m + np.maximum(error, COINCIDENCE_M)).all())


def _measured(rule: Rule, found: Candidates, *, by_edges: bool, pair_bounds: bool) -> Measures:
    if rule.relation in _AREA:
        return measure_areas(rule, found, by_edges=by_edges, pair_bounds=pair_bounds)
    if rule.relation is Relation.CROSSES_LINE:
        return measure_lengths(rule, found)
    if rule.relation is Relation.CONTAINS_POINT:
        return measure_points(rule, found)
    if rule.relation is Relation.SAME_PARCEL:
        return measure_entries(rule, found)
    return measure_distances(rule, found) if found.distances is None else measure_from_origins(rule, found)


def _nothing_near(rule: Rule, subjects: Subjects) -> Measures:
    nothing = np.zeros(0, dtype=np.int64)
    none = Pieces(nothing, nothing, np.zeros(0, dtype=object), np.zeros(0))
    theme = Theme.blank(len(subjects))
    if rule.relation in _AREA:
        theme = replace(theme, area_m2=np.zeros(len(subjects)))
    if rule.relation is Relation.CROSSES_LINE:
        theme = replace(theme, length_m=np.zeros(len(subjects)))
    return measures_of(Candidates.of(subjects, none), np.zeros(0, dtype=object), theme)


def _unusable(rule: Rule, subjects: Subjects, pieces: Pieces) -> Booleans:
    """Subjects for which the relation cannot be measured: invalid, of the wrong kind, or near the wrong kind."""
    broken = ~subjects.is_valid
    if rule.relation is Relation.RASTER_CLASS:
        return np.ones(len(subjects), dtype=bool)
    dimension = _DIMENSION.get(rule.relation)
    if dimension is not None:
        broken |= shapely.get_dimensions(subjects.geometry) != 2
        wrong = shapely.get_dimensions(pieces.geometry) != dimension
        broken[pieces.subject[wrong]] = True
    elif rule.relation is Relation.WITHIN_DISTANCE:
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
    )
