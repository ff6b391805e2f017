"""The tree of a filter: frozen values, closed. What is not here is not in our CQL2 (OGC 21-065r2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal as OneOf

from shapely.geometry.base import BaseGeometry

Scalar = str | int | float | bool | date | datetime
ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Property:
    """A column of the relation, by name. As an expression of its own it must be boolean."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is NULL, which an input that was not given binds to."""

    value: Scalar | None


@dataclass(frozen=True, slots=True)
class CaseFolded:
    """CASEI: compared without regard to case."""

    operand: Property | Literal


Operand = Property | Literal | CaseFolded


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: ComparisonOperator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """Both bounds belong to it."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """`%` any text, `_` one character, `\\` takes the next character as it is."""

    operand: Property | Literal
    pattern: Literal
    folds_case: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Operand


@dataclass(frozen=True, slots=True)
class Spatial:
    """The geometry of the row meets, or lies within, a shape in CRS84.."""

    relation: OneOf["intersects", "within"]
    name: str
    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Expression, ...]


Expression = Comparison | Between | In | Like | IsNull | Spatial | Constant | Property | Not | And | Or

#: the name under which a layer's geometry is filtered
GEOMETRY = "geometry"


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """The parts all of which must hold."""
    if isinstance(expression, And):
        return tuple(part for operand in expression.operands for part in conjuncts(operand))
    return (expression,)


def operands_of(expression: Expression) -> tuple[Operand, ...]:
    """The operands directly in one node."""
    match expression:
        case Property():
            return (expression,)
        case Comparison(_, left, right):
            return (left, right)
        case Between(operand, low, high):
            return (operand, low, high)
        case In(operand, options):
            return (operand, *options)
        case Like(operand, pattern):
            return (operand, pattern)
        case IsNull(operand):
            return (operand,)
    return ()


def property_names(expression: Expression) -> frozenset[str]:
    """Every column the filter reads, the geometry included."""
    match expression:
        case Not(operand):
            return property_names(operand)
        case And(operands) | Or(operands):
            return frozenset().union(*map(property_names, operands))
        case Spatial(_, name, _):
            return frozenset({name})
    bare = (operand.operand if isinstance(operand, CaseFolded) else operand for operand in operands_of(expression))
    return frozenset(operand.name for operand in bare if isinstance(operand, Property))


def within_edges(expression: Expression) -> Expression:
    """The same rule for `edge: within`: what only meets the shape is out.

    Never wider than the rule as written: under a negation S_INTERSECTS stays, since NOT (within) would let in what the
    edge cuts.
    """
    return _within(expression, is_negated=False)


def _within(expression: Expression, *, is_negated: bool) -> Expression:
    match expression:
        case Spatial("intersects", name, shape) if not is_negated:
            return Spatial("within", name, shape)
        case Not(operand):
            return Not(_within(operand, is_negated=not is_negated))
        case And(operands):
            return And(tuple(_within(operand, is_negated=is_negated) for operand in operands))
        case Or(operands):
            return Or(tuple(_within(operand, is_negated=is_negated) for operand in operands))
    return expression
