"""Vietnamese text of the years before Unicode: TCVN3 (ABC fonts), VNI, Windows-1258, and bytes read as latin-1.

The encoding is told from the text itself: the candidate under which most words with marks are Vietnamese syllables
wins, and only where it reads clearly better than the text as it came. Output is NFC.

TCVN3 has no capitals with tones: fonts ending in H (.VnTimeH) draw small letters as capitals, so such text comes out in
small letters. That is a loss of the fonts, not of this table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: TCVN 5712:1993 VN3 (the ABC fonts), bytes A1–FE; a dot stands for a byte without a Vietnamese letter
_TCVN3_HIGH = "ĂÂÊÔƠƯĐăâêôơưđ......àảãáạ.ằẳẵắ.......ặầẩẫấậè.ẻẽéẹềểễếệìỉ...ĩíịò.ỏõóọồổỗốộờởỡớợù.ủũúụừửữứựỳỷỹýỵ"
TCVN3 = {0xA1 + place: letter for place, letter in enumerate(_TCVN3_HIGH) if letter != "."}

_TONES = {"grave": "\u0300", "acute": "\u0301", "hook": "\u0309", "tilde": "\u0303", "dot": "\u0323"}
#: VNI writes a base letter and then a mark; the marks on a plain letter …
_VNI_PLAIN = {"ø": "\u0300", "ù": "\u0301", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
#: … with a circumflex …
_VNI_CIRCUMFLEX = {
    "â": "\u0302", "à": "\u0302\u0300", "á": "\u0302\u0301", "å": "\u0302\u0309", "ã": "\u0302\u0303",
    "ä": "\u0302\u0323",
}  # fmt: skip
#: … and, on the letter a alone, with a breve
_VNI_BREVE = {
    "ê": "\u0306", "è": "\u0306\u0300", "é": "\u0306\u0301", "ú": "\u0306\u0309", "ü": "\u0306\u0303",
    "ë": "\u0306\u0323",
}  # fmt: skip
_VNI_SINGLE = {"ñ": "đ", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ô": "ơ", "ö": "ư"}


def _vni_table() -> dict[str, str]:
    """Every VNI sequence and the letter it draws, in both cases."""
    table: dict[str, str] = {}
    for base in "aeouy":
        table |= {base + mark: base + accents for mark, accents in _VNI_PLAIN.items()}
    for base in "aeo":
        table |= {base + mark: base + accents for mark, accents in _VNI_CIRCUMFLEX.items()}
    table |= {"a" + mark: "a" + accents for mark, accents in _VNI_BREVE.items()}
    for base, letter in (("ô", "ơ"), ("ö", "ư")):
        table |= {base + mark: letter + accents for mark, accents in _VNI_PLAIN.items()}
    table |= _VNI_SINGLE
    composed = {sequence: unicodedata.normalize("NFC", letter) for sequence, letter in table.items()}
    upper = {sequence.upper(): letter.upper() for sequence, letter in composed.items()}
    # a capital is often typed with a small mark
    mixed = {s[0].upper() + s[1:]: letter.upper() for s, letter in composed.items() if len(s) == 2}
    return {**mixed, **upper, **composed}


VNI = _vni_table()
_VNI_SEQUENCE = re.compile("|".join(sorted(map(re.escape, VNI), key=len, reverse=True)))
_TCVN3_BY_CHARACTER = {byte: letter for byte, letter in TCVN3.items()}


def from_tcvn3(text: str) -> str:
    """Text whose characters are the bytes of a TCVN3 font (latin-1 or Windows-1252)."""
    return unicodedata.normalize("NFC", _as_latin1(text).translate(_TCVN3_BY_CHARACTER))


def from_vni(text: str) -> str:
    """Text whose characters are the bytes of a VNI font."""
    return unicodedata.normalize("NFC", _VNI_SEQUENCE.sub(lambda found: VNI[found.group()], _as_latin1(text)))


def from_cp1258(text: str) -> str:
    """Text whose characters are the bytes of Windows-1258: combining marks follow their letter."""
    return unicodedata.normalize("NFC", _as_latin1(text).encode("latin-1").decode("cp1258", "replace"))


def from_utf8(text: str) -> str:
    """UTF-8 that was read as latin-1. Raises UnicodeError where it is not."""
    return unicodedata.normalize("NFC", _as_latin1(text).encode("latin-1").decode("utf-8"))


def from_windows(text: str) -> str:
    """Windows-1252 that was read as latin-1: what is left when nothing Vietnamese is found."""
    return unicodedata.normalize("NFC", text.encode("latin-1", "replace").decode("cp1252", "replace"))


def _as_latin1(text: str) -> str:
    """Characters of Windows-1252 (drawing files come so) put back to the bytes they came from."""
    if text.isascii() or max(text) <= "\xff":
        return text
    return "".join(letter if letter <= "\xff" else _WINDOWS_BYTES.get(letter, letter) for letter in text)


_WINDOWS_BYTES = {
    bytes([value]).decode("cp1252"): chr(value)
    for value in range(0x80, 0xA0)
    if value not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}

# ── telling the encoding ────────────────────────────────────────────────────────────────────────
_ONSET = "(?:ngh|ng|gh|gi|kh|nh|ch|ph|qu|th|tr|[bcdđghklmnprstvx])?"
_RHYME = (
    "(?:a(?:ch|nh|ng|[iouycmnpt])?|ă(?:ng|[cmnpt])|â(?:ng|[uycmnpt])|"
    "e(?:ng|[omncpt])?|ê(?:ch|nh|[umnpt])?|i(?:ch|nh|[aumnpt])?|iê(?:ng|[umnpct])|"
    "o(?:ng|[iecmnpt])?|o(?:a(?:ch|nh|ng|[iyomncpt])?|ă(?:ng|[cmnt])|e(?:[ont])?|o(?:ng|c))|"
    "ô(?:ng|[icmnpt])?|ơ(?:[imnpt])?|u(?:ng|[aicmnpt])?|"
    "u(?:â(?:ng|[ynt])|ê(?:ch|nh|[nt])?|ô(?:ng|[imnct])|ơ|y(?:ch|nh|[aunpt])?|yê[nt])|"
    "ư(?:ng|[aiumnct])?|ươ(?:ng|[iumncpt])|y(?:ch|nh|[umnt])?|yê(?:ng|[umnt])|"
    "(?<=qu)(?:a(?:ch|nh|ng|[iouycmnpt])?|ă(?:ng|[cnt])|â(?:ng|[nty])|e(?:[ont])?|ê(?:ch|nh|[nt])?|i(?:t)?|y(?:nh|ch|[tn])?|yê[nt]|ơ|ô(?:c|ng)))"
)
_SYLLABLE = re.compile(f"{_ONSET}{_RHYME}$")
_WORD = re.compile(r"[^\W\d_]+")
_TONE_MARKS = frozenset(_TONES.values())
#: words looked at: enough to tell, few enough to be quick
_SAMPLE_WORDS = 2_000
_CLEARLY = 0.7
_MARGIN = 0.15


def is_vietnamese_syllable(word: str) -> bool:
    """A word that Vietnamese spelling allows: onset, rhyme, at most one tone."""
    letters = unicodedata.normalize("NFD", word.lower())
    if sum(letter in _TONE_MARKS for letter in letters) > 1:
        return False
    toneless = unicodedata.normalize("NFC", "".join(letter for letter in letters if letter not in _TONE_MARKS))
    return _SYLLABLE.match(toneless) is not None


def share_vietnamese(texts: Iterable[str]) -> float:
    """Of the words with a letter beyond ASCII, the share that are Vietnamese syllables; 0 without such words."""
    marked = [
        word for text in texts for word in _WORD.findall(unicodedata.normalize("NFC", text)) if not word.isascii()
    ]
    return sum(map(is_vietnamese_syllable, marked)) / len(marked) if marked else 0.0


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding and how to turn text read as latin-1 into Unicode."""

    name: str
    decode: Callable[[str], str]


UTF8 = Encoding("UTF-8", from_utf8)
WINDOWS = Encoding("CP1252", from_windows)
_CANDIDATES = (Encoding("TCVN3", from_tcvn3), Encoding("VNI", from_vni), Encoding("CP1258", from_cp1258))


def tell_encoding(texts: Iterable[str], *, is_raw: bool) -> Encoding | None:
    """The encoding the texts were written in, or None to leave them as they are.

    `is_raw`: the characters are bytes read as latin-1; then UTF-8 is tried first, and Windows-1252 is what is left.
    """
    marked = [text for text in texts if not text.isascii()][:_SAMPLE_WORDS]
    if not marked:
        return None
    if is_raw and all(map(_is_utf8, marked)):
        return UTF8
    narrow = [text for text in marked if max(_as_latin1(text)) <= "\xff"]
    shares = [(share_vietnamese(map(encoding.decode, narrow)), encoding) for encoding in _CANDIDATES]
    best, encoding = max(shares, key=lambda found: found[0])
    as_it_is = share_vietnamese(marked)
    if narrow and len(narrow) >= len(marked) / 2 and best >= _CLEARLY and best > as_it_is + _MARGIN:
        return encoding
    return WINDOWS if is_raw else None


def _is_utf8(text: str) -> bool:
    try:
        from_utf8(text)
    except UnicodeError:
        return False
    return True
