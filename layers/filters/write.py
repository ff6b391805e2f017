"""The tree as CQL2 text, one text for one meaning: for cache keys, links and what a person reads."""

from __future__ import annotations

import re
from datetime import date

import shapely
from shapely.geometry.base import BaseGeometry

from .text import literal
from .tree import (
    AccentFolded,
    And,
    Argument,
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
    In,
    Interval,
    IsNull,
    Like,
    ListValues,
    Literal,
    Moment,
    Not,
    Or,
    Property,
    Scalars,
    Search,
    Spatial,
    SpatialPair,
    Temporal,
)  # fmt: skip


def to_text(expression: Expression) -> str:
    """CQL2 text that parses back to the same tree. What is our own has no operator in CQL2 and is written in its
    manner: S_COVERED_BY (from `edge: within`) and SEARCH (from `q`)."""
    match expression:
        case Constant(value):
            return literal(value)
        case Property() | Call():
            return _value(expression)
        case Not(operand):
            return f"NOT ({to_text(operand)})"
        case And(operands):
            return " AND ".join(f"({to_text(operand)})" for operand in operands)
        case Or(operands):
            return " OR ".join(f"({to_text(operand)})" for operand in operands)
    return _predicate(expression)


def _predicate(expression: Scalars | Function) -> str:
    match expression:
        case IsNull(operand):
            return f"{_value(operand)} IS NULL"
        case Comparison(name, left, right):
            return f"{_value(left)} {name} {_value(right)}"
        case Between(operand, low, high):
            return f"{_value(operand)} BETWEEN {_value(low)} AND {_value(high)}"
        case In(operand, options):
            return f"{_value(operand)} IN ({', '.join(map(_value, options)) or 'NULL'})"
        case Like(operand, pattern):
            return f"{_value(operand)} LIKE {_value(pattern)}"
    return _function(expression)


def _function(expression: Function) -> str:
    match expression:
        case Spatial(relation, name, shape):
            return f"S_{relation.upper()}({_name(name)}, {_value(shape)})"
        case SpatialPair(relation, first, second):
            return f"S_{relation.upper()}({_value(first)}, {_value(second)})"
        case Temporal(relation, before, after):
            return f"T_{relation.upper()}({_value(before)}, {_value(after)})"
        case ArrayComparison(relation, one, other):
            return f"A_{relation.upper()}({_value(one)}, {_value(other)})"
        case Search(columns, terms):
            return f"SEARCH({', '.join([*map(_name, columns), *map(literal, terms)])})"


def _value(value: Argument | Moment | ArrayOperand) -> str:
    match value:
        case Literal(constant):
            return literal(constant)
        case Property(name):
            return _name(name)
        case ListValues():
            return _name(value.name)
        case CaseFolded(inner):
            return f"CASEI({_value(inner)})"
        case AccentFolded(inner):
            return f"ACCENTI({_value(inner)})"
        case Arithmetic(operator, left, right):
            return f"({_value(left)} {operator} {_value(right)})"
    return _structure(value)


def _structure(value: Interval | Array | Call | BaseGeometry) -> str:
    match value:
        case Interval(start, end):
            return f"INTERVAL({_bound(start)}, {_bound(end)})"
        case Array(values):
            return f"({', '.join(map(_value, values))})"
        case Call(name, arguments):
            return f"{name}({', '.join(map(_value, arguments))})"
        case BaseGeometry():
            return wkt(value)


def wkt(shape: BaseGeometry) -> str:
    """Exact: every number reads back as the one that was written."""
    corners = iter(shapely.get_coordinates(shape).tolist())
    return re.sub(r"-?\d[^\s,)]*\s-?\d[^\s,)]*", lambda _: " ".join(map(repr, next(corners))), shapely.to_wkt(shape))


def _bound(bound: Property | Literal | None) -> str:
    if bound is None:
        return "'..'"
    if isinstance(bound, Literal) and isinstance(bound.value, date):
        return f"'{bound.value.isoformat()}'"
    return _value(bound)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
