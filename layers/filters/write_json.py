"""The tree as CQL2 JSON: what reads back as the same tree."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from .tree import (
    AccentFolded,
    And,
    Arithmetic,
    Array,
    ArrayComparison,
    Between,
    Call,
    CaseFolded,
    Comparison,
    Constant,
    Expression,
    In,
    Interval,
    IsNull,
    Like,
    ListValues,
    Literal,
    Not,
    Or,
    Predicate,
    Property,
    Scalar,
    Search,
    Spatial,
    SpatialPair,
    Temporal,
)  # fmt: skip

_ARRAY_WORDS = {"containedby": "containedBy"}
_TEMPORAL_WORDS = {
    "finishedby": "finishedBy", "metby": "metBy", "overlappedby": "overlappedBy", "startedby": "startedBy",
}  # fmt: skip


def to_json(expression: Expression) -> Any:
    """A value for `json.dumps`. ValueError for what CQL2 has no word for (`edge: within`, the parameter `q`)."""
    match expression:
        case Constant(value):
            return value
        case Property() | Call():
            return _value(expression)
        case Not(operand):
            return _operation("not", to_json(operand))
        case And(operands):
            return _operation("and", *map(to_json, operands))
        case Or(operands):
            return _operation("or", *map(to_json, operands))
    return _predicate(expression)


def _predicate(expression: Predicate) -> Any:
    match expression:
        case IsNull(operand):
            return _operation("isNull", _value(operand))
        case Comparison(name, left, right):
            return _operation(name, _value(left), _value(right))
        case Between(operand, low, high):
            return _operation("between", _value(operand), _value(low), _value(high))
        case In(operand, options):
            return _operation("in", _value(operand), [_value(option) for option in options])
        case Like(operand, pattern):
            return _operation("like", _value(operand), _value(pattern))
        case Spatial(relation, name, shape) if relation != "covered_by":
            return _operation(f"s_{relation}", {"property": name}, _value(shape))
        case SpatialPair(relation, first, second):
            return _operation(f"s_{relation}", _value(first), _value(second))
        case Temporal(relation, before, after):
            return _operation(f"t_{_TEMPORAL_WORDS.get(relation, relation)}", _value(before), _value(after))
        case ArrayComparison(relation, one, other):
            return _operation(f"a_{_ARRAY_WORDS.get(relation, relation)}", _value(one), _value(other))
        case Spatial() | Search():
            raise ValueError("not CQL2")


def _operation(name: str, *arguments: Any) -> dict[str, Any]:
    return {"op": name, "args": list(arguments)}


def _value(value: object) -> Any:
    match value:
        case Literal(constant):
            return _scalar(constant)
        case Property(name):
            return {"property": name}
        case ListValues():
            return {"property": value.name}
        case CaseFolded(inner):
            return _operation("casei", _value(inner))
        case AccentFolded(inner):
            return _operation("accenti", _value(inner))
        case Arithmetic(operator, left, right):
            return _operation(operator, _value(left), _value(right))
    return _structure(value)


def _structure(value: object) -> Any:
    match value:
        case Interval(start, end):
            return {"interval": [_bound(start), _bound(end)]}
        case Array(values):
            return [_value(each) for each in values]
        case Call(name, arguments):
            return _operation(name, *map(_value, arguments))
        case BaseGeometry():
            return mapping(shapely.force_2d(value))
    raise ValueError("not CQL2")


def _scalar(value: Scalar | None) -> Any:
    match value:
        case datetime():
            return {"timestamp": value.isoformat().replace("+00:00", "Z")}
        case date():
            return {"date": value.isoformat()}
    return value


def _bound(bound: Property | Literal | None) -> Any:
    match bound:
        case None:
            return ".."
        case Literal(datetime() as instant):
            return instant.isoformat().replace("+00:00", "Z")
        case Literal(date() as day):
            return day.isoformat()
    return _value(bound)
