"""A policy is looked over before anybody asks."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from layers.access.grammar import Grant
from layers.access.validate import validate
from layers.profile.grammar import Identity
from layers.profile.load import load_profile
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
DEFAULT = Path(__file__).parents[3] / "layers" / "definitions"
SITE = definition(
    "site",
    [{"name": "xa", "tag": "public"}, {"name": "chu", "tag": "personal"}, {"name": "moi"}],
    precisions_m=(50,),
)
SECRET = definition("bunker", [{"name": "xa", "tag": "public"}], sharing="restricted", existence="secret")
TITLE = {"vi": "x", "en": "x"}
IDENTITIES = [Identity.model_validate({"id": "public", "title": TITLE})]
TESTED = [{"as": "public", "action": "items", "is": "allow"}, {"as": "public", "action": "export", "is": "deny"}]


def found(*grants: Grant, agreements: frozenset[str] | None = None) -> list[tuple[str, Any]]:
    problems = validate(grants, [SITE, SECRET], IDENTITIES, agreements, day=DAY)
    assert all(each.message.vi and each.message.en for each in problems)
    return [(each.kind, each.at) for each in problems]


def sound(layer: Any = "site", **more: Any) -> Grant:
    return grant("g", layer, **{"expect": TESTED} | more)


def test_a_sound_policy_has_no_problem() -> None:
    assert found(sound()) == []


def test_the_public_needs_no_identity_of_the_profile() -> None:
    assert validate([sound()], [SITE, SECRET], [], None, day=DAY) == ()


@pytest.mark.parametrize(
    ("more", "kind", "at"),
    [
        ({"layer": "site2"}, "unknown_layer", ("layer",)),
        ({"columns": {"names": ["xa", "nha"]}}, "unknown_column", ("columns", "names", 1)),
        ({"rows": "xa = "}, "rule", ("rows",)),
        ({"rows": "nha = 'x'"}, "rule", ("rows",)),
        ({"rows": "xa = 1"}, "rule", ("rows",)),
        ({"rows": "xa = :input.x"}, "rule", ("rows",)),
        ({"geometry": {"precision_m": 49}}, "precision", ("geometry", "precision_m")),
        ({"valid": {"from": "2026-02-01", "until": "2026-01-31"}}, "period", ("valid", "until")),
        ({"expect": [{"as": "eva", "action": "items", "is": "deny"}]}, "unknown_identity", ("expect", 0, "as")),
        ({"expect": [{"as": "public", "action": "items", "is": "deny", "layer": "x"}]}, "unknown_layer",
         ("expect", 0, "layer")),
        ({"layer": {"sharing": "shared"}}, "unknown_layer", ("expect", 0)),
        ({"layer": {"sharing": "shared"}, "rows": "nha = 'x'"}, "rule", ("rows",)),
        ({"layer": {"sharing": "shared"}, "columns": {"names": ["nha"]}}, "unknown_column", ("columns", "names", 0)),
        ({"layer": {"sharing": "shared"}, "geometry": {"precision_m": 1}}, "precision", ("geometry", "precision_m")),
        ({"agreement": "AGR-2"}, "unknown_agreement", ("agreement",)),
    ],
)  # fmt: skip
def test_what_leads_nowhere_or_cannot_hold_is_an_error(more: dict[str, Any], kind: str, at: Any) -> None:
    policy = [sound(**more)]
    problems = validate(policy, [SITE, SECRET], IDENTITIES, frozenset({"AGR-1"}), day=DAY)
    assert (kind, at) in [(each.kind, each.at) for each in problems if each.is_error]


def test_an_id_twice_is_an_error() -> None:
    assert ("repeated_id", ("id",)) in found(sound(), sound())


def test_an_expectation_that_is_not_met_is_an_error_of_the_grant_that_carries_it() -> None:
    (problem,) = validate([sound(actions=["items", "export"])], [SITE], IDENTITIES, day=DAY)
    assert (problem.kind, problem.grant, problem.at, problem.is_error) == ("unmet", "g", ("expect", 1), True)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"expect": TESTED[1:]}, "untested_allow"),
        ({"expect": TESTED[:1]}, "untested_deny"),
        ({"columns": {"tags": ["public", "commercial"]}}, "unused_tag"),
        ({"columns": {"names": ["xa", "moi"]}}, "untagged_column"),
        ({"rows": "chu = 'x'"}, "hidden_rule"),
        ({"rows": "S_INTERSECTS(geometry, BBOX(0,0,1,1))", "geometry": {"precision_m": 50}}, "hidden_rule"),
    ],
)
def test_what_an_officer_should_look_at_is_a_warning(more: dict[str, Any], kind: str) -> None:
    problems = validate([sound(**more)], [SITE], IDENTITIES, day=DAY)
    assert [(each.kind, each.is_error) for each in problems] == [(kind, False)]


def test_a_sharing_level_does_not_reach_a_secret_layer_and_says_so() -> None:
    by_level = grant("g", {"sharing": "restricted"}, expect=[{**TESTED[1], "layer": "bunker"}])
    assert found(by_level) == [("untested_allow", ("expect",)), ("secret", ("layer",))]


def test_the_default_policy_has_no_problem() -> None:
    profile = load_profile(DEFAULT)
    problems = validate(profile.grants, profile.layers, profile.identities, frozenset(), day=DAY)
    assert [(each.grant, each.message.en) for each in problems] == []
