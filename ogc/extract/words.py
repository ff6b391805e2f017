"""Words and figures of the document in one language, and what of a foreign text may stand on paper."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from gis.errors import Message
from layers.checking import wording
from ogc.web import formats

LANGUAGES = ("vi", "en")
#: of one value of a feature; the whole text is in the attached answer
LONGEST_VALUE = 300
#: what the fonts lack and is met in texts of offices
_WRITTEN = str.maketrans({"≥": ">=", "≤": "<=", "→": "->", "✓": "x", "\t": " ", "\n": " ", "\r": " ", "□": "-"})
#: ends of lines, marks of direction and whatever else has no shape of its own
_SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@lru_cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    with Path(__file__).with_name("texts.yaml").open(encoding="utf-8") as file:
        found: Mapping[str, Mapping[str, str]] = yaml.safe_load(file)
    return found


def tidy(value: str, longest: int = LONGEST_VALUE) -> str:
    """One line in NFC without control characters and marks of direction, cut with an ellipsis."""
    text = unicodedata.normalize("NFC", value[: 4 * longest]).translate(_WRITTEN)
    text = "".join(letter for letter in text if unicodedata.category(letter) not in _SHAPELESS)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def drawable(covered: Callable[[], frozenset[int]]) -> Callable[[object], object]:
    """What Jinja puts on paper: texts in letters of our fonts, a question mark for each other letter.

    A mark that combines with a letter, which no Vietnamese text in NFC has, is left out: the file's text would give
    the letter's own code to both.
    """

    def printed(value: object) -> object:
        if not isinstance(value, str) or hasattr(value, "__html__"):
            return value
        known = covered()
        whole = (letter for letter in tidy(value, 4_000) if not unicodedata.combining(letter))
        return "".join(letter if ord(letter) in known else "?" for letter in whole)

    return printed


@dataclass(frozen=True, slots=True)
class Words:
    """One language's side of every text, and the figures as an office of the country writes them."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        text = _texts()[key][self.language]
        return text.format(**values) if values else text

    def of(self, value: Message | Mapping[str, Any] | Any) -> str:
        """A title, a message, or `{vi, en}`."""
        if value is None:
            return ""
        if isinstance(value, Mapping):
            return tidy(str(value.get(self.language) or value.get("vi") or value.get("en") or ""), 1_000)
        return tidy(str(getattr(value, self.language, value)), 1_000)

    def number(self, value: float, digits: int) -> str:
        """As in the text to copy: two ways of rounding halves would tell two areas."""
        return wording.number(value, digits, self.language)

    def area(self, value_m2: float) -> str:
        return f"{self.number(value_m2, 1)}\N{NO-BREAK SPACE}m²"

    def difference(self, value_m2: float) -> str:
        """With its sign; what is written as nothing has none."""
        size = self.area(abs(value_m2))
        return size if size == self.area(0.0) else f"{'−' if value_m2 < 0 else '+'}{size}"

    def length(self, value_m: float) -> str:
        return formats.length(value_m, self.language)

    def share(self, value: float) -> str:
        return formats.share(value, self.language)

    def day(self, value: date | datetime | str | None) -> str:
        return formats.day(value)

    def moment(self, value: datetime | str | None) -> str:
        return formats.moment(value)
