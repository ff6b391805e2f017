"""What the words of a coordinate table say of its system: the central meridian and the width of the zones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MERIDIAN = re.compile(
    r"(?:kinh tuyen truc|\bkttw?\b|\bktt\b|central meridian)\D{0,20}?(?P<degrees>\d{2,3})"
    r"(?:[.,](?P<decimals>\d+)|\s*(?:[°º*o]|do|[-–])?\s*(?P<minutes>\d{2}(?!\d))?(?:\s*['′’]\s*(?P<seconds>\d{2}))?)"
)
#: the UTM zones of Viet Nam by number: 'UTM 48N', 'zone 49', 'múi 48'
_UTM_ZONE = re.compile(r"(?:\butm\b\D{0,20}?|\bzone\D{0,3}|\bmui (?:chieu )?(?:so )?)(4[789])(?!\d)")
_WIDTHS = {
    3: re.compile(r"\bmui (?:chieu )?3(?!\d)|\b3\W{0,2}degree|\b0[.,]9999(?!\d)"),
    6: re.compile(r"\bmui (?:chieu )?6(?!\d)|\b6\W{0,2}degree|\b0[.,]9996(?!\d)|\butm\b"),
}


@dataclass(frozen=True, slots=True)
class System:
    """What a text says of its system; None where it says nothing, or two things."""

    meridian: tuple[int, float] | None = None  #: degrees and minutes of the central meridian
    width: int | None = None  #: degrees of the zones, 3 or 6


def stated_in(texts: Sequence[str]) -> System:
    """From lines of words in small letters without marks."""
    widths = [width for width, words in _WIDTHS.items() if any(map(words.search, texts))]
    zone = next((int(found[1]) for text in texts if (found := _UTM_ZONE.search(text))), None)
    named = next((found for text in texts if (found := _MERIDIAN.search(text))), None)
    if named is None and zone is not None:
        return System((zone * 6 - 183, 0.0), 6)
    return System(_meridian(named) if named else None, widths[0] if len(widths) == 1 else None)


def _meridian(found: re.Match[str]) -> tuple[int, float]:
    """'105°45′', '105-45', '105 45' and '105,75'."""
    if found["decimals"]:
        return int(found["degrees"]), round(float(f"0.{found['decimals']}") * 60, 6)
    return int(found["degrees"]), int(found["minutes"] or 0) + int(found["seconds"] or 0) / 60


__all__ = ["System", "stated_in"]
