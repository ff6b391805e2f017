"""The tree against the properties of a relation: names, types, and literals brought to the type of their column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from gis.errors import Message
from layers.errors import FieldError, InvalidRequestError

from .tree import (
    And,
    Between,
    CaseFolded,
    Comparison,
    Constant,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Operand,
    Or,
    Property,
    Scalar,
    Spatial,
)  # fmt: skip

#: the kinds of value that can be compared with one another, by the type of the definition
_KINDS = {
    "string": "text", "code": "text", "integer": "number", "number": "number", "boolean": "boolean",
    "date": "date", "datetime": "datetime",
}  # fmt: skip
#: beyond it a number in JSON or in a text is no longer exact
MAX_EXACT = 2**53


def check(expression: Expression, properties: Mapping[str, str]) -> Expression:
    """The same filter with its literals typed. Raises InvalidRequestError naming an unknown property or a wrong type.

    `properties`: name → type as in a definition, or "geometry". A hidden column is not in it, and so unknown.
    """
    match expression:
        case Constant():
            return expression
        case Not(operand):
            return Not(check(operand, properties))
        case And(operands):
            return And(tuple(check(operand, properties) for operand in operands))
        case Or(operands):
            return Or(tuple(check(operand, properties) for operand in operands))
        case Property(name):
            _expect(name, _type(name, properties), "boolean")
            return expression
        case Spatial(_, name, _):
            _expect(name, _type(name, properties), "geometry")
            return expression
        case IsNull(operand):
            _kind(operand, properties, allow_geometry=True)
            return expression
        case Like(operand, _):
            _expect_text(operand, properties)
            return expression
    return _compared(expression, properties)


def _compared(expression: Comparison | Between | In, properties: Mapping[str, str]) -> Expression:
    match expression:
        case Comparison(operator, left, right):
            left, right = _alike((left, right), properties)
            if operator not in ("=", "<>") and "boolean" in (_kind(left, properties), _kind(right, properties)):
                raise _wrong(operator, "chỉ dùng = hoặc <> với giá trị đúng/sai", "only = or <> go with true/false")
            return Comparison(operator, left, right)
        case Between(operand, low, high):
            return Between(*_alike((operand, low, high), properties))
        case In(operand, options):
            first, *others = _alike((operand, *options), properties)
            return In(first, tuple(others))


def typed(text: str, name: str, properties: Mapping[str, str]) -> Literal:
    """The literal that `name=text` in a query string stands for. Raises InvalidRequestError when it does not fit."""
    of = _type(name, properties)
    values: dict[str, object] = {"true": True, "false": False}
    if of in ("integer", "number"):
        try:
            value: Scalar = float(text) if of == "number" else int(text)
        except ValueError:
            raise _misfit(name, of) from None
        return _fitted(Literal(value), name, of)
    if of == "boolean":
        if text.lower() not in values:
            raise _misfit(name, of)
        return Literal(text.lower() == "true")
    return _fitted(Literal(text), name, of)


def _alike(operands: tuple[Operand, ...], properties: Mapping[str, str]) -> tuple[Operand, ...]:
    """All operands of one kind; literals take the type of the first property among them."""
    named = [_bare(operand) for operand in operands]
    first = next((operand for operand in named if isinstance(operand, Property)), None)
    if first is not None:
        of = _type(first.name, properties)
        operands = tuple(_fit_operand(operand, first.name, of) for operand in operands)
    kinds = {kind for operand in operands if (kind := _kind(operand, properties)) is not None}
    if len(kinds) > 1:
        shown = first.name if first is not None else ", ".join(sorted(kinds))
        raise _wrong(shown, "so sánh hai kiểu dữ liệu khác nhau", "two different types are compared")
    if any(isinstance(operand, CaseFolded) for operand in operands) and not kinds <= {"text"}:
        raise _wrong("casei", "chỉ dùng CASEI với chuỗi", "CASEI goes with texts only")
    return operands


def _bare(operand: Operand) -> Property | Literal:
    return operand.operand if isinstance(operand, CaseFolded) else operand


def _fit_operand(operand: Operand, name: str, of: str) -> Operand:
    if isinstance(operand, Literal):
        return _fitted(operand, name, of)
    if isinstance(operand, CaseFolded) and isinstance(operand.operand, Literal):
        return replace(operand, operand=_fitted(operand.operand, name, of))
    return operand


def _fitted(found: Literal, name: str, of: str) -> Literal:
    """A literal as the column stores it: whole numbers as integers, ISO texts as dates."""
    value = found.value
    if value is None:
        return found
    if _KINDS.get(of) == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) > MAX_EXACT and of == "integer":
            raise _misfit(name, of)
        return Literal(int(value)) if of == "integer" and float(value).is_integer() else Literal(float(value))
    if of in ("date", "datetime") and isinstance(value, str):
        return Literal(_instant(value, name, of))
    if _kind_of(value) != _KINDS.get(of):
        raise _misfit(name, of)
    return found


def _instant(text: str, name: str, of: str) -> date | datetime:
    try:
        if of == "date":
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _misfit(name, of) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _kind(operand: Operand, properties: Mapping[str, str], *, allow_geometry: bool = False) -> str | None:
    """The kind of an operand; None for NULL, which goes with everything."""
    bare = _bare(operand)
    if isinstance(bare, Literal):
        return None if bare.value is None else _kind_of(bare.value)
    of = _type(bare.name, properties)
    if of not in _KINDS and not (allow_geometry and of in ("geometry", "list")):
        raise _wrong(bare.name, f"không so sánh được kiểu '{of}'", f"the type '{of}' cannot be compared")
    return _KINDS.get(of, of)


def _kind_of(value: Scalar) -> str:
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


def _type(name: str, properties: Mapping[str, str]) -> str:
    """Unknown and hidden are told in the same words."""
    if name not in properties:
        listed = ", ".join(sorted(properties)) or "–"
        vi = f"Không có thuộc tính '{name[:64]}'. Dùng được: {listed}."
        en = f"There is no property '{name[:64]}'. Available: {listed}."
        raise InvalidRequestError(vi, en, [FieldError(name[:64], Message(vi, en))])
    return properties[name]


def _expect(name: str, of: str, wanted: str) -> None:
    if of != wanted:
        raise _wrong(name, f"cần kiểu '{wanted}', không phải '{of}'", f"'{wanted}' is needed, not '{of}'")


def _expect_text(operand: Operand, properties: Mapping[str, str]) -> None:
    if _kind(operand, properties) not in ("text", None):
        raise _wrong("like", "chỉ dùng LIKE với chuỗi", "LIKE goes with texts only")


def _misfit(name: str, of: str) -> InvalidRequestError:
    return _wrong(name, f"giá trị không thuộc kiểu '{of}'", f"the value is not of type '{of}'")


def _wrong(name: str, vi: str, en: str) -> InvalidRequestError:
    message = Message(f"Biểu thức lọc, '{name}': {vi}.", f"The filter, '{name}': {en}.")
    return InvalidRequestError(message.vi, message.en, [FieldError(name, message)])
