"""The query of `items`: text in, one checked value out. What cannot be used is 400 and named."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from layers.access.decide import Decision, queryables, sortables
from layers.filters import Comparison, Expression, Property, load_json, parse_json, parse_text, typed
from layers.filters.tree import And, IsNull, Or, Scalar
from layers.filters.tree import Literal as Constant
from layers.profile.grammar import LayerDefinition, Role
from layers.store.sorting import Sort, not_sortable
from ogc.common.parameters import Parameters, boolean, invalid_value, one_of, unknown, whole_number
from ogc.common.relation import LOCAL_TIME

DEFAULT_LIMIT = 10
MAX_LIMIT = 10_000
PARAMETERS = (
    "limit", "bbox", "datetime", "filter", "filter-lang", "filter-crs", "sortby", "properties", "skipGeometry", "after",
    "as-of",
)  # fmt: skip
CRS84_NAMES = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "[OGC:CRS84]")

#: the revision in a cursor of a layer whose revisions are not told
NOT_PINNED = 0
#: beyond what an index, and so a sorted list, holds of a value
_CURSOR_LENGTH = 4096

Box = tuple[float, float, float, float]


_NO_CURSOR = ("không phải con trỏ của dịch vụ này", "not a cursor of this service")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins, and the revision the walk began with. Opaque to callers; it carries no right."""

    fid: int
    revision: int
    value: str | None = None  #: of a sorted walk: the sort column of the last row, as JSON

    def text(self) -> str:
        plain = f"{self.fid}.{self.revision}" + (f".{self.value}" if self.value is not None else "")
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        if len(text) > _CURSOR_LENGTH:
            raise ValueError(*_NO_CURSOR)
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            fid, revision, *value = plain.split(".", 2)
            made = cls(int(fid), int(revision), *value)
        except (ValueError, binascii.Error) as error:
            raise ValueError(*_NO_CURSOR) from error
        if made.text() != text or not 0 <= made.fid < 2**63 or not 0 <= made.revision < 2**63:
            raise ValueError(*_NO_CURSOR)
        return made


@dataclass(frozen=True, slots=True)
class Query:
    """A checked request for items. `filter` holds all conditions on attributes and time."""

    limit: int
    bbox: Box | None
    filter: Expression | None
    properties: tuple[str, ...] | None
    skip_geometry: bool
    cursor: Cursor | None
    as_of: datetime | None
    sort: Sort | None = None
    after_value: Scalar | None = None  #: of the cursor of a sorted walk


def read_query(parameters: Parameters, definition: LayerDefinition, decision: Decision) -> Query:
    """Raises InvalidRequestError naming whatever cannot be used."""
    names, box = queryables(definition, decision), parameters.parsed("bbox", bbox)
    conditions = [
        *_equalities(parameters, names),
        *_filter(parameters),
        *_datetime(parameters, definition, names),
    ]
    cursor = parameters.parsed("after", Cursor.read)
    _require_untold(parameters, cursor, decision)
    sort = parameters.parsed("sortby", order)
    if sort is not None and sort.name not in sortables(definition, decision):
        raise not_sortable(sort.name)
    return Query(
        limit=min(parameters.parsed("limit", whole_number(1)) or DEFAULT_LIMIT, MAX_LIMIT),
        bbox=box if decision.has_geometry else None,  # without shapes all match (fc-bbox-response C)
        filter=_all(conditions),
        properties=parameters.parsed("properties", _names),
        skip_geometry=parameters.parsed("skipGeometry", boolean) or False,
        cursor=cursor,
        as_of=parameters.parsed("as-of", instant),
        sort=sort,
        after_value=_value(cursor, sort, names),
    )


def order(text: str) -> Sort:
    """`name`, `+name` (which a query string may have turned into a blank) or `-name`."""
    name = text[1:] if text[:1] in ("+", "-", " ") else text
    if not name or "," in name:
        raise ValueError("cần đúng một thuộc tính, ví dụ -dien_tich", "one property, such as -dien_tich")
    return Sort(name, text.startswith("-"))


def _value(cursor: Cursor | None, sort: Sort | None, names: dict[str, str]) -> Scalar | None:
    """The place in a sorted walk. A cursor belongs to the order it was made in."""
    if cursor is None:
        return None
    if (cursor.value is None) != (sort is None):
        raise invalid_value("after", *_NO_CURSOR)
    if cursor.value is None or sort is None:
        return None
    try:
        plain = json.loads(cursor.value)
        is_usable = not isinstance(plain, str) or "\0" not in plain.encode().decode()  # no half of a pair either
    except (ValueError, RecursionError):
        is_usable = False
    if not is_usable:
        raise invalid_value("after", *_NO_CURSOR)
    if plain is None:
        return None
    return typed(plain if isinstance(plain, str) else cursor.value, sort.name, names).value


def _require_untold(parameters: Parameters, cursor: Cursor | None, decision: Decision) -> None:
    """Where revisions are not told none can be named: `as-of` is no parameter then, and a cursor is pinned to none."""
    if decision.hides_activity and "as-of" in parameters:
        raise unknown("as-of")
    if cursor is not None and (cursor.revision == NOT_PINNED) != decision.hides_activity:
        raise invalid_value("after", *_NO_CURSOR)


def _all(conditions: list[Expression]) -> Expression | None:
    if len(conditions) > 1:
        return And(tuple(conditions))
    return conditions[0] if conditions else None


def _equalities(parameters: Parameters, names: dict[str, str]) -> list[Expression]:
    """`?attribute=value` (Features 3, queryables as query parameters)."""
    simple = {name for name, of in names.items() if of != "geometry"}
    given = parameters.others(simple)
    return [Comparison("=", Property(name), typed(value, name, names)) for name, value in given.items()]


def _filter(parameters: Parameters) -> list[Expression]:
    """The filter as it was written; names and types are checked where it is compiled."""
    language = parameters.parsed("filter-lang", one_of("cql2-text", "cql2-json")) or "cql2-text"
    parameters.parsed("filter-crs", one_of(*CRS84_NAMES))
    text = parameters.get("filter")
    if text is None:
        return []
    return [parse_json(load_json(text)) if language == "cql2-json" else parse_text(text)]


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError("cần tên cột, cách nhau bằng dấu phẩy", "names of columns, separated by commas")
    return names


def bbox(text: str) -> Box:
    """Four numbers, or six of which the heights are not looked at (CRS84, degrees)."""
    wrong = ValueError("cần bốn số kinh độ,vĩ độ trong CRS84", "four numbers in CRS84: west,south,east,north")
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise wrong from None
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise wrong
    west, south, east, north = numbers
    if south > north or max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise wrong
    return west, south, east, north


def instant(text: str) -> datetime:
    """An instant; a date is the end of that day here, a time without a zone is local."""
    try:
        if len(text) == len("2025-01-01"):
            return datetime.combine(date.fromisoformat(text), time.max, LOCAL_TIME)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("cần ngày hoặc thời điểm theo RFC 3339", "a date or a time of RFC 3339") from None
    return found if found.tzinfo else found.replace(tzinfo=LOCAL_TIME)


# ── datetime (Features 1, 7.15.4) ────────────────────────────────────────────────────────────────

Interval = tuple[datetime | None, datetime | None]


def interval(text: str) -> Interval:
    """Begin and end, None where open; an instant is both, a date its whole day."""
    begin, slash, end = text.partition("/")
    if not slash:
        return _begin(begin), instant(begin)
    made = (None if begin in ("", "..") else _begin(begin)), (None if end in ("", "..") else instant(end))
    if made == (None, None) or (made[0] and made[1] and made[0] > made[1]):
        raise ValueError("khoảng thời gian không hợp lệ", "an interval that is empty or open on both sides")
    return made


def _begin(text: str) -> datetime:
    found = instant(text)
    return found.replace(hour=0, minute=0, second=0, microsecond=0) if len(text) == len("2025-01-01") else found


def _datetime(parameters: Parameters, definition: LayerDefinition, names: dict[str, str]) -> list[Expression]:
    """Legal validity meets the interval. A layer without such columns matches as a whole (fc-time-response C)."""
    asked = parameters.parsed("datetime", interval)
    if asked is None:
        return []
    begin, end = asked
    bounds: tuple[tuple[Role, Literal["<=", ">="], datetime | None], ...] = (
        ("effective_from", "<=", end),
        ("effective_to", ">=", begin),
    )
    return [
        condition
        for role, operator, bound in bounds
        if bound is not None and (condition := _open_or(definition, names, role, operator, bound)) is not None
    ]


def _open_or(
    definition: LayerDefinition, names: dict[str, str], role: Role, operator: Literal["<=", ">="], bound: datetime
) -> Expression | None:
    """The end is open (null) or on the right side of the bound."""
    attribute = definition.by_role(role)
    if attribute is None or attribute.name not in names:
        return None
    column = Property(attribute.name)
    value = bound.astimezone(LOCAL_TIME).date() if attribute.type == "date" else bound
    return Or((IsNull(column), Comparison(operator, column, Constant(value))))
