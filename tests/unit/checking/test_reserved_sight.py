"""Which layers are reserved for a caller follows from the policy alone, never from what a check met."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from layers.access.principal import PUBLIC, Principal, operator
from layers.checking.sight import Sight, sight_of
from layers.profile.grammar import LayerDefinition
from tests.support.layers import definition, grant

COLUMNS = ({"name": "ma", "tag": "public"}, {"name": "loai", "tag": "internal"})
SITE = definition("site", COLUMNS, precisions_m=(500.0,))
OWNER = Principal("owner", frozenset({"o"}), sector="land")


def seen(*grants: Any, principal: Principal = PUBLIC, layer: LayerDefinition = SITE, **more: Any) -> Sight:
    return sight_of(principal, layer, grants, purpose=None, day=date(2026, 1, 15), **more)


def test_a_layer_that_is_seen_whole_is_open() -> None:
    found = seen(grant("g", "site", actions=["items"]))
    assert found.is_open and found.sees_all_rows and not found.is_reserved


@pytest.mark.parametrize("action", ["tile", "map", "export"])
def test_any_action_that_shows_the_whole_layer_opens_it(action: str) -> None:
    found = seen(grant("a", "site", actions=[action]), grant("b", "site", actions=["check"]))
    assert found.is_open and not found.is_check_only


def test_a_check_grant_alone_is_check_only() -> None:
    found = seen(grant("g", "site", actions=["check"]))
    assert found.is_reserved and found.is_check_only and found.may_check and not found.tells_activity


@pytest.mark.parametrize(
    "less", [{"rows": "ma = 'x'"}, {"geometry": {"precision_m": 500}}, {"geometry": "centroid"}, {"geometry": "none"}]
)
def test_seeing_less_than_is_measured_is_reserved_but_no_secret(less: dict[str, Any]) -> None:
    found = seen(grant("g", "site", actions=["items", "check"], **less))
    assert found.is_reserved and not found.is_check_only and found.tells_activity


def test_whoever_sees_some_rows_and_may_not_check_is_told_nothing_in_a_check() -> None:
    found = seen(grant("g", "site", actions=["items"], rows="ma = 'x'"))
    assert found.is_reserved and not found.may_check


def test_an_outcome_that_depends_on_a_hidden_column_is_reserved() -> None:
    whole = grant("g", "site", actions=["items", "check"])
    assert seen(whole, outcome_columns=frozenset({"ma"})).is_open
    assert seen(whole, outcome_columns=frozenset({"ma", "loai"})).is_reserved


def test_an_owner_bound_to_rows_is_shown_features() -> None:
    grants = grant("g", "site", to={"role": "o"}, actions=["items", "check", "publish"], rows="ma = 'x'")
    assert seen(grants, principal=OWNER).is_open
    assert seen(grants, principal=Principal("other", OWNER.roles, sector="construction")).is_reserved


def test_the_operator_sees_all() -> None:
    assert seen(principal=operator("x"), outcome_columns=frozenset({"loai"})).is_open


def test_a_secret_layer_is_known_to_whom_it_was_granted_by_name_only() -> None:
    secret = definition("site", COLUMNS, existence="secret", discoverable=True)
    assert seen(layer=secret).is_secret
    assert seen(grant("g", {"sharing": "shared"}, actions=["check"]), layer=secret).is_secret
    assert not seen(grant("g", "site", actions=["check"]), layer=secret).is_secret
