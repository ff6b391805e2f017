"""Several rules about one subject, measured and judged in one go: the subject is written down once for each rule.

What comes out for a rule is to the last bit what `measure` and `judge` give for it alone; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from .asked import AREA, Asked
from .candidates import COUNTS, Distances, Floats, Measures, Pieces, Subjects, Theme
from .judge import Judgement, judge_asked
from .measure import measure_asked
from .procedure import Relation, Rule

Objects = NDArray[np.object_]

_OF_SUBJECTS = tuple(field.name for field in fields(Subjects))
_OF_TERMS = tuple(field.name for field in fields(Distances))


@dataclass(frozen=True, slots=True)
class Question:
    """One rule with what lies near the subject; `mapped` and `blocked` as `judge` takes them, one entry each."""

    rule: Rule
    pieces: Pieces
    mapped: Floats
    blocked: Objects


def family_of(rule: Rule, pieces: Pieces) -> str:
    """Rules of one family can be measured together; empty where a rule is measured alone, as one with nothing near."""
    if pieces.piece is not None or pieces.is_subject is not None or pieces.distance_m is None:
        return ""
    if not len(pieces.subject):
        return ""
    if rule.relation in AREA:
        return "area"
    return "origin" if rule.relation is Relation.WITHIN_DISTANCE and pieces.distances is not None else ""


def judged_together(subject: Subjects, asked: Sequence[Question]) -> list[tuple[Measures, Judgement]]:
    """Measures and judgement of each rule; all of one family. Raises what GEOS raises for any of them."""
    count = len(asked)
    subjects = _times(subject, count)
    what = Asked.each([one.rule for one in asked], subjects.area_m2)
    offset = np.array(list(accumulate((len(one.pieces.accuracy_m) for one in asked), initial=0)))
    measures = measure_asked(what, subjects, _all_pieces([one.pieces for one in asked], offset))
    judgement = judge_asked(
        what, measures, np.concatenate([one.mapped for one in asked]), np.concatenate([one.blocked for one in asked])
    )
    ends = measures.subject.searchsorted(np.arange(count + 1)).tolist()
    return [
        (_measures_of(measures, place, slice(ends[place], ends[place + 1]), int(offset[place])),
         _judgement_of(judgement, place, slice(ends[place], ends[place + 1])))
        for place in range(count)
    ]  # fmt: skip


def _times(subject: Subjects, count: int) -> Subjects:
    return Subjects(*(getattr(subject, name).repeat(count) for name in _OF_SUBJECTS))


def _all_pieces(each: Sequence[Pieces], offset: NDArray[np.int64]) -> Pieces:
    """Rows of all rules, those of rule i for subject i, features numbered on."""
    rows = [len(pieces.subject) for pieces in each]
    excluded = [np.full(len(p.accuracy_m), COUNTS, dtype=object) if p.excluded is None else p.excluded for p in each]
    terms = [pieces.distances for pieces in each if pieces.distances is not None]
    distances = [pieces.distance_m for pieces in each if pieces.distance_m is not None]
    return Pieces(
        subject=np.arange(len(each)).repeat(rows),
        feature=np.concatenate([pieces.feature for pieces in each]) + offset[:-1].repeat(rows),
        geometry=np.concatenate([pieces.geometry for pieces in each]),
        accuracy_m=np.concatenate([pieces.accuracy_m for pieces in each]),
        excluded=np.concatenate(excluded),
        distances=_all_terms(terms) if terms else None,
        distance_m=np.concatenate(distances),
    )


def _all_terms(each: Sequence[Distances]) -> Distances:
    return Distances(*(np.concatenate([getattr(one, name) for one in each]) for name in _OF_TERMS))


def _measures_of(found: Measures, place: int, pairs: slice, offset: int) -> Measures:
    one, theme = slice(place, place + 1), found.theme
    return Measures(
        subject_area_m2=found.subject_area_m2[one], subject=found.subject[pairs] - place,
        feature=found.feature[pairs] - offset, area_m2=found.area_m2[pairs], area_low_m2=found.area_low_m2[pairs],
        area_high_m2=found.area_high_m2[pairs], length_m=found.length_m[pairs], nearest_m=found.nearest_m[pairs],
        relation=found.relation[pairs], excluded=found.excluded[pairs], is_inside=found.is_inside[pairs],
        theme=Theme(
            theme.area_m2[one], theme.area_low_m2[one], theme.area_high_m2[one], theme.length_m[one],
            theme.length_low_m[one], theme.length_high_m[one], theme.nearest_m[one], theme.nearest_low_m[one],
            theme.nearest_high_m[one], theme.count[one], theme.count_low[one], theme.count_high[one],
            theme.broken[one],
        ),
        distances=None if found.distances is None else _part_of(found.distances, pairs),
        doubt=None if found.doubt is None else found.doubt[pairs],
    )  # fmt: skip


def _part_of(terms: Distances, pairs: slice) -> Distances:
    return Distances(*(getattr(terms, name)[pairs] for name in _OF_TERMS))


def _judgement_of(found: Judgement, place: int, pairs: slice) -> Judgement:
    one = slice(place, place + 1)
    return Judgement(found.outcome[one], found.reasons[one], found.hit[pairs], found.reason[pairs])
