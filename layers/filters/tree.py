"""The tree of a filter: frozen values, closed. What is not here is not in our CQL2 (OGC 21-065r2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal as OneOf

from shapely.geometry.base import BaseGeometry

Scalar = str | int | float | bool | date | datetime
ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]
ArithmeticOperator = OneOf["+", "-", "*", "/", "div", "%", "^"]
#: `covered_by` is our own, from `edge: within`: nothing of the feature lies outside the shape
SpatialRelation = OneOf[
    "intersects", "disjoint", "equals", "touches", "within", "overlaps", "crosses", "contains", "covered_by"
]
TemporalRelation = OneOf[
    "after", "before", "contains", "disjoint", "during", "equals", "finishedby", "finishes", "intersects", "meets",
    "metby", "overlappedby", "overlaps", "startedby", "starts",
]  # fmt: skip
ArrayRelation = OneOf["equals", "contains", "containedby", "overlaps"]


# ── values ───────────────────────────────────────────────────────────────────────────────────────


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

    operand: Operand


@dataclass(frozen=True, slots=True)
class AccentFolded:
    """ACCENTI: compared without regard to accents and strokes."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """In double precision; NULL where there is no result (`layers.filters.arithmetic`)."""

    operator: ArithmeticOperator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Call:
    """A function that CQL2 does not define: read and written, but none is served, so no checked filter has one."""

    name: str
    arguments: tuple[Argument, ...]


Operand = Property | Literal | CaseFolded | AccentFolded | Arithmetic | Call


@dataclass(frozen=True, slots=True)
class Interval:
    """Both bounds belong to it; None is open."""

    start: Property | Literal | None
    end: Property | Literal | None


Moment = Property | Literal | Interval | Call


@dataclass(frozen=True, slots=True)
class ListValues:
    """What the entries of a list column hold under one name, as a set: `muc_dich.loai`."""

    column: str
    item: str

    @property
    def name(self) -> str:
        return f"{self.column}.{self.item}"


@dataclass(frozen=True, slots=True)
class Array:
    """A set of constants, of any kinds. Python takes 1 and True for equal, a filter does not: `are_truths` tells."""

    values: tuple[Literal, ...]
    are_truths: tuple[bool, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "are_truths", tuple(isinstance(value.value, bool) for value in self.values))


ArrayOperand = Property | ListValues | Array | Call
GeometryOperand = Property | BaseGeometry | Call
Argument = Operand | Interval | Array | BaseGeometry


# ── predicates ───────────────────────────────────────────────────────────────────────────────────


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
    """`%` any text, `_` one character, `\\` takes the next character as it is. The pattern is a folded constant."""

    operand: Operand
    pattern: Operand


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Operand


@dataclass(frozen=True, slots=True)
class Spatial:
    """How the geometry of the row lies to a shape in CRS84."""

    relation: SpatialRelation
    name: str
    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class SpatialPair:
    """Two geometries of the row, or two constants."""

    relation: SpatialRelation
    left: GeometryOperand
    right: GeometryOperand


@dataclass(frozen=True, slots=True)
class Temporal:
    """How two instants or intervals lie to each other. `of` is what they are compared as: a date beside times is its
    whole day (UTC). None as long as nobody checked it."""

    relation: TemporalRelation
    left: Moment
    right: Moment
    of: OneOf["date", "datetime"] | None = None


@dataclass(frozen=True, slots=True)
class ArrayComparison:
    """Two sets."""

    relation: ArrayRelation
    left: ArrayOperand
    right: ArrayOperand


@dataclass(frozen=True, slots=True)
class Search:
    """The parameter `q`: one of the terms, each a run of whole words, stands in one of the columns. A term is folded
    as `layers.filters.folding.searchable` folds texts."""

    columns: tuple[str, ...]
    terms: tuple[str, ...]


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


Scalars = Comparison | Between | In | Like | IsNull
Function = Spatial | SpatialPair | Temporal | ArrayComparison | Search
Predicate = Scalars | Function
Expression = Predicate | Constant | Property | Call | Not | And | Or

#: the name under which a layer's geometry is filtered
GEOMETRY = "geometry"
#: the relation of the second to the first, for that of the first to the second
CONVERSE: dict[SpatialRelation, SpatialRelation] = {"within": "contains", "contains": "within"}


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """The parts all of which must hold."""
    if isinstance(expression, And):
        return tuple(part for operand in expression.operands for part in conjuncts(operand))
    return (expression,)


def property_names(expression: Expression) -> frozenset[str]:
    """Every column the filter reads, the geometry included."""
    match expression:
        case Not(operand):
            return property_names(operand)
        case And(operands) | Or(operands):
            return frozenset().union(*map(property_names, operands))
        case Spatial(_, name, _):
            return frozenset({name})
        case Search(columns):
            return frozenset(columns)
    return frozenset().union(*map(_columns, _parts(expression)))


def _parts(expression: Expression) -> tuple[object, ...]:
    """The values directly in one node."""
    match expression:
        case Property() | Call():
            return (expression,)
        case Comparison(_, left, right) | SpatialPair(_, left, right) | ArrayComparison(_, left, right):
            return (left, right)
        case Temporal(_, left, right):
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


def _columns(value: object) -> frozenset[str]:
    match value:
        case Property(name) | ListValues(name):
            return frozenset({name})
        case CaseFolded(operand) | AccentFolded(operand):
            return _columns(operand)
        case Arithmetic(_, left, right) | Interval(left, right):
            return _columns(left) | _columns(right)
        case Call(_, arguments):
            return frozenset().union(*map(_columns, arguments))
    return frozenset()


def within_edges(expression: Expression) -> Expression:
    """The same rule for `edge: within`: what only meets the shape is out.

    Never wider than the rule as written: under a negation S_INTERSECTS stays, since NOT (within) would let in what the
    edge cuts.
    """
    return _within(expression, is_negated=False)


def _within(expression: Expression, *, is_negated: bool) -> Expression:
    match expression:
        case Spatial("intersects", name, shape) if not is_negated:
            return Spatial("covered_by", name, shape)
        case Not(operand):
            return Not(_within(operand, is_negated=not is_negated))
        case And(operands):
            return And(tuple(_within(operand, is_negated=is_negated) for operand in operands))
        case Or(operands):
            return Or(tuple(_within(operand, is_negated=is_negated) for operand in operands))
    return expression
