"""Values of a sent feature as the layer's columns hold them. JSON has types: nothing is guessed from a text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gis.errors import Message
from layers.errors import FieldError
from layers.profile.grammar import Attribute, CodeList
from layers.publishing.values import converter_of

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}$")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T")
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
    is_kind = isinstance(sent, _KINDS[attribute.type]) and (isinstance(sent, bool) == (attribute.type == "boolean"))
    form = _FORMS.get(attribute.type)
    if not is_kind or (form is not None and not form.match(str(sent))):
        raise _wrong_type(attribute)
    try:
        return converter_of(attribute, codes)(sent)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _not_taken(attribute) from None


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
