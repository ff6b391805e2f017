"""Distances from legal origins: widths, margins and assumptions, each with its own outcome."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.candidates import Distances, Pieces, Subjects
from gis.judge import judge
from gis.measure import measure
from gis.procedure import DistanceTerms, Origin, Outcome, Relation, Rule, origin_lies

RULE = Rule("r", "layer", Relation.WITHIN_DISTANCE, distance_m=10.0, terms=DistanceTerms(otherwise_m=10.0))
ACCURACY_M = 0.1


def outcome(gap_m: float, *terms: float, told: bool = True) -> tuple[Outcome, tuple[str, ...], list[str]]:
    """Of a parcel and one point beside it at this distance, with (distance, offset, nearer, farther) of the point."""
    distance, offset, nearer, farther = (*terms, 0.0, 0.0, 0.0)[:4]
    subjects = Subjects.of(np.array([shapely.box(0, 0, 20, 20)], dtype=object), np.array([0.0]))
    zero = np.zeros(1, dtype=np.int64)
    pieces = Pieces(
        zero, zero, np.array([shapely.Point(20 + gap_m, 10)], dtype=object), np.array([ACCURACY_M]),
        distances=Distances.of([(distance, offset, nearer, farther, told, "edge")]),
    )  # fmt: skip
    judged = judge(RULE, measure(RULE, subjects, pieces), np.ones(1))
    drops = [why for hit, why in zip(judged.hit, judged.reason, strict=True) if not hit]
    return judged.outcome[0], judged.reasons[0], drops


@pytest.mark.parametrize(
    ("gap_m", "terms", "expected"),
    [
        (9.0, (10.0,), Outcome.AFFECTED),
        (9.95, (10.0,), Outcome.BORDERLINE),
        (10.05, (10.0,), Outcome.BORDERLINE),
        (10.2, (10.0,), Outcome.CLEAR),
        (12.0, (10.0, 3.0), Outcome.AFFECTED),  # the outer side is 3 m nearer than the axis
        (13.05, (10.0, 3.0), Outcome.BORDERLINE),
        (13.2, (10.0, 3.0), Outcome.CLEAR),
        (9.0, (10.0, 0.0, 5.0), Outcome.AFFECTED),  # even the middle is within the distance
        (12.0, (10.0, 0.0, 5.0), Outcome.BORDERLINE),
        (15.2, (10.0, 0.0, 5.0), Outcome.CLEAR),
        (4.0, (10.0, 0.0, 0.0, 5.0), Outcome.AFFECTED),  # even the farthest part of the site is
        (7.0, (10.0, 0.0, 0.0, 5.0), Outcome.BORDERLINE),
        (10.2, (10.0, 0.0, 0.0, 5.0), Outcome.CLEAR),
    ],
)
def test_the_origin_decides(gap_m: float, terms: tuple[float, ...], expected: Outcome) -> None:
    assert outcome(gap_m, *terms)[0] is expected


def test_each_doubt_says_why() -> None:
    assert outcome(10.05, 10.0)[1:] == (("within_accuracy",), ["within_accuracy"])
    assert outcome(12.0, 10.0, 0.0, 5.0)[1:] == (("origin_unknown",), ["origin_unknown"])
    assert outcome(3.0, 10.0, told=False) == (Outcome.BORDERLINE, ("distance_assumed",), ["distance_assumed"])
    assert outcome(10.2, 10.0, told=False)[0] is Outcome.CLEAR


@pytest.mark.parametrize(
    ("drawn", "legal", "lies"),
    [
        (Origin.DISPENSER, Origin.DISPENSER, (False, False)),
        (Origin.CENTRELINE, Origin.OUTER_CONDUCTOR, (True, False)),
        (Origin.CENTROID, Origin.EDGE, (True, False)),
        (Origin.CENTROID, Origin.DISPENSER, (True, True)),
        (Origin.SITE, Origin.CELL, (False, True)),
        (None, Origin.BANK, (True, True)),
    ],
)
def test_where_the_legal_origin_may_lie(drawn: Origin | None, legal: Origin, lies: tuple[bool, bool]) -> None:
    assert origin_lies(drawn, legal) == lies


def test_candidates_are_looked_for_as_far_as_any_origin_may_reach() -> None:
    terms = DistanceTerms(otherwise_m=10.0, margin_m=30.0)
    assert Rule("r", "layer", Relation.WITHIN_DISTANCE, distance_m=10.0, terms=terms).reach_m == 40.0
    assert Rule("r", "layer", Relation.WITHIN_DISTANCE, distance_m=10.0).reach_m == 10.0
