"""Expectations: tests that travel with grants, on the action and on sample rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from layers.access.expect import unmet
from layers.access.grammar import Expectation, Grant
from layers.access.policy import canonical_policy
from layers.profile.grammar import Identity
from layers.profile.texts import grants_from
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
SITE = definition(
    "site",
    [
        {"name": "xa", "tag": "public"},
        {"name": "so", "type": "integer", "tag": "public"},
        {"name": "ngay", "type": "date", "tag": "public"},
        {"name": "luc", "type": "datetime", "tag": "internal"},
        {"name": "chu", "tag": "personal"},
    ],
    precisions_m=(50,),
)
OPEN = definition("plan", [{"name": "ma", "tag": "public"}], sharing="open")
TITLE = {"vi": "x", "en": "x"}
ANNA = Identity.model_validate(
    {"id": "anna", "title": TITLE, "roles": ["reviewer"], "claims": {"xa": ["25747"]}, "purposes": ["permit", "plan"]}
)
PUBLIC = Identity.model_validate({"id": "public", "title": TITLE})


def failed(*grants: Grant, day: date = DAY) -> list[str]:
    return [each.message.en for each in unmet(grants, [ANNA, PUBLIC], [SITE, OPEN], day=day)]


def one(expected: dict[str, Any], **more: Any) -> list[str]:
    return failed(grant("g", more.pop("layer", "site"), **{"to": {"role": "reviewer"}, "expect": [expected]} | more))


ALLOW = {"as": "anna", "action": "items", "is": "allow"}
DENY = {"as": "anna", "action": "items", "is": "deny"}


def test_the_public_is_known_without_being_named_by_the_profile() -> None:
    """Nobody in particular has no role, claim or purpose, whatever else is in the profile."""
    to_reviewers = {"to": {"role": "reviewer"}, "expect": [{**DENY, "as": "public", "because": "no_grant"}]}
    to_all = {"to": {"anyone": True}, "expect": [{**ALLOW, "as": "public"}]}
    assert unmet([grant("g", "site", **to_reviewers)], [ANNA], [SITE], day=DAY) == ()
    assert unmet([grant("g", "site", **to_all)], [], [SITE], day=DAY) == ()
    wrong = {**to_reviewers, "expect": [{**ALLOW, "as": "public"}]}
    assert len(unmet([grant("g", "site", **wrong)], [ANNA], [SITE], day=DAY)) == 1


@pytest.mark.parametrize(
    ("expected", "more", "says"),
    [
        (ALLOW, {}, None),
        (DENY, {}, "is allow"),
        ({**DENY, "as": "public", "because": "no_grant"}, {}, None),
        ({**DENY, "as": "public", "because": "expired"}, {}, "is deny (no_grant)"),
        ({**ALLOW, "as": "public"}, {}, "is deny"),
        ({**ALLOW, "as": "eva"}, {}, "no identity 'eva'"),
        (ALLOW, {"layer": {"sharing": "shared"}}, "'layer' must name"),
        ({**ALLOW, "layer": "site"}, {"layer": {"sharing": "shared"}}, None),
        # the identity's first purpose is meant unless another is stated
        (ALLOW, {"purpose": "permit"}, None),
        ({**DENY, "because": "purpose"}, {"purpose": "plan"}, None),
        ({**ALLOW, "purpose": "plan"}, {"purpose": "plan"}, None),
        # a row that the rule lets in, one that it does not, one of which it is unknown
        ({**ALLOW, "row": {"xa": "25747"}}, {"rows": "xa IN :claims.xa"}, None),
        ({**DENY, "row": {"xa": "25750"}, "because": "rows"}, {"rows": "xa IN :claims.xa"}, None),
        ({**DENY, "row": {}}, {"rows": "xa IN :claims.xa"}, None),
        ({**ALLOW, "row": {"xa": "25750"}}, {"rows": "xa IN :claims.xa"}, "is deny (rows)"),
        ({**ALLOW, "row": {"ngay": "2026-01-01"}}, {"rows": "ngay < DATE('2026-02-01')"}, None),
        ({**ALLOW, "row": {"geometry": "POINT (1 1)"}}, {"rows": "S_INTERSECTS(geometry, BBOX(0,0,2,2))"}, None),
        ({**DENY, "row": {"geometry": "POINT (3 3)"}}, {"rows": "S_INTERSECTS(geometry, BBOX(0,0,2,2))"}, None),
        # which cells and how exact a shape
        ({**ALLOW, "columns": ["ngay", "so", "xa"]}, {}, None),
        ({**ALLOW, "columns": ["so", "xa"]}, {}, "columns too many: ngay; too few: –"),
        ({**ALLOW, "columns": ["so", "xa", "ngay", "chu"]}, {}, "too few: chu"),
        ({**ALLOW, "geometry": "full"}, {}, None),
        ({**ALLOW, "geometry": {"precision_m": 50}}, {"geometry": {"precision_m": 50}}, None),
        ({**ALLOW, "geometry": {"precision_m": 50}}, {}, "expected 50 m, is full"),
        ({**ALLOW, "row": {}, "geometry": "none"}, {"geometry": "centroid"}, "expected none, is centroid"),
        # sample rows that no row can be
        ({**ALLOW, "row": {"nha": "x"}}, {}, "no column 'nha'"),
        ({**ALLOW, "row": {"xa": 25747}}, {}, "'xa' must be of type 'string'"),
        ({**ALLOW, "row": {"so": True}}, {}, "'so' must be of type 'integer'"),
        ({**ALLOW, "row": {"ngay": "hôm nay"}}, {}, "'ngay' must be of type 'date'"),
        ({**ALLOW, "row": {"geometry": "POINT (1"}}, {}, "must be of type 'WKT'"),
    ],
)
def test_an_expectation_is_met_or_says_what_is_otherwise(
    expected: dict[str, Any], more: dict[str, Any], says: str | None
) -> None:
    found = one(expected, **more)
    assert (not found) if says is None else (len(found) == 1 and says in found[0]), found


def test_two_grants_are_looked_at_together() -> None:
    rows = grant(
        "a", "site", to={"role": "reviewer"}, rows="xa IN :claims.xa", columns={"tags": ["public", "personal"]}
    )
    seen = {**ALLOW, "columns": ["xa", "so", "ngay"], "row": {"xa": "25750"}}
    all_of_it = {**ALLOW, "columns": ["xa", "so", "ngay", "chu"], "row": {"xa": "25747"}}
    assert failed(rows, grant("b", "site", to={"role": "reviewer"}, expect=[seen, all_of_it])) == []


@pytest.mark.parametrize("today", [date(2020, 1, 1), DAY, date(2040, 1, 1)])
def test_a_grant_that_has_run_out_does_not_fail_its_own_test(today: date) -> None:
    bound = {"from": "2026-01-01", "until": "2026-12-31"}
    early, late = ({**DENY, "because": "expired", "on": day} for day in ("2025-12-31", "2027-01-01"))
    last = {**ALLOW, "on": "2026-12-31"}
    tested = grant("g", "site", to={"role": "reviewer"}, valid=bound, expect=[ALLOW, last, early, late])
    assert failed(tested, day=today) == []
    assert failed(tested.model_copy(update={"valid": tested.valid.model_copy(update={"until": None})}), day=today)


def test_agreements_that_the_policy_names_count_as_active() -> None:
    tested = grant("g", "site", to={"role": "reviewer"}, agreement="AGR-1", expect=[ALLOW])
    assert failed(tested) == []
    (found,) = unmet([tested], [ANNA], [SITE], day=DAY, active_agreements=frozenset())
    assert (found.grant, found.at) == ("g", ("expect", 0))
    assert "suspended" in found.message.en and "suspended" in found.message.vi


def test_an_expectation_survives_the_way_through_the_database() -> None:
    sample = {**ALLOW, "row": {"xa": None, "so": 3, "ngay": date(2026, 1, 1)}, "columns": ["xa"], "on": "2026-01-02"}
    tested = grant("g", "site", expect=[sample])
    assert tested.expect[0].row == {"xa": None, "so": 3, "ngay": "2026-01-01"}
    (back,) = grants_from(canonical_policy([tested]))
    assert back == tested and hash(back) == hash(tested)


@pytest.mark.parametrize(
    "more",
    [{"is": "deny", "columns": ["xa"]}, {"is": "deny", "geometry": "full"}, {"because": "no_grant"}, {"rwo": {}}],
)
def test_an_expectation_that_means_nothing_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expectation.model_validate({**ALLOW, **more})
