"""What is asked of each subject: the same of many, or of one, written down once for each rule, a rule each.

Most of what it takes to measure one parcel is the setting-up of arrays, which costs the same for one rule as for ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bounds import COINCIDENCE_M
from .procedure import Relation, Rule

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: less than this in common is a shared boundary
CONTACT_AREA_M2 = 0.01
#: a shorter line inside is a shared end
CONTACT_LENGTH_M = COINCIDENCE_M

AREA = (Relation.OVERLAPS_AREA, Relation.COVERS_AREA, Relation.INSIDE)
#: relations whose features may count together where none does alone
_ADDS_UP = (Relation.OVERLAPS_AREA, Relation.CROSSES_LINE, Relation.RASTER_CLASS)


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry a subject. All relations are of one family: what is measured of them is the same."""

    relation: Relation  #: of the first; the others are measured alike
    word: NDArray[np.object_]  #: of `Relation`
    reach_m: Floats
    distance_m: Floats
    area_m2: Floats  #: the area of the theme from which on the relation holds
    feature_m2: Floats  #: the area from which on a feature is a hit of its own right
    length_m: Floats  #: the length of the theme from which on the relation holds
    is_requirement: Booleans
    is_inside: Booleans
    adds_up: Booleans

    @classmethod
    def one(cls, rule: Rule, subject_area_m2: Floats) -> Asked:
        """The same of every subject."""
        size = len(subject_area_m2)
        word = np.empty(size, dtype=object)
        word[:] = rule.relation.value
        is_inside = rule.relation is Relation.INSIDE
        numbers = np.empty((4, size))
        numbers[0], numbers[1] = rule.reach_m, rule.distance_m
        numbers[2], numbers[3] = _feature_m2(rule), max(rule.min_length_m, CONTACT_LENGTH_M)
        words = np.empty((3, size), dtype=bool)
        words[0], words[1], words[2] = rule.relation.is_requirement, is_inside, rule.relation in _ADDS_UP
        return cls(
            rule.relation, word, numbers[0], numbers[1], area_threshold_m2(rule, subject_area_m2), numbers[2],
            numbers[3], words[0], words[1], words[2],
        )  # fmt: skip

    @classmethod
    def each(cls, rules: Sequence[Rule], subject_area_m2: Floats) -> Asked:
        """Rule i of subject i."""
        areas = subject_area_m2.tolist()
        numbers = np.array(
            [
                (rule.reach_m, rule.distance_m, _threshold_m2(rule, area), _feature_m2(rule),
                 max(rule.min_length_m, CONTACT_LENGTH_M))
                for rule, area in zip(rules, areas, strict=True)
            ]
        ).T  # fmt: skip
        relations = [rule.relation for rule in rules]
        words = np.array([(one.is_requirement, one is Relation.INSIDE, one in _ADDS_UP) for one in relations]).T
        word = np.array([relation.value for relation in relations], dtype=object)
        return cls(relations[0], word, *numbers, *words)


def area_threshold_m2(rule: Rule, subject_area_m2: Floats) -> Floats:
    """The area of the theme from which on the relation holds."""
    if rule.relation is Relation.INSIDE:
        return np.maximum(subject_area_m2 - max(rule.min_area_m2, CONTACT_AREA_M2), CONTACT_AREA_M2)
    return np.full(len(subject_area_m2), _threshold_m2(rule, 0.0))


def _threshold_m2(rule: Rule, area_m2: float) -> float:
    if rule.relation is Relation.INSIDE:
        return max(area_m2 - max(rule.min_area_m2, CONTACT_AREA_M2), CONTACT_AREA_M2)
    wanted = rule.at_least_m2 if rule.relation is Relation.COVERS_AREA else rule.min_area_m2
    return max(wanted or 0.0, CONTACT_AREA_M2)


def _feature_m2(rule: Rule) -> float:
    """Of `inside`, min_area_m2 is what may be missing, not what a feature must share."""
    return max(0.0 if rule.relation is Relation.INSIDE else rule.min_area_m2, CONTACT_AREA_M2)
