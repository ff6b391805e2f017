"""The tree as CQL2 text, one text for one meaning: for cache keys, links and what a person reads."""

from __future__ import annotations

import shapely

from .text import literal
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


def to_text(expression: Expression) -> str:
    """CQL2 text that parses back to the same tree. `within` (our own, from `edge: within`) has no operator in
    this part of CQL2 and is written S_WITHIN."""
    match expression:
        case Constant(value):
            return literal(value)
        case Property(name):
            return _name(name)
        case Not(operand):
            return f"NOT ({to_text(operand)})"
        case And(operands):
            return " AND ".join(f"({to_text(operand)})" for operand in operands)
        case Or(operands):
            return " OR ".join(f"({to_text(operand)})" for operand in operands)
    return _predicate(expression)


def _predicate(expression: Comparison | Between | In | Like | IsNull | Spatial) -> str:
    match expression:
        case IsNull(operand):
            return f"{_operand(operand)} IS NULL"
        case Comparison(name, left, right):
            return f"{_operand(left)} {name} {_operand(right)}"
        case Between(operand, low, high):
            return f"{_operand(operand)} BETWEEN {_operand(low)} AND {_operand(high)}"
        case In(operand, options):
            return f"{_operand(operand)} IN ({', '.join(map(_operand, options)) or 'NULL'})"
        case Like(operand, pattern, folds_case):
            if folds_case:
                return f"{_operand(CaseFolded(operand))} LIKE {_operand(CaseFolded(pattern))}"
            return f"{_operand(operand)} LIKE {_operand(pattern)}"
        case Spatial(relation, name, shape):
            return f"S_{relation.upper()}({_name(name)}, {shapely.to_wkt(shape, rounding_precision=12)})"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _operand(operand: Operand) -> str:
    match operand:
        case Literal(value):
            return literal(value)
        case Property(name):
            return _name(name)
        case CaseFolded(inner):
            return f"CASEI({_operand(inner)})"
