"""Texts without case and accents, words and arithmetic: the database and Python say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from layers.filters.arithmetic import calculate
from layers.filters.folding import searchable, without_accents, without_case
from layers.filters.parse import ARITHMETIC

BMP = [chr(code) for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
#: of the letters beyond them those that have a case
BEYOND = [chr(code) for code in range(0x10000, 0x1F000) if chr(code).lower() != chr(code).upper()]


@pytest.fixture(scope="module")
def said(server: Any, make_template: Any) -> Iterator[Any]:
    """What a function of the database says of a list of texts."""
    with psycopg.connect(server.url(make_template("empty", lambda url: None))) as connection:

        def ask(function: str, texts: list[str]) -> list[str]:
            row = connection.execute(f"SELECT array_agg(cql.{function}(t) ORDER BY n) FROM unnest(%s::text[]) WITH "
                                     "ORDINALITY AS each (t, n)", (texts,)).fetchone()  # fmt: skip
            assert row is not None
            return list(row[0])

        yield ask


def test_every_letter_folds_its_case_alike_and_as_unicode_says(said: Any) -> None:
    letters = [*BMP, *BEYOND]
    assert said("casei", letters) == [without_case(letter) for letter in letters]
    folded: dict[str, set[str]] = {}
    for letter in letters:
        folded.setdefault(letter.casefold(), set()).add(without_case(letter))
    assert all(len(ours) == 1 for ours in folded.values())


def test_every_letter_loses_its_accents_alike(said: Any) -> None:
    assert said("accenti", BMP) == [without_accents(letter) for letter in BMP]
    assert without_accents("Đường Thủ Dầu Một, Øresund, Łódź") == "Duong Thu Dau Mot, Oresund, Lodz"
    assert without_accents("ガ") == "カ" or without_accents("ガ") == "ガ"


def test_texts_become_words_alike(said: Any) -> None:
    texts = ["Phường Thủ Dầu Một", "Straße ΟΔΟΣ ﬁ", "a-b_c  d,e", "", "  ", "P.1/2", "ΟΔΌΣ Σ", "ĐƯỜNG\tsố 5"]
    assert said("searchable", texts) == list(map(searchable, texts))
    assert searchable("ĐƯỜNG\tsố 5") == " duong so 5 "


NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e100, 1.1e100, 1e-100, 9e-101, 1e308, 5e-324, -8.0, 1 / 3]),
    st.floats(-1e6, 1e6), st.integers(-100, 100).map(float),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@example(pairs=[(math.nan, 1.0), (math.inf, 1.0), (-2.0, 0.5), (0.0, -1.0), (10.0, 1000.0)])
@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=20, max_size=40))
def test_arithmetic_gives_the_same_number_or_none_and_never_raises(
    server: Any, make_template: Any, pairs: list[tuple[float, float]]
) -> None:
    with psycopg.connect(server.url(make_template("empty", lambda url: None))) as connection:
        for operator in ARITHMETIC:
            row = connection.execute(
                "SELECT array_agg(cql.calculate(%s, a, b) ORDER BY n) FROM unnest(%s::float8[], %s::float8[])"
                " WITH ORDINALITY AS each (a, b, n)",
                (operator, [one for one, _ in pairs], [other for _, other in pairs]),
            ).fetchone()
            assert row is not None
            assert row[0] == [calculate(operator, one, other) for one, other in pairs], operator  # type: ignore[arg-type]
