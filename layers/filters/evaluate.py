"""A filter on one row in Python, with SQL's third value: the reference that the compiled SQL is tested against."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from shapely.geometry.base import BaseGeometry

from . import arrays
from .arithmetic import calculate
from .folding import searchable, without_accents, without_case
from .kinds import no_function
from .moments import CONDITIONS, first_instant, instant_of, last_instant
from .spatial import holds
from .tree import (
    AccentFolded,
    And,
    Arithmetic,
    Array,
    ArrayComparison,
    ArrayOperand,
    Between,
    Call,
    CaseFolded,
    Comparison,
    Constant,
    Expression,
    Function,
    GeometryOperand,
    In,
    Interval,
    IsNull,
    Like,
    ListValues,
    Literal,
    Moment,
    Not,
    Operand,
    Or,
    Property,
    Scalars,
    Search,
    Spatial,
    SpatialPair,
    SpatialRelation,
    Temporal,
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
            return _any(evaluate(operand, row) for operand in operands)
        case Call(name):
            raise no_function(name)
    return _predicate(expression, row)


def _predicate(expression: Scalars | Function, row: Row) -> bool | None:
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
            if isinstance(value, str) and (found := _is_among(value, options)) is not None:
                return found
            return _any(_compare("=", value, _value(option, row)) for option in options)
        case Like(tested, pattern):
            return _like(_value(tested, row), _value(pattern, row))
    return _function(expression, row)


def _function(expression: Function, row: Row) -> bool | None:
    match expression:
        case Spatial(relation, name, shape):
            return _spatial(relation, row.get(name), shape)
        case SpatialPair(relation, first, second):
            return _spatial(relation, _geometry(first, row), _geometry(second, row))
        case Temporal():
            return _temporal(expression, row)
        case ArrayComparison():
            return _arrays(expression, row)
        case Search(columns, terms):
            return any(term in searchable(str(row[name])) for name in columns if row.get(name) for term in terms)


def _is_among(value: str, options: Sequence[Operand]) -> bool | None:
    """Of a text among texts, such as the codes of communes that rules list by the dozen: equal or not, without asking
    what each could mean. None where an option is anything else."""
    for option in options:
        if not isinstance(option, Literal) or not isinstance(option.value, str):
            return None
        if option.value == value:
            return True
    return False


def _all(values: Iterable[bool | None]) -> bool | None:
    """AND of three-valued parts: false beats unknown beats true."""
    unknown = False
    for value in values:
        if value is False:
            return False
        unknown = unknown or value is None
    return None if unknown else True


def _any(values: Iterable[bool | None]) -> bool | None:
    return _negated(_all(_negated(value) for value in values))


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
            return without_case(found) if isinstance(found, str) else found
        case AccentFolded(inner):
            found = _value(inner, row)
            return without_accents(found) if isinstance(found, str) else found
        case Arithmetic(name, left, right):
            sides = [_value(side, row) for side in (left, right)]
            numbers = [float(side) for side in sides if isinstance(side, int | float)]
            return calculate(name, *numbers) if len(numbers) == len(sides) else None
        case Call(name):
            raise no_function(name)


def _compare(name: str, left: object, right: object) -> bool | None:
    if left is None or right is None:
        return None
    left, right = _instant(left, right), _instant(right, left)
    if isinstance(left, float) or isinstance(
        right, float
    ):  # the database compares a number with a whole one as numbers
        left, right = float(left), float(right)  # type: ignore[arg-type]
    return bool(_COMPARE[name](left, right))


def _instant(value: object, other: object) -> object:
    """An ISO text beside a date or a time is one."""
    if not isinstance(value, str) or not isinstance(other, date):
        return value
    return instant_of(value[:10] if not isinstance(other, datetime) else value, is_day=not isinstance(other, datetime))


# ── patterns ─────────────────────────────────────────────────────────────────────────────────────


def _like(value: object, pattern: object) -> bool | None:
    if value is None or pattern is None:
        return None
    return matches(str(value), str(pattern))


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


# ── shapes, moments, sets ────────────────────────────────────────────────────────────────────────


def _spatial(relation: SpatialRelation, left: object, right: object) -> bool | None:
    if not isinstance(left, BaseGeometry) or not isinstance(right, BaseGeometry):
        return None
    return holds(relation, left, right)


def _geometry(side: GeometryOperand, row: Row) -> object:
    return row.get(side.name) if isinstance(side, Property) else side


#: open bounds lie before and behind every instant
_Point = tuple[int, Any]


def _temporal(expression: Temporal, row: Row) -> bool | None:
    is_day = expression.of == "date"
    bounds = dict(
        zip("abcd", (*_bounds(expression.left, row, is_day), *_bounds(expression.right, row, is_day)), strict=True)
    )
    match expression.relation:
        case "disjoint" | "intersects" as relation:
            apart = _any(_hold(bounds, name) for name in ("before", "after"))
            return apart if relation == "disjoint" else _negated(apart)
    return _hold(bounds, expression.relation)


def _hold(bounds: Mapping[str, _Point | None], relation: Any) -> bool | None:
    return _all(_compare(name, bounds[first], bounds[second]) for first, name, second in CONDITIONS[relation])


def _bounds(moment: Moment, row: Row, is_day: bool) -> Sequence[_Point | None]:
    start, end = (moment.start, moment.end) if isinstance(moment, Interval) else (moment, moment)
    first = (-1, None) if start is None else _point(_value(start, row), is_day, is_end=False)
    return first, (1, None) if end is None else _point(_value(end, row), is_day, is_end=True)


def _point(value: object, is_day: bool, *, is_end: bool) -> _Point | None:
    if isinstance(value, str):
        value = instant_of(value[:10] if is_day else value, is_day=is_day or len(value) == len("2025-01-01"))
    if isinstance(value, datetime) or (is_day and isinstance(value, date)):
        return 0, value
    return None if not isinstance(value, date) else (0, last_instant(value) if is_end else first_instant(value))


def _arrays(expression: ArrayComparison, row: Row) -> bool | None:
    left, right = _members(expression.left, row), _members(expression.right, row)
    return None if left is None or right is None else arrays.compare(expression.relation, left, right)


def _members(side: ArrayOperand, row: Row) -> Sequence[object] | None:
    match side:
        case Array(values):
            return [arrays.as_json(value.value) for value in values]
        case ListValues(column, item):
            entries = row.get(column)
            return None if entries is None else arrays.list_values(entries, item)
    raise no_function(side.name)
