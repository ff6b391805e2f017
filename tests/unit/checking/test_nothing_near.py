"""The memory of findings with nothing near."""

from __future__ import annotations

from datetime import date
from typing import Any

from layers.checking.nothing_near import NothingNear, Question
from layers.checking.reading import LayerStanding
from layers.store.checks import CutLayer


def question(number: int = 0, *, revision: int = 1, blocked: str = "") -> Question:
    cut = CutLayer("water", 1, revision, "served", "served", None, None, None, None, None, None)
    return Question("sha256:p", "change", number, "water", cut, LayerStanding("served"), date(2026, 11, 21), blocked)


def clear(**more: Any) -> dict[str, Any]:
    return {"outcome": "clear", "measure": {"area_m2": 0}, "reasons": [], **more}


def test_a_finding_is_told_as_it_was_kept() -> None:
    known = NothingNear()
    known.keep(question(), clear())
    assert known.get(question()) == clear()


def test_another_revision_another_standing_another_rule_are_other_questions() -> None:
    known = NothingNear()
    known.keep(question(), clear())
    assert [known.get(other) for other in (question(1), question(revision=2), question(blocked="stale"))] == [None] * 3


def test_who_changes_what_was_told_changes_nothing_for_others() -> None:
    known, kept = NothingNear(), clear()
    known.keep(question(), kept)
    kept["measure"]["area_m2"] = 5
    told = known.get(question())
    assert told is not None
    told["reasons"].append("mine")
    assert known.get(question()) == clear()


def test_what_was_not_checked_is_not_kept() -> None:
    known = NothingNear()
    known.keep(question(), clear(outcome="not_checked"))
    assert known.get(question()) is None


def test_the_memory_does_not_grow_without_end() -> None:
    known = NothingNear(most=3)
    for number in range(10):
        known.keep(question(number), clear())
        assert len(known) <= 3
    assert known.get(question(9)) == clear()
