"""How far a feature reaches that does not say so itself."""

from __future__ import annotations

import math

import pytest

from gis.procedure import DistanceTerms, Relation, Rule
from layers.checking.distances import distances_of

TERMS = DistanceTerms(otherwise_m=10.0, column="corridor_m")
RULE = Rule("bank", "water", Relation.WITHIN_DISTANCE, distance_m=100.0, terms=TERMS)


@pytest.mark.parametrize("value", [None, -5, 0, math.nan, math.inf, "50", True])
def test_what_says_no_distance_is_assumed_and_may_reach_as_far_as_any_other(value: object) -> None:
    found = distances_of(RULE, [{"corridor_m": value}])
    assert found is not None
    assert (found.is_told[0], found.distance_m[0], found.distance_m[0] + found.nearer_m[0]) == (False, 10.0, 100.0)


def test_what_says_its_distance_reaches_no_farther() -> None:
    found = distances_of(RULE, [{"corridor_m": 50}])
    assert found is not None and (found.is_told[0], found.distance_m[0], found.nearer_m[0]) == (True, 50.0, 0.0)
