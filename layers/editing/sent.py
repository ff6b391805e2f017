"""A feature as a caller sends it: GeoJSON, or the parts of it to be changed (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError, InvalidRequestError
from layers.filters import GEOMETRY

#: what a cadastre's largest shapes have is far below; cutting and comparing more would hold the layer's lock too long
MOST_VERTICES = 100_000
#: one text of a property, or of an entry of a list; names and notes are shorter
LONGEST_TEXT = 10_000
#: of a list: a parcel has a handful of purposes
MOST_ENTRIES = 200
#: a .dbf writes other digits for what is beyond, and says nothing
LARGEST_NUMBER = 1e20
_AT_ONCE = 10_000


class Unsent(Enum):
    """A part that the caller did not speak of."""

    UNSENT = "unsent"


UNSENT: Final = Unsent.UNSENT


@dataclass(frozen=True, slots=True)
class Sent:
    """`geometry` in the system of the request, first east, then north; None is an explicit null."""

    properties: Mapping[str, object]
    geometry: BaseGeometry | Unsent | None


def read_feature(body: bytes, *, is_north_first: bool) -> Sent:
    """A whole feature. Raises InvalidRequestError for what is no JSON, InvalidInputsError for what is no feature.

    Members that an answer has besides (id, title, links) are not looked at: what was read may be sent back.
    """
    found = _object(body)
    if found.get("type") != "Feature":
        raise _wrong("type", "cần một GeoJSON Feature", "one GeoJSON Feature is needed")
    if "geometry" not in found or "properties" not in found:
        raise _wrong("type", "thiếu geometry hoặc properties", "geometry or properties is missing")
    properties = {} if found["properties"] is None else found["properties"]
    return Sent(_properties(properties), _geometry(found["geometry"], is_north_first))


def read_patch(body: bytes, *, is_north_first: bool) -> Sent:
    """The parts to be changed; a null removes a value. Raises as `read_feature`."""
    found = _object(body)
    properties = _properties(found.get("properties", {}))
    if GEOMETRY not in found:
        return Sent(properties, UNSENT)
    return Sent(properties, _geometry(found[GEOMETRY], is_north_first))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequestError("Nội dung gửi lên không phải JSON hợp lệ.", "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise _wrong("type", "cần một đối tượng JSON", "a JSON object is needed")
    return found


def _properties(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise _wrong("properties", "cần một đối tượng JSON", "a JSON object is needed")
    for name, value in found.items():
        if not _is_storable(name) or not _is_storable(value):
            raise _wrong("properties", "chứa ký tự không dùng được", "holds a character that no text has")
        _require_bounded(name, value)
    return found


def _require_bounded(name: str, value: object) -> None:
    """At any depth. Names in lists are bounded by the columns that a list has."""
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text if len(text) > LONGEST_TEXT:
                raise _wrong(name, f"dài quá {LONGEST_TEXT} ký tự", f"longer than {LONGEST_TEXT} characters")
            case int() | float() as number if not abs(number) <= LARGEST_NUMBER:
                raise _wrong(name, "số quá lớn", "too large a number")
            case list() | dict() as entries:
                if len(entries) > MOST_ENTRIES:
                    raise _wrong(name, f"có hơn {MOST_ENTRIES} mục", f"more than {MOST_ENTRIES} entries")
                rest += entries.values() if isinstance(entries, dict) else entries


def _is_storable(value: object) -> bool:
    """No text with U+0000, at any depth: no database takes it."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, str) and "\0" in each:
            return False
        rest += [*each, *each.values()] if isinstance(each, dict) else each if isinstance(each, list) else ()
    return True


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────
Coordinates = NDArray[np.float64]


def _geometry(found: object, is_north_first: bool) -> BaseGeometry | None:
    if found is None:
        return None
    try:
        shape = _shape(found)
    except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise _wrong(GEOMETRY, "không phải hình học GeoJSON hợp lệ", "not a valid GeoJSON geometry") from None
    if shapely.get_num_coordinates(shape) > MOST_VERTICES:
        raise _wrong(GEOMETRY, f"có hơn {MOST_VERTICES} đỉnh", f"has more than {MOST_VERTICES} vertices")
    return shapely.transform(shape, lambda xy: xy[:, ::-1]) if is_north_first else shape


def _shape(found: object) -> BaseGeometry:
    """Part by part in numpy: GEOS parses text without letting others run. Collections are no shapes of a layer."""
    if not isinstance(found, dict):
        raise TypeError
    kind, parts = found["type"], found["coordinates"]
    match kind:
        case "Point":
            return shapely.Point(_positions([parts])[0])
        case "MultiPoint":
            return shapely.MultiPoint(_positions(parts))
        case "LineString":
            return _line(parts)
        case "MultiLineString":
            return shapely.MultiLineString([_line(part) for part in _list(parts)])
        case "Polygon":
            return _polygon(parts)
        case "MultiPolygon":
            return shapely.MultiPolygon([_polygon(part) for part in _list(parts)])
    raise ValueError(kind)


def _list(found: object) -> list[Any]:
    if not isinstance(found, list) or not found:
        raise ValueError
    return found


def _line(found: object) -> shapely.LineString:
    positions = _positions(found)
    if len(positions) < 2:
        raise ValueError
    return shapely.LineString(positions)


def _polygon(found: object) -> shapely.Polygon:
    rings = [_ring(ring) for ring in _list(found)]
    return shapely.Polygon(rings[0], rings[1:])


def _ring(found: object) -> Coordinates:
    ring = _positions(found)
    if len(ring) < 4 or (ring[0] != ring[-1]).any():
        raise ValueError
    return ring


def _positions(found: object) -> Coordinates:
    """(n, 2), finite; heights are not kept. Raises ValueError for what are no positions."""
    positions: Sequence[object] = _list(found)
    if not all(isinstance(each, list) for each in positions):
        raise ValueError
    parts = [np.array(positions[start : start + _AT_ONCE]) for start in range(0, len(positions), _AT_ONCE)]
    if not all(part.ndim == 2 and part.dtype.kind in "iuf" for part in parts):
        raise ValueError
    whole = np.concatenate(parts)
    if whole.shape[1] not in (2, 3, 4) or not np.isfinite(whole.astype(np.float64)).all():
        raise ValueError
    return np.ascontiguousarray(whole[:, :2], dtype=np.float64)


def _wrong(field: str, vi: str, en: str) -> InvalidInputsError:
    shown = field[:64]
    return InvalidInputsError(f"{shown}: {vi}.", f"{shown}: {en}.", [FieldError(shown, Message(vi, en))])
