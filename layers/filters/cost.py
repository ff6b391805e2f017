"""What a filter costs a row: texts that are folded, results that are calculated, shapes of the row that are compared
with each other. Each is worked out anew for every row, so a filter may hold some of them and not hundreds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from layers.errors import InvalidRequestError

from .tree import (
    AccentFolded,
    And,
    Arithmetic,
    Between,
    CaseFolded,
    Comparison,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Operand,
    Or,
    Search,
    SpatialPair,
)  # fmt: skip

#: of each kind in one filter
MOST = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """How often each is worked out for one row."""

    folds: int = 0
    calculations: int = 0
    pairs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.folds + other.folds, self.calculations + other.calculations, self.pairs + other.pairs)

    def times(self, number: int) -> Cost:
        return Cost(self.folds * number, self.calculations * number, self.pairs * number)


def require_cheap(expression: Expression) -> Expression:
    """Itself, a checked filter. Raises InvalidRequestError for one that costs too much a row."""
    cost = cost_of(expression)
    if max(cost.folds, cost.calculations, cost.pairs) > MOST:
        raise InvalidRequestError(
            f"Bộ lọc cần quá nhiều phép tính: tối đa {MOST} CASEI/ACCENTI (mỗi cột mà q tìm là một), {MOST} phép tính "
            f"số và {MOST} phép so sánh hai hình của cùng đối tượng. Hãy rút gọn bộ lọc.",
            f"The filter takes too much work: at most {MOST} CASEI/ACCENTI (a column that q looks in is one), {MOST} "
            f"arithmetic operations and {MOST} comparisons of two shapes of the same feature. Please shorten it.",
        )
    return expression


def cost_of(expression: Expression) -> Cost:
    match expression:
        case Not(operand):
            return cost_of(operand)
        case And(operands) | Or(operands):
            return _sum(map(cost_of, operands))
        case SpatialPair():
            return Cost(pairs=1)
        case Comparison(_, left, right) | Like(left, right):
            return _of(left) + _of(right)
        case Between(operand, low, high):
            return _of(operand).times(2) + _of(low) + _of(high)
        case In(operand, options):
            return _of_options(operand, options)
        case IsNull(operand):
            return _of(operand)
        case Search(columns):
            return Cost(folds=len(columns))
    return Cost()


def _of_options(operand: Operand, options: tuple[Operand, ...]) -> Cost:
    """Constants are looked up in one array; beside anything else the operand is worked out for each of them."""
    if all(isinstance(option, Literal) for option in options):
        return _of(operand)
    return _of(operand).times(len(options)) + _sum(map(_of, options))


def _of(operand: Operand) -> Cost:
    match operand:
        case CaseFolded(inner) | AccentFolded(inner):
            return Cost(folds=1) + _of(inner)
        case Arithmetic(_, left, right):
            return Cost(calculations=1) + _of(left) + _of(right)
    return Cost()


def _sum(costs: Iterable[Cost]) -> Cost:
    return sum(costs, start=Cost())
