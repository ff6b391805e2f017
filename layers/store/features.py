"""Items of a layer as bytes the database builds: one complete GeoJSON feature a row (prototypes 1, variant f).

Everything reads the authorised relation and nothing else. A suspended or withdrawn layer is unavailable to everybody; a
layer that was never published is an empty collection.
"""

from __future__ import annotations

import builtins
import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import shapely
from sqlalchemy import ColumnElement, Double, Select, Text, cast, func, literal, select

from gis.errors import Message
from layers.access.decide import Decision, queryables
from layers.errors import FieldError, InvalidRequestError, UnavailableError
from layers.filters import GEOMETRY, Expression, check, to_text
from layers.filters.tree import And, Or, Spatial
from layers.profile.grammar import LayerDefinition

from . import connection as database
from .connection import Connection
from .relation_sql import SHAPE, Relation, Wanted, relation

BBox = tuple[float, float, float, float]

#: digits after the point of a degree: 1 mm, below any accuracy of a cadastre
DECIMALS = 8
MAX_LIMIT = 10_000
#: beyond it `numberMatched` is left out
MAX_COUNT = 100_000
#: PostgreSQL takes 100 arguments: 50 names with their values
_CHUNK = 50
#: counts in another way of writing features must not be taken for these
ENCODER = "features-1"


class State(Protocol):
    """What is read of `layers.store.catalogue.LayerState`."""

    @property
    def definition(self) -> LayerDefinition: ...
    @property
    def state(self) -> str: ...
    @property
    def revision(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ItemsQuery:
    """One request for items. `bbox` is west, south, east, north in CRS84; west > east crosses the antimeridian."""

    bbox: BBox | None = None
    filter: Expression | None = None
    limit: int = 10
    after: int | None = None  #: the `next_after` of the page before
    properties: tuple[str, ...] | None = None  #: None: every column that may be shown
    revision: int | None = None  #: None: the current one
    has_geometry: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """`features`: each a complete GeoJSON feature in UTF-8."""

    features: Sequence[bytes]
    next_after: int | None
    number_matched: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """One feature; `row_hash` is over what is shown, so that an edit of a hidden column neither shows nor tells."""

    bytes: builtins.bytes
    row_hash: builtins.bytes


class Figures:
    """Counts and extents by revision and relation, the most recently used ones; one a process, passed in."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._known: OrderedDict[tuple[object, ...], object] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> object:
        if key not in self._known:
            return MISSING
        self._known.move_to_end(key)
        return self._known[key]

    def put(self, key: tuple[object, ...], value: object) -> None:
        self._known[key] = value
        while len(self._known) > self._size:
            self._known.popitem(last=False)


MISSING = object()


async def page(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    query: ItemsQuery,
    figures: Figures | None = None,
) -> Page:
    """One page in the order of fid. Raises InvalidRequestError, NotFoundError, ForbiddenError, UnavailableError."""
    require_served(state)
    limit = max(1, min(query.limit, MAX_LIMIT))
    wanted = _wanted(state, decision, query)
    asked = relation(state.definition, storage_srid, decision, replace(wanted, limit=limit + 1, after=query.after))
    found = await database.raw_column(connection, _features(asked, state.definition, wanted))
    features, has_more = found[:limit], len(found) > limit
    if query.after is None and not has_more:
        matched: int | None = len(features)
    else:
        matched = await count(connection, state, storage_srid, decision, query, figures)
    return Page(features, fid_of(features[-1]) if has_more else None, matched)


async def item(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    fid: int,
    revision: int | None = None,
) -> Item | None:
    """One feature; None when it is not in the relation, whatever the reason."""
    require_served(state)
    wanted = replace(_wanted(state, decision, ItemsQuery(revision=revision)), fid=fid, limit=1)
    asked = relation(state.definition, storage_srid, decision, wanted)
    found = await database.raw_column(connection, _features(asked, state.definition, wanted))
    return Item(found[0], hashlib.sha256(found[0]).digest()) if found else None


async def count(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    query: ItemsQuery,
    figures: Figures | None = None,
) -> int | None:
    """How many features the query matches in the relation: exact up to 100,000, None beyond."""
    require_served(state)
    wanted = replace(_wanted(state, decision, query), columns=(), has_geometry=False, order="none", limit=MAX_COUNT + 1)
    key = ("count", *_key(state, decision, wanted))
    if figures is not None and (known := figures.get(key)) is not MISSING:
        return known if isinstance(known, int) else None
    asked = relation(state.definition, storage_srid, decision, wanted)
    capped = asked.select(asked.rows.c.fid).subquery("capped")
    found = await database.row(connection, select(func.count().label("n")).select_from(capped))
    number = int(found["n"]) if found and found["n"] <= MAX_COUNT else None
    if figures is not None:
        figures.put(key, number)
    return number


async def extent(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    figures: Figures | None = None,
) -> BBox | None:
    """The box in CRS84 around what the relation shows, as exactly as it shows it; None when nothing is shown."""
    require_served(state)
    wanted = replace(_wanted(state, decision, ItemsQuery()), columns=(), order="none")
    key = ("extent", *_key(state, decision, wanted))
    if figures is not None and (known := figures.get(key)) is not MISSING:
        return known  # type: ignore[return-value]  # put below
    asked = relation(state.definition, storage_srid, decision, wanted)
    around = func.ST_Extent(asked.rows.c[SHAPE])
    sides = [getattr(func, name)(around).label(name) for name in ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")]
    found = await database.row(connection, asked.select(*(cast(side, Double).label(side.name) for side in sides)))
    values = tuple(found.values()) if found else ()
    box = None if not values or values[0] is None else (values[0], values[1], values[2], values[3])
    if figures is not None:
        figures.put(key, box)
    return box


def fid_of(feature: bytes) -> int:
    """The id in the bytes of a feature that `page` returned."""
    begin = len(_HEAD)
    return int(feature[begin : feature.index(b",", begin)])


# ── the statement ────────────────────────────────────────────────────────────────────────────────

_HEAD = '{"type":"Feature","id":'


def _features(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """One text a feature."""
    columns = asked.rows.c
    parts: list[ColumnElement[Any]] = [_text(_HEAD), cast(columns.fid, Text), *_title(definition, asked)]
    parts += [_text(',"geometry":'), _geometry(asked, wanted), _text(',"properties":'), _properties(asked, wanted)]
    return asked.select(func.concat(*parts, _text("}"), type_=Text()))


def _text(fixed: str) -> ColumnElement[str]:
    return literal(fixed, Text)


def _geometry(asked: Relation, wanted: Wanted) -> ColumnElement[Any]:
    if not wanted.has_geometry:
        return _text("null")
    shown = func.ST_AsGeoJSON(asked.rows.c[SHAPE], literal(DECIMALS), literal(0), type_=Text())
    return func.coalesce(shown, _text("null"))


def _properties(asked: Relation, wanted: Wanted) -> ColumnElement[Any]:
    """`{"a": …}`; wider layers are built in parts that fit into one call."""
    names = wanted.columns
    chunks = [names[begin : begin + _CHUNK] for begin in range(0, len(names), _CHUNK)] or [()]
    objects = [_object(asked, chunk) for chunk in chunks]
    if len(objects) == 1:
        return objects[0]
    inner = [func.substr(part, 2, func.length(part) - 2) for part in objects]
    return func.concat(_text("{"), func.concat_ws(",", *inner), _text("}"), type_=Text())


def _object(asked: Relation, names: Sequence[str]) -> ColumnElement[Any]:
    pairs = [part for name in names for part in (_text(name), asked.rows.c[name])]
    return cast(func.json_build_object(*pairs), Text)


def _title(definition: LayerDefinition, asked: Relation) -> list[ColumnElement[Any]]:
    """The label as a foreign member, when the relation shows every column it is made of."""
    pieces = re.split(r"{(\w+)}", definition.label or "")
    names = pieces[1::2]
    if not names or any(name not in asked.rows.c for name in names):
        return []
    texts: list[ColumnElement[Any]] = [
        cast(asked.rows.c[piece], Text) if number % 2 else _text(piece) for number, piece in enumerate(pieces)
    ]
    return [_text(',"title":'), cast(func.to_json(func.concat(*texts, type_=Text())), Text)]


# ── the question ─────────────────────────────────────────────────────────────────────────────────


def require_served(state: State) -> None:
    if state.state in ("suspended", "withdrawn"):
        vi, en = _UNAVAILABLE[state.state]
        raise UnavailableError(
            f"Lớp '{state.definition.id}' {vi}.", f"The layer '{state.definition.id}' {en}.", layer=state.definition.id
        )


_UNAVAILABLE = {
    "suspended": ("đang tạm ngừng cung cấp; vui lòng thử lại sau hoặc liên hệ cơ quan quản lý",
                  "is suspended; try again later or ask the sector that answers for it"),
    "withdrawn": ("đã được thu hồi", "has been withdrawn"),
}  # fmt: skip


def _wanted(state: State, decision: Decision, query: ItemsQuery) -> Wanted:
    """The query against the decision: only names the caller may see are known."""
    decision.require()
    columns = decision.columns if query.properties is None else _selected(decision, query.properties)
    revision = None if query.revision is None or query.revision >= state.revision else query.revision
    has_geometry = query.has_geometry and decision.has_geometry
    return Wanted(columns, has_geometry=has_geometry, filter=_filter(state, decision, query), revision=revision)


def _selected(decision: Decision, names: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in decision.columns]
    if unknown:
        message = Message(f"Không có thuộc tính '{unknown[0][:64]}'.", f"There is no property '{unknown[0][:64]}'.")
        raise InvalidRequestError(message.vi, message.en, [FieldError("properties", message)])
    return tuple(name for name in decision.columns if name in names)


def _filter(state: State, decision: Decision, query: ItemsQuery) -> Expression | None:
    known = queryables(state.definition, decision)
    parts = [] if query.filter is None else [check(query.filter, known)]
    if query.bbox is not None:
        parts.append(_in_box(query.bbox))
    return None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))


def _in_box(bbox: BBox) -> Expression:
    west, south, east, north = bbox
    if west <= east:
        return Spatial("intersects", GEOMETRY, _rectangle(west, south, east, north))
    halves = (_rectangle(west, south, 180.0, north), _rectangle(-180.0, south, east, north))
    return Or(tuple(Spatial("intersects", GEOMETRY, half) for half in halves))


def _rectangle(west: float, south: float, east: float, north: float) -> shapely.geometry.base.BaseGeometry:
    """A box without area is a line or a point: a polygon without area is not valid."""
    corners = [(west, south), (east, north)]
    if west == east and south == north:
        return shapely.Point(corners[0])
    return shapely.LineString(corners) if west == east or south == north else shapely.box(west, south, east, north)


def _key(state: State, decision: Decision, wanted: Wanted) -> tuple[object, ...]:
    revision = state.revision if wanted.revision is None else wanted.revision
    text = "" if wanted.filter is None else to_text(wanted.filter)
    return state.definition.id, revision, decision.relation_digest, text
