"""The tree against the properties of a relation: names, types, literals brought to the type of their column, and what
is made of constants alone worked out."""

from __future__ import annotations

import shapely
from shapely.geometry.base import BaseGeometry

from .arithmetic import calculate
from .folding import without_accents, without_case
from .functions import checked_array, checked_moments
from .kinds import Properties, fitted, kind, no_function, type_of, typed, wrong
from .parse import ends_in_escape
from .shapes import is_usable
from .spatial import holds
from .tree import (
    AccentFolded,
    And,
    Arithmetic,
    ArrayComparison,
    Between,
    Call,
    CaseFolded,
    Comparison,
    Constant,
    Expression,
    Function,
    GeometryOperand,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Operand,
    Or,
    Property,
    Search,
    Spatial,
    SpatialPair,
    Temporal,
)  # fmt: skip

__all__ = ["check", "typed"]


def check(expression: Expression, properties: Properties) -> Expression:
    """The same filter, ready to be evaluated or compiled. Raises InvalidRequestError naming an unknown property or
    function, a wrong type, a shape that cannot be compared.

    `properties`: name → type as in a definition, or "geometry". A hidden column is not in it, and so unknown.
    """
    match expression:
        case Constant():
            return expression
        case Not(operand):
            return Not(check(operand, properties))
        case And(operands):
            return And(tuple(check(operand, properties) for operand in operands))
        case Or(operands):
            return Or(tuple(check(operand, properties) for operand in operands))
        case Property(name):
            _expect(name, properties, "boolean")
            return expression
        case Call(name):
            raise no_function(name)
        case Comparison() | Between() | In() | Like() | IsNull():
            return _compared(expression, properties)
    return _related(expression, properties)


def _related(expression: Function, properties: Properties) -> Expression:
    match expression:
        case Spatial(_, name, shape):
            _expect(name, properties, "geometry")
            _require_usable(shape)
            return expression
        case SpatialPair():
            return _pair(expression, properties)
        case Temporal(relation, left, right):
            return checked_moments(relation, left, right, properties)
        case ArrayComparison(relation, left, right):
            return ArrayComparison(relation, checked_array(left, properties), checked_array(right, properties))
        case Search(columns):
            for name in columns:
                type_of(name, properties)
            return expression


def _compared(expression: Comparison | Between | In | Like | IsNull, properties: Properties) -> Expression:
    match expression:
        case Comparison(operator, left, right):
            return Comparison(operator, *_alike((left, right), properties))
        case Between(operand, low, high):
            return Between(*_alike((operand, low, high), properties))
        case In(operand, options):
            first, *others = _alike((operand, *options), properties)
            return In(first, tuple(others))
        case IsNull(operand):
            found = _worked_out(operand, properties)
            kind(found, properties, allow_geometry=True)
            return IsNull(found)
        case Like(operand, pattern):
            return _like(_worked_out(operand, properties), _worked_out(pattern, properties), properties)


def _like(operand: Operand, pattern: Operand, properties: Properties) -> Like:
    if kind(operand, properties) not in ("text", None):
        raise wrong("like", "chỉ dùng LIKE với chuỗi", "LIKE goes with texts only")
    if isinstance(pattern, Literal) and ends_in_escape(str(pattern.value)):  # a mark behind the \ went
        raise wrong("like", "mẫu kết thúc bằng \\", "the pattern ends in \\")
    return Like(operand, pattern)


# ── operands ─────────────────────────────────────────────────────────────────────────────────────


def _worked_out(operand: Operand, properties: Properties) -> Operand:
    """An operand whose parts have the right kinds; one of constants alone is a constant."""
    match operand:
        case CaseFolded(inner):
            found = _text(inner, "casei", properties)
            return _folded(CaseFolded, found)
        case AccentFolded(inner):
            found = _text(inner, "accenti", properties)
            return _folded(AccentFolded, found)
        case Arithmetic(operator, left, right):
            left, right = (_number(side, operator, properties) for side in (left, right))
            if isinstance(left, Literal) and isinstance(right, Literal):
                return _result(Arithmetic(operator, left, right))
            return Arithmetic(operator, left, right)
        case Call(name):
            raise no_function(name)
    return operand


def _folded(fold: type[CaseFolded] | type[AccentFolded], operand: Operand) -> Operand:
    if not isinstance(operand, Literal):
        return operand if _is_folded(operand, fold) else fold(operand)
    if operand.value is None:
        return operand
    return Literal((without_case if fold is CaseFolded else without_accents)(str(operand.value)))


def _is_folded(operand: Operand, fold: type[CaseFolded] | type[AccentFolded]) -> bool:
    """A text that was folded so, or in both ways, stays as it is when it is folded again."""
    inner = operand.operand if isinstance(operand, CaseFolded | AccentFolded) else None
    return isinstance(operand, fold) or isinstance(inner, CaseFolded | AccentFolded)


def _text(operand: Operand, function: str, properties: Properties) -> Operand:
    found = _worked_out(operand, properties)
    if kind(found, properties) not in ("text", None):
        raise wrong(function, f"chỉ dùng {function.upper()} với chuỗi", f"{function.upper()} goes with texts only")
    return found


def _number(operand: Operand, operator: str, properties: Properties) -> Operand:
    found = _worked_out(operand, properties)
    if kind(found, properties) not in ("number", None):
        raise wrong(operator, "chỉ tính được với số", "only numbers can be calculated with")
    if isinstance(found, Literal) and isinstance(found.value, int | float):
        return fitted(found, operator, "number")
    return found


def _result(arithmetic: Arithmetic) -> Literal:
    values = [side.value for side in (arithmetic.left, arithmetic.right) if isinstance(side, Literal)]
    numbers = [value for value in values if isinstance(value, float)]
    return Literal(calculate(arithmetic.operator, *numbers) if len(numbers) == 2 else None)


def _alike(operands: tuple[Operand, ...], properties: Properties) -> tuple[Operand, ...]:
    """All operands of one kind; literals take the type of the first property among them."""
    operands = tuple(_worked_out(operand, properties) for operand in operands)
    first = next((bare for operand in operands if isinstance(bare := _bare(operand), Property)), None)
    if first is not None:
        of = type_of(first.name, properties)
        operands = tuple(fitted(each, first.name, of) if isinstance(each, Literal) else each for each in operands)
    elif any(isinstance(operand, Arithmetic) for operand in operands):
        operands = tuple(fitted(each, "+", "number") if isinstance(each, Literal) else each for each in operands)
    kinds = {found for operand in operands if (found := kind(operand, properties)) is not None}
    if len(kinds) > 1:
        shown = first.name if first is not None else ", ".join(sorted(kinds))
        raise wrong(shown, "so sánh hai kiểu dữ liệu khác nhau", "two different types are compared")
    return operands


def _bare(operand: Operand) -> Operand:
    while isinstance(operand, CaseFolded | AccentFolded):
        operand = operand.operand
    return operand


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def _pair(expression: SpatialPair, properties: Properties) -> Expression:
    left, right = (_geometry(side, properties) for side in (expression.left, expression.right))
    if isinstance(left, BaseGeometry) and isinstance(right, BaseGeometry):
        return Constant(holds(expression.relation, left, right))
    return expression


def _geometry(side: GeometryOperand, properties: Properties) -> GeometryOperand:
    match side:
        case Property(name):
            _expect(name, properties, "geometry")
        case Call(name):
            raise no_function(name)
        case _:
            _require_usable(side)
    return side


def _require_usable(shape: BaseGeometry) -> None:
    if not is_usable(shape):
        raise wrong(
            shapely.to_wkt(shape, rounding_precision=6)[:40],
            "hình học rỗng, tự cắt hoặc ngoài phạm vi kinh độ/vĩ độ",
            "a geometry that is empty, crosses itself or lies outside longitude/latitude",
        )


def _expect(name: str, properties: Properties, wanted: str) -> None:
    of = type_of(name, properties)
    if of != wanted:
        raise wrong(name, f"cần kiểu '{wanted}', không phải '{of}'", f"'{wanted}' is needed, not '{of}'")
