"""Values as officers type them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from layers.publishing.values import to_boolean, to_date, to_instant, to_integer, to_number, to_text


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("621,3", 621.3),
        ("1.234,5", 1234.5),
        ("12.5", 12.5),
        (" 7 ", 7.0),
        ("", None),
        (float("nan"), None),
        (3, 3.0),
        ("1 200", 1200.0),
    ],
)
def test_numbers_with_a_decimal_comma_or_point(given: object, meant: float | None) -> None:
    assert to_number(given) == meant


@pytest.mark.parametrize("given", ["rộng", "1,2,3", float("inf"), True])
def test_what_is_no_number_is_refused(given: object) -> None:
    with pytest.raises(ValueError):
        to_number(given)


def test_integers_are_whole() -> None:
    assert to_integer("12.0") == 12
    assert to_integer(2**60) == 2**60
    with pytest.raises(ValueError):
        to_integer("12.5")


@pytest.mark.parametrize(
    "given",
    ["2025-12-31", "20251231", "31/12/2025", "31-12-2025", "31.12.2025", "2025/12/31 00:00:00", date(2025, 12, 31)],
)
def test_dates_in_every_common_form(given: object) -> None:
    assert to_date(given) == date(2025, 12, 31)


def test_an_instant_without_offset_is_local_time() -> None:
    assert to_instant("2026-01-01T07:00:00") == datetime(2026, 1, 1, tzinfo=UTC)
    assert to_instant("2026-01-01T00:00:00+00:00") == datetime(2026, 1, 1, tzinfo=UTC)
    assert to_instant("01/01/2026") == datetime(2025, 12, 31, 17, tzinfo=UTC)


def test_booleans_in_vietnamese_too() -> None:
    assert [to_boolean(word) for word in ("có", "Không", "1", "x", "")] == [True, False, True, True, None]


def test_texts_are_composed_and_whole_numbers_lose_their_fraction() -> None:
    assert to_text("  Dĩ\u0020An ") == "Dĩ An"
    assert to_text(12.0) == "12"
    assert to_text(" ") is None
