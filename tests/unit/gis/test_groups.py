"""`any_of`: every combination of outcomes of three grounds, against a table in words."""

from __future__ import annotations

from itertools import product

import pytest

from gis.judge import judge_group
from gis.procedure import Group, Outcome, Verdict

O = Outcome  # noqa: E741 - the table is read more easily
MEMBERS = (O.CLEAR, O.AFFECTED, O.BORDERLINE, O.PARTLY_MAPPED, O.NOT_MAPPED, O.NOT_CHECKED)


def told(group: Group, found: tuple[Outcome, ...]) -> tuple[Outcome, Verdict]:
    """The rules of design 6 in their order: the first line that fits decides."""
    if O.CLEAR in found and O.AFFECTED in found:
        return O.CLEAR, group.on_conflict
    if O.CLEAR in found and O.NOT_CHECKED in found:
        return O.CLEAR, max(Verdict.REFER, group.on_conflict, key=lambda verdict: verdict.rank)
    if O.CLEAR in found and O.BORDERLINE in found:  # a conflict may be there
        return O.CLEAR, Verdict.REFER
    if O.CLEAR in found:
        return O.CLEAR, Verdict.PASS
    if O.NOT_CHECKED in found:
        return O.NOT_CHECKED, Verdict.REFER
    if O.BORDERLINE in found:
        return O.BORDERLINE, Verdict.REFER
    if set(found) == {O.AFFECTED}:
        return O.AFFECTED, max(Verdict.REFER, group.none, key=lambda verdict: verdict.rank)
    if set(found) == {O.NOT_MAPPED}:
        return O.NOT_MAPPED, max(Verdict.REFER, group.nothing_mapped, key=lambda verdict: verdict.rank)
    return O.PARTLY_MAPPED, Verdict.REFER


@pytest.mark.parametrize("on_conflict", list(Verdict))
@pytest.mark.parametrize("none", list(Verdict))
@pytest.mark.parametrize("nothing_mapped", list(Verdict))
def test_every_combination_of_grounds(on_conflict: Verdict, none: Verdict, nothing_mapped: Verdict) -> None:
    group = Group("g", (), on_conflict, none, nothing_mapped)
    for found in product(MEMBERS, repeat=3):
        outcome, verdict, _ = judge_group(group, found)
        assert (outcome, verdict) == told(group, found), found
        assert verdict is not Verdict.PASS or outcome is O.CLEAR, found  # only clear may pass


@pytest.mark.parametrize("found", list(product(MEMBERS, repeat=2)))
def test_a_group_that_was_not_verified_passes_nothing(found: tuple[Outcome, ...]) -> None:
    assert judge_group(Group("g", (), verified=False), found)[1] is not Verdict.PASS
