"""A filter as a shape with places for its constants: what is compiled for one parcel number serves for every other.

A slot stands where its constant stood and holds it, for whoever reads the tree, but two slots are equal whatever they
hold. What decides how a constant is compiled (its type, the number of words) is part of the slot and makes it another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from shapely.geometry.base import BaseGeometry

from .tree import (
    AccentFolded,
    And,
    Arithmetic,
    Between,
    CaseFolded,
    Comparison,
    Expression,
    Like,
    Literal,
    Not,
    Operand,
    Or,
    Scalar,
    Search,
    Spatial,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slot(Literal):
    """A constant of a comparison."""

    value: Scalar = field(compare=False)
    number: int
    of: type[Scalar]


@dataclass(frozen=True, slots=True)
class SpatialSlot(Spatial):
    """A condition on a shape."""

    shape: BaseGeometry = field(compare=False)
    number: int


@dataclass(frozen=True, slots=True)
class SearchSlot(Search):
    """Terms that are looked for; `words` of each."""

    terms: tuple[str, ...] = field(compare=False)
    number: int
    words: tuple[int, ...]


AnySlot = Slot | SpatialSlot | SearchSlot


def with_slots(expression: Expression) -> Expression:
    """The same filter with slots; a constant that is compiled by its value (NULL, the options of IN, moments) stays."""
    return _slotted(expression, count())


def _slotted(expression: Expression, numbers: Iterator[int]) -> Expression:
    match expression:
        case Not(operand):
            return Not(_slotted(operand, numbers))
        case And(operands):
            return And(tuple(_slotted(operand, numbers) for operand in operands))
        case Or(operands):
            return Or(tuple(_slotted(operand, numbers) for operand in operands))
        case Comparison(operator, left, right):
            return Comparison(operator, _constant(left, numbers), _constant(right, numbers))
        case Between(operand, low, high):
            return Between(operand, _constant(low, numbers), _constant(high, numbers))
        case Like(operand, pattern):  # what is compared with them is hardly ever a constant, too
            return Like(operand, _constant(pattern, numbers))
        case Spatial(relation, name, shape):
            return SpatialSlot(relation, name, shape, next(numbers))
        case Search(columns, terms):
            return SearchSlot(columns, terms, next(numbers), tuple(len(term.split()) for term in terms))
    return expression


def _constant(operand: Operand, numbers: Iterator[int]) -> Operand:
    match operand:
        case Literal(value) if value is not None:
            return Slot(value, next(numbers), type(value))
        case CaseFolded(inner):
            return CaseFolded(_constant(inner, numbers))
        case AccentFolded(inner):
            return AccentFolded(_constant(inner, numbers))
        case Arithmetic(operator, left, right):
            return Arithmetic(operator, _constant(left, numbers), _constant(right, numbers))
    return operand


def slots_of(part: Expression | Operand) -> Iterator[AnySlot]:
    """Every slot, in the order of their numbers."""
    match part:
        case Slot() | SpatialSlot() | SearchSlot():
            yield part
        case And(operands) | Or(operands):
            for operand in operands:
                yield from slots_of(operand)
        case Not(operand) | CaseFolded(operand) | AccentFolded(operand):
            yield from slots_of(operand)
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            yield from (*slots_of(left), *slots_of(right))
        case Between(_, low, high):
            yield from (*slots_of(low), *slots_of(high))
        case Like(_, pattern):
            yield from slots_of(pattern)
