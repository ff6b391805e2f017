"""Truth tables: outcomes, hits, groups, verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gis.candidates import Measures
from gis.judge import judge, judge_group, judge_subject, reasons_of, verdict_of
from gis.measure import measure
from gis.procedure import Group, Outcome, Relation, Rule, SubjectRule, Verdict
from tests.unit.gis.shapes import near, rule, subjects

PARCEL = "POLYGON ((0 0, 20 0, 20 20, 0 20, 0 0))"
OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def measured(wanted: Rule, area: float, low: float, high: float) -> Measures:
    """Measures of a parcel of 400 m² whose theme has these areas."""
    blank = measure(wanted, subjects(PARCEL), near(subjects(PARCEL), []))
    areas = {"area_m2": area, "area_low_m2": low, "area_high_m2": high}
    return replace(blank, theme=replace(blank.theme, **{name: np.array([value]) for name, value in areas.items()}))


NAN = float("nan")


@pytest.mark.parametrize(
    ("area", "low", "high", "mapped", "expected"),
    [
        (0.0, NAN, NAN, 1.0, "clear"),
        (0.0, NAN, NAN, 0.4, "partly_mapped"),
        (0.0, NAN, NAN, 0.0, "not_mapped"),
        (5.0, NAN, NAN, 1.0, "affected"),
        (5.0, 2.0, 9.0, 1.0, "affected"),
        (5.0, NAN, NAN, 0.0, "affected"),
        (5.0, 0.4, 9.0, 1.0, "borderline"),
        (0.5, 0.0, 1.4, 1.0, "borderline"),
        (0.5, 0.0, 1.4, 0.0, "borderline"),
        (0.5, 0.0, 0.9, 1.0, "clear"),
        (0.5, 0.0, 0.9, 0.9, "partly_mapped"),
        (1.0, 1.0, 1.0, 1.0, "affected"),
        (0.0, NAN, NAN, NAN, "not_checked"),
    ],
)
def test_outcomes_of_a_prohibition(area: float, low: float, high: float, mapped: float, expected: str) -> None:
    wanted = rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
    assert judge(wanted, measured(wanted, area, low, high), np.array([mapped])).outcome[0] is OUTCOMES[expected]


@pytest.mark.parametrize(
    ("area", "low", "high", "mapped", "expected"),
    [
        (150.0, NAN, NAN, 1.0, "clear"),
        (150.0, NAN, NAN, 0.0, "clear"),
        (150.0, 90.0, 200.0, 1.0, "borderline"),
        (50.0, NAN, NAN, 1.0, "affected"),
        (50.0, NAN, NAN, 0.5, "partly_mapped"),
        (0.0, NAN, NAN, 0.0, "not_mapped"),
        (95.0, 80.0, 110.0, 0.0, "borderline"),
    ],
)
def test_outcomes_of_a_requirement(area: float, low: float, high: float, mapped: float, expected: str) -> None:
    wanted = rule(Relation.COVERS_AREA, at_least_m2=100.0)
    assert judge(wanted, measured(wanted, area, low, high), np.array([mapped])).outcome[0] is OUTCOMES[expected]


def test_inside_asks_for_the_whole_subject() -> None:
    wanted = rule(Relation.INSIDE)
    outcomes = [judge(wanted, measured(wanted, area, NAN, NAN), np.ones(1)).outcome[0] for area in (400.0, 399.0)]
    assert outcomes == [Outcome.CLEAR, Outcome.AFFECTED]


def test_a_stale_layer_reports_its_hits_beside_not_checked() -> None:
    parcel, wanted = subjects(PARCEL), rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
    measures = measure(wanted, parcel, near(parcel, ["POLYGON ((5 5, 9 5, 9 9, 5 9, 5 5))"]))
    judgement = judge(wanted, measures, np.ones(1), np.array(["stale"], dtype=object))
    assert judgement.outcome[0] is Outcome.NOT_CHECKED
    assert judgement.reasons[0] == ("stale",)
    assert judgement.hit.tolist() == [True]


def test_a_broken_measure_is_not_checked() -> None:
    bow_tie = subjects("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))")
    wanted = rule(Relation.OVERLAPS_AREA)
    judgement = judge(wanted, measure(wanted, bow_tie, near(bow_tie, [])), np.ones(1))
    assert (judgement.outcome[0], judgement.reasons[0]) == (Outcome.NOT_CHECKED, ("broken_measure",))
    raster = rule(Relation.RASTER_CLASS)
    parcel = subjects(PARCEL)
    assert judge(raster, measure(raster, parcel, near(parcel, [])), np.ones(1)).reasons[0] == ("broken_measure",)


def strips(*widths: float) -> list[str]:
    """Strips of 10 m inside the parcel, of these widths, apart from each other."""
    return [f"POLYGON ((5 {y} , 15 {y}, 15 {y + w}, 5 {y + w}, 5 {y}))" for y, w in enumerate(widths, start=2)]


def test_hits_pass_the_threshold_each_and_the_rest_is_dropped_with_a_reason() -> None:
    parcel, wanted = subjects(PARCEL, accuracy_m=0.1), rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
    beside = ["POLYGON ((20 0, 30 0, 30 20, 20 20, 20 0))", "POLYGON ((20.05 0, 30 0, 30 20, 20.05 20, 20.05 0))"]
    measures = measure(wanted, parcel, near(parcel, [*strips(0.2, 0.05), *beside]))
    judgement = judge(wanted, measures, np.ones(1))
    assert judgement.hit.tolist() == [True, False, False, False]
    assert judgement.reason.tolist() == ["", "below_threshold", "touches_only", "near"]


def test_features_that_pass_only_together_are_all_hits_by_sum() -> None:
    parcel, wanted = subjects(PARCEL), rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
    judgement = judge(wanted, measure(wanted, parcel, near(parcel, strips(0.06, 0.07))), np.ones(1))
    assert judgement.outcome[0] is Outcome.AFFECTED
    assert judgement.hit.tolist() == [True, True]
    assert judgement.reason.tolist() == ["sum", "sum"]


def test_borderline_never_changes_a_hit() -> None:
    parcel, wanted = subjects(PARCEL, accuracy_m=0.3), rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
    judgement = judge(wanted, measure(wanted, parcel, near(parcel, strips(0.2))), np.ones(1))
    assert judgement.outcome[0] is Outcome.BORDERLINE
    assert judgement.reasons[0] == ("within_accuracy",)
    assert judgement.hit.tolist() == [True]


def test_an_excluded_feature_is_dropped_with_its_reason() -> None:
    parcel, wanted = subjects(PARCEL), rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
    rows = near(parcel, strips(0.5, 0.5), excluded=["not_applicable", "not_in_force"])
    judgement = judge(wanted, measure(wanted, parcel, rows), np.ones(1))
    assert judgement.outcome[0] is Outcome.CLEAR
    assert judgement.reason.tolist() == ["not_applicable", "not_in_force"]


@pytest.mark.parametrize(
    ("nearest", "accuracy_m", "expected"),
    [(9.0, 0.3, "affected"), (9.9, 0.3, "borderline"), (10.1, 0.3, "borderline"), (10.4, 0.3, "clear")],
)
def test_distances_flip_within_the_accuracy(nearest: float, accuracy_m: float, expected: str) -> None:
    parcel, wanted = subjects(PARCEL), rule(Relation.WITHIN_DISTANCE, distance_m=10.0)
    rows = near(parcel, [f"POINT ({20 + nearest} 10)"], accuracy_m=accuracy_m, within_m=20)
    assert judge(wanted, measure(wanted, parcel, rows), np.ones(1)).outcome[0] is OUTCOMES[expected]


# ── groups, subjects, verdicts ───────────────────────────────────────────────────────────────────

GROUP = Group("g", (rule(Relation.COVERS_AREA), rule(Relation.COVERS_AREA)))


@pytest.mark.parametrize(
    ("members", "outcome", "verdict"),
    [
        (("clear", "clear"), "clear", "pass"),
        (("clear", "not_mapped"), "clear", "pass"),
        (("clear", "affected"), "clear", "refer"),
        (("clear", "not_checked"), "clear", "refer"),
        (("affected", "affected"), "affected", "fail"),
        (("not_mapped", "not_mapped"), "not_mapped", "refer"),
        (("affected", "not_mapped"), "partly_mapped", "refer"),
        (("affected", "borderline"), "borderline", "refer"),
        (("affected", "not_checked"), "not_checked", "refer"),
    ],
)
def test_one_sufficient_ground_is_enough(members: tuple[str, str], outcome: str, verdict: str) -> None:
    found = judge_group(GROUP, [OUTCOMES[member] for member in members])
    assert (found[0], found[1]) == (OUTCOMES[outcome], Verdict(verdict))


def test_a_group_follows_its_own_words_for_conflict_and_none() -> None:
    strict = replace(GROUP, on_conflict=Verdict.FAIL, none=Verdict.REFER, verified=False)
    assert judge_group(strict, [Outcome.CLEAR, Outcome.AFFECTED])[1] is Verdict.FAIL
    assert judge_group(strict, [Outcome.AFFECTED, Outcome.AFFECTED])[1] is Verdict.REFER
    assert judge_group(strict, [Outcome.CLEAR, Outcome.CLEAR])[1] is Verdict.REFER


@pytest.mark.parametrize(
    ("at_least", "accuracy_m", "expected"),
    [(60.0, 0.1, "clear"), (401.0, 0.1, "borderline"), (399.0, 0.1, "borderline"), (500.0, 0.1, "affected")],
)
def test_a_question_about_the_subject_itself(at_least: float, accuracy_m: float, expected: str) -> None:
    wanted = SubjectRule("s", "area_m2", at_least=at_least)
    outcome, low, high = judge_subject(wanted, subjects(PARCEL, accuracy_m=accuracy_m))
    assert outcome[0] is OUTCOMES[expected]
    assert np.isnan(low[0]) if expected in ("clear", "affected") else low[0] < 400.0 < high[0]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_clear_can_pass_and_nothing_unverified_does(outcome: Outcome) -> None:
    plain = rule(Relation.OVERLAPS_AREA)
    assert (verdict_of(plain, outcome) is Verdict.PASS) == (outcome is Outcome.CLEAR)
    careless = replace(plain, verdicts={outcome: Verdict.PASS})
    assert (verdict_of(careless, outcome) is Verdict.PASS) == (outcome is Outcome.CLEAR)
    assert verdict_of(replace(plain, verified=False), outcome) is not Verdict.PASS
    assert verdict_of(replace(plain, verdicts={outcome: Verdict.FAIL}), outcome) is Verdict.FAIL


def test_reasons_of_few_are_those_of_many() -> None:
    known = {Outcome.BORDERLINE: ("within_accuracy",), Outcome.NOT_MAPPED: ("outside_mapped_area",)}
    outcomes = np.array([Outcome.CLEAR, Outcome.BORDERLINE, Outcome.NOT_MAPPED, Outcome.AFFECTED], dtype=object)
    assert reasons_of(outcomes, known).tolist() == reasons_of(np.tile(outcomes, 50), known).tolist()[:4]
    assert reasons_of(outcomes, known).tolist() == [(), ("within_accuracy",), ("outside_mapped_area",), ()]
