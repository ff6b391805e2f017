"""The third value, patterns and shapes."""

from __future__ import annotations

from datetime import date

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.filters import evaluate, parse_text
from layers.filters.evaluate import matches
from layers.filters.tree import Spatial, within_edges


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", None), ("NOT x = 1", None), ("x = 1 AND FALSE", False), ("x = 1 AND TRUE", None),
        ("x = 1 OR TRUE", True), ("x = 1 OR FALSE", None), ("x IS NULL", True), ("x IN (1, 2)", None),
        ("one IN (1, NULL)", True), ("one IN (2, NULL)", None), ("one NOT IN (2, NULL)", None),
        ("one BETWEEN 2 AND x", False), ("one BETWEEN 0 AND x", None), ("x LIKE 'a%'", None), ("flag", None),
        ("one = NULL", None), ("CASEI(name) = CASEI('PHÚ LỢI')", True), ("name = 'PHÚ LỢI'", False),
        ("CASEI(name) LIKE CASEI('phú%')", True), ("name LIKE 'Phú _ợi'", True), ("day < DATE('2024-03-01')", True),
        ("iso < DATE('2024-03-01')", True),
    ],
)  # fmt: skip
def test_a_filter_is_true_false_or_unknown_as_in_sql(text: str, expected: bool | None) -> None:
    row = {"one": 1, "x": None, "name": "Phú Lợi", "day": date(2024, 2, 29), "iso": "2024-02-29"}
    assert evaluate(parse_text(text), row) is expected


def test_within_leaves_out_what_only_meets_the_shape() -> None:
    rule = parse_text("S_INTERSECTS(geometry, BBOX(0,0,10,10))")
    inside, across = {"geometry": shapely.box(1, 1, 2, 2)}, {"geometry": shapely.box(9, 9, 11, 11)}
    assert (evaluate(rule, inside), evaluate(rule, across)) == (True, True)
    strict = within_edges(rule)
    assert isinstance(strict, Spatial) and strict.relation == "covered_by"
    assert (evaluate(strict, inside), evaluate(strict, across)) == (True, False)
    assert evaluate(strict, {"geometry": None}) is None


def test_within_never_lets_in_what_the_written_rule_keeps_out() -> None:
    rule = parse_text("NOT (S_INTERSECTS(geometry, BBOX(0,0,10,10)))")
    across, outside = {"geometry": shapely.box(9, 9, 11, 11)}, {"geometry": shapely.box(20, 20, 21, 21)}
    for strict in (rule, within_edges(rule)):
        assert (evaluate(strict, across), evaluate(strict, outside)) == (False, True)
    assert evaluate(within_edges(parse_text("NOT (NOT (S_INTERSECTS(geometry, BBOX(0,0,10,10))))")), across) is False


@given(st.text(alphabet="ab%_\\", max_size=8), st.text(alphabet="ab%_\\", max_size=8))
def test_a_text_written_with_escapes_matches_itself_only(text: str, other: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    assert matches(text, escaped)
    assert matches(other, escaped) == (other == text)


def test_a_pattern_of_many_wildcards_is_decided_at_once() -> None:
    assert not matches("a" * 5000, "%a%a%a%a%a%a%a%b")
