"""A filter on one row in Python, with SQL's third value: the reference that the compiled SQL is tested against."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

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
    Spatial,
)  # fmt: skip

Row = Mapping[str, object]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def evaluate(expression: Expression, row: Row) -> bool | None:
    """True, False or None (unknown) for one row; a column that is not there is NULL.

    Values are Python's own for the column's type; dates and times may also be ISO texts, as JSON has them. The geometry
    is a shapely shape in CRS84.
    """
    match expression:
        case Constant(truth):
            return truth
        case Property(name):
            found = row.get(name)
            return None if found is None else bool(found)
        case Not(operand):
            return _negated(evaluate(operand, row))
        case And(operands):
            return _all(evaluate(operand, row) for operand in operands)
        case Or(operands):
            return _negated(_all(_negated(evaluate(operand, row)) for operand in operands))
    return _predicate(expression, row)


def _predicate(expression: Comparison | Between | In | Like | IsNull | Spatial, row: Row) -> bool | None:
    match expression:
        case IsNull(tested):
            return _value(tested, row) is None
        case Comparison(name, left, right):
            return _compare(name, _value(left, row), _value(right, row))
        case Between(tested, low, high):
            value = _value(tested, row)
            return _all((_compare(">=", value, _value(low, row)), _compare("<=", value, _value(high, row))))
        case In(tested, options):
            value = _value(tested, row)
            equal = (_compare("=", value, _value(option, row)) for option in options)
            return _negated(_all(_negated(one) for one in equal))
        case Like(tested, pattern, folds_case):
            return _like(_value(tested, row), str(pattern.value), folds_case)
        case Spatial(relation, name, shape):
            return _spatial(relation, row.get(name), shape)


def _all(values: Iterable[bool | None]) -> bool | None:
    """AND of three-valued parts: false beats unknown beats true."""
    unknown = False
    for value in values:
        if value is False:
            return False
        unknown = unknown or value is None
    return None if unknown else True


def _negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def _value(operand: Operand, row: Row) -> object:
    match operand:
        case Literal(value):
            return value
        case Property(name):
            return row.get(name)
        case CaseFolded(inner):
            found = _value(inner, row)
            return found.lower() if isinstance(found, str) else found


def _compare(name: str, left: object, right: object) -> bool | None:
    if left is None or right is None:
        return None
    left, right = _instant(left, right), _instant(right, left)
    return bool(_COMPARE[name](left, right))


def _instant(value: object, other: object) -> object:
    """An ISO text beside a date or a time is one."""
    if not isinstance(value, str) or not isinstance(other, date):
        return value
    if not isinstance(other, datetime):
        return date.fromisoformat(value[:10])
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _like(value: object, pattern: str, folds_case: bool) -> bool | None:
    if value is None:
        return None
    text = str(value)
    return matches(text.lower(), pattern.lower()) if folds_case else matches(text, pattern)


def matches(text: str, pattern: str) -> bool:
    """SQL LIKE in linear memory and without backtracking over more than the last `%`."""
    parts = _pattern(pattern)
    at = part = 0
    restart: tuple[int, int] | None = None
    while at < len(text):
        if part < len(parts) and parts[part] is ANY_TEXT:
            restart, part = (at, part), part + 1
        elif part < len(parts) and parts[part] in (ANY_CHARACTER, text[at]):
            at, part = at + 1, part + 1
        elif restart is not None:
            restart = (restart[0] + 1, restart[1])
            at, part = restart[0], restart[1] + 1
        else:
            return False
    return all(rest is ANY_TEXT for rest in parts[part:])


class _Wildcard:
    """A sign of a pattern that is no character."""


ANY_TEXT, ANY_CHARACTER = _Wildcard(), _Wildcard()


def _pattern(pattern: str) -> list[str | _Wildcard]:
    parts: list[str | _Wildcard] = []
    characters = iter(pattern)
    for character in characters:
        match character:
            case "%":
                parts.append(ANY_TEXT)
            case "_":
                parts.append(ANY_CHARACTER)
            case "\\":
                parts.append(next(characters, "\\"))
            case _:
                parts.append(character)
    return parts


def _spatial(relation: str, value: object, shape: BaseGeometry) -> bool | None:
    if not isinstance(value, BaseGeometry):
        return None
    if relation == "within":
        return bool(shapely.covered_by(value, shape))
    return bool(shapely.intersects(value, shape))
