"""The wall is never narrower than the relation, and no wider than its words say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.access.classes import EVERYBODY, RoleClass, class_of, classes_of
from layers.access.decide import decide
from layers.access.grammar import Grant
from layers.access.principal import Principal, operator
from layers.access.scope import EVERY_ROW, READING, SHAPES, TECHNICAL, scope_of
from layers.filters import evaluate
from layers.profile.grammar import LayerDefinition
from layers.profile.load import load_profile
from tests.support.layers import DAY, definition, grant

DEFAULT = Path(__file__).resolve().parents[3] / "layers" / "definitions"
SITE = definition(
    "site",
    [
        {"name": "ma", "tag": "public"},
        {"name": "xa", "tag": "public", "role": "commune"},
        {"name": "so", "type": "integer", "tag": "public"},
        {"name": "gia", "type": "integer", "tag": "commercial"},
        {"name": "chu", "tag": "personal"},
        {"name": "moi"},
    ],
    precisions_m=[50],
)
CODES = ("25747", "25750", "25753")
ROWS = [
    {"ma": f"M{n}", "xa": code, "so": n, "gia": n % 3, "chu": "x", "moi": "y"}
    for n, code in enumerate([*CODES, *CODES, None, "*"])
]
RULES = [
    None, "xa IN :claims.communes", "xa = '25747'", "'25750' = xa", "xa IN ('25747', '25753') AND so > 2",
    "xa = '25747' OR so = 4", "NOT (xa = '25747')", "xa IN ('25747') AND xa IN ('25750')", "so < 3 AND gia = 1",
    "xa IN :claims.communes AND ma LIKE 'M%'", "xa <> '25753'", "xa IS NULL", "xa IN ('25747', NULL)", "khong_co = 1",
]  # fmt: skip
PRINCIPALS = (
    Principal("anna", frozenset({"a"}), claims={"communes": ("25747",)}),
    Principal("bao", frozenset({"a", "b"}), office="o", claims={"communes": ("25750", "*")}),
    Principal("chi", frozenset({"b"})),
)

grants = st.lists(
    st.builds(
        lambda number, to, rows, columns, geometry, actions, edge: grant(
            f"g{number}", "site", to=to, rows=rows, columns=columns, geometry=geometry, actions=actions, edge=edge
        ),
        st.integers(0, 99),
        st.sampled_from([{"anyone": True}, {"role": "a"}, {"role": "b"}, {"office": "o"}, {"identity": "anna"}]),
        st.sampled_from(RULES),
        st.sampled_from([{"tags": ["public"]}, {"names": ["gia"]}, {"tags": ["personal"], "names": ["moi"]}]),
        st.sampled_from(["full", "none", "centroid", {"precision_m": 50}]),
        st.sampled_from([["items"], ["tile", "map"], ["check"], ["export", "publish"]]),
        st.sampled_from(["intersect", "within"]),
    ),
    max_size=5,
)


def callers(role_class: RoleClass, policy: Sequence[Grant]) -> list[Principal]:
    return [one for one in PRINCIPALS if class_of(one, policy) == role_class]


@given(grants)
def test_whatever_the_relation_shows_the_wall_lets_through(policy: list[Grant]) -> None:
    for principal in PRINCIPALS:
        role_class = class_of(principal, policy)
        scope = scope_of(role_class, SITE, policy, callers(role_class, policy))
        for action in READING:
            for box in decide(principal, SITE, action, tuple(policy), purpose=None, day=DAY).boxes:
                shown = [row for row in ROWS if box.rows is None or evaluate(box.rows, row) is True]
                if shown:
                    assert scope is not None
                    assert set(box.columns) <= scope.columns and set(TECHNICAL) <= scope.columns
                    assert box.geometry.kind == "none" or set(SHAPES) <= scope.columns
                    assert EVERY_ROW in scope.codes or {row["xa"] for row in shown} <= scope.codes | {EVERY_ROW}


@given(grants)
def test_the_wall_lets_nothing_through_that_no_grant_of_the_class_names(policy: list[Grant]) -> None:
    for role_class in classes_of(policy, PRINCIPALS):
        scope = scope_of(role_class, SITE, policy, callers(role_class, policy))
        own = [one for one in policy if not READING.isdisjoint(one.actions) and _is_of(one, role_class)]
        if scope is None:
            continue
        assert own
        read = {name for one in own for name in ("xa", "so", "gia", "ma") if name in (one.rows or "")}
        named = {"ma", "xa", "so"} if any("public" in one.columns.tags for one in own) else set()
        named |= {"gia"} if any("gia" in one.columns.names for one in own) else set()
        named |= {"chu"} if any("personal" in one.columns.tags for one in own) else set()
        assert scope.columns <= named | read | set(TECHNICAL) | set(SHAPES)
        assert "moi" not in scope.columns  # a column without a tag is nobody's
        if all(one.rows in ("xa = '25747'", "'25750' = xa", "xa IN :claims.communes") for one in own):
            assert scope.codes <= {"25747", "25750"}


def _is_of(one: Grant, role_class: RoleClass) -> bool:
    to = one.to
    names = {"anyone" if to.anyone else "", f"role:{to.role}", f"office:{to.office}", f"identity:{to.identity}"}
    return not names.isdisjoint(role_class.grantees)


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        (None, {"*"}), ("xa = '25747'", {"25747"}), ("xa IN ('25747', NULL)", {"25747"}), ("so = 1", {"*"}),
        ("xa IN ('25747') AND xa IN ('25750')", None), ("xa = '25747' OR so = 4", {"*"}), ("khong_co = 1", None),
        ("xa IN :claims.communes", None),
    ],
)  # fmt: skip
def test_codes_come_from_conjuncts_on_the_commune_only(rule: str | None, codes: set[str] | None) -> None:
    scope = scope_of(EVERYBODY, SITE, [grant("g", "site", rows=rule)], [])
    assert (scope.codes if scope else None) == codes


def test_a_layer_that_may_only_be_checked_is_not_in_the_wall() -> None:
    assert scope_of(EVERYBODY, SITE, [grant("g", "site", actions=["check", "publish"])], []) is None


def test_a_secret_layer_is_reached_by_its_name_alone() -> None:
    secret: LayerDefinition = SITE.model_copy(update={"existence": "secret"})
    assert scope_of(EVERYBODY, secret, [grant("g", {"sharing": "shared"})], []) is None
    assert scope_of(EVERYBODY, secret, [grant("g", "site")], []) is not None


def test_the_operator_is_of_no_class_that_is_known() -> None:
    policy: tuple[Any, ...] = (grant("g", "site"),)
    assert class_of(operator("os"), policy) not in classes_of(policy, [operator("os")])


def test_every_caller_of_the_default_profile_has_a_class_that_reaches_what_they_may_read() -> None:
    profile = load_profile(DEFAULT)
    principals = [
        Principal(one.id, frozenset(one.roles), one.office, one.sector, one.claims) for one in profile.identities
    ]
    known = classes_of(profile.grants, principals)
    for principal in principals:
        role_class = class_of(principal, profile.grants)
        assert role_class in known
        same = [one for one in principals if class_of(one, profile.grants) == role_class]
        for layer in profile.layers:
            scope = scope_of(role_class, layer, profile.grants, same)
            for action in READING:
                for purpose in (None, "construction_permit", "land_use_change"):
                    seen = decide(principal, layer, action, profile.grants, purpose=purpose, day=DAY)
                    assert set(seen.columns) <= (scope.columns if scope else frozenset())
