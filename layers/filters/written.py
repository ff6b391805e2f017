"""Numbers, days and times as callers write them: Python reads more than standards know (`1_000`, `nan`, `2025-W27-2`).

Each raises ValueError for anything else.
"""

from __future__ import annotations

import re
from datetime import date, datetime

_WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: RFC 3339, 5.6; the zone may be left to whoever reads it
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.IGNORECASE
)


def whole_number(text: str) -> int:
    return int(_only(_WHOLE, text))


def number(text: str) -> float:
    """It may be infinite, where there are too many digits."""
    return float(_only(_DECIMAL, text))


def day(text: str) -> date:
    return date.fromisoformat(_only(_DAY, text))


def time(text: str) -> datetime:
    """With the zone that was written, or without one."""
    return datetime.fromisoformat(_only(_TIME, text).upper())


def _only(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text[:40])
    return text
