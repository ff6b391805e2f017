"""What a stranger may send as grants ends in an ordinary error, at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from layers.errors import MOST_ERRORS, FieldError, GrantsError, ProfileError
from layers.profile.grants import LONGEST_TEXT, MOST_GRANTS, given_grants, parse_grants
from layers.profile.load import load_profile

GRANT = {"id": "a", "to": {"anyone": True}, "layer": "zone", "actions": ["items"]}
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def _errors(text: str) -> tuple[FieldError, ...]:
    with pytest.raises(GrantsError) as raised:
        parse_grants("grants.yaml", text)
    return raised.value.fields


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "anchors and aliases"),
        ("- id: *a\n", "anchors and aliases"),
        ("[" * 50_000, "nested deeper"),
        ("\n".join("  " * n + "a:" for n in range(300)), "nested deeper"),
        (f"- id: {'9' * 5_000}\n", "the number is too long"),
        ("x" * (LONGEST_TEXT + 1), "too long"),
    ],
    ids=["bomb", "alias", "brackets", "indents", "digits", "length"],
)
def test_a_text_made_to_wear_the_service_down_is_refused(text: str, words: str) -> None:
    (error,) = _errors(text)
    assert words in error.message.en and error.where.startswith("grants.yaml")


def test_an_anchor_in_a_profile_is_named_with_its_line(edit: Callable[[str, str, str], Path]) -> None:
    folder = edit("land/zone.yaml", "sharing: open", "sharing: &s open")
    with pytest.raises(ProfileError) as raised:
        load_profile(folder)
    assert "land/zone.yaml:8" in {error.where for error in raised.value.errors}


def test_more_grants_than_a_policy_has_are_refused_unread() -> None:
    with pytest.raises(GrantsError) as raised:
        given_grants([{}] * (MOST_GRANTS + 1))
    assert [error.field for error in raised.value.fields] == ["grants"]
    with pytest.raises(GrantsError):
        parse_grants("grants.yaml", "grants:\n" + "- {}\n" * (MOST_GRANTS + 1))


def test_more_errors_than_anybody_reads_are_counted() -> None:
    unknown = GRANT | {f"k{number}": 1 for number in range(20_000)}
    for values in ([unknown], [{"id": "a"}] * 200):
        with pytest.raises(GrantsError) as raised:
            given_grants(values)
        assert len(raised.value.fields) == MOST_ERRORS + 1
        assert raised.value.fields[-1].message.en.startswith("and ")


def test_a_grant_brings_no_more_than_a_hundred_expectations() -> None:
    expected = {"as": "public", "action": "items", "is": "allow"}
    given_grants([GRANT | {"expect": [expected] * 100}])
    with pytest.raises(GrantsError):
        given_grants([GRANT | {"expect": [expected] * 101}])
