"""Values of a file turned into values of a layer's column; what does not fit is told, never guessed."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from layers.profile.grammar import Attribute, CodeList

#: files carry no offset; what they mean is local time
LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")

Converter = Callable[[object], object]

#: beyond it a number is no accuracy of a boundary, but a mistake: it would put everything near in doubt
MOST_ACCURACY_M = 1_000.0

_TRUE = frozenset({"true", "t", "yes", "y", "1", "có", "co", "x", "đúng"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "không", "khong", "sai"})
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-]?(\d{2})[/.-]?(\d{2})(?:[T ].*)?$")


def converter_of(attribute: Attribute, codes: Mapping[str, CodeList]) -> Converter:
    """A function that gives the value, None for nothing, or raises ValueError."""
    if attribute.type == "code":
        return _code_converter(codes[attribute.codes or ""])
    if attribute.type == "list":
        return _list_converter(attribute, codes)
    convert = _BY_TYPE[attribute.type]
    if not attribute.enum:
        return convert

    def one_of(value: object) -> object:
        found = convert(value)
        if found is not None and found not in attribute.enum:
            raise ValueError(found)
        return found

    return one_of


def to_text(value: object) -> str | None:
    """NFC without outer blanks; whole numbers without a fraction; empty is nothing."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else value
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, bytes):
        raise ValueError("bytes")
    text = unicodedata.normalize("NFC", str(value)).replace("\x00", "").strip()
    return text or None


def to_integer(value: object) -> int | None:
    number = to_number(value)
    if number is None:
        return None
    if not number.is_integer() or abs(number) >= 2**63:
        raise ValueError(value)
    return int(value) if isinstance(value, int) else int(number)


def to_number(value: object) -> float | None:
    """A decimal comma is read as one when it stands alone; '1.234,5' has points between thousands."""
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, int | float):
        return None if math.isnan(value) else _finite(float(value))
    text = to_text(value)
    if text is None:
        return None
    text = text.replace(" ", "").replace("\u00a0", "")
    if "," in text:
        text = text.replace(".", "").replace(",", ".")
    return _finite(float(text))


def to_boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    text = to_text(value)
    if text is None:
        return None
    if text.casefold() in _TRUE:
        return True
    if text.casefold() in _FALSE:
        return False
    raise ValueError(value)


def to_date(value: object) -> date | None:
    """ISO, yyyymmdd, or day first as Vietnamese papers write it."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = to_text(value)
    if text is None:
        return None
    if day_first := _DAY_FIRST.match(text):
        day, month, year = map(int, day_first.groups())
        return date(year, month, day)
    if year_first := _YEAR_FIRST.match(text):
        return date(*map(int, year_first.groups()))
    raise ValueError(value)


def to_instant(value: object) -> datetime | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        text = to_text(value)
        if text is None:
            return None
        try:
            value = datetime.fromisoformat(text.replace("/", "-"))
        except ValueError:
            day = to_date(text)
            assert day is not None
            value = datetime(day.year, day.month, day.day)
    return (value if value.tzinfo else value.replace(tzinfo=LOCAL_TIME)).astimezone(UTC)


def _finite(value: float) -> float:
    if math.isinf(value):
        raise ValueError(value)
    return value


_BY_TYPE: dict[str, Converter] = {
    "string": to_text, "integer": to_integer, "number": to_number, "boolean": to_boolean, "date": to_date,
    "datetime": to_instant,
}  # fmt: skip


def _code_converter(codes: CodeList) -> Converter:
    current = {entry.code: entry.code for entry in codes.entries}
    for entry in codes.entries:
        for old in entry.replaces:
            current.setdefault(old, entry.code)

    def convert(value: object) -> object:
        text = to_text(value)
        if text is None:
            return None
        if text not in current:
            raise ValueError(text)
        return current[text]

    return convert


def _list_converter(attribute: Attribute, codes: Mapping[str, CodeList]) -> Converter:
    """A JSON array of objects, as text or as the driver read it; comes out as canonical JSON text."""
    converters = {item.name: (item, converter_of(item, codes)) for item in attribute.items}

    def entry(value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise ValueError(value)
        given = {str(name).casefold(): found for name, found in value.items()}
        made: dict[str, object] = {}
        for name, (item, convert) in converters.items():
            names = (name, *item.from_)
            raw = next((given[n.casefold()] for n in names if given.get(n.casefold()) is not None), None)
            found = None if raw is None else convert(raw)
            if found is None and item.required:
                raise ValueError(name)
            made[name] = found.isoformat() if isinstance(found, date) else found
        return made

    def convert(value: object) -> object:
        if isinstance(value, str):
            if not value.strip():
                return None
            value = json.loads(value)
        if not isinstance(value, list):
            raise ValueError(value)
        return json.dumps([entry(each) for each in value], ensure_ascii=False, sort_keys=True)

    return convert
