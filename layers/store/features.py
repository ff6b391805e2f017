"""Items of a layer as bytes the database builds: one complete GeoJSON feature a row (prototypes 1, variant f).

Everything reads the authorised relation and nothing else. A suspended or withdrawn layer is unavailable to everybody; a
layer that was never published is an empty collection.
"""

from __future__ import annotations

import builtins
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, LiteralString, Protocol

import psycopg
import shapely
from psycopg.rows import DictRow
from sqlalchemy import Select

from gis.errors import Message
from layers.access.decide import Decision, queryables, sortables
from layers.errors import FieldError, InvalidRequestError, UnavailableError
from layers.filters import GEOMETRY, Expression, check, require_cheap, to_text
from layers.filters.slots import with_slots
from layers.filters.tree import And, Or, Scalar, Spatial
from layers.profile.grammar import LayerDefinition

from . import connection as database
from .connection import Connection
from .feature_sql import counted, drawn_features, fid_of, paged_features, sorted_features, surrounding
from .figures import MISSING, Figures
from .relation_sql import Relation, Wanted, box_values, filter_values, is_planned_anew, is_wide_box, relation
from .shape_form import CRS84, DEGREE_DIGITS, Form
from .sorting import Sort, not_sortable

BBox = tuple[float, float, float, float]

MAX_LIMIT = 10_000
#: beyond it `numberMatched` is left out
MAX_COUNT = 100_000
#: how long a count by a filter may take
COUNTING_MS = 3_000
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
    after: int | None = None  #: the fid at the edge of the page before
    is_backward: bool = False  #: the page that ends before `after`
    properties: tuple[str, ...] | None = None  #: None: every column that may be shown
    revision: int | None = None  #: None: the current one
    has_geometry: bool = True
    sort: Sort | None = None
    after_value: Scalar | None = None  #: beside `after` in a sorted list: the sort column of that row
    form: Form = CRS84  #: of the shapes
    tolerance: float = 0.0  #: of a form that simplifies, in the units of its system


@dataclass(frozen=True, slots=True)
class Place:
    """A feature in its list: `value` is that of the sort column as JSON, None where the list is in the order of fid."""

    fid: int
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`features`: each a complete GeoJSON feature in UTF-8. `last` and `first` are told where more lies behind them."""

    features: Sequence[bytes]
    number_matched: int | None
    last: Place | None = None
    first: Place | None = None
    revision: int | None = None  #: that the layer stood on when the rows were read; None where there are none


@dataclass(frozen=True, slots=True)
class Item:
    """One feature; `row_hash` is over what is shown, so that an edit of a hidden column neither shows nor tells."""

    bytes: builtins.bytes
    row_hash: builtins.bytes
    state: builtins.bytes  #: the same in whatever form the item is asked for: what a change of it is held against


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
    wanted, values = asked(state, decision, query)
    wanted = replace(
        wanted, is_limited=True, is_after=query.after is not None, is_backward=query.is_backward, sort=None
    )
    found, values_found, revision = await _run_any(
        connection, state, storage_srid, decision, wanted, values, query, limit + 1
    )
    features, has_more = found[:limit], len(found) > limit
    places = [Place(fid_of(feature), value) for feature, value in _edges(features, values_found)]
    if query.is_backward:
        features, places = features[::-1], places[::-1]
    if query.after is None and not has_more:
        matched: int | None = len(features)
    else:
        matched = await count(connection, state, storage_srid, decision, query, figures)
    has_before = has_more if query.is_backward else query.after is not None
    has_behind = True if query.is_backward else has_more
    return Page(
        features, matched,
        last=places[-1] if places and has_behind else None,
        first=places[0] if places and has_before else None,
        revision=revision,
    )  # fmt: skip


def _edges(features: Sequence[bytes], values: Sequence[bytes] | None) -> list[tuple[bytes, bytes | None]]:
    """The first and the last feature, each with its value of the sort column; SQL's NULL is JSON's."""
    if not features:
        return []
    return [(features[at], None if values is None else values[at] or b"null") for at in (0, len(features) - 1)]


async def item(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    fid: int,
    query: ItemsQuery | None = None,
) -> Item | None:
    """One feature; None when it is not in the relation, whatever the reason."""
    require_served(state)
    query = query or ItemsQuery()
    wanted, values = asked(state, decision, query)
    found = await _run(connection, state, storage_srid, decision, replace(wanted, is_item=True), values | {"fid": fid})
    if not found:
        return None
    shown = hashlib.sha256(found[0]).digest()
    usual = ItemsQuery(revision=query.revision)
    if wanted == asked(state, decision, usual)[0]:
        return Item(found[0], shown, shown)
    whole = await item(connection, state, storage_srid, decision, fid, usual)
    return None if whole is None else Item(found[0], shown, whole.state)


async def count(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    query: ItemsQuery,
    figures: Figures | None = None,
) -> int | None:
    """How many features the query matches in the relation: exact up to 100,000, None beyond, and where a filter takes
    too long to count by."""
    require_served(state)
    wanted, values = asked(state, decision, query)
    wanted = replace(wanted, columns=(), has_geometry=False, form=CRS84, order="none", is_limited=True)
    key = ("count", *_key(state, decision, wanted, values))
    if figures is not None and (known := figures.get(key)) is not MISSING:
        return known if isinstance(known, int) else None
    prepared = prepare(counted, state.definition, storage_srid, decision, wanted)
    given = prepared.with_values(values | {"limit": MAX_COUNT + 1})
    found = await (database.row(connection, *given) if wanted.filter is None else _soon(connection, *given))
    number = int(found["n"]) if found and found["n"] <= MAX_COUNT else None
    if figures is not None:
        figures.put(key, number)
    return number


async def _soon(connection: Connection, text: LiteralString, values: Mapping[str, object]) -> DictRow | None:
    """The row, or None where the statement was not done in time: nobody waits long for a number beside the answer."""
    try:
        async with connection.transaction():
            await database.execute(
                connection, "SELECT set_config('statement_timeout', %(ms)s, true)", {"ms": str(COUNTING_MS)}
            )
            return await database.row(connection, text, values)
    except psycopg.errors.QueryCanceled:
        return None


async def extent(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    figures: Figures | None = None,
    revision: int | None = None,
) -> BBox | None:
    """The box in CRS84 around what the relation shows, as exactly as it shows it; None when nothing is shown."""
    require_served(state)
    wanted, values = asked(state, decision, ItemsQuery(revision=revision))
    if not wanted.has_geometry:
        return None
    wanted = replace(wanted, columns=(), order="none")
    key = ("extent", *_key(state, decision, wanted, values))
    if figures is not None and (known := figures.get(key)) is not MISSING:
        return known  # type: ignore[return-value]  # put below
    prepared = prepare(surrounding, state.definition, storage_srid, decision, wanted)
    found = await database.row(connection, *prepared.with_values(values))
    box = None if found is None or found["west"] is None else _bounds(found, decision)
    if figures is not None:
        figures.put(key, box)
    return box


def _bounds(found: Mapping[str, float], decision: Decision) -> BBox:
    """Degraded shapes no finer than they are told: digits beyond would tell of the shapes they were made from."""
    if all(box.geometry.kind == "full" for box in decision.boxes):
        return found["west"], found["south"], found["east"], found["north"]
    step = 10.0**DEGREE_DIGITS
    west, south = (math.floor(found[side] * step) / step for side in ("west", "south"))
    east, north = (math.ceil(found[side] * step) / step for side in ("east", "north"))
    return west, south, east, north


# ── the statements ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled statement: making it costs more than running it, so the same shape is made once."""

    text: LiteralString
    constants: Mapping[str, object]

    def with_values(self, values: Mapping[str, object]) -> tuple[LiteralString, dict[str, object]]:
        return self.text, {**self.constants, **{name: values[name] for name in values if name in self.constants}}


Draw = Callable[[Relation, LayerDefinition, Wanted], Select[Any]]


@lru_cache(maxsize=1024)
def prepare(draw: Draw, definition: LayerDefinition, storage_srid: int, decision: Decision, wanted: Wanted) -> Prepared:
    asked = relation(definition, storage_srid, decision, wanted)
    text, constants = database.compiled(draw(asked, definition, wanted))
    return Prepared(text, {name: _written(value) for name, value in constants.items()})


def _written(constant: object) -> object:
    """Lists of texts, such as the communes of a rule, are written down once; the statement says what they are."""
    is_list = isinstance(constant, list) and all(isinstance(each, str) for each in constant)
    return database.text_array(tuple(constant)) if is_list else constant  # type: ignore[arg-type]  # told above


async def _run(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    wanted: Wanted,
    values: Mapping[str, object],
) -> Sequence[bytes]:
    """The features of one request."""
    prepared = prepare(drawn_features, state.definition, storage_srid, decision, wanted)
    anew = is_planned_anew(wanted, state.definition, decision)
    return await database.raw_column(connection, *prepared.with_values(values), is_planned_anew=anew)


async def _run_any(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    wanted: Wanted,
    values: Mapping[str, object],
    query: ItemsQuery,
    limit: int,
) -> tuple[Sequence[bytes], Sequence[bytes] | None, int | None]:
    """Features in the order they are walked in, their values of the sort column where there is one, and the revision
    that the layer stood on."""
    if query.sort is not None:
        return await _run_sorted(connection, state, storage_srid, decision, wanted, values, query, limit)
    prepared = prepare(paged_features, state.definition, storage_srid, decision, wanted)
    given = prepared.with_values({**values, "limit": limit})
    anew = is_planned_anew(wanted, state.definition, decision)
    found = await database.raw(connection, *given, is_planned_anew=anew)
    return found.column(0), None, _revision(found.first(1))


async def _run_sorted(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    wanted: Wanted,
    values: Mapping[str, object],
    query: ItemsQuery,
    limit: int,
) -> tuple[list[bytes], list[bytes], int | None]:
    """Features, and their values of the sort column as JSON. A page at the end of the values takes two statements,
    between which the layer may be revised: then it stood on none."""
    assert query.sort is not None
    if query.sort.name not in sortables(state.definition, decision):
        raise not_sortable(query.sort.name)
    found, places, revisions = list[bytes](), list[bytes](), set[int | None]()
    is_behind_values = query.after is not None and query.after_value is None
    for part in query.sort.parts(is_behind_values=is_behind_values, is_backward=query.is_backward):
        if len(found) == limit:
            break
        is_after = wanted.is_after and part.is_null == is_behind_values
        shape = replace(wanted, sort=part, is_after=is_after)
        prepared = prepare(sorted_features, state.definition, storage_srid, decision, shape)
        given = {**values, "after_value": query.after_value, "limit": limit - len(found)}
        rows = await database.raw(connection, *prepared.with_values(given), is_planned_anew=True)
        found += rows.column(0)
        places += rows.column(1)
        revisions.add(_revision(rows.first(2)))
    return found, places, revisions.pop() if len(revisions) == 1 else None


def _revision(text: bytes | None) -> int | None:
    return None if text is None else int(text)


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


def asked(state: State, decision: Decision, query: ItemsQuery) -> tuple[Wanted, dict[str, object]]:
    """The shape of the query and its values; only names the caller may see are known."""
    decision.require()
    box = query.bbox if query.bbox is not None and _is_plain(query.bbox) else None
    is_as_of = query.revision is not None and query.revision < state.revision
    wanted = Wanted(
        columns=decision.columns if query.properties is None else _selected(decision, query.properties),
        has_geometry=query.has_geometry and decision.has_geometry,
        form=query.form,
        is_text=True,
        filter=_filter(state, decision, query, has_odd_box=query.bbox is not None and box is None),
        is_as_of=is_as_of,
        is_boxed=box is not None,
        is_wide=box is not None and is_wide_box(box),
    )
    values: dict[str, object] = {"revision": query.revision, "after": query.after, "tolerance": query.tolerance}
    if box is not None:
        values |= box_values(box, decision)
    return wanted, values if wanted.filter is None else values | filter_values(wanted.filter, decision)


def _is_plain(bbox: BBox) -> bool:
    """A box with an area on one side of the antimeridian."""
    return bbox[0] < bbox[2] and bbox[1] < bbox[3]


def _selected(decision: Decision, names: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in decision.columns]
    if unknown:
        message = Message(f"Không có thuộc tính '{unknown[0][:64]}'.", f"There is no property '{unknown[0][:64]}'.")
        raise InvalidRequestError(message.vi, message.en, [FieldError("properties", message)])
    return tuple(name for name in decision.columns if name in names)


def _filter(state: State, decision: Decision, query: ItemsQuery, *, has_odd_box: bool) -> Expression | None:
    known = queryables(state.definition, decision)
    parts = [] if query.filter is None else [require_cheap(check(query.filter, known))]
    if query.bbox is not None and has_odd_box:
        parts.append(_in_box(query.bbox))
    return None if not parts else with_slots(parts[0] if len(parts) == 1 else And(tuple(parts)))


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


def _key(state: State, decision: Decision, wanted: Wanted, values: Mapping[str, object]) -> tuple[object, ...]:
    """What a count or an extent depends on."""
    revision = values["revision"] if wanted.is_as_of else state.revision
    text = "" if wanted.filter is None else to_text(wanted.filter)
    box = tuple(values[name] for name in ("west", "south", "east", "north")) if wanted.is_boxed else None
    return state.definition.id, state.definition, revision, decision.relation_digest, text, box
