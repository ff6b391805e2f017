"""A checked filter as SQL: bound values only, columns by look-up only, functions that cannot raise.

`layers.filters.evaluate` says the same in Python; a property test holds the two together on real rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

import shapely
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
    literal_column,
    not_,
    null,
    or_,
    true,
)  # fmt: skip
from sqlalchemy import (
    cast as sql_cast,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.elements import Null
from sqlalchemy.types import TypeEngine

from layers.filters.arrays import as_json
from layers.filters.kinds import MAX_EXACT, no_function
from layers.filters.moments import CONDITIONS, first_instant, last_instant
from layers.filters.tree import (
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
    Predicate,
    Property,
    Scalar,
    Search,
    Spatial,
    SpatialPair,
    SpatialRelation,
    Temporal,
    TemporalRelation,
)  # fmt: skip

from . import filter_slots

Columns = Mapping[str, ColumnElement[Any]]
Condition = ColumnElement[bool]
Compare = Callable[[ColumnElement[Any], ColumnElement[Any]], Condition]

WGS84 = 4326
#: the third truth value: what a comparison with NULL is
UNKNOWN: Condition = sql_cast(null(), Boolean)
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
        case Call(name):
            raise no_function(name)
    return _predicate(expression, columns)


def box_overlaps(column: ColumnElement[Any], corners: Sequence[ColumnElement[Any]], srid: int = WGS84) -> Condition:
    """`column && box`: an index condition that can neither raise nor tell."""
    return column.op("&&", is_comparison=True)(func.ST_MakeEnvelope(*corners, literal(srid)))


def has_words(search: Search, columns: Columns) -> Condition:
    """All words of a term stand in a text, in any order: a condition for the index of words that can neither raise nor
    tell, and lets through all that the search finds."""
    return or_(
        *(
            func.cql.words(columns[name], type_=ARRAY(Text)).contains(words)
            for name in search.columns
            for words in filter_slots.words(search)
        )
    )


def _predicate(expression: Predicate, columns: Columns) -> Condition:
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
        case Like(operand, pattern):
            return _like(_value(operand, columns), _value(pattern, columns))
        case Search(names):
            return or_(*(_found(columns[name], filter_slots.patterns(expression)) for name in names))
    return _function(expression, columns)


def _function(expression: Spatial | SpatialPair | Temporal | ArrayComparison, columns: Columns) -> Condition:
    match expression:
        case Spatial():
            return _spatial(expression, columns[expression.name])
        case SpatialPair(relation, left, right):
            return _exact(relation, _geometry(left, columns), _geometry(right, columns))
        case Temporal():
            return _temporal(expression, columns)
        case ArrayComparison(relation, one, other):
            sides = (_members(side, columns) for side in (one, other))
            return func.cql.compare_arrays(literal(relation, Text), *sides, type_=Boolean())


def _compare(operator: str, left: ColumnElement[Any], right: ColumnElement[Any]) -> Condition:
    if isinstance(left, Null) or isinstance(right, Null):
        return UNKNOWN
    if operator not in ("=", "<>") and isinstance(left.type, Text):
        left, right = collate(left, _ORDERING), collate(right, _ORDERING)
    return _COMPARE[operator](left, right)


def _in(value: ColumnElement[Any], options: Sequence[Operand], columns: Columns) -> Condition:
    """One bound array where all options are constants that one type holds exactly; NULL among them makes a miss
    unknown, as SQL says."""
    literals = [option.value for option in options if isinstance(option, Literal)]
    if len(literals) < len(options) or _lose_digits(literals):
        return or_(*(_compare("=", value, _value(option, columns)) for option in options))
    if isinstance(value, Null) or all(item is None for item in literals):
        return UNKNOWN
    return value == any_(_array(literals))


def _lose_digits(constants: Sequence[Scalar | None]) -> bool:
    """As numbers of one type: large whole ones beside others."""
    has_number = any(isinstance(constant, float) for constant in constants)
    return has_number and any(isinstance(constant, int) and abs(constant) >= MAX_EXACT for constant in constants)


def _array(constants: Sequence[Scalar | None]) -> ColumnElement[Any]:
    """Of one type: a list of whole numbers with one that is not becomes numbers."""
    if any(isinstance(constant, float) for constant in constants):
        constants = [None if constant is None else float(cast("float", constant)) for constant in constants]
    of = next(_type_of(constant) for constant in constants if constant is not None)
    return literal(constants, ARRAY(of))


def _like(value: ColumnElement[Any], pattern: ColumnElement[Any]) -> Condition:
    if isinstance(value, Null) or isinstance(pattern, Null):
        return UNKNOWN
    return value.like(pattern, escape="\\")


def _found(column: ColumnElement[Any], patterns: ColumnElement[Any]) -> Condition:
    """Nothing is found in NULL."""
    is_found = func.cql.searchable(column, type_=Text()).op("LIKE", is_comparison=True)(any_(patterns))
    return func.coalesce(is_found, false(), type_=Boolean())


def _value(operand: Operand, columns: Columns) -> ColumnElement[Any]:
    match operand:
        case Property(name):
            return columns[name]
        case CaseFolded(inner):
            return func.cql.casei(_value(inner, columns), type_=Text())
        case AccentFolded(inner):
            return func.cql.accenti(_value(inner, columns), type_=Text())
        case Arithmetic(operator, left, right):
            sides = (sql_cast(_value(side, columns), Double) for side in (left, right))
            return func.cql.calculate(literal(operator, Text), *sides, type_=Double())
        case Literal(value):
            return null() if value is None else filter_slots.constant(operand, _type_of(value))
        case Call(name):
            raise no_function(name)


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


# ── shapes, moments, sets ────────────────────────────────────────────────────────────────────────

_EXACT: dict[SpatialRelation, Any] = {
    "intersects": func.ST_Intersects, "disjoint": func.ST_Disjoint, "equals": func.ST_Equals,
    "touches": func.ST_Touches, "within": func.ST_Within, "overlaps": func.ST_Overlaps, "crosses": func.ST_Crosses,
    "contains": func.ST_Contains, "covered_by": func.ST_CoveredBy,
}  # fmt: skip


def _spatial(asked: Spatial, column: ColumnElement[Any]) -> Condition:
    """The box first and by itself: under row-level security only `&&` may use the index (access-policy 2.2)."""
    exact = _exact(asked.relation, column, _from_wkb(filter_slots.wkb(asked)))
    return exact if asked.relation == "disjoint" else and_(box_overlaps(column, filter_slots.corners(asked)), exact)


def _exact(relation: SpatialRelation, left: ColumnElement[Any], right: ColumnElement[Any]) -> Condition:
    return cast("Condition", _EXACT[relation](left, right, type_=Boolean()))


def _from_wkb(wkb: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.ST_GeomFromWKB(wkb, literal(WGS84))


def _geometry(side: GeometryOperand, columns: Columns) -> ColumnElement[Any]:
    match side:
        case Property(name):
            return columns[name]
        case Call(name):
            raise no_function(name)
    return _from_wkb(literal(shapely.to_wkb(side)))


def _temporal(expression: Temporal, columns: Columns) -> Condition:
    sides = (_bounds(side, columns, expression.of) for side in (expression.left, expression.right))
    bounds = dict(zip("abcd", (bound for side in sides for bound in side), strict=True))
    match expression.relation:
        case "disjoint" | "intersects" as relation:
            apart = or_(*(_hold(bounds, name) for name in _APART))
            return apart if relation == "disjoint" else not_(apart.self_group())
    return _hold(bounds, expression.relation)


_APART: tuple[TemporalRelation, TemporalRelation] = ("before", "after")


def _hold(bounds: Mapping[str, ColumnElement[Any]], relation: TemporalRelation) -> Condition:
    return and_(*(_compare(operator, bounds[one], bounds[other]) for one, operator, other in CONDITIONS[relation]))


def _bounds(moment: Moment, columns: Columns, of: str | None) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    if isinstance(moment, Call):
        raise no_function(moment.name)
    start, end = (moment.start, moment.end) if isinstance(moment, Interval) else (moment, moment)
    return _bound(start, columns, of, is_end=False), _bound(end, columns, of, is_end=True)


#: where no bound is given; an open start lies before every instant
_OPEN: dict[tuple[str, bool], ColumnElement[Any]] = {
    ("date", False): literal_column("'-infinity'::date"), ("date", True): literal_column("'infinity'::date"),
    ("datetime", False): literal_column("'-infinity'::timestamptz"),
    ("datetime", True): literal_column("'infinity'::timestamptz"),
}  # fmt: skip
_TO_LAST_INSTANT: ColumnElement[Any] = literal_column("interval '86399.999999 s'")


def _bound(bound: Property | Literal | None, columns: Columns, of: str | None, *, is_end: bool) -> ColumnElement[Any]:
    """As a day or as an instant; a day beside instants begins and ends in UTC."""
    if bound is None:
        return _OPEN["date" if of == "date" else "datetime", is_end]
    found = _value(bound, columns)
    if of == "date" or not isinstance(found.type, Date):
        return found
    if isinstance(bound, Literal) and isinstance(bound.value, date):
        return literal((last_instant if is_end else first_instant)(bound.value), DateTime(timezone=True))
    midnight = sql_cast(found, DateTime())
    return func.timezone("UTC", midnight + _TO_LAST_INSTANT if is_end else midnight, type_=DateTime(timezone=True))


def _members(side: ArrayOperand, columns: Columns) -> ColumnElement[Any]:
    match side:
        case Array(values):
            return sql_cast(literal(json.dumps([as_json(value.value) for value in values]), Text), JSONB)
        case ListValues(column, item):
            return func.cql.list_values(columns[column], literal(item, Text), type_=JSONB())
    raise no_function(side.name)
