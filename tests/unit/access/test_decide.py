"""Decisions: who a grant is for, what it is about, when it holds, and how grants add up."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.access.decide import FULL, Decision, GeometryLevel, decide, is_check_only, queryables, visible_layers
from layers.access.ownership import is_owner, may_manage
from layers.access.policy import policy_digest
from layers.access.principal import PUBLIC, Principal, operator
from layers.errors import ForbiddenError, NotFoundError
from layers.filters import to_text
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
SITE = definition(
    "site",
    [
        {"name": "ma", "tag": "public"},
        {"name": "xa", "tag": "public"},
        {"name": "gia", "type": "number", "tag": "commercial"},
        {"name": "chu", "tag": "personal"},
        {"name": "moi"},
    ],
    precisions_m=(50,),
)
REVIEWER = Principal("anna", frozenset({"reviewer"}), office="phong_1", claims={"communes": ("25747", "25750")})


def asked(*grants: Any, principal: Principal = REVIEWER, action: Any = "items", purpose: str | None = None) -> Decision:
    return decide(principal, SITE, action, grants, purpose=purpose, day=DAY)


@pytest.mark.parametrize(
    ("to", "is_allowed"),
    [
        ({"role": "reviewer"}, True), ({"role": "officer"}, False), ({"identity": "anna"}, True),
        ({"identity": "reviewer"}, False), ({"office": "phong_1"}, True), ({"office": "phong_2"}, False),
        ({"anyone": True}, True),
    ],
)  # fmt: skip
def test_a_grant_is_for_its_grantee_only(to: dict[str, Any], is_allowed: bool) -> None:
    assert asked(grant("g", "site", to=to)).is_allowed is is_allowed


def test_nobody_is_not_an_office() -> None:
    assert not asked(grant("g", "site", to={"office": "None"}), principal=PUBLIC).is_allowed


def test_a_grant_may_be_about_a_sharing_level() -> None:
    assert asked(grant("g", {"sharing": "shared"})).is_allowed
    assert not asked(grant("g", {"sharing": "open"})).is_allowed


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"actions": ["tile"]}, "no_grant"),
        ({"valid": {"until": "2026-01-14"}}, "expired"),
        ({"valid": {"from": "2026-01-16"}}, "expired"),
        ({"purpose": "construction_permit"}, "purpose"),
        ({"agreement": "AGR-1"}, "suspended"),
        ({"rows": "xa IN :claims.sheets"}, "claim"),
        ({"rows": "xa = :input.x"}, "claim"),
        ({"rows": "xa = "}, "broken"),
        ({"rows": "khong_co = 1"}, "broken"),
        ({"rows": "gia = 'x'"}, "broken"),
        ({"rows": "pg_sleep(1) = 1"}, "broken"),
        ({"geometry": {"precision_m": 49}}, "broken"),
    ],
)
def test_what_is_not_granted_has_its_reason(more: dict[str, Any], reason: str) -> None:
    found = asked(grant("g", "site", **more))
    assert (found.is_allowed, found.reason, found.boxes, found.columns) == (False, reason, (), ())


@pytest.mark.parametrize("bound", [{"from": "2026-01-15"}, {"until": "2026-01-15"}])
def test_both_days_of_a_period_belong_to_it(bound: dict[str, str]) -> None:
    assert asked(grant("g", "site", valid=bound)).is_allowed


def test_a_purpose_that_is_stated_and_an_agreement_that_is_active_hold() -> None:
    bound = grant("g", "site", purpose=["construction_permit", "planning"], agreement="AGR-1")
    assert not asked(bound, purpose="planning").is_allowed
    found = decide(
        REVIEWER, SITE, "items", [bound], purpose="planning", day=DAY, active_agreements=frozenset({"AGR-1"})
    )
    assert found.is_allowed


def test_a_layer_is_visible_by_any_grant_on_any_action_and_else_does_not_exist() -> None:
    by_tile = asked(grant("g", "site", actions=["check"]))
    assert (by_tile.is_allowed, by_tile.is_visible) == (False, True)
    with pytest.raises(ForbiddenError):
        by_tile.require()
    for hidden in (asked(), asked(grant("g", "site", valid={"until": "2025-01-01"}))):
        with pytest.raises(NotFoundError):
            hidden.require()


def test_a_discoverable_layer_is_visible_without_a_grant() -> None:
    shown = SITE.model_copy(update={"discoverable": True})
    assert visible_layers(PUBLIC, [SITE, shown], [], day=DAY) == (shown,)


def test_a_secret_layer_exists_only_for_a_grant_that_names_it() -> None:
    secret = SITE.model_copy(update={"discoverable": True, "existence": "secret"})
    by_level = grant("g", {"sharing": "shared"})
    assert visible_layers(REVIEWER, [SITE, secret], [by_level], day=DAY) == (SITE,)
    assert not decide(REVIEWER, secret, "items", [by_level], purpose=None, day=DAY).is_allowed
    assert visible_layers(REVIEWER, [secret], [grant("g", "site", actions=["check"])], day=DAY) == (secret,)


OFFICER = Principal("lan", frozenset({"officer"}), sector="land")
PUBLISH = {"to": {"role": "officer"}, "actions": ["publish"]}


@pytest.mark.parametrize(
    ("principal", "more", "expected"),
    [
        (OFFICER, {}, True),
        (operator("root"), {}, True),
        (REVIEWER, {}, False),
        (Principal("eva", frozenset({"officer"}), sector="environment"), {}, False),
        (Principal("eva", frozenset({"officer"})), {}, False),
        (OFFICER, {"actions": ["items", "edit"]}, False),
        (OFFICER, {"valid": {"until": "2026-01-14"}}, False),
        (OFFICER, {"agreement": "AGR-1"}, False),
        (OFFICER, {"rows": "("}, False),
        (OFFICER, {"purpose": "maintenance"}, True),
        (OFFICER, {"layer": "other"}, False),
    ],
)
def test_an_owner_is_of_the_sector_and_may_publish(principal: Principal, more: dict[str, Any], expected: bool) -> None:
    found = grant(**{"grant_id": "g", "layer": "site"} | PUBLISH | more)
    assert is_owner(principal, SITE, [found], day=DAY) is expected
    busy = SITE.model_copy(update={"hide_activity": True})
    told = decide(principal, busy, "items", [found], purpose=None, day=DAY)
    assert told.hides_activity is not expected
    assert not decide(principal, SITE, "items", [found], purpose=None, day=DAY).hides_activity


@pytest.mark.parametrize(
    ("principal", "more", "expected"),
    [
        (OFFICER, {}, True),
        (operator("root"), {"rows": "khong_co = 1"}, True),
        (OFFICER, {"rows": "name = 'a'"}, False),
        (OFFICER, {"purpose": "maintenance"}, True),
        (OFFICER, {"purpose": "planning"}, False),
        (OFFICER, {"valid": {"until": "2026-01-14"}}, False),
        (REVIEWER, {}, False),
    ],
)
def test_an_owner_of_every_row_manages_grants(principal: Principal, more: dict[str, Any], expected: bool) -> None:
    found = grant(**{"grant_id": "g", "layer": "site"} | PUBLISH | more)
    assert may_manage(principal, SITE, [found], day=DAY, purposes=("maintenance",)) is expected


def test_check_only_is_a_check_and_nothing_that_shows_the_layer() -> None:
    check = grant("c", "site", actions=["check"])
    assert is_check_only(REVIEWER, SITE, [check], purpose=None, day=DAY)
    assert not is_check_only(REVIEWER, SITE, [], purpose=None, day=DAY)
    for action in ("items", "tile", "map", "export"):
        seen = grant("s", "site", actions=[action], purpose="planning")
        assert not is_check_only(REVIEWER, SITE, [check, seen], purpose="planning", day=DAY)
        assert is_check_only(REVIEWER, SITE, [check, seen], purpose=None, day=DAY)
    assert is_check_only(REVIEWER, SITE, [check, grant("e", "site", actions=["edit"])], purpose=None, day=DAY)


def test_a_rate_binds_only_where_no_other_grant_is_without_one() -> None:
    slow, slower = grant("a", "site", rate="60/min"), grant("b", "site", rate="5/s", actions=["items"])
    assert asked(slow, slower).rates == (("a", "60/min"), ("b", "5/s"))
    assert asked(slow, slower, action="tile").rates == (("a", "60/min"),)
    assert asked(slow, slower, grant("c", "site")).rates == ()
    assert asked(slow, grant("c", "site", valid={"until": "2026-01-14"})).rates == (("a", "60/min"),)


def test_a_column_without_a_tag_is_nobodys() -> None:
    every_tag = {"tags": ["public", "internal", "personal", "commercial"], "names": ["moi", "ma"]}
    assert asked(grant("g", "site", columns=every_tag)).columns == ("ma", "xa", "gia", "chu")


def test_the_operator_has_everything() -> None:
    found = asked(principal=operator("root"))
    assert found.columns == ("ma", "xa", "gia", "chu", "moi")
    assert [(box.rows, box.geometry) for box in found.boxes] == [(None, FULL)]


def test_claims_are_bound_into_the_rows_of_their_own_grant() -> None:
    found = asked(
        grant("a", "site", rows="xa IN :claims.communes"),
        grant("b", "site", columns={"names": ["gia"]}, rows="ma = 'x'", geometry={"precision_m": 50}),
    )
    boxes = {to_text(box.rows): box for box in found.boxes if box.rows is not None}
    assert boxes["\"xa\" IN ('25747', '25750')"].columns == ("ma", "xa")
    assert boxes["\"ma\" = 'x'"].geometry == GeometryLevel("grid", 50)
    assert found.columns == ("ma", "xa", "gia")
    assert found.uses_claims


def test_a_claim_cannot_write_a_rule() -> None:
    hostile = Principal("eva", frozenset({"reviewer"}), claims={"communes": ("x') OR TRUE OR xa IN ('", "y")})
    (box,) = asked(grant("a", "site", rows="xa IN :claims.communes"), principal=hostile).boxes
    assert box.rows is not None and "OR TRUE" in to_text(box.rows).split("'", 1)[1]
    assert type(box.rows).__name__ == "In"


def test_an_empty_claim_allows_nothing_even_where_the_rule_has_another_way() -> None:
    nobody = Principal("bo", frozenset({"reviewer"}), claims={"communes": ()})
    assert not asked(grant("a", "site", rows="NOT xa IN :claims.communes OR ma = 'x'"), principal=nobody).is_allowed


def test_a_broken_grant_takes_nothing_from_another() -> None:
    found = asked(grant("a", "site"), grant("b", "site", rows="("))
    assert (found.is_allowed, found.refusals) == (True, (("b", "broken"),))


def test_queryables_are_the_shown_columns_and_the_shown_geometry() -> None:
    shown = asked(grant("a", "site", columns={"names": ["gia"]}))
    assert queryables(SITE, shown) == {"gia": "number", "geometry": "geometry"}
    shapeless = asked(grant("a", "site", columns={"names": ["gia"]}, geometry="none"))
    assert queryables(SITE, shapeless) == {"gia": "number"}


def test_equal_relations_share_a_digest_and_different_ones_never() -> None:
    wide = asked(grant("a", "site"), grant("b", "site", rows="xa = '1'", geometry="centroid"))
    assert wide.relation_digest == asked(grant("other", "site")).relation_digest
    others = [
        asked(grant("a", "site", rows="xa = '1'")), asked(grant("a", "site", geometry="none")),
        asked(grant("a", "site", columns={"names": ["gia"]})), asked(grant("a", "site", rows="xa = '2'")),
    ]  # fmt: skip
    assert len({wide.relation_digest, *(other.relation_digest for other in others)}) == 5


def test_the_policy_has_one_digest_whatever_its_order() -> None:
    first, second = grant("a", "site"), grant("b", "site")
    assert policy_digest([first, second]) == policy_digest([second, first]) != policy_digest([first])


GRANTS = st.lists(
    st.builds(
        lambda number, role, actions, tags, until: grant(
            f"g{number}", "site", to={"role": role}, actions=sorted(actions), columns={"tags": sorted(tags)},
            valid={"until": until.isoformat()},
        ),
        st.integers(0, 99), st.sampled_from(["reviewer", "officer"]),
        st.sets(st.sampled_from(["items", "tile", "check"]), min_size=1),
        st.sets(st.sampled_from(["public", "personal", "commercial"]), min_size=1),
        st.dates(date(2025, 12, 1), date(2026, 3, 1)),
    ),
    max_size=5,
)  # fmt: skip


@given(GRANTS, st.sampled_from(["items", "tile", "check"]))
def test_taking_a_grant_away_never_adds_anything(grants: list[Any], action: Any) -> None:
    whole = asked(*grants, action=action)
    for left_out in range(len(grants)):
        less = asked(*grants[:left_out], *grants[left_out + 1 :], action=action)
        assert less.is_allowed <= whole.is_allowed
        assert less.is_visible <= whole.is_visible
        assert set(less.columns) <= set(whole.columns)
