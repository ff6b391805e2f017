"""A checked filter as SQL: bound values only, columns by look-up only, functions that cannot raise.

`layers.filters.evaluate` says the same in Python; a property test holds the two together on real rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Text,
    and_,
    any_,
    collate,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    true,
)  # fmt: skip
from sqlalchemy import (
    cast as sql_cast,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import Null
from sqlalchemy.types import TypeEngine

from layers.filters.tree import (
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

Columns = Mapping[str, ColumnElement[Any]]
Condition = ColumnElement[bool]
Compare = Callable[[ColumnElement[Any], ColumnElement[Any]], Condition]

WGS84 = 4326
#: the third truth value: what a comparison with NULL is
UNKNOWN: Condition = sql_cast(null(), Boolean)
#: folds case the same way whatever locale the database was made with
_FOLDING = "und-x-icu"
#: texts are ordered by code point, as Python does
_ORDERING = "C"

_COMPARE: dict[str, Compare] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def compile_filter(expression: Expression, columns: Columns) -> Condition:
    """The condition over `columns` (name → column; the geometry in CRS84 under its name).

    The filter must have passed `layers.filters.check`; a name outside `columns` is a defect and raises KeyError.
    """
    match expression:
        case Constant(value):
            return true() if value else false()
        case Property(name):
            return cast("Condition", columns[name])
        case Not(operand):
            return not_(compile_filter(operand, columns).self_group())
        case And(operands):
            return and_(*(compile_filter(operand, columns) for operand in operands))
        case Or(operands):
            return or_(*(compile_filter(operand, columns) for operand in operands))
        case Spatial(relation, name, shape):
            return _spatial(relation, columns[name], shape)
    return _predicate(expression, columns)


def box_overlaps(column: ColumnElement[Any], bounds: Sequence[float], srid: int = WGS84) -> Condition:
    """`column && box`: an index condition that can neither raise nor tell."""
    west, south, east, north = (literal(float(bound), Double) for bound in bounds)
    return column.op("&&", is_comparison=True)(func.ST_MakeEnvelope(west, south, east, north, literal(srid)))


def _predicate(expression: Comparison | Between | In | Like | IsNull, columns: Columns) -> Condition:
    match expression:
        case IsNull(operand):
            return _value(operand, columns).is_(None)
        case Comparison(operator, left, right):
            return _compare(operator, _value(left, columns), _value(right, columns))
        case Between(operand, low, high):
            value = _value(operand, columns)
            return and_(_compare(">=", value, _value(low, columns)), _compare("<=", value, _value(high, columns)))
        case In(operand, options):
            return _in(_value(operand, columns), options, columns)
        case Like(operand, pattern, folds_case):
            return _like(_value(operand, columns), str(pattern.value), folds_case)


def _compare(operator: str, left: ColumnElement[Any], right: ColumnElement[Any]) -> Condition:
    if isinstance(left, Null) or isinstance(right, Null):
        return UNKNOWN
    if operator not in ("=", "<>") and isinstance(left.type, Text):
        left, right = collate(left, _ORDERING), collate(right, _ORDERING)
    return _COMPARE[operator](left, right)


def _in(value: ColumnElement[Any], options: Sequence[Operand], columns: Columns) -> Condition:
    """One bound array where all options are constants; NULL among them makes a miss unknown, as SQL says."""
    literals = [option.value for option in options if isinstance(option, Literal)]
    if len(literals) < len(options):
        return or_(*(_compare("=", value, _value(option, columns)) for option in options))
    if isinstance(value, Null) or all(item is None for item in literals):
        return UNKNOWN
    return value == any_(_array(literals))


def _array(constants: Sequence[Scalar | None]) -> ColumnElement[Any]:
    """Of one type: a list of whole numbers with one that is not becomes numbers."""
    if any(isinstance(constant, float) for constant in constants):
        constants = [None if constant is None else float(cast("float", constant)) for constant in constants]
    of = next(_type_of(constant) for constant in constants if constant is not None)
    return literal(constants, ARRAY(of))


def _like(value: ColumnElement[Any], pattern: str, folds_case: bool) -> Condition:
    if isinstance(value, Null):
        return UNKNOWN
    bound = literal(pattern, Text)
    if folds_case:
        return _folded(value).like(_folded(bound), escape="\\")
    return value.like(bound, escape="\\")


def _folded(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.lower(collate(sql_cast(value, Text), _FOLDING), type_=Text())


def _value(operand: Operand, columns: Columns) -> ColumnElement[Any]:
    match operand:
        case Property(name):
            return columns[name]
        case CaseFolded(inner):
            return _folded(_value(inner, columns))
        case Literal(value):
            return null() if value is None else literal(value, _type_of(value))


def _type_of(value: Scalar) -> TypeEngine[Any]:
    match value:
        case bool():
            return Boolean()
        case int():
            return BigInteger()
        case float():
            return Double()
        case datetime():
            return DateTime(timezone=True)
        case date():
            return Date()
    return Text()


def _spatial(relation: str, column: ColumnElement[Any], shape: BaseGeometry) -> Condition:
    """The box first and by itself: under row-level security only `&&` may use the index (access-policy 2.2)."""
    bound = func.ST_GeomFromWKB(literal(shapely.to_wkb(shape)), literal(WGS84))
    exact = func.ST_CoveredBy if relation == "within" else func.ST_Intersects
    return and_(box_overlaps(column, shape.bounds), exact(column, bound, type_=Boolean()))
