"""The demo policy's own tests notice every mistake that would widen it: no mutant survives.

`access_table.csv` beside this file is who may do what, looked at by a person; after a change that is meant, write it
anew with `lienthong policy matrix --csv --language en` on the default profile, and look at the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from layers.access.expect import unmet
from layers.access.grammar import Grant
from layers.access.matrix import matrix, subjects_of
from layers.profile.load import load_profile
from tests.security.mutants import Mutant, mutants, reaching_mutants

DAY = date(2026, 1, 15)
PROFILE = load_profile(Path(__file__).parents[2] / "layers" / "definitions", day=DAY)
TABLE = Path(__file__).parent / "access_table.csv"
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


def access_table(grants: Sequence[Grant]) -> str:
    subjects = subjects_of(PROFILE.grants, PROFILE.identities)
    return matrix(grants, PROFILE.layers, subjects, day=DAY, sectors=PROFILE.header.sectors).as_csv("en")


def test_who_may_do_what_is_as_somebody_has_looked_at() -> None:
    looked_at = TABLE.read_text(encoding="utf-8").splitlines()
    assert access_table(PROFILE.grants).splitlines() == looked_at


def test_no_mutant_that_reaches_farther_leaves_the_access_table_as_it_is() -> None:
    made = list(reaching_mutants(PROFILE.grants))
    looked_at = access_table(PROFILE.grants)
    survivors = [str(mutant) for mutant in made if access_table(mutant.policy) == looked_at]
    print(f"{len(made)} mutants, {len(survivors)} survivors", *survivors, sep="\n")
    assert {mutant.operator for mutant in made} == {"add an action", "give it to everybody"}
    assert survivors == []


def test_the_policy_itself_is_noticed_by_nothing() -> None:
    assert unmet(PROFILE.grants, PROFILE.identities, PROFILE.layers, day=DAY) == ()
