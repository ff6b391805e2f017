"""The answers to a procedure's questions, brought to their types; every one that does not hold is named."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import assert_never

from gis.errors import Message
from layers.errors import FieldError

from .grammar import CodeList
from .procedures import InputDefinition
from .profile import Profile

#: what an input is bound to; a date as ISO text, so that a sealed record can hold it
Value = str | int | float | bool | None


class NotThisTypeError(Exception):
    """A value that is not of the input's type; `message` says what would be."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.message = Message(vi, en)


def typed_inputs(
    profile: Profile, definitions: tuple[InputDefinition, ...], given: Mapping[str, object]
) -> tuple[dict[str, Value], list[FieldError]]:
    """Values by name (None where an optional one is missing), and every error."""
    errors = list(_unknown(definitions, given))
    values: dict[str, Value] = {}
    for definition in definitions:
        raw = given.get(definition.name)
        values[definition.name] = None
        try:
            if raw is None or raw == "":
                _refuse_missing(definition)
            else:
                values[definition.name] = _typed(profile, definition, raw)
        except NotThisTypeError as error:
            errors.append(_error(definition.name, error.message))
    return values, errors


def _error(name: str, message: Message) -> FieldError:
    return FieldError(f"inputs.{name}", message)


def _unknown(definitions: tuple[InputDefinition, ...], given: Mapping[str, object]) -> Iterator[FieldError]:
    known = [definition.name for definition in definitions]
    listed = ", ".join(known) or "–"
    for name in given:
        if name not in known:
            message = Message(f"thủ tục không có đầu vào này; có: {listed}", f"no such input; there are: {listed}")
            yield _error(str(name)[:64], message)


def _refuse_missing(definition: InputDefinition) -> None:
    if definition.required:
        title = definition.title
        raise NotThisTypeError(
            f"thiếu: {title.vi if title else definition.name}", f"missing: {title.en if title else definition.name}"
        )


def _typed(profile: Profile, definition: InputDefinition, raw: object) -> Value:
    match definition.type:
        case "number":
            return _bounded(definition, _number(raw))
        case "integer":
            return int(_bounded(definition, _whole(raw)))
        case "boolean":
            return _boolean(raw)
        case "date":
            return _day(raw)
        case "code":
            codes = profile.code_list(definition.codes or "")
            assert codes is not None  # load refuses a profile without it
            return _code(codes, _text(raw))
        case "string":
            return _text(raw)
    assert_never(definition.type)


def _number(raw: object) -> float:
    try:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise ValueError
        value = float(raw)
    except ValueError:
        raise NotThisTypeError("phải là số, dấu thập phân là dấu chấm", "must be a number such as 150.5") from None
    except OverflowError:  # a whole number of hundreds of digits
        value = math.inf
    if not math.isfinite(value):
        raise NotThisTypeError("phải là số hữu hạn", "must be a finite number")
    return value


def _whole(raw: object) -> float:
    value = _number(raw)
    if not value.is_integer():
        raise NotThisTypeError("phải là số nguyên", "must be a whole number")
    return value


def _bounded(definition: InputDefinition, value: float) -> float:
    if definition.min is not None and value < definition.min:
        raise NotThisTypeError(f"phải từ {definition.min:g} trở lên", f"must be at least {definition.min:g}")
    if definition.max is not None and value > definition.max:
        raise NotThisTypeError(f"phải từ {definition.max:g} trở xuống", f"must be at most {definition.max:g}")
    return value


def _boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in ("true", "false"):
        return raw.lower() == "true"
    raise NotThisTypeError("phải là true hoặc false", "must be true or false")


def _day(raw: object) -> str:
    try:
        return (raw if isinstance(raw, date) else date.fromisoformat(str(raw))).isoformat()
    except ValueError:
        raise NotThisTypeError("phải là ngày dạng 2026-01-31", "must be a date such as 2026-01-31") from None


def _text(raw: object) -> str:
    if isinstance(raw, str | int) and not isinstance(raw, bool):
        return unicodedata.normalize("NFC", str(raw)).strip()
    raise NotThisTypeError("phải là chữ", "must be text")


def _code(codes: CodeList, text: str) -> str:
    """The code of today for a code of today or of an older list."""
    current = codes.current(text)
    if current is None:
        vi, en = f"'{text[:40]}' không có trong danh mục {codes.title.vi}", f"'{text[:40]}' is not in: {codes.title.en}"
        raise NotThisTypeError(vi, en)
    if next(entry for entry in codes.entries if entry.code == current).total:
        raise NotThisTypeError(f"'{current}' là mã tổng; chọn mã chi tiết", f"'{current}' is a total; choose a detail")
    return current
