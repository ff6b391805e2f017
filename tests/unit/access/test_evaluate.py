"""The evaluator: union per cell, and taking a grant away never adds a row, a cell or precision."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.access.box import FULL, NONE, GeometryLevel
from layers.access.decide import decide
from layers.access.evaluate import shown_row, shown_rows
from layers.access.grammar import Grant
from layers.access.principal import Principal, operator
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
SITE = definition(
    "site",
    [
        {"name": "xa", "tag": "public"}, {"name": "so", "type": "integer", "tag": "public"},
        {"name": "chu", "tag": "personal"}, {"name": "gia", "tag": "commercial"}, {"name": "moi"},
    ],
    precisions_m=(50, 7),
)  # fmt: skip
ANNA = Principal("anna", frozenset({"reviewer"}), claims={"xa": ("1", "2")})
ROW = {"xa": "1", "so": 3, "chu": "Lan", "gia": "9", "moi": "x"}


def shown(row: dict[str, object], *grants: Grant, principal: Principal = ANNA) -> Any:
    return shown_row(decide(principal, SITE, "items", grants, purpose=None, day=DAY), row)


def test_two_grants_add_up_cell_by_cell_and_never_crosswise() -> None:
    names = grant("a", "site", columns={"names": ["xa", "chu"]}, rows="xa = '1'", geometry="none")
    prices = grant("b", "site", columns={"names": ["xa", "gia"]}, rows="so = 3", geometry={"precision_m": 50})
    both, first, second = ({**ROW, **more} for more in ({}, {"so": 4}, {"xa": "2"}))
    assert shown(both, names, prices).cells == {"xa": "1", "chu": "Lan", "gia": "9"}
    assert shown(first, names, prices).cells == {"xa": "1", "chu": "Lan", "gia": None}
    assert shown(second, names, prices).cells == {"xa": "2", "chu": None, "gia": "9"}
    levels = [shown(row, names, prices).geometry for row in (both, first, second)]
    assert levels == [GeometryLevel("grid", 50), NONE, GeometryLevel("grid", 50)]
    assert shown({**ROW, "xa": "3", "so": 4}, names, prices) is None


def test_a_masked_cell_and_an_empty_one_look_the_same_and_are_told_apart_by_the_columns() -> None:
    names = grant("a", "site", columns={"names": ["chu"]}, rows="xa = '1'")
    everything = grant("b", "site", columns={"names": ["so"]})
    masked, empty = shown({**ROW, "xa": "2"}, names, everything), shown({**ROW, "chu": None}, names, everything)
    assert masked.cells["chu"] is empty.cells["chu"] is None
    assert (masked.columns, empty.columns) == (("so",), ("so", "chu"))


@pytest.mark.parametrize("rule", ["xa = '1'", "xa <> '1'", "NOT (xa = '1')", "xa IN :claims.xa", "xa LIKE '%'"])
def test_a_rule_that_is_unknown_does_not_hold(rule: str) -> None:
    assert shown({**ROW, "xa": None}, grant("a", "site", rows=rule)) is None


def test_a_column_without_a_tag_is_shown_to_the_operator_alone() -> None:
    everything = grant("a", "site", columns={"names": ["moi", "xa"]})
    assert "moi" not in shown(ROW, everything).cells
    assert shown(ROW, principal=operator("root")).cells == ROW


def test_the_order_of_the_rows_is_kept_and_those_outside_are_left_out() -> None:
    decision = decide(ANNA, SITE, "items", [grant("a", "site", rows="xa IN :claims.xa")], purpose=None, day=DAY)
    rows = [{**ROW, "xa": xa} for xa in ("2", "3", "1", None)]
    assert [row["xa"] for row, _ in shown_rows(decision, rows)] == ["2", "1"]


LEVELS: list[Any] = ["full", {"precision_m": 7}, {"precision_m": 50}, "centroid", "none", {"precision_m": 8}]
RULES = [None, "xa = '1'", "xa IN :claims.xa", "xa IN :claims.nothing", "so < 3 OR xa = '2'", "NOT (so = 3)", "("]
GRANTS = st.lists(
    st.builds(
        lambda to, rows, tags, names, geometry, until, purpose, agreement: {
            "to": to, "rows": rows, "columns": {"tags": tags, "names": names}, "geometry": geometry,
            "valid": {"until": until}, "purpose": purpose, "agreement": agreement,
        },
        st.sampled_from([{"anyone": True}, {"role": "reviewer"}, {"role": "officer"}]),
        st.sampled_from(RULES),
        st.lists(st.sampled_from(["public", "personal", "commercial"]), unique=True),
        st.lists(st.sampled_from(["xa", "chu", "moi"]), unique=True),
        st.sampled_from(LEVELS), st.sampled_from(["2026-01-15", "2026-01-14", None]),
        st.sampled_from(["any", "permit"]), st.sampled_from([None, "AGR-1"]),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries({"xa": st.sampled_from(["1", "2", "3", None]), "so": st.sampled_from([1, 3, None])}),
    max_size=5,
)


@given(GRANTS, ROWS, st.sampled_from([None, "permit"]))
def test_taking_a_grant_away_never_adds_a_row_a_cell_or_precision(
    plain: list[dict[str, Any]], rows: list[dict[str, object]], purpose: str | None
) -> None:
    grants = [grant(f"g{number}", "site", **each) for number, each in enumerate(plain)]
    filled = [{**ROW, **row} for row in rows]
    whole = decide(ANNA, SITE, "items", grants, purpose=purpose, day=DAY)
    for left_out in range(len(grants)):
        rest = [*grants[:left_out], *grants[left_out + 1 :]]
        less = decide(ANNA, SITE, "items", rest, purpose=purpose, day=DAY)
        assert less.is_allowed <= whole.is_allowed
        for row in filled:
            before, after = shown_row(whole, row), shown_row(less, row)
            if after is not None:
                assert before is not None
                assert set(after.columns) <= set(before.columns)
                assert before.geometry.rank <= after.geometry.rank <= NONE.rank and before.geometry.rank >= FULL.rank
