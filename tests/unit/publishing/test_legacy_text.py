"""Text of the years before Unicode is told by what reads as Vietnamese, and comes out composed."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata

import pytest

from layers.publishing.legacy_text import (
    TCVN3,
    VNI,
    from_cp1258,
    from_tcvn3,
    from_vni,
    is_vietnamese_syllable,
    share_vietnamese,
    tell_encoding,
)  # fmt: skip

NAMES = [
    "Thủa đất Dĩ An", "phường Thủ Dầu Một", "Nguyễn Văn Hưởng", "đường Huỳnh Văn Lũy", "kênh rạch Bến Cát",
    "quyền sử dụng đất", "khu phố Bình Đức", "Trần Thị Quỳnh Như", "xã Trừ Văn Thố", "hành lang bảo vệ nguồn nước",
]  # fmt: skip
_TO_TCVN3 = {letter: chr(byte) for byte, letter in TCVN3.items()}
_TO_VNI = {letter: sequence for sequence, letter in VNI.items() if sequence == sequence.lower() or letter.isupper()}


def _as_tcvn3(text: str) -> str:
    return "".join(_TO_TCVN3.get(letter, letter) for letter in text)


def _as_vni(text: str) -> str:
    return "".join(_TO_VNI.get(letter, letter) for letter in text)


def _as_cp1258(text: str) -> str:
    """Windows-1258 as typed: base letters composed, the tone a mark of its own."""
    letters = []
    for letter in text:
        try:
            letters.append(letter.encode("cp1258").decode("latin-1"))
        except UnicodeEncodeError:
            base, *marks = unicodedata.normalize("NFD", letter)
            tone = next(mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323")
            rest = unicodedata.normalize("NFC", base + "".join(mark for mark in marks if mark != tone))
            letters.append((rest + tone).encode("cp1258").decode("latin-1"))
    return "".join(letters)


@pytest.mark.skipif(shutil.which("iconv") is None, reason="no iconv on this machine")
def test_the_tcvn3_table_is_that_of_glibc() -> None:
    for byte, letter in TCVN3.items():
        made = subprocess.run(
            ["iconv", "-f", "TCVN", "-t", "UTF-8"], input=bytes([byte]) + b"\n", capture_output=True, check=True
        )
        assert unicodedata.normalize("NFC", made.stdout.decode().strip()) == letter, hex(byte)


def test_the_vni_table_draws_every_vietnamese_letter_in_both_cases() -> None:
    small = "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
    assert set(small) | set(small.upper()) <= set(VNI.values())


@pytest.mark.parametrize("text", NAMES)
def test_each_encoding_is_read_back(text: str) -> None:
    lower = text.lower()
    assert from_tcvn3(_as_tcvn3(lower)) == lower
    assert from_vni(_as_vni(text)) == text
    assert from_cp1258(_as_cp1258(text)) == text


@pytest.mark.parametrize(("write", "name"), [(_as_tcvn3, "TCVN3"), (_as_vni, "VNI"), (_as_cp1258, "CP1258")])
def test_the_encoding_is_told_from_the_text_alone(write: object, name: str) -> None:
    written = [write(text.lower()) for text in NAMES]  # type: ignore[operator]
    for is_raw in (True, False):
        found = tell_encoding(written, is_raw=is_raw)
        assert found is not None and found.name == name
        assert [found.decode(text) for text in written] == [text.lower() for text in NAMES]


def test_utf8_read_as_latin1_is_told_first() -> None:
    found = tell_encoding([text.encode().decode("latin-1") for text in NAMES], is_raw=True)
    assert found is not None and found.name == "UTF-8"


def test_unicode_and_foreign_text_is_left_as_it_is() -> None:
    assert tell_encoding(NAMES, is_raw=False) is None
    assert tell_encoding([unicodedata.normalize("NFD", text) for text in NAMES], is_raw=False) is None
    german = ["Gewässerraum", "Grundwasserschutzzone für Trinkwasser", "Neuhausen am Rheinfall, Höhe", "Straße"]
    assert tell_encoding(german, is_raw=False) is None
    assert tell_encoding(["Thua dat so 12", "LUC"], is_raw=True) is None


def test_latin_text_without_a_code_page_is_windows_text() -> None:
    found = tell_encoding(["Gew\xe4sserraum", "H\xf6he \x96 Stra\xdfe"], is_raw=True)
    assert found is not None and found.name == "CP1252"
    assert found.decode("H\xf6he \x96 Stra\xdfe") == "Höhe – Straße"


def test_vietnamese_syllables_are_told_from_other_words() -> None:
    text = "thửa đất nghiêng khuỷu ngoằn rượu quốc quyền giếng gì hoẵng quýt yếu huyện uỷ thuý loà xoong đường"
    words = text.split(" ")
    assert [word for word in words if not is_vietnamese_syllable(word)] == []
    assert not any(is_vietnamese_syllable(word) for word in ("ñaát", "Gewässer", "®êt", "für", "phöôøng", "Grün"))
    assert share_vietnamese(["ASCII only"]) == 0.0
