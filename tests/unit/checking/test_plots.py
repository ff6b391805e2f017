"""What is asked of a plot along roads holds only where all roads are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import shapely

from gis.candidates import Subjects
from gis.procedure import Outcome, PlotBound, Relation, Rule, SubjectRule, Verdict
from layers.checking.evaluate import Sheet, Standing, evaluate_rule
from layers.checking.plots import RULES_DIFFER, PlotJudgement, judge_plots

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


def test_a_plot_in_two_communes_of_other_rules_is_for_a_person_and_both_are_named() -> None:
    bounds = (PlotBound("small", None, frozenset({"A"}), 50.0), PlotBound("big", None, frozenset({"B"}), 500.0))
    communes = Rule("communes", "commune", Relation.OVERLAPS_AREA)
    check = SubjectRule("m", "area_m2", plots=bounds, is_by_plots=True, ground=communes)

    def judged(border: float) -> PlotJudgement:
        shapes = np.array([shapely.box(-50, -50, border, 50), shapely.box(border, -50, 50, 50)], dtype=object)
        two, zeros = np.arange(2), np.zeros(2, dtype=np.int64)
        sheet = Sheet(two, np.full(2, 0.5), np.array(["", ""], dtype=object), zeros, two, shapes, everywhere=True,
                      names=np.array(["A", "B"], dtype=object))  # fmt: skip
        found = evaluate_rule(communes, PLOT, sheet, Standing(1), datetime(2026, 11, 22, tzinfo=UTC))
        return judge_plots(check, PLOT, (found,))

    across, within = judged(10.5), judged(19.7)
    assert (across.outcome[0], across.verdict[0]) == (Outcome.BORDERLINE, Verdict.REFER)
    assert across.reasons[0] == (RULES_DIFFER,) and across.others[0] == (("B", bounds[1]),)
    assert (within.outcome[0], within.others[0]) == (Outcome.CLEAR, ())


def test_a_plot_of_which_no_row_speaks_is_not_mapped() -> None:
    communes = Rule("communes", "commune", Relation.OVERLAPS_AREA)
    zero, shape = np.zeros(1, dtype=np.int64), np.array([shapely.box(-50, -50, 50, 50)], dtype=object)
    sheet = Sheet(zero, np.full(1, 0.5), np.array([""], dtype=object), zero, zero, shape, everywhere=True,
                  names=np.array(["A"], dtype=object))  # fmt: skip
    found = evaluate_rule(communes, PLOT, sheet, Standing(1), datetime(2026, 11, 22, tzinfo=UTC))
    judged = judge_plots(SubjectRule("m", "area_m2", is_by_plots=True, ground=communes), PLOT, (found,))
    assert (judged.outcome[0], judged.verdict[0]) == (Outcome.NOT_MAPPED, Verdict.REFER)
