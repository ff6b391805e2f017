"""Canonical JSON by RFC 8785, differences named, alterations found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from layers.canonical import canonical, plain
from layers.checking.evidence import TamperedRecordError, difference, opened, seal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcđ€😀", max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def content(**more: Any) -> dict[str, Any]:
    base = {
        "id": "r1", "created": "2026-11-21T03:00:00+00:00", "dossier": "H29.19-260715-0012", "purpose": None,
        "principal": "reviewer", "procedure": {"id": "p"}, "verdict": "pass",
        "subject": {"layer": "parcel", "fid": "7"},
    }  # fmt: skip
    return base | more


@given(JSON)
def test_the_fast_writer_and_the_standards_agree(value: Any) -> None:
    assert canonical(plain(value)) == rfc8785.dumps(plain(value)).decode()


@given(JSON)
def test_canonical_text_says_the_same_again(value: Any) -> None:
    value = plain(value)
    again = json.loads(canonical(value))
    assert difference(value, again) == []
    assert canonical(again) == canonical(value)


def test_numbers_and_keys_are_written_as_the_standard_says() -> None:
    value = {"b": 1.5, "a": 0.000001, "é": 1e-7, "n": 100.0, "😀": 1, "\ufb33": 2}
    text = '{"a":0.000001,"b":1.5,"n":100,"é":1e-7,"😀":1,"\ufb33":2}'
    assert canonical(plain(value)) == text


@pytest.mark.parametrize("text", ["one-e-mail", "1e-7", "1e-", "dòng\n\t\x1f\x7f\u2028", "\ufffd", "đất ở"])
def test_texts_are_written_as_the_standard_says(text: str) -> None:
    assert canonical({text: text}) == rfc8785.dumps({text: text}).decode()


@pytest.mark.parametrize("value", [date(2026, 1, 2), {1, 2}, {1: 2}])
def test_a_value_that_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical({"a": value})


def test_what_json_cannot_say_is_said_otherwise() -> None:
    assert plain({"d": date(2026, 1, 2), "x": float("nan"), "big": 2**60, "t": (1, 2)}) == {
        "d": "2026-01-02", "x": None, "big": str(2**60), "t": [1, 2],
    }  # fmt: skip


def test_a_sealed_record_opens_to_its_content() -> None:
    assert opened(seal(content(), principal="reviewer")) == content()


@pytest.mark.parametrize("field", ["body", "digest", "principal", "dossier", "subject_fid", "procedure"])
def test_an_altered_record_is_found(field: str) -> None:
    row = seal(content(), principal="reviewer")
    other = {"body": row.body.replace("pass", "fail"), "subject_fid": 8}.get(field, "other")
    with pytest.raises(TamperedRecordError):
        opened(replace(row, **{field: other}))


def test_a_difference_is_named_by_its_place() -> None:
    first = {"findings": [{"measure": {"area_m2": 18.4}}]}
    second = {"findings": [{"measure": {"area_m2": 18.5}}]}
    assert difference(first, second) == ["findings.0.measure.area_m2: 18.4 ≠ 18.5"]
    assert difference([1], [1, 2]) == [": [1] ≠ [1, 2]"]
