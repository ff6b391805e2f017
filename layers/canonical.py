"""One text for one value: canonical JSON (RFC 8785), so that a digest over it means the value and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson
import rfc8785

from layers.profile.profile import digest

#: numbers beyond this lose digits in JSON (RFC 8785, 3.2.2.3); they are written as texts
_LARGEST_INTEGER = 2**53 - 1
_DIGITS = frozenset(b"0123456789")
#: orjson writes some numbers below it with an exponent
_LEAST_PLAIN = 1e-4
#: what letters from U+E000 on begin with in UTF-8: among them the order is not that of UTF-16
_SORTED_APART = tuple(bytes([first]) for first in range(0xEE, 0xF5))
#: a value that is not plain is refused, not written in some way of its own
_CANONICAL = (
    orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)  # fmt: skip
#: most values of a record: taken as they are, without a call for each
_AS_THEY_ARE = frozenset({str, bool, type(None)})


def plain(value: object) -> Any:
    """The same value in JSON's own types: dates as ISO texts, what is not finite as null."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return {
            key if type(key) is str else str(key): item if type(item) in _AS_THEY_ARE else plain(item)
            for key, item in value.items()  # type: ignore[attr-defined]
        }
    if kind is float or kind is int:
        return _plain_number(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int | float | Decimal):
        return _plain_number(value)
    if isinstance(value, dict | Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _plain_number(value: Any) -> int | float | str | None:
    if not math.isfinite(value):
        return None
    if abs(value) > _LARGEST_INTEGER:
        return str(value)
    return int(value) if value == int(value) else float(value)


def canonical(value: object) -> str:
    """One text for one value, by RFC 8785; the value must be plain.

    For plain values orjson writes the very same, hundreds of times faster, but for numbers with an exponent, which are
    written the standard's way one by one, and for letters that sort differently in UTF-16.
    """
    text = orjson.dumps(value, option=_CANONICAL)
    if any(first in text for first in _SORTED_APART):
        text = rfc8785.dumps(value)  # type: ignore[arg-type]
    elif _has_exponent(text):
        text = orjson.dumps(_with_small_numbers(value), option=_CANONICAL)
    return text.decode()


def _has_exponent(text: bytes) -> bool:
    """'1e-7'. Found by its letters, which are rare: an expression would look at each digit of a large shape."""
    at = text.find(b"e-", 1)
    while at > 0:
        if text[at - 1] in _DIGITS:
            return True
        at = text.find(b"e-", at + 2)
    return False


def _with_small_numbers(value: object) -> object:
    """The same with numbers that orjson writes with an exponent as the standard writes them: 0.00002, and 2e-7."""
    kind = type(value)
    if kind is float:
        is_small = 0 < abs(value) < _LEAST_PLAIN  # type: ignore[arg-type]
        return orjson.Fragment(rfc8785.dumps(value)) if is_small else value  # type: ignore[arg-type]
    if kind is dict:
        return {key: _with_small_numbers(item) for key, item in value.items()}  # type: ignore[attr-defined]
    if kind is list or kind is tuple:
        return [_with_small_numbers(item) for item in value]  # type: ignore[attr-defined]
    return value


def digest_of(value: object) -> str:
    return digest(canonical(value))
