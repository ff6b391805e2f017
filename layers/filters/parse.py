"""CQL2 as JSON to the tree: every node is looked at, and what is not CQL2 is refused by its name."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import NoReturn, cast

import shapely
from shapely.geometry.base import BaseGeometry

from layers.errors import InvalidRequestError

from .kinds import LARGEST, MAX_EXACT
from .moments import instant_of
from .quoting import EMPTY_ARRAY, whole_number_in
from .shapes import CRS84, WrittenIn
from .tree import (
    CONVERSE,
    AccentFolded,
    And,
    Argument,
    Arithmetic,
    ArithmeticOperator,
    Array,
    ArrayComparison,
    ArrayOperand,
    ArrayRelation,
    Between,
    Call,
    CaseFolded,
    Comparison,
    ComparisonOperator,
    Constant,
    Expression,
    GeometryOperand,
    In,
    Interval,
    IsNull,
    Like,
    Literal,
    Moment,
    Not,
    Operand,
    Or,
    Property,
    Spatial,
    SpatialPair,
    SpatialRelation,
    Temporal,
    TemporalRelation,
)  # fmt: skip

MAX_NODES = 2_000
MAX_DEPTH = 64
MAX_PATTERN = 256
#: each `%` of a pattern is one more place where the database may have to start again
MAX_WILDCARDS = 8
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
ARITHMETIC = ("+", "-", "*", "/", "div", "%", "^")
SPATIAL = ("intersects", "disjoint", "equals", "touches", "within", "overlaps", "crosses", "contains")
TEMPORAL = (
    "after", "before", "contains", "disjoint", "during", "equals", "finishedby", "finishes", "intersects", "meets",
    "metby", "overlappedby", "overlaps", "startedby", "starts",
)  # fmt: skip
ARRAY = ("equals", "contains", "containedby", "overlaps")
OPEN = ".."


def parse_json(value: object, *, max_nodes: int = MAX_NODES, written_in: WrittenIn = CRS84) -> Expression:
    """The tree of a CQL2 JSON value (already decoded). Raises InvalidRequestError naming the part."""
    _refuse_deep(value, max_nodes)
    return _Reader(written_in).expression(value)


def _refuse_deep(value: object, max_nodes: int) -> None:
    """Walked without recursion, so that a deep value cannot exhaust the stack."""
    left: list[tuple[object, int]] = [(value, 0)]
    seen = 0
    while left:
        node, depth = left.pop()
        seen += 1
        if seen > max_nodes * 4 or depth > 4 * MAX_DEPTH:
            raise InvalidRequestError(
                "Biểu thức lọc quá lớn hoặc lồng quá sâu.", "The filter is too large or too deep."
            )
        if isinstance(node, Mapping):
            left.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list | tuple):
            left.extend((child, depth + 1) for child in node)


class _Reader:
    """One filter, with the system its shapes are written in."""

    def __init__(self, written_in: WrittenIn) -> None:
        self._written_in = written_in

    def expression(self, node: object) -> Expression:
        if isinstance(node, bool):
            return Constant(node)
        if not isinstance(node, Mapping):
            _refuse("giá trị đơn", "a bare value")
        if "property" in node:
            return _property(node)
        return self._operation(_name(node), _arguments(node))

    def _operation(self, name: str, arguments: Sequence[object]) -> Expression:
        match name.lower(), len(arguments):
            case "and", count if count >= 1:
                return And(tuple(map(self.expression, arguments)))
            case "or", count if count >= 1:
                return Or(tuple(map(self.expression, arguments)))
            case "not", 1:
                return Not(self.expression(arguments[0]))
            case "isnull", 1:
                return self._is_null(arguments[0])
            case "between", 3:
                return Between(*map(self._operand, arguments))
            case "in", 2:
                return In(self._operand(arguments[0]), self._options(arguments[1]))
            case "like", 2:
                return _like(self._operand(arguments[0]), self._operand(arguments[1]))
            case comparison, 2 if comparison in COMPARISONS:
                left, right = map(self._operand, arguments)
                return Comparison(cast("ComparisonOperator", comparison), left, right)
        return self._function(name, arguments)

    def _function(self, name: str, arguments: Sequence[object]) -> Expression:
        family, _, relation = name.lower().partition("_")
        match family, len(arguments):
            case "s", 2 if relation in SPATIAL:
                return self._spatial(cast("SpatialRelation", relation), *map(self._geometry, arguments))
            case "t", 2 if relation in TEMPORAL:
                left, right = map(self._moment, arguments)
                return Temporal(cast("TemporalRelation", relation), left, right)
            case "a", 2 if relation in ARRAY:
                return ArrayComparison(cast("ArrayRelation", relation), *map(self._array, arguments))
        return self._call(name, arguments)

    def _call(self, name: str, arguments: Sequence[object]) -> Call:
        """Some other function. What CQL2 has itself is none, whatever its arguments."""
        if not name.replace("_", "a").replace(":", "a").replace(".", "a").isalnum() or name.lower() in _OWN:
            _refuse(f"'{name[:40] or '?'}'", f"'{name[:40] or '?'}'")
        return Call(unicodedata.normalize("NFC", name), tuple(map(self._argument, arguments)))

    def _is_null(self, node: object) -> Expression:
        """A shape that is written is never NULL."""
        if isinstance(node, Mapping) and ("type" in node or "bbox" in node):
            self._shape(node)
            return Constant(False)
        return IsNull(self._operand(node))

    # ── operands ─────────────────────────────────────────────────────────────────────────────────

    def _operand(self, node: object) -> Operand:
        if not isinstance(node, Mapping):
            return Literal(_scalar(node))
        if "property" in node:
            return _property(node)
        if "date" in node or "timestamp" in node:
            return Literal(_instant(node))
        if "op" not in node:
            found = str(next(iter(node), "?"))[:40]
            _refuse(f"'{found}'", f"'{found}'")
        return self._calculated(_name(node), _arguments(node))

    def _calculated(self, name: str, arguments: Sequence[object]) -> Operand:
        match name.lower(), len(arguments):
            case "casei", 1:
                return CaseFolded(self._operand(arguments[0]))
            case "accenti", 1:
                return AccentFolded(self._operand(arguments[0]))
            case operator, 2 if operator in ARITHMETIC:
                left, right = map(self._operand, arguments)
                return _calculation(cast("ArithmeticOperator", operator), left, right)
        return self._call(name, arguments)

    def _options(self, node: object) -> tuple[Operand, ...]:
        if not isinstance(node, list | tuple):
            _refuse("'in' không có danh sách", "'in' without a list")
        return tuple(map(self._operand, node))

    def _argument(self, node: object) -> Argument:
        if isinstance(node, list | tuple):
            return _array_of(tuple(map(self._operand, node)))
        if isinstance(node, Mapping) and ("type" in node or "bbox" in node):
            return self._shape(node)
        if isinstance(node, Mapping) and "interval" in node:
            return self._interval(node["interval"])
        return self._operand(node)

    # ── shapes, moments, sets ────────────────────────────────────────────────────────────────────

    def _spatial(self, relation: SpatialRelation, left: GeometryOperand, right: GeometryOperand) -> Expression:
        if isinstance(left, BaseGeometry) and isinstance(right, Property):
            left, right, relation = right, left, CONVERSE.get(relation, relation)
        if isinstance(left, Property) and isinstance(right, BaseGeometry):
            return Spatial(relation, left.name, right)
        return SpatialPair(relation, left, right)

    def _geometry(self, node: object) -> GeometryOperand:
        if isinstance(node, Mapping) and "property" in node:
            return _property(node)
        if isinstance(node, Mapping) and "op" in node:
            return self._call(_name(node), _arguments(node))
        return self._shape(node)

    def _shape(self, node: object) -> BaseGeometry:
        if not isinstance(node, Mapping):
            _refuse("hình học không đọc được", "a geometry that cannot be read")
        try:
            return self._written_in.read(node)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
            _refuse("hình học không đọc được", "a geometry that cannot be read")

    def _moment(self, node: object) -> Moment:
        if isinstance(node, Mapping) and "interval" in node:
            return self._interval(node["interval"])
        found = self._operand(node)
        if isinstance(found, Literal) and not isinstance(found.value, date):
            _refuse("giá trị không phải thời gian", "a value that is no time")
        if not isinstance(found, Property | Literal | Call):
            _refuse("giá trị không phải thời gian", "a value that is no time")
        return found

    def _interval(self, bounds: object) -> Interval:
        if not isinstance(bounds, list | tuple) or len(bounds) != 2:
            _refuse("'interval' không có hai mốc", "'interval' without two bounds")
        start, end = (self._bound(bound) for bound in bounds)
        return Interval(start, end)

    def _bound(self, node: object) -> Property | Literal | None:
        if node == OPEN:
            return None
        if isinstance(node, str):
            return Literal(_instant({"date" if len(node) == len("2025-01-01") else "timestamp": node}))
        found = self._operand(node)
        if not isinstance(found, Property) and not (isinstance(found, Literal) and isinstance(found.value, date)):
            _refuse("mốc của 'interval' không phải thời gian", "a bound of 'interval' that is no time")
        return found

    def _array(self, node: object) -> ArrayOperand:
        if isinstance(node, list | tuple):
            return _array_of(tuple(map(self._operand, node)))
        found = self._operand(node)
        if not isinstance(found, Property | Call):
            _refuse("giá trị không phải danh sách", "a value that is no array")
        return found


def _name(node: Mapping[str, object]) -> str:
    name = node.get("op", "")
    return name if isinstance(name, str) else "?"


def _arguments(node: Mapping[str, object]) -> Sequence[object]:
    arguments = node.get("args")
    if "op" not in node or not isinstance(arguments, list | tuple):
        names = ", ".join(sorted(map(str, node))) or "{}"
        _refuse(f"phần tử {names[:60]}", f"the element {names[:60]}")
    return arguments


def _property(node: Mapping[str, object]) -> Property:
    name = node["property"]
    if not isinstance(name, str):
        _refuse("tên thuộc tính không phải chuỗi", "a property name that is not a text")
    return Property(unicodedata.normalize("NFC", name))


def _scalar(value: object) -> str | int | float | bool | None:
    match value:
        case None | bool():
            return value
        case int():
            return _whole(value)
        case float() if math.isfinite(value):
            return value
        case str() if "\x00" not in value and not any(0xD800 <= ord(character) < 0xE000 for character in value):
            number = whole_number_in(value)
            return _whole(number) if number is not None else unicodedata.normalize("NFC", value)
    _refuse("giá trị không hợp lệ", "an unusable value")


def _whole(value: int) -> int | float:
    """Beyond what a column of whole numbers holds it is a number like others, where it is exact as one."""
    if abs(value) <= LARGEST:
        return value
    with suppress(OverflowError):
        if int(float(value)) == value:
            return float(value)
    _refuse(f"số nguyên {str(value)[:40]}", f"the whole number {str(value)[:40]}")


def _calculation(operator: ArithmeticOperator, left: Operand, right: Operand) -> Operand:
    """The parser writes `-x` as -1 * x: a large whole number keeps all of its digits."""
    match operator, left, right:
        case "*", Literal(-1), Literal(int(value)) if value >= MAX_EXACT:
            return Literal(-value)
    return Arithmetic(operator, left, right)


def _instant(node: Mapping[str, object]) -> date | datetime:
    text = node.get("date", node.get("timestamp"))
    try:
        return instant_of(cast("str", text), is_day="date" in node)
    except (ValueError, TypeError, OverflowError):
        _refuse(f"ngày giờ '{str(text)[:40]}'", f"the date or time '{str(text)[:40]}'")


def _array_of(values: tuple[Operand, ...]) -> Array:
    if values == (Literal(EMPTY_ARRAY),):
        return Array(())
    if not all(isinstance(value, Literal) for value in values):
        _refuse("danh sách có phần tử không phải hằng", "an array with an element that is no constant")
    return Array(tuple(value for value in values if isinstance(value, Literal)))


def _like(operand: Operand, pattern: Operand) -> Like:
    bare = pattern
    while isinstance(bare, CaseFolded | AccentFolded):
        bare = bare.operand
    if not isinstance(bare, Literal) or not isinstance(bare.value, str):
        _refuse("'like' với mẫu không phải chuỗi", "'like' with a pattern that is not a text")
    if len(bare.value) > MAX_PATTERN or bare.value.count("%") > MAX_WILDCARDS or ends_in_escape(bare.value):
        _refuse(
            f"mẫu 'like' dài quá {MAX_PATTERN} ký tự, quá {MAX_WILDCARDS} dấu % hoặc kết thúc bằng \\",
            f"a 'like' pattern of over {MAX_PATTERN} characters, over {MAX_WILDCARDS} % signs, or ending in \\",
        )
    return Like(operand, pattern)


def ends_in_escape(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


#: what CQL2 says with a meaning of its own
_OWN = frozenset(
    {"and", "or", "not", "isnull", "between", "in", "like", "casei", "accenti", *COMPARISONS, *ARITHMETIC}
    | {f"s_{name}" for name in SPATIAL} | {f"t_{name}" for name in TEMPORAL} | {f"a_{name}" for name in ARRAY}
)  # fmt: skip
SUPPORTED = (
    "= <> < <= > >=, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, + - * / % div ^, CASEI, ACCENTI, DATE, TIMESTAMP, "
    "INTERVAL, BBOX, S_INTERSECTS …, T_AFTER …, A_CONTAINS …"
)


def _refuse(vi: str, en: str) -> NoReturn:
    raise InvalidRequestError(
        f"Biểu thức lọc có phần chưa được hỗ trợ: {vi}. Dùng được: {SUPPORTED}.",
        f"The filter holds what is not supported: {en}. Supported: {SUPPORTED}.",
    )
