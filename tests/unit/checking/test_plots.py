"""What is asked of a plot along roads holds only where all roads are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import shapely

from gis.candidates import Subjects
from gis.procedure import Outcome, Relation, Rule, SubjectRule
from layers.checking.evaluate import Sheet, Standing, evaluate_rule
from layers.checking.plots import judge_plots

ROADS = Rule("roads", "road", Relation.WITHIN_DISTANCE, distance_m=1.5)
PLOT = Subjects.of(np.array([shapely.box(0, 0, 20, 6)], dtype=object), np.array([0.05]))


def outcome(check: SubjectRule, *, mapped: bool) -> Outcome:
    """Of a plot with a road along its southern side."""
    zero = np.zeros(1, dtype=np.int64)
    road = np.array([shapely.LineString([(-50, -1), (50, -1)])], dtype=object)
    sheet = Sheet(np.array([7]), np.array([0.1]), np.array([""], dtype=object), zero, zero, road, everywhere=mapped)
    found = evaluate_rule(ROADS, PLOT, sheet, Standing(1), datetime(2026, 11, 22, tzinfo=UTC))
    judged: Outcome = judge_plots(replace(check, sources=(ROADS,)), PLOT, (found,)).outcome[0]
    return judged


def test_no_more_than_a_length_along_roads_is_clear_only_where_all_roads_are_mapped() -> None:
    most = SubjectRule("f", "frontage_m", at_most=40.0)
    assert outcome(most, mapped=True) is Outcome.CLEAR
    assert outcome(most, mapped=False) is Outcome.NOT_MAPPED


def test_enough_of_a_road_that_is_known_is_enough() -> None:
    assert outcome(SubjectRule("f", "frontage_m", at_least=5.0), mapped=False) is Outcome.CLEAR
