"""Names of communes as people write them: "Hòa" and "Hoà", with or without "phường", with or without tone marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from layers.profile.grammar import Commune

#: grave, acute, hook above, tilde, dot below: a syllable has at most one, and writers place it differently
_TONES = frozenset("\u0300\u0301\u0309\u0303\u0323")
_KIND = re.compile(r"^(phường|xã|thị trấn|đặc khu|p\.|x\.|tt\.)\s*")
_SPACES = re.compile(r"\s+")


def _syllable(text: str) -> str:
    """The syllable with its tone mark moved to the end: 'hoà' and 'hòa' become one."""
    letters = unicodedata.normalize("NFD", text)
    tone = "".join(sorted(mark for mark in letters if mark in _TONES))
    return unicodedata.normalize("NFC", "".join(letter for letter in letters if letter not in _TONES)) + tone


def folded(name: str) -> str:
    """One spelling for all that mean the same name; the kind of unit is left out."""
    plain = _SPACES.sub(" ", unicodedata.normalize("NFC", name).strip().lower())
    return " ".join(_syllable(part) for part in _KIND.sub("", plain).split(" "))


def unaccented(name: str) -> str:
    """Letters only: the fallback for a name typed without marks."""
    plain = _SPACES.sub(" ", unicodedata.normalize("NFC", name).strip().lower().replace("đ", "d"))
    bare = "".join(letter for letter in unicodedata.normalize("NFD", plain) if not unicodedata.combining(letter))
    return re.sub(r"^(phuong|xa|thi tran|dac khu|p\.|x\.|tt\.)\s*", "", bare)


def communes_named(name: str, communes: Iterable[Commune]) -> list[Commune]:
    """Every unit of that name, of any generation; the spelling without marks counts only if the full one finds none."""
    known = list(communes)
    exact = [commune for commune in known if folded(commune.name) == folded(name)]
    return exact or [commune for commune in known if unaccented(commune.name) == unaccented(name)]
