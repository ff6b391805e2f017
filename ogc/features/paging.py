"""Pages: how long, in which order, and the cursor from which one goes on or back."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from layers.access.decide import Decision
from layers.filters.kinds import KINDS, LARGEST
from layers.filters.moments import instant_of
from layers.filters.tree import Scalar
from layers.store.sorting import Sort
from ogc.common.parameters import Parameters, invalid_value

DEFAULT_LIMIT = 10
MAX_LIMIT = 10_000
PARAMETERS = ("limit", "sortby", "after", "before", "offset")
#: the revision in a cursor of a layer whose revisions are not told
NOT_PINNED = 0
#: beyond what an index, and so a sorted list, holds of a value
_CURSOR_LENGTH = 4096

_NO_CURSOR = ("không phải con trỏ của dịch vụ này", "not a cursor of this service")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A feature at the edge of a page, and the revision the walk began with. Opaque to callers; it carries no right."""

    fid: int
    revision: int
    order: str | None = None  #: of a sorted walk: `+name` or `-name`
    value: str | None = None  #: of a sorted walk: the sort column of that feature, as JSON

    def text(self) -> str:
        of_sort = f".{self.order}.{self.value}" if self.order is not None else ""
        plain = f"{self.fid}.{self.revision}{of_sort}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        if len(text) > _CURSOR_LENGTH:
            raise ValueError(*_NO_CURSOR)
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            fid, revision, *of_sort = plain.split(".", 3)
            if len(of_sort) == 1:
                raise ValueError
            made = cls(int(fid), int(revision), *of_sort)
        except (ValueError, binascii.Error) as error:
            raise ValueError(*_NO_CURSOR) from error
        if made.text() != text or not 0 <= made.fid < 2**63 or not 0 <= made.revision < 2**63:
            raise ValueError(*_NO_CURSOR)
        return made


@dataclass(frozen=True, slots=True)
class Edge:
    """From where a page goes on, or back."""

    parameter: str  #: "after" or "before"
    cursor: Cursor
    value: Scalar | None = None  #: of a sorted walk, as its column has it


def _none(text: str) -> int:
    """ogc-client and others begin every list with `offset=0`; any other place is named by a link."""
    if text != "0":
        raise ValueError("chỉ nhận 0; trang sau theo liên kết next", "0 only; further pages are at the link `next`")
    return 0


def edge(parameters: Parameters, sort: Sort | None, decision: Decision, names: dict[str, str]) -> Edge | None:
    """None for the first page."""
    parameters.parsed("offset", _none)
    found = {name: parameters.parsed(name, Cursor.read) for name in ("after", "before") if name in parameters}
    if len(found) > 1:
        raise invalid_value("before", "không đi cùng after", "not together with after")
    for name, cursor in found.items():
        assert cursor is not None
        # where revisions are not told a cursor is pinned to none
        if (cursor.revision == NOT_PINNED) != decision.hides_activity:
            raise invalid_value(name, *_NO_CURSOR)
        return Edge(name, cursor, _value(name, cursor, sort, names))
    return None


def order(text: str) -> Sort:
    """`name`, `+name` (which a query string may have turned into a blank) or `-name`."""
    name = text[1:] if text[:1] in ("+", "-", " ") else text
    if not name or "," in name:
        raise ValueError("cần đúng một thuộc tính, ví dụ -dien_tich", "one property, such as -dien_tich")
    return Sort(name, text.startswith("-"))


def order_of(sort: Sort) -> str:
    """As it stands in a cursor."""
    return f"{'-' if sort.is_descending else '+'}{sort.name}"


def _value(parameter: str, cursor: Cursor, sort: Sort | None, names: dict[str, str]) -> Scalar | None:
    """The place in a sorted walk. A cursor belongs to the order it was made in."""
    if cursor.order != (order_of(sort) if sort else None):
        raise invalid_value(
            parameter, "không phải con trỏ của thứ tự này (sortby)", "not a cursor of this order (sortby)"
        )
    if cursor.value is None or sort is None:
        return None
    try:  # a whole number of JSON is exact
        return _stored(json.loads(cursor.value), names[sort.name])
    except (ValueError, OverflowError, RecursionError):
        raise invalid_value(parameter, *_NO_CURSOR) from None


def _stored(plain: object, of: str) -> Scalar | None:
    """What a column of this type wrote as JSON. Raises ValueError for what it cannot have written."""
    match KINDS[of], plain:
        case _, None:
            return None
        case "boolean", bool():
            return plain
        case "number", int() if not isinstance(plain, bool) and (of == "number" or abs(plain) <= LARGEST):
            return float(plain) if of == "number" else plain
        case "number", float() | "NaN" | "Infinity" | "-Infinity" if of == "number":
            return float(plain)
        case "text", str() if "\0" not in plain.encode().decode():  # no half of a pair either
            return plain
        case "date" | "datetime", str():
            return instant_of(plain, is_day=of == "date")
    raise ValueError
