"""Texts without case, without accents, and as words: the same here and in the database (schema `cql`)."""

from __future__ import annotations

import re
import unicodedata

#: what full case folding changes beyond lower case (CASEI: Unicode, "C" and "F" of its table); Cherokee, which folds to
#: capitals, is compared by its small letters
_FOLDED_BESIDES = (
    "\u00b5\u00df\u0149\u017f\u01f0\u0345\u0390\u03b0\u03c2\u03d0\u03d1\u03d5\u03d6\u03f0\u03f1\u03f5\u0587"
    "\u1c80\u1c81\u1c82\u1c83\u1c84\u1c85\u1c86\u1c87\u1c88\u1e96\u1e97\u1e98\u1e99\u1e9a\u1e9b\u1f50\u1f52"
    "\u1f54\u1f56\u1f80\u1f81\u1f82\u1f83\u1f84\u1f85\u1f86\u1f87\u1f90\u1f91\u1f92\u1f93\u1f94\u1f95\u1f96"
    "\u1f97\u1fa0\u1fa1\u1fa2\u1fa3\u1fa4\u1fa5\u1fa6\u1fa7\u1fb2\u1fb3\u1fb4\u1fb6\u1fb7\u1fbe\u1fc2\u1fc3"
    "\u1fc4\u1fc6\u1fc7\u1fd2\u1fd3\u1fd6\u1fd7\u1fe2\u1fe3\u1fe4\u1fe6\u1fe7\u1ff2\u1ff3\u1ff4\u1ff6\u1ff7"
    "\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06\ufb13\ufb14\ufb15\ufb16\ufb17"
)
_CASES = {ord(character): character.casefold() for character in _FOLDED_BESIDES}
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
#: letters that Unicode does not take apart
_STROKES = str.maketrans(
    "đĐøØłŁħĦŧŦıƀɃɨƗʉɄɇɆɉɈɍɌɏɎƶƵǥǤȼȻⱥȺɵƟƚȽ",
    "dDoOlLhHtTibBiIuUeEjJrRyYzZgGcCaAoOlL",
)
_BETWEEN_WORDS = re.compile(
    "[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+"
)  # control, punctuation, blanks


def without_case(text: str) -> str:
    return text.lower().translate(_CASES)


def without_accents(text: str) -> str:
    marked = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _MARKS.sub("", marked)).translate(_STROKES)


def searchable(text: str) -> str:
    """The words of a text, folded, with one blank before, between and behind."""
    return f" {_BETWEEN_WORDS.sub(' ', without_accents(without_case(text))).strip(' ')} "
