"""Slots: one shape of filter for all its constants, and another shape wherever the statement would be another."""

from __future__ import annotations

from datetime import date

import pytest

from layers.filters import Search, parse_text, to_text
from layers.filters.slots import slots_of, with_slots
from layers.filters.tree import Comparison, Expression, Literal, Property


def slotted(text: str) -> Expression:
    return with_slots(parse_text(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 'x'", "a = 'y'"),
        ("a = 3", "a = 4"),
        ("3 < a AND NOT (b LIKE 'x%')", "7 < a AND NOT (b LIKE 'yyy%')"),
        ("a BETWEEN 1 AND 2 OR b = TRUE", "a BETWEEN 3 AND 4 OR b = FALSE"),
        ("CASEI(a) = CASEI('x')", "CASEI(a) = CASEI('y')"),
        ("a + 1 > 2", "a + 5 > 6"),
        ("S_INTERSECTS(geometry, POINT(1 2))", "S_INTERSECTS(geometry, POINT(3 4))"),
    ],
)
def test_filters_that_differ_in_constants_alone_are_one(one: str, other: str) -> None:
    assert slotted(one) == slotted(other) and hash(slotted(one)) == hash(slotted(other))
    assert to_text(slotted(one)) == to_text(parse_text(one)) != to_text(slotted(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 'x'", "a < 'x'"),
        ("a = 'x'", "b = 'x'"),
        ("a = 'x'", "a = TRUE"),
        ("a IN (1, 2)", "a IN (1, 3)"),
        ("S_INTERSECTS(geometry, POINT(1 2))", "S_WITHIN(geometry, POINT(1 2))"),
        ("a = DATE('2026-01-01')", "a = TIMESTAMP('2026-01-01T00:00:00Z')"),
    ],
)
def test_filters_whose_statement_differs_are_two(one: str, other: str) -> None:
    assert slotted(one) != slotted(other)


def test_searches_are_one_where_their_terms_have_as_many_words() -> None:
    def search(*terms: str) -> Expression:
        return with_slots(Search(("a",), terms))

    assert search("phu loi") == search("tan an")
    assert search("phu loi") != search("tan") != search("tan", "an")


def test_null_keeps_its_place_in_the_statement() -> None:
    """What is compared with NULL is unknown whatever the row: there is nothing to be given later."""
    nothing = with_slots(Comparison("=", Property("a"), Literal(None)))
    assert list(slots_of(nothing)) == [] and nothing != slotted("a = 'x'")


def test_slots_are_numbered_in_the_order_they_stand_in() -> None:
    found = list(
        slots_of(slotted("a = 'x' AND (b > 3 OR NOT (S_WITHIN(geometry, POINT(1 2)))) AND d = DATE('2026-01-01')"))
    )
    assert [slot.number for slot in found] == [0, 1, 2, 3]
    assert [getattr(slot, "value", None) for slot in found] == ["x", 3.0, None, date(2026, 1, 1)]
