"""Free text of records: what is a line, what a note, and that the pattern callers are told says the same."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from layers.errors import InvalidInputsError
from layers.plain_text import LINE_OR_NOTHING, is_line, is_plain, require_line, require_note
from ogc.service.bodies import Line

LETTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
_TURNING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


def test_what_is_strange_is_told_by_what_unicode_says_of_it() -> None:
    strange = {letter for letter in LETTERS if not is_line(f"a{letter}b")}
    assert strange == {
        letter for letter in LETTERS if unicodedata.category(letter) in ("Cc", "Zl", "Zp") or letter in _TURNING
    }
    assert {letter for letter in LETTERS if not is_plain(letter)} == strange - set("\n\t\r")
    assert not is_line("a\ud800") and not is_plain("\udfff")


def test_the_pattern_callers_are_told_takes_what_the_rooms_below_take() -> None:
    told, optional = TypeAdapter(Line), re.compile(LINE_OR_NOTHING)
    for letter in (*LETTERS[:0x3100], "\ufeff", "\U0001f600"):
        for text in (letter, f"{letter}a", f"a{letter}"):
            try:
                told.validate_python(text)
                is_taken = True
            except ValidationError:
                is_taken = False
            assert is_taken == is_line(text), repr(text)
            assert (optional.fullmatch(text) is not None) == is_line(text), repr(text)
    assert optional.fullmatch("") and not is_line("")


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\u3000 ", "a\nb", "a\x00", "D\u202e1", "D\u2028", "D1\n", "\x85"])
def test_a_line_that_says_nothing_or_something_else_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidInputsError) as caught:
        require_line(text, "dossier")
    assert [field.field for field in caught.value.fields] == ["dossier"]
    assert "gõ lại" in caught.value.message.vi and "type it again" in caught.value.message.en


def test_lines_and_notes_as_people_write_them_are_taken() -> None:
    for text in (None, "H29.19-260715-0012", "Hồ sơ số 12 – Nguyễn", "e\u0301", "\U0001f600"):
        require_line(text, "dossier")
    for text in (None, "", "một\ndòng\tnữa", "một\r\nhai"):
        require_note(text, "note")


@pytest.mark.parametrize("text", [" ", "\n\t", "a\x00", "a\x0b", "a\u2029b", "\u2067a"])
def test_a_note_may_have_lines_and_nothing_strange(text: str) -> None:
    with pytest.raises(InvalidInputsError):
        require_note(text, "note")
