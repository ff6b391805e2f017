"""One finding in its four forms: whole, an outcome alone, withheld, nameless; and what length tells of it: nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.procedure import Outcome, Verdict
from layers.access.decide import FULL, Box
from layers.checking.answer import project
from layers.checking.reasons import reason
from layers.checking.shown import NO_MEASURE, is_reduced, levelled
from layers.checking.sight import Sight
from layers.checking.view import Applied, View
from layers.profile.load import load_profile

ROOT = Path(__file__).resolve().parents[3]
OPEN = Sight((Box(("ma",), FULL),), (), is_visible=True)
RESERVED = replace(OPEN, is_reserved=True, is_check_only=True, sees_all_rows=False)
SECRET = Sight((), (), is_visible=False, is_secret=True, sees_all_rows=False)
HIT = {"fid": "1", "key": "SG-1", "key_columns": ["ma"], "relation": "overlaps_area", "reason": None, "area_m2": 1.0,
       "area_high_m2": None, "length_m": None, "nearest_m": None, "attributes": {"ma": "SG-1"}}  # fmt: skip


def finding(layer: str, outcome: str = "affected", verdict: str = "fail", **more: Any) -> dict[str, Any]:
    title = {"vi": f"Tên của {layer}", "en": f"Title of {layer}"}
    basis = [{"number": f"luật {layer}", "source": "check"}, {"number": "bản 7", "source": "release"},
             {"number": "QĐ 9", "source": "feature"}]  # fmt: skip
    office = {"vi": "Phòng X", "en": "Office X"}
    return {
        "kind": "layer", "check": f"check_{layer}", "title": title, "layer": layer, "revision": 31, "release": 7,
        "relation": "overlaps_area", "outcome": outcome, "verdict": verdict, "required": True, "verified": True,
        "measure": {**NO_MEASURE, "area_m2": 18.4}, "accuracy_m": 0.3,
        "coverage": {"mapped_share": 1.0, "published": "2026-01-15", "max_age_days": 9},
        "features": [HIT], "dropped": [], "basis": basis, "office": office,
        "reasons": [reason("stale", published="15/01/2026", days="9")], **more,
    }  # fmt: skip


def group(*members: dict[str, Any], outcome: str = "affected") -> dict[str, Any]:
    own = {"kind": "group", "layer": None, "features": [], "members": list(members), "reasons": [reason("conflict")]}
    return {**finding("x", outcome), **own}


def record(*findings: dict[str, Any], skipped: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    subject = {"kind": "geometry", "layer": None, "fid": None, "key": None, "label": "x", "area_m2": 1.0,
               "registered_area_m2": None, "registered_area_column": None, "attributes": {}}  # fmt: skip
    plain = dict.fromkeys(("id", "created", "as_of", "on_date", "dossier", "purpose", "rules"), "x")
    cut = {one["layer"]: 31 for one in findings if one["layer"] is not None}
    return {**plain, "subject": subject, "procedure": {"id": "p"}, "inputs": {}, "skipped": list(skipped),
            "cut": cut, "engine": {}, "findings": list(findings)}  # fmt: skip


def view(untold: str | None = None, **sights: Sight) -> View:
    return View(sights, frozenset(), "sha256:-", untold)


def test_an_outcome_alone_has_rule_office_and_nothing_else() -> None:
    answer = project(record(finding("a")), "sha256:-", view(a=RESERVED))
    (shown,) = answer.content["findings"]
    assert (shown["outcome"], shown["verdict"], shown["check"]) == ("affected", "fail", "check_a")
    assert (shown["office"]["en"], [basis["source"] for basis in shown["basis"]]) == ("Office X", ["check"])
    empty = (shown["revision"], shown["release"], shown["accuracy_m"], shown["features"], shown["dropped"])
    assert empty == (None, None, None, [], [])
    assert set(shown["measure"].values()) | set(shown["coverage"].values()) == {None}
    assert [one["code"] for one in shown["reasons"]] == ["reduced"]
    assert answer.content["evidence"]["cut"] == {} and answer.content["evidence"]["record"] is None


@pytest.mark.parametrize("untold", ["needs_dossier", "not_bound", "quota_dossier", "quota_day"])
def test_what_is_not_told_says_why_in_words_that_hang_on_nothing_hidden(untold: str) -> None:
    shown = [
        project(record(finding("a", outcome, verdict, features=features)), "-", view(untold, a=RESERVED)).content
        for outcome, verdict, features in (("affected", "fail", [HIT]), ("clear", "pass", []))
    ]
    assert shown[0] == shown[1]
    (told,) = shown[0]["findings"]
    assert (told["outcome"], told["verdict"], told["reasons"][0]["code"]) == ("withheld", "refer", untold)
    assert "Bước tiếp theo" in told["reasons"][0]["message"]["vi"]


def test_a_secret_layer_is_named_nowhere() -> None:
    asked = record(finding("bi_mat"), group(finding("bi_mat"), finding("a")), finding("a"))
    asked["skipped"] = [{"check": "check_bi_mat", "title": {"vi": "bi_mat"}, "reason": reason("not_asked")}]
    answer = project(asked, "-", view(a=OPEN, bi_mat=SECRET))
    assert b"bi_mat" not in orjson.dumps(answer.content)
    first, grounds, _ = answer.content["findings"]
    assert (first["check"], first["layer"], first["outcome"]) == ("restricted_1", None, "withheld")
    assert first["title"] == {"vi": "Nội dung kiểm tra hạn chế", "en": "Restricted check"}
    assert (grounds["outcome"], grounds["members"][0]["check"]) == ("withheld", "restricted_2")
    assert (grounds["check"], grounds["title"], grounds["basis"]) == ("restricted_3", first["title"], [])


def test_a_record_that_a_rule_measured_the_parcel_layer_for_is_named_only_to_whoever_sees_its_facts() -> None:
    profile = load_profile(ROOT / "tests" / "profiles" / "checking")
    some_rows = replace(OPEN, sees_all_rows=False)
    seen = View({"parcel": some_rows}, frozenset(), "-", applied=Applied("-", profile))
    subject = {"layer": "parcel", "attributes": {}}
    content = {"subject": subject, "cut": {"parcel": 3}}
    assert seen.sees_record({**content, "findings": []})
    assert not seen.sees_record({**content, "findings": [finding("parcel")]})
    assert not seen.sees_record({**content, "findings": [group(finding("parcel"))]})


def test_a_layer_nobody_knows_any_more_is_not_named_either() -> None:
    answer = project(record(finding("cu")), "-", view())
    assert b"check_cu" not in orjson.dumps(answer.content)


def test_hidden_activity_leaves_out_when_the_layer_was_revised() -> None:
    answer = project(record(finding("a")), "-", view(a=replace(OPEN, hides_activity=True)))
    (shown,) = answer.content["findings"]
    assert (shown["revision"], shown["release"], shown["coverage"]["published"]) == (None, None, None)
    assert shown["measure"]["area_m2"] == 18.4 and shown["features"]
    assert answer.content["evidence"]["cut"] == {}
    assert b"15/01/2026" not in orjson.dumps(answer.content)
    assert "release" not in {basis["source"] for basis in shown["basis"]}


def test_a_group_follows_what_its_members_tell() -> None:
    shown = project(record(group(finding("a"), finding("b"))), "-", view(a=OPEN, b=RESERVED)).content["findings"][0]
    assert (shown["outcome"], [one["code"] for one in shown["reasons"]]) == ("affected", ["reduced"])
    assert set(shown["measure"].values()) == {None}


OUTCOMES = st.sampled_from([one.value for one in Outcome if one is not Outcome.WITHHELD])
VERDICTS = st.sampled_from([one.value for one in Verdict])


@given(st.lists(st.tuples(OUTCOMES, VERDICTS, st.booleans()), min_size=3, max_size=3), OUTCOMES)
def test_length_and_slack_together_are_the_same_whatever_was_found(
    hidden: list[tuple[str, str, bool]], of_group: str
) -> None:
    one, two, three = (finding("b", outcome, verdict, features=[HIT] * is_met) for outcome, verdict, is_met in hidden)
    asked = record(finding("a"), one, group(finding("a"), two, outcome=of_group), three)
    answer = project(asked, "-", view(a=OPEN, b=RESERVED))
    plain = project(record(finding("a"), finding("b"), group(finding("a"), finding("b")), finding("b")), "-",
                    view(a=OPEN, b=RESERVED))  # fmt: skip
    assert answer.is_guarded
    assert _length(answer.content) + answer.slack_bytes == _length(plain.content) + plain.slack_bytes
    level = levelled(answer.content)
    assert _undated(level) == _undated(levelled(plain.content))
    assert all(part["outcome"] == "partly_mapped" for part in level["findings"] if is_reduced(part))


def _length(content: dict[str, Any]) -> int:
    return len(orjson.dumps(content))


def _undated(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "evidence"}
