"""Explanations: in terms of one's own grants, without others', hidden columns or layers that do not exist for one."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, get_args

import pytest

from layers.access.explain import Explanation, explain, require_owner
from layers.access.explain_row import explain_row
from layers.access.grammar import Action, Grant
from layers.access.principal import PUBLIC, Principal, operator
from layers.errors import ForbiddenError, NotFoundError
from layers.profile.grammar import LayerDefinition, Title
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
SITE = definition(
    "site",
    [
        {"name": "xa", "tag": "public"}, {"name": "so", "type": "integer", "tag": "public"},
        {"name": "chu_su_dung", "tag": "personal"}, {"name": "mat_do", "tag": "internal"}, {"name": "chua_nhan"},
    ],
    precisions_m=(50,),
    custodian={"vi": "Văn phòng đất đai", "en": "Land office"},
)  # fmt: skip
ANNA = Principal("anna", frozenset({"reviewer"}), claims={"xa": ("25747", "25750")})
OWNER = Principal("lan", frozenset({"officer"}), sector="land")
PUBLISH = grant("publish_site", "site", to={"role": "officer"}, actions=["publish"])
OTHERS = grant(
    "secret_grant_of_eva", "site", to={"identity": "eva"}, columns={"tags": ["personal"]}, rows="mat_do = 'x'"
)


def explained(
    *grants: Grant, principal: Principal = ANNA, action: Action = "items", layer: LayerDefinition = SITE, **more: Any
) -> Explanation:
    return explain(principal, layer, action, [*grants, PUBLISH, OTHERS], **{"purpose": None, "day": DAY} | more)


def test_what_is_allowed_names_grants_rows_columns_shape_and_end() -> None:
    near = grant("a", "site", rows="xa IN :claims.xa", geometry={"precision_m": 50}, valid={"until": "2026-06-30"})
    found = explained(near, grant("b", "site", columns={"names": ["so"]}, rows="so < 3", valid={"until": "2026-12-31"}))
    assert (found.is_allowed, found.reason, found.until) == (True, "granted", date(2026, 12, 31))
    assert (found.columns, found.geometry and found.geometry.kind) == (("xa", "so"), "full")
    first, second = found.grants
    assert first.rows is not None and "'25747', '25750'" in first.rows.vi
    assert (first.columns, second.columns) == (("xa", "so"), ("so",))
    plain = found.as_dict()
    assert plain["grants"][0]["geometry"] == {"vi": "lưới 50 m", "en": "grid of 50 m"}  # type: ignore[index]
    assert "30/06/2026" in first.why.vi and "a, b" in found.summary.en
    assert explained(near, grant("c", "site")).until is None


@pytest.mark.parametrize(
    ("more", "standing", "step"),
    [
        ({"actions": ["tile"]}, "other_actions", "Land office"),
        ({"valid": {"until": "2026-01-14"}}, "expired", "extension"),
        ({"valid": {"from": "2026-02-01"}}, "expired", "wait until 2026-02-01"),
        ({"agreement": "AGR-1"}, "suspended", "AGR-1"),
        ({"purpose": ["permit", "plan"]}, "purpose", "permit, plan"),
        ({"rows": "xa IN :claims.sheets"}, "claim", "sheets"),
        ({"rows": "("}, "broken", "operator"),
    ],
)
def test_what_is_denied_names_each_own_grant_why_and_what_to_do(more: dict[str, Any], standing: str, step: str) -> None:
    seen = grant("seen", "site", actions=["map"])
    found = explained(grant("a", "site", **more), seen, purpose="spying")
    account = next(each for each in found.grants if each.grant == "a")
    assert (found.is_allowed, account.standing, account.holds) == (False, standing, False)
    assert account.next_step is not None and step in account.next_step.en and account.next_step.vi
    assert (account.rows, account.columns, account.geometry) == (None, (), None)
    assert found.office.vi == "Văn phòng đất đai" and found.office.vi in found.summary.vi
    json.dumps(found.as_dict())


def test_without_a_custodian_the_sector_is_asked() -> None:
    bare = SITE.model_copy(update={"custodian": None})
    sectors = {"land": Title(vi="Đất đai", en="Land")}
    assert explained(grant("a", "site"), layer=bare, sectors=sectors).office.en == "Land"
    assert explained(grant("a", "site"), layer=bare).office.en == "land"


def test_no_grant_of_others_and_no_hidden_column_is_ever_named() -> None:
    by_hidden = grant("a", "site", rows="chu_su_dung = 'Lan' AND mat_do > 'a'", geometry="none")
    expired = grant(
        "b", "site", rows="chu_su_dung = 'x'", columns={"tags": ["personal"]}, valid={"until": "2026-01-01"}
    )
    untagged = grant("c", "site", rows="chua_nhan = 'x'", columns={"names": ["chua_nhan"]}, geometry="none")
    by_shape = grant("d", "site", rows="S_INTERSECTS(geometry, BBOX(1,1,2,2))", geometry="none")
    policy = (by_hidden, expired, untagged, by_shape)
    for action in get_args(Action):
        told = json.dumps(explained(*policy, action=action).as_dict(), ensure_ascii=False)
        for hidden in ("chu_su_dung", "mat_do", "chua_nhan", 'geometry"', "eva", "publish_site", "BBOX", "POLYGON"):
            assert hidden not in told.replace('"geometry": ', ""), (action, hidden)
    told = json.dumps(explained(*policy, principal=OWNER, about=ANNA).as_dict(), ensure_ascii=False)
    assert "chu_su_dung" in told and "eva" not in told


def test_a_rule_is_told_once_another_grant_shows_its_column() -> None:
    by_hidden = grant("a", "site", rows="chu_su_dung = 'Lan'")
    shows = grant("b", "site", columns={"tags": ["personal"]}, rows="xa = '25747'")
    (account,) = explained(by_hidden).grants
    assert account.rows is not None and "Lan" not in account.rows.vi
    account = explained(by_hidden, shows).grants[0]
    assert account.rows is not None and "Lan" in account.rows.vi


@pytest.mark.parametrize("about", [None, PUBLIC, Principal("nobody_at_all")])
def test_a_layer_that_does_not_exist_for_the_caller_is_not_explained(about: Principal | None) -> None:
    told = []
    for layer in (SITE, SITE.model_copy(update={"existence": "secret", "discoverable": True})):
        with pytest.raises(NotFoundError) as caught:
            explained(principal=PUBLIC, layer=layer, about=about)
        told.append((str(caught.value), caught.value.details))
    assert told == [(str(NotFoundError()), {})] * 2


def test_only_those_who_answer_for_a_layer_ask_about_others() -> None:
    seen = grant("a", "site")
    for asker in (OWNER, operator("root")):
        found = explained(seen, principal=asker, about=ANNA)
        assert (found.about, found.is_allowed, [each.grant for each in found.grants]) == ("anna", True, ["a"])
    with pytest.raises(ForbiddenError) as caught:
        explained(seen, about=OWNER)
    assert caught.value.details == {"reason": "not_owner", "layer": "site"}
    assert explained(seen, about=ANNA) == explained(seen)


def test_whether_one_may_ask_is_known_before_an_identity_is_looked_up() -> None:
    grants = [grant("a", "site", to={"role": "reviewer"}), PUBLISH]
    require_owner(OWNER, SITE, grants, day=DAY)
    with pytest.raises(ForbiddenError):
        require_owner(ANNA, SITE, grants, day=DAY)
    with pytest.raises(NotFoundError):
        require_owner(PUBLIC, SITE, grants, day=DAY)


def test_the_operator_stands_on_no_grant() -> None:
    found = explained(grant("a", "site"), principal=operator("root"))
    assert (found.is_allowed, found.grants, found.until) == (True, (), None)
    assert "chua_nhan" in found.columns


def test_a_row_is_explained_to_those_who_answer_for_the_layer_only() -> None:
    rows = grant("a", "site", rows="xa IN :claims.xa", geometry="none")
    names = grant("b", "site", rows="so > 1", columns={"names": ["chu_su_dung"]})
    policy = [rows, names, PUBLISH]
    bound: dict[str, Any] = {"about": ANNA, "purpose": None, "day": DAY}
    row = {"xa": "25747", "so": None, "chu_su_dung": "Lan"}
    found = explain_row(OWNER, SITE, "items", policy, row, **bound)
    assert (found.is_shown, found.columns, found.masked) == (True, ("xa", "so"), ("chu_su_dung",))
    assert [(each.grant, each.has_row, each.columns) for each in found.grants] == [
        ("a", True, ("xa", "so")), ("b", None, ()),
    ]  # fmt: skip
    assert "ô trống" in found.grants[1].why.vi and json.dumps(found.as_dict())
    outside = explain_row(operator("root"), SITE, "items", policy, {"xa": "1", "so": 0}, **bound)
    assert (outside.is_shown, outside.columns, outside.geometry) == (False, (), None)
    assert [each.has_row for each in outside.grants] == [False, False]
    with pytest.raises(ForbiddenError):
        explain_row(ANNA, SITE, "items", policy, row, **bound)
    with pytest.raises(NotFoundError):
        explain_row(ANNA, SITE, "items", [], row, **bound)
