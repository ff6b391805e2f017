"""What a grant may name, and that no two classes share a role of the database."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from layers.access.classes import RoleClass
from layers.access.grammar import Grant

GRANT = {"id": "a", "to": {"anyone": True}, "layer": "zone", "actions": ["items"]}


@pytest.mark.parametrize("name", ["construction.reviewer", "cán_bộ", "lan@tinh.gov.vn", "so-xd:01"])
def test_the_names_in_use_hold(name: str) -> None:
    for kind in ("role", "office", "identity"):
        assert Grant.model_validate(GRANT | {"to": {kind: name}}).to.model_dump()[kind] == name


@pytest.mark.parametrize("name", ["", "a b", "a\nrole:b", "a\n", "x" * 101, "a/b"])
def test_a_name_that_could_be_read_as_another_is_refused(name: str) -> None:
    for kind in ("role", "office", "identity"):
        with pytest.raises(ValidationError):
            Grant.model_validate(GRANT | {"to": {kind: name}})


def test_the_public_is_named_by_anyone() -> None:
    with pytest.raises(ValidationError, match="anyone: true"):
        Grant.model_validate(GRANT | {"to": {"identity": "public"}})


@pytest.mark.parametrize("rate", ["0/s", "007/min", "1000000/h", "٣/s", "1/week", "9" * 5_000 + "/s"])
def test_a_rate_that_says_nothing_is_refused(rate: str) -> None:
    with pytest.raises(ValidationError):
        Grant.model_validate(GRANT | {"rate": rate})


@pytest.mark.parametrize("rate", ["1/s", "60/min", "999999/d"])
def test_a_rate_is_a_number_of_uses_in_a_time(rate: str) -> None:
    assert Grant.model_validate(GRANT | {"rate": rate}).rate == rate


def test_one_grantee_with_a_line_break_is_another_class_than_two() -> None:
    one, two = RoleClass(("anyone", "role:a\nrole:b")), RoleClass(("anyone", "role:a", "role:b"))
    assert one.database_role != two.database_role
