"""CQL2 as JSON to the tree: every node is looked at, and what we do not serve is refused by its name."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NoReturn, cast

import shapely
from shapely.geometry import shape

from layers.errors import InvalidRequestError

from .tree import (
    And,
    Between,
    CaseFolded,
    Comparison,
    ComparisonOperator,
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

MAX_NODES = 2_000
MAX_DEPTH = 64
MAX_PATTERN = 256
#: each `%` of a pattern is one more place where the database may have to start again
MAX_WILDCARDS = 8
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_SHAPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")


def parse_json(value: object, *, max_nodes: int = MAX_NODES) -> Expression:
    """The tree of a CQL2 JSON value (already decoded). Raises InvalidRequestError naming the part."""
    _refuse_deep(value, max_nodes)
    return _expression(value)


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


def _expression(node: object) -> Expression:
    if isinstance(node, bool):
        return Constant(node)
    if not isinstance(node, Mapping):
        _refuse("giá trị đơn", "a bare value")
    if "property" in node:
        return _property(node)
    return _operation(str(node.get("op", "")).lower(), _arguments(node))


def _operation(name: str, arguments: Sequence[object]) -> Expression:
    match name, len(arguments):
        case "and", count if count >= 1:
            return And(tuple(map(_expression, arguments)))
        case "or", count if count >= 1:
            return Or(tuple(map(_expression, arguments)))
        case "not", 1:
            return Not(_expression(arguments[0]))
        case "isnull", 1:
            return IsNull(_operand(arguments[0]))
        case "between", 3:
            return Between(*map(_operand, arguments))
        case "in", 2:
            return In(_operand(arguments[0]), _options(arguments[1]))
        case "like", 2:
            return _like(_operand(arguments[0]), _operand(arguments[1]))
        case "s_intersects", 2:
            return _spatial(*arguments)
        case comparison, 2 if comparison in COMPARISONS:
            left, right = map(_operand, arguments)
            return Comparison(cast("ComparisonOperator", comparison), left, right)
    _refuse(f"'{name or '?'}'", f"'{name or '?'}'")


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


def _operand(node: object) -> Operand:
    if isinstance(node, Mapping):
        if "property" in node:
            return _property(node)
        if "date" in node or "timestamp" in node:
            return Literal(_instant(node))
        if str(node.get("op", "")).lower() == "casei":
            return _casefolded(_arguments(node))
        name = str(node.get("op") or next(iter(node), "?"))[:40]
        _refuse(f"'{name}'", f"'{name}'")
    return Literal(_scalar(node))


def _casefolded(arguments: Sequence[object]) -> CaseFolded:
    inner = _operand(arguments[0]) if len(arguments) == 1 else None
    if not isinstance(inner, Property | Literal):
        _refuse("'casei' với nhiều tham số", "'casei' of anything but one property or text")
    return CaseFolded(inner)


def _scalar(value: object) -> str | int | float | bool | None:
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case str() if "\x00" not in value and not any(0xD800 <= ord(character) < 0xE000 for character in value):
            return unicodedata.normalize("NFC", value)
    _refuse("giá trị không hợp lệ", "an unusable value")


def _instant(node: Mapping[str, object]) -> date | datetime:
    text = node.get("date", node.get("timestamp"))
    try:
        if "date" in node:
            return date.fromisoformat(cast("str", text))
        found = datetime.fromisoformat(cast("str", text))
    except (ValueError, TypeError):
        _refuse(f"ngày giờ '{text}'", f"the date or time '{text}'")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _options(node: object) -> tuple[Operand, ...]:
    if not isinstance(node, list | tuple):
        _refuse("'in' không có danh sách", "'in' without a list")
    return tuple(map(_operand, node))


def _like(operand: Operand, pattern: Operand) -> Like:
    folds = isinstance(operand, CaseFolded) or isinstance(pattern, CaseFolded)
    bare = pattern.operand if isinstance(pattern, CaseFolded) else pattern
    target = operand.operand if isinstance(operand, CaseFolded) else operand
    if not isinstance(bare, Literal) or not isinstance(bare.value, str):
        _refuse("'like' với mẫu không phải chuỗi", "'like' with a pattern that is not a text")
    if len(bare.value) > MAX_PATTERN or bare.value.count("%") > MAX_WILDCARDS or _ends_in_escape(bare.value):
        _refuse(
            f"mẫu 'like' dài quá {MAX_PATTERN} ký tự, quá {MAX_WILDCARDS} dấu % hoặc kết thúc bằng \\",
            f"a 'like' pattern of over {MAX_PATTERN} characters, over {MAX_WILDCARDS} % signs, or ending in \\",
        )
    return Like(target, bare, folds)


def _ends_in_escape(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def _spatial(first: object, second: object) -> Spatial:
    """The property may stand on either side: to intersect is symmetric."""
    if isinstance(second, Mapping) and "property" in second:
        first, second = second, first
    if not (isinstance(first, Mapping) and "property" in first and isinstance(second, Mapping)):
        _refuse("'s_intersects' không có thuộc tính hình học", "'s_intersects' without a geometry property")
    return Spatial("intersects", _property(first).name, _shape(second))


def _shape(node: Mapping[str, Any]) -> shapely.geometry.base.BaseGeometry:
    """A literal shape in CRS84: finite, on the globe, valid, flat."""
    try:
        made = _box(node["bbox"]) if "bbox" in node else _geojson(node)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        _refuse("hình học không đọc được", "a geometry that cannot be read")
    west, south, east, north = made.bounds if not made.is_empty else (math.nan,) * 4
    on_globe = west >= -180 and east <= 180 and south >= -90 and north <= 90  # false for NaN too
    if not on_globe or not made.is_valid:
        _refuse(
            "hình học rỗng, tự cắt hoặc ngoài phạm vi kinh độ/vĩ độ",
            "a geometry that is empty, crosses itself or lies outside longitude/latitude",
        )
    return made


def _box(numbers: Sequence[float]) -> shapely.Polygon:
    west, south, east, north = (float(numbers[i]) for i in ((0, 1, 2, 3) if len(numbers) == 4 else (0, 1, 3, 4)))
    return shapely.box(west, south, east, north)


def _geojson(node: Mapping[str, Any]) -> shapely.geometry.base.BaseGeometry:
    if node.get("type") not in _SHAPES:
        name = str(node.get("op") or node.get("type") or "?")[:40]
        _refuse(f"'{name}'", f"'{name}'")
    return shapely.force_2d(shape(dict(node)))


def _refuse(vi: str, en: str) -> NoReturn:
    raise InvalidRequestError(
        f"Biểu thức lọc có phần chưa được hỗ trợ: {vi}. Dùng được: = <> < <= > >=, AND, OR, NOT, IN, BETWEEN, LIKE, "
        "IS NULL, CASEI, DATE, TIMESTAMP, S_INTERSECTS, BBOX.",
        f"The filter holds what is not supported: {en}. Supported: = <> < <= > >=, AND, OR, NOT, IN, BETWEEN, LIKE, "
        "IS NULL, CASEI, DATE, TIMESTAMP, S_INTERSECTS, BBOX.",
    )
