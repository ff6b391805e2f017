"""The demo policy's own tests notice every mistake that would widen it: no mutant survives."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from layers.access.expect import unmet
from layers.profile.load import load_profile
from tests.security.mutants import Mutant, mutants

DAY = date(2026, 1, 15)
PROFILE = load_profile(Path(__file__).parents[2] / "layers" / "definitions", day=DAY)
OPERATORS = {
    "drop a conjunct", "add a column", "widen rows", "extend a date", "drop a purpose", "sharpen a shape",
}  # fmt: skip


def is_noticed(mutant: Mutant) -> bool:
    return bool(unmet(mutant.policy, PROFILE.identities, PROFILE.layers, day=DAY))


def test_no_mutant_of_the_demo_policy_survives() -> None:
    made = list(mutants(PROFILE.grants, PROFILE.layers))
    survivors = [str(mutant) for mutant in made if not is_noticed(mutant)]
    print(f"{len(made)} mutants, {len(survivors)} survivors", *survivors, sep="\n")
    assert Counter(mutant.operator for mutant in made).keys() == OPERATORS
    assert survivors == []


def test_the_policy_itself_is_noticed_by_nothing() -> None:
    assert unmet(PROFILE.grants, PROFILE.identities, PROFILE.layers, day=DAY) == ()
