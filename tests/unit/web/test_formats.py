"""Figures and dates as an office writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ogc.web import formats

NB = formats.NO_BREAK


@pytest.mark.parametrize(
    ("value", "language", "text"),
    [
        (621.3, "vi", f"621,3{NB}m²"),
        (17254.0, "vi", f"17.254,0{NB}m²"),
        (17254.04, "en", f"17,254.0{NB}m²"),
        (None, "vi", "–"),
    ],
)
def test_areas_have_one_decimal(value: float | None, language: str, text: str) -> None:
    assert formats.area(value, language) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.456, f"0,46{NB}m"), (12.34, f"12,3{NB}m"), (2210.4, f"2.210{NB}m"), (0.0, f"0{NB}m")]
)
def test_lengths_get_coarser_as_they_grow(value: float, text: str) -> None:
    assert formats.length(value, "vi") == text


def test_a_small_share_is_never_written_as_nothing() -> None:
    assert "<" in formats.share(0.0001, "vi")
    assert formats.share(0.0, "vi").startswith("0")
    assert formats.share(0.0296, "vi") == "3 %"
    assert formats.share(0.1925, "vi") == "19,2 %"


def test_instants_are_told_in_the_time_of_the_province() -> None:
    late = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
    assert formats.day(late) == "22/11/2026"
    assert formats.moment(late.isoformat()) == "22/11/2026 01:30"
    assert formats.day("2026-01-05") == "05/01/2026"
    assert formats.day("kỳ 2021-2030") == "kỳ 2021-2030"
