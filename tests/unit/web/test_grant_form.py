"""A grant as a form and back."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import FormData

from gis.errors import Message
from layers.access.grammar import Grant
from layers.errors import FieldError, GrantsError
from layers.profile.grants import given_grants, parse_grants
from layers.profile.load import load_profile
from layers.sharing.known import plain_grant
from ogc.settings import Settings
from ogc.web.grant_form import as_yaml, errors_by_field, fields_of, grant_of

GRANTS = load_profile(Settings().profile_folder).grants


def _sent(fields: dict[str, Any]) -> FormData:
    """What a browser sends for the form as it stands."""
    pairs = [(name, value) for name, value in fields.items() if isinstance(value, str)]
    pairs += [(name, each) for name, value in fields.items() if isinstance(value, tuple) for each in value]
    return FormData(pairs)


@pytest.mark.parametrize(
    "grant", [grant for grant in GRANTS if isinstance(grant.layer, str)], ids=lambda grant: str(grant.id)
)
def test_a_form_that_was_not_touched_is_the_same_grant(grant: Grant) -> None:
    assert Grant.model_validate(grant_of(_sent(fields_of(plain_grant(grant))))) == grant


def test_several_purposes_are_separated_by_commas() -> None:
    fields = fields_of(plain_grant(next(grant for grant in GRANTS if isinstance(grant.layer, str))))
    sent = grant_of(_sent(fields | {"purpose": "construction_permit, land_use_change"}))
    assert sent["purpose"] == ["construction_permit", "land_use_change"]
    assert grant_of(_sent(fields | {"purpose": ""}))["purpose"] == "any"


def test_what_is_no_yaml_reaches_the_grammar_as_it_is() -> None:
    fields = fields_of(plain_grant(next(grant for grant in GRANTS if isinstance(grant.layer, str))))
    assert grant_of(_sent(fields | {"expect": "{"}))["expect"] == "{"


@pytest.mark.parametrize(
    "text",
    ["[" * 5_000, "- {as: public, action: items, is: allow, on: 2025-02-30}", "- &a [*a]", "- {as: " + "9" * 5_000],
)
def test_hostile_yaml_is_an_error_of_the_field(text: str) -> None:
    fields = fields_of(plain_grant(next(grant for grant in GRANTS if isinstance(grant.layer, str))))
    with pytest.raises(GrantsError) as raised:
        given_grants([grant_of(_sent(fields | {"expect": text}))])
    assert {error.field.split("[")[1] for error in raised.value.fields} <= {"0].expect"}


def test_yaml_of_a_grant_reads_back() -> None:
    for grant in GRANTS:
        (placed,) = parse_grants("grant.yaml", as_yaml(grant))
        assert placed.value == grant


@pytest.mark.parametrize(
    ("field", "named"),
    [("grants[0].rows", "rows"), ("grants[0].columns.names[2]", "columns"), ("a.geometry.precision_m", "geometry"),
     ("[0].to", "to"), ("(tệp / file)", ""), ("grants[0].khong", "")],
)  # fmt: skip
def test_an_error_stands_beside_its_field(field: str, named: str) -> None:
    found = errors_by_field([FieldError(field, Message("sai", "wrong"))], "en")
    assert found == {named: ["wrong"]}
