"""What kind of value an operand is, and literals brought to the type of their column."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime

from gis.errors import Message
from layers.errors import FieldError, InvalidRequestError

from . import written
from .moments import instant_of
from .tree import AccentFolded, Arithmetic, Call, CaseFolded, Literal, Operand, Property, Scalar

#: the kinds of value that can be compared with one another, by the type of the definition
KINDS = {
    "string": "text", "code": "text", "integer": "number", "number": "number", "boolean": "boolean",
    "date": "date", "datetime": "datetime",
}  # fmt: skip
#: from here on neighbouring whole numbers are the same double
MAX_EXACT = 2**53
#: of a column of whole numbers
LARGEST = 2**63 - 1
#: what a filter knows of the values in a list column: `list:` and their type
LIST = "list:"

Properties = Mapping[str, str]


def typed(text: str, name: str, properties: Properties) -> Literal:
    """The literal that `name=text` in a query string stands for. Raises InvalidRequestError when it does not fit."""
    of = type_of(name, properties)
    values: dict[str, object] = {"true": True, "false": False}
    if of in ("integer", "number"):
        try:
            value: Scalar = written.number(text) if of == "number" else written.whole_number(text)
        except ValueError:
            raise misfit(name, of) from None
        return fitted(Literal(value), name, of)
    if of == "boolean":
        if text.lower() not in values:
            raise misfit(name, of)
        return Literal(text.lower() == "true")
    return fitted(Literal(text), name, of)


def fitted(found: Literal, name: str, of: str) -> Literal:
    """A literal as the column stores it: whole numbers as integers, ISO texts as dates."""
    value = found.value
    if value is None:
        return found
    if KINDS.get(of) == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return Literal(_fitted_number(value, name, of))
    if of in ("date", "datetime") and isinstance(value, str):
        return Literal(_instant(value, name, of))
    if kind_of(value) != KINDS.get(of):
        raise misfit(name, of)
    return found


def _fitted_number(value: int | float, name: str, of: str) -> int | float:
    """Exact, or refused: a double beyond `MAX_EXACT` may have been another whole number when it was written."""
    is_whole = isinstance(value, int) or value.is_integer()
    if of == "integer" and is_whole:
        if abs(value) > LARGEST or (isinstance(value, float) and abs(value) >= MAX_EXACT):
            raise misfit(name, of)
        return int(value)
    if not math.isfinite(value) or (is_whole and int(float(value)) != value):
        raise misfit(name, of)
    return float(value)


def _instant(text: str, name: str, of: str) -> date | datetime:
    try:
        return instant_of(text, is_day=of == "date")
    except (ValueError, OverflowError):
        raise misfit(name, of) from None


def kind(operand: Operand, properties: Properties, *, allow_geometry: bool = False) -> str | None:
    """The kind of an operand; None for NULL, which goes with everything."""
    match operand:
        case Literal(value):
            return None if value is None else kind_of(value)
        case Property(name):
            of = type_of(name, properties)
            if of not in KINDS and not (allow_geometry and of in ("geometry", "list")):
                raise wrong(name, f"không so sánh được kiểu '{of}'", f"the type '{of}' cannot be compared")
            return KINDS.get(of, of)
        case CaseFolded() | AccentFolded():
            return "text"
        case Arithmetic():
            return "number"
        case Call(name):
            raise no_function(name)


def kind_of(value: Scalar) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case datetime():
            return "datetime"
        case date():
            return "date"
    return "text"


def type_of(name: str, properties: Properties) -> str:
    """Unknown and hidden are told in the same words."""
    if name not in properties:
        listed = ", ".join(sorted(properties)) or "–"
        vi = f"Không có thuộc tính '{name[:64]}'. Dùng được: {listed}."
        en = f"There is no property '{name[:64]}'. Available: {listed}."
        raise InvalidRequestError(vi, en, [FieldError(name[:64], Message(vi, en))])
    return properties[name]


def misfit(name: str, of: str) -> InvalidRequestError:
    return wrong(name, f"giá trị không thuộc kiểu '{of}'", f"the value is not of type '{of}'")


def no_function(name: str) -> InvalidRequestError:
    return wrong(
        name[:40],
        "không có hàm này; dùng được: CASEI, ACCENTI, S_…, T_…, A_…",
        "there is no such function; available: CASEI, ACCENTI, S_…, T_…, A_…",
    )


def wrong(name: str, vi: str, en: str) -> InvalidRequestError:
    message = Message(f"Biểu thức lọc, '{name}': {vi}.", f"The filter, '{name}': {en}.")
    return InvalidRequestError(message.vi, message.en, [FieldError(name, message)])
