"""Values of a sent feature as the layer's columns hold them. JSON has types: nothing is guessed from a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from gis.errors import Message
from layers.errors import FieldError
from layers.profile.grammar import Attribute, CodeList
from layers.publishing.values import MOST_ACCURACY_M, converter_of

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
#: RFC 3339: with its offset
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "code": (str,), "date": (str,), "datetime": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "list": (list,),
}  # fmt: skip
_FORMS = {"date": _DAY, "datetime": _INSTANT}


class MisfitError(ValueError):
    """A value that does not fit its column; the message says what would."""

    def __init__(self, name: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.error = FieldError(name, Message(vi, en))


def value_of(attribute: Attribute, sent: object, codes: Mapping[str, CodeList]) -> object:
    """As a publication would store it. Raises MisfitError."""
    if sent is None:
        return None
    if not _has_form(attribute, sent):
        raise _wrong_type(attribute)
    if isinstance(sent, list):
        _require_entries(attribute, sent)
    try:
        return converter_of(attribute, codes)(sent)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _not_taken(attribute) from None


def _has_form(attribute: Attribute, sent: object) -> bool:
    """The JSON type, and of texts that are times all of their form: a file's reader takes the day of what is none."""
    if not isinstance(sent, _KINDS[attribute.type]) or isinstance(sent, bool) != (attribute.type == "boolean"):
        return False
    form = _FORMS.get(attribute.type)
    if form is None:
        return True
    try:
        return form.match(str(sent)) is not None and datetime.fromisoformat(str(sent)) is not None
    except ValueError:
        return False


def _require_entries(attribute: Attribute, entries: list[object]) -> None:
    """Names are those of the list, values of their kind: a file's reader leaves out what it does not know."""
    items = {name.casefold(): item for item in attribute.items for name in (item.name, *item.from_)}
    for entry in entries:
        for name, value in entry.items() if isinstance(entry, dict) else ():
            item = items.get(str(name).casefold())
            if item is None:
                shown, listed = str(name)[:64], ", ".join(each.name for each in attribute.items)
                raise MisfitError(
                    attribute.name, f"không có '{shown}', chỉ có {listed}", f"has no '{shown}', only {listed}"
                )
            if value is not None and not _has_form(item, value):
                vi, en = f"'{item.name}' cần giá trị kiểu {item.type}", f"'{item.name}' must be a {item.type}"
                raise MisfitError(attribute.name, vi, en)


def require_accuracy(attribute: Attribute, value: object) -> None:
    """A row's own accuracy can be one: below 0 it would take doubt away. Raises MisfitError."""
    if attribute.role != "accuracy" or value is None:
        return
    if not (isinstance(value, int | float) and 0 <= value <= MOST_ACCURACY_M):
        most = f"{MOST_ACCURACY_M:,.0f}"
        raise MisfitError(attribute.name, f"phải từ 0 đến {most.replace(',', '.')} m", f"lies between 0 and {most} m")


def _wrong_type(attribute: Attribute) -> MisfitError:
    return MisfitError(attribute.name, f"cần giá trị kiểu {attribute.type}", f"a {attribute.type} is needed")


def _not_taken(attribute: Attribute) -> MisfitError:
    if attribute.type == "code":
        return MisfitError(
            attribute.name, f"không có trong danh mục mã '{attribute.codes}'", f"not in '{attribute.codes}'"
        )
    if attribute.enum:
        listed = ", ".join(attribute.enum)
        return MisfitError(attribute.name, f"chỉ nhận {listed}", f"one of {listed}")
    return _wrong_type(attribute)


def missing(name: str) -> FieldError:
    return FieldError(name, Message("thiếu giá trị bắt buộc", "a value is required"))
