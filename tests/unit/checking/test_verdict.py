"""No mapping, projection or policy ever turns something that was not shown to be met into clear or pass."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gis.procedure import Outcome, Verdict
from layers.access.decide import FULL, Box
from layers.checking.answer import NO_COVERAGE, NO_MEASURE, View, project
from layers.checking.sight import Sight

LAYERS = ("a", "b", "c")
COLUMNS = ("ma", "ten")


def drawn_finding(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "check": "x", "title": {"vi": "x", "en": "x"}, "layer": None, "revision": 1, "release": 1,
        "relation": None, "verified": True, "required": True,
        "measure": dict(NO_MEASURE), "coverage": dict(NO_COVERAGE),
        "accuracy_m": None, "features": [], "dropped": [], "basis": [], "office": {}, "reasons": [], **more,
    }  # fmt: skip


@st.composite
def rule_findings(draw: st.DrawFn) -> dict[str, Any]:
    outcome = draw(st.sampled_from([one for one in Outcome if one is not Outcome.WITHHELD]))
    verdicts = list(Verdict) if outcome is Outcome.CLEAR else [Verdict.REFER, Verdict.FAIL]
    hits = [
        {"fid": "1", "key": "k", "key_columns": ["ma"], "relation": "overlaps_area", "reason": None, "area_m2": 1.0,
         "area_high_m2": None, "length_m": None, "nearest_m": None, "attributes": {"ma": draw(st.sampled_from("pq"))}}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return drawn_finding(
        "layer", layer=draw(st.sampled_from(LAYERS)), outcome=outcome.value,
        verdict=draw(st.sampled_from(verdicts)).value, required=draw(st.booleans()), features=hits,
    )  # fmt: skip


@st.composite
def findings(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return draw(rule_findings())
    members = draw(st.lists(rule_findings(), min_size=2, max_size=3))
    outcome = draw(st.sampled_from([Outcome.CLEAR, Outcome.AFFECTED, Outcome.NOT_MAPPED]))
    verdict = Verdict.PASS if outcome is Outcome.CLEAR else Verdict.REFER
    return drawn_finding("group", outcome=outcome.value, verdict=verdict.value, members=members)


@st.composite
def views(draw: st.DrawFn) -> View:
    boxes = [(), (Box(COLUMNS, FULL),), (Box(("ten",), FULL),)]
    sights = {layer: Sight(draw(st.sampled_from(boxes)), (), True) for layer in LAYERS}
    return View(sights, frozenset(draw(st.sets(st.sampled_from(LAYERS)))), "sha256:-")


def record(found: list[dict[str, Any]]) -> dict[str, Any]:
    subject = {"kind": "geometry", "layer": None, "fid": None, "key": None, "label": "x", "area_m2": 1.0,
               "registered_area_m2": None, "registered_area_column": None, "attributes": {}}  # fmt: skip
    plain = dict.fromkeys(("id", "created", "as_of", "on_date", "dossier", "purpose", "rules"), "x")
    return {**plain, "subject": subject, "procedure": {"id": "p"}, "inputs": {}, "skipped": [],
            "cut": dict.fromkeys(LAYERS, 1), "engine": {}, "findings": found}  # fmt: skip


@given(st.lists(findings(), max_size=4), views())
def test_no_policy_turns_anything_into_clear_or_a_better_verdict(found: list[dict[str, Any]], view: View) -> None:
    shown = project(record(found), "sha256:-", view).content
    for before, after in zip(found, shown["findings"], strict=True):
        assert after["outcome"] in (before["outcome"], "withheld")
        if after["outcome"] == "withheld":
            assert after["verdict"] == "refer"
        else:
            assert after["verdict"] == before["verdict"]
    if shown["verdict"] == "pass":
        required = [one for one in shown["findings"] if one["required"]]
        assert required and all((one["outcome"], one["verdict"]) == ("clear", "pass") for one in required)


@given(st.lists(findings(), max_size=4), views())
def test_what_is_withheld_shows_nothing_of_what_was_found(found: list[dict[str, Any]], view: View) -> None:
    shown = project(record(found), "sha256:-", view).content
    for one in shown["findings"]:
        for part in (one, *one.get("members", ())):
            if part["outcome"] == "withheld":
                assert (part["features"], part["dropped"], part["measure"]) == ([], [], NO_MEASURE)
                assert part["layer"] not in shown["evidence"]["cut"]


@given(st.lists(findings(), max_size=4))
def test_who_sees_nothing_is_never_told_pass(found: list[dict[str, Any]]) -> None:
    layered = [one for one in found if one["kind"] == "layer" and one["required"]]
    shown = project(record(layered), "sha256:-", View({}, frozenset(), "-")).content
    assert shown["verdict"] == "refer"
