"""The authorised relation (design, principle 3): allowed rows × columns × geometry as one fenced subquery.

    SELECT … FROM (SELECT …  FROM (SELECT …, rule AS g0 FROM data.<layer> WHERE state AND rules AND copies) base
                   ORDER BY fid LIMIT n OFFSET 0) relation
    WHERE <what the caller asked that may raise or tell>

`OFFSET 0` is the fence: PostgreSQL moves no condition into a subquery that has one. Inside stand only our own rules and
copies of those parts of the filter that can neither raise nor tell. Order stands inside and only inside (prototypes,
trap 1), so what reads the relation keeps its order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from typing import Literal as OneOf

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Select,
    SmallInteger,
    Subquery,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)  # fmt: skip
from sqlalchemy.types import NullType, TypeEngine

from layers.access.decide import Box, Decision
from layers.filters.tree import (
    GEOMETRY,
    Between,
    Comparison,
    Expression,
    In,
    IsNull,
    Literal,
    Property,
    Search,
    Spatial,
    conjuncts,
    property_names,
)  # fmt: skip
from layers.profile.grammar import LayerDefinition

from . import filter_slots
from .clearance import CLEARANCE
from .filter_sql import WGS84, box_overlaps, compile_filter, has_words
from .plain_cells import PLAIN
from .shape_form import CRS84, Form
from .shape_sql import (
    CENTROID_M,
    NO_SHAPE,
    any_of,
    first_zoom,
    left,
    left_from,
    level_of,
    shape_of,
    stored_at,
)
from .sorting import SortPart
from .tables import WEB_MERCATOR_SRID, has_index, layer_table

WEB_MERCATOR = WEB_MERCATOR_SRID
HALF_WORLD_M = 20_037_508.342789244
#: the attribute types whose comparison PostgreSQL itself calls leakproof
_COPIED_TYPES = frozenset({"integer", "string", "code", "date"})
#: names that no attribute can have
SHAPE = "_shape"
#: the shown shape in the system of a form that is not CRS84
LEAVING = "_leaving"
Bounds = tuple[float, float, float, float]


def bound(name: str, of: type[TypeEngine[Any]]) -> BindParameter[Any]:
    """A value that is given when the statement is run."""
    return bindparam(name, None, type_=of())


_LIMIT = bound("limit", BigInteger)
_BOX = ("west", "south", "east", "north")
_GROWN = ("grown_west", "grown_south", "grown_east", "grown_north")
#: how far the straight side of a hundredth of a degree bows in a plane, generously
_BOWED_M = 2.0
_METRES_A_DEGREE = 110_000.0
_WIDE_DEGREES = 5.0
#: where every zone of VN-2000 has one finite place for each point
_PROJECTED = (60.0, -30.0, 150.0, 60.0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The shape of a request; what changes from page to page and from tile to tile is bound when it is run.

    `filter` is checked; `columns` are among the decision's. The bound names: `revision`, `fid`, `after`, `limit`, and
    those of `box_values`, `tile_values` and `filter_values` (of a filter with slots), `tolerance` of a form that
    simplifies, `earlier`, `later` of a difference.
    """

    columns: tuple[str, ...] = ()
    srid: int = WGS84  #: or WEB_MERCATOR
    form: Form = CRS84  #: of the shapes that leave; filters and boxes stay in CRS84
    is_text: bool = False  #: the columns leave as JSON: beside them stands whether they are that already
    has_geometry: bool = True
    filter: Expression | None = None
    is_as_of: bool = False  #: at `revision`; else the current state
    span: OneOf["", "newer", "older"] = ""  #: a side of a difference: what begins or ends from `earlier` to `later`
    is_item: bool = False  #: only `fid`
    is_after: bool = False  #: keyset: only features behind `after`
    is_backward: bool = False  #: from `after` towards the first feature, nearest first
    is_limited: bool = False
    is_boxed: bool = False  #: only what meets the box
    is_wide: bool = False  #: of the box: `is_wide_box`
    is_tile: bool = False  #: only what the buffered tile may show
    order: OneOf["fid", "size", "none"] = "fid"
    sort: SortPart | None = None  #: before fid; then the keyset is (`after_value`, `after`)


def box_values(bounds: Bounds, decision: Decision) -> dict[str, object]:
    """Bound values of a box in CRS84: as asked, and grown by what snapping may have moved a shape."""
    grown = _grown(bounds, _coarsest_m(decision))
    return dict(zip(_BOX + _GROWN, (*map(float, bounds), *grown), strict=True))


def filter_values(asked: Expression, decision: Decision) -> dict[str, object]:
    """Bound values of the slots of a filter."""
    return filter_slots.values(asked, _grown_of(decision))


def is_wide_box(bounds: Bounds) -> bool:
    """Whether the edges of a box, moved to the storage CRS, need not lie around what the box holds."""
    west, south, east, north = bounds
    is_far = west < _PROJECTED[0] or south < _PROJECTED[1] or east > _PROJECTED[2] or north > _PROJECTED[3]
    return is_far or max(east - west, north - south) > _WIDE_DEGREES


def tile_values(z: int, x: int, y: int, margin: float, decision: Decision) -> dict[str, object]:
    """Bound values of a tile in EPSG:3857, grown by `margin` of its width and by the grid of degraded shapes."""
    west, south, east, north = tile_bounds(z, x, y, margin)
    by = 4 * _coarsest_m(decision)  # a web metre is longer than a metre: twice as much at 60° north
    return dict(zip(("zoom", *_GROWN), (z, west - by, south - by, east + by, north + by), strict=True))


@dataclass(frozen=True, slots=True)
class Relation:
    """The fenced subquery and what must still be asked of it from outside."""

    rows: Subquery
    outside: tuple[ColumnElement[bool], ...]
    has_limit_outside: bool

    def leaving(self, form: Form) -> ColumnElement[Any]:
        """The shown shape in the form's system."""
        return self.rows.c[SHAPE if form.is_crs84 else LEAVING]

    def select(self, *columns: Any, beside: FromClause | None = None) -> Select[Any]:
        """A statement over the relation with the filter above the fence; `beside` is drawn from each row."""
        source = self.rows if beside is None else self.rows.join(beside, true())
        statement = select(*columns).select_from(source).where(*self.outside)
        return statement.limit(_LIMIT) if self.has_limit_outside else statement


def relation(definition: LayerDefinition, storage_srid: int, decision: Decision, wanted: Wanted) -> Relation:
    """The relation of a decision. Raises NotFoundError or ForbiddenError when nothing is allowed."""
    decision.require()
    table = layer_table(definition, storage_srid)
    base = _base(table, storage_srid, definition, decision, wanted)
    rest = tuple(part for part in _conjuncts(wanted) if not _is_exact_copy(part, definition, decision))
    has_outside = bool(rest) or wanted.is_boxed
    if wanted.is_limited and wanted.order != "none" and not has_outside and len(decision.boxes) > 1:
        base = _page(base, wanted)
    rows = _shown(base, storage_srid, definition, decision, wanted)
    if wanted.order != "none":
        rows = rows.order_by(*_order(base, wanted))
    if wanted.is_limited and not has_outside:
        rows = rows.limit(_LIMIT)
    fenced = rows.offset(literal_column("0")).subquery("relation")
    outside = [compile_filter(part, _by_name(fenced)) for part in rest]
    if wanted.is_boxed:
        outside.append(func.ST_Intersects(fenced.c[SHAPE], envelope(_BOX, WGS84), type_=Boolean()))
    return Relation(fenced, tuple(outside), wanted.is_limited and has_outside)


def _page(base: Subquery, wanted: Wanted) -> Subquery:
    """Fenced by itself: the rule of each box is asked once a row, not once for each cell that it masks."""
    return select(*base.c).order_by(*_order(base, wanted)).limit(_LIMIT).offset(literal_column("0")).subquery("page")


def _by_name(fenced: Subquery) -> Mapping[str, ColumnElement[Any]]:
    return {column.name if column.name != SHAPE else GEOMETRY: column for column in fenced.c}


def _conjuncts(wanted: Wanted) -> tuple[Expression, ...]:
    return () if wanted.filter is None else conjuncts(wanted.filter)


def _base(table: Table, storage_srid: int, definition: LayerDefinition, decision: Decision, wanted: Wanted) -> Subquery:
    """The rows of the table that any box allows, with one truth value a box where they differ."""
    names = {GEOMETRY: table.c.geom_4326} if definition.has_geometry else {}
    columns: Mapping[str, ColumnElement[Any]] = {**{a.name: table.c[a.name] for a in definition.attributes}, **names}
    rules = [true() if box.rows is None else compile_filter(box.rows, columns) for box in decision.boxes]
    where = [_state(table, wanted), *_keyset(table, wanted), *_copies(table, definition, decision, wanted)]
    # a tile has no place for a row without a shape, nor may the hidden shape take one of its LIMIT
    boxes = [n for n, box in enumerate(decision.boxes) if not wanted.is_tile or box.geometry.kind != "none"]
    if all(decision.boxes[n].rows is not None for n in boxes):
        where.append(or_(*(rules[n] for n in boxes)))
    if wanted.is_boxed and definition.has_geometry:
        where.append(_box(table, storage_srid, wanted))
    if wanted.is_tile:
        seen_from = first_zoom(table, decision, rules)
        where += [seen_from <= bound("zoom", SmallInteger), _tile_box(table, storage_srid, wanted)]
    marks = [rule.label(f"_g{number}") for number, rule in enumerate(rules)] if len(rules) > 1 else []
    if wanted.order == "size":
        marks.append(first_zoom(table, decision, rules).label("first_zoom"))
    read = _read(table, storage_srid, definition, decision, wanted)
    return select(*read, *marks).where(and_(*where)).subquery("base")


def _read(
    table: Table, storage_srid: int, definition: LayerDefinition, decision: Decision, wanted: Wanted
) -> list[ColumnElement[Any]]:
    """The stored columns that are needed: shown ones, those of the filter, and the shapes the boxes are drawn from."""
    found: list[ColumnElement[Any]] = [table.c.fid, *(table.c[name] for name in _names(decision, wanted))]
    kinds = {box.geometry.kind for box in decision.boxes}
    shapes: set[str] = set()
    if definition.has_geometry and _needs_shape(wanted):
        shapes |= {stored_at(wanted.srid)} if kinds & {"full", "centroid"} else set()
        shapes |= {"geom"} if "grid" in kinds else set()
    if definition.has_geometry and _leaves_elsewhere(wanted):
        shapes |= {left_from(wanted.form.srid, storage_srid)} if "full" in kinds else set()
        shapes |= {"geom_4326"} if "centroid" in kinds else set()
        shapes |= {"geom"} if "grid" in kinds else set()
    marks = [table.c[name] for name in _marks(definition, decision, wanted)]
    return [*found, *marks, *(table.c[name] for name in sorted(shapes))]


def _marks(definition: LayerDefinition, decision: Decision, wanted: Wanted) -> list[str]:
    """What publication noted of the row beside its columns; of shapes only where they are shown as they are stored."""
    is_exact = all(box.geometry.kind == "full" for box in decision.boxes)
    has_clearance = wanted.is_tile and definition.has_geometry and is_exact
    return [PLAIN] * wanted.is_text + [CLEARANCE] * has_clearance


def _names(decision: Decision, wanted: Wanted) -> list[str]:
    """Only the decision's columns, whoever asks; in its order."""
    asked = set(wanted.columns) | (property_names(wanted.filter) if wanted.filter is not None else set())
    asked |= {wanted.sort.name} if wanted.sort is not None else set()
    return [name for name in decision.columns if name in asked]


def _needs_shape(wanted: Wanted) -> bool:
    """In the relation's own system: for what is asked of it, or to leave as it is."""
    is_filtered = wanted.filter is not None and GEOMETRY in property_names(wanted.filter)
    return wanted.is_boxed or is_filtered or (wanted.has_geometry and not _leaves_elsewhere(wanted))


def _leaves_elsewhere(wanted: Wanted) -> bool:
    return wanted.has_geometry and not wanted.form.is_crs84


def _state(table: Table, wanted: Wanted) -> ColumnElement[bool]:
    """A row of revision r is valid for since ≤ r < until."""
    if wanted.span:
        return _side(table, wanted)
    if not wanted.is_as_of:
        return table.c.until.is_(None)
    revision = bound("revision", BigInteger)
    return and_(table.c.since <= revision, or_(table.c.until.is_(None), table.c.until > revision))


def _side(table: Table, wanted: Wanted) -> ColumnElement[bool]:
    """Rows of the later revision that are not of the earlier one, or the other way round: all that can differ."""
    earlier, later = bound("earlier", BigInteger), bound("later", BigInteger)
    if wanted.span == "newer":
        lives_on = or_(table.c.until.is_(None), table.c.until > later)
        return and_(table.c.since > earlier, table.c.since <= later, lives_on)
    return and_(table.c.since <= earlier, table.c.until > earlier, table.c.until <= later)


def _keyset(table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    if wanted.sort is not None:
        return wanted.sort.condition(table, is_after=wanted.is_after)
    place = bound("after", BigInteger)
    found = [table.c.fid < place if wanted.is_backward else table.c.fid > place] if wanted.is_after else []
    return [*found, table.c.fid == bound("fid", BigInteger)] if wanted.is_item else found


def _box(table: Table, storage_srid: int, wanted: Wanted) -> ColumnElement[bool]:
    """The index of the current state is on CRS84; that of all states on the stored shape, where the box is not one."""
    if not wanted.is_as_of or wanted.is_wide:
        return _overlaps(table.c.geom_4326, WGS84)
    dense = func.ST_Segmentize(envelope(_GROWN, WGS84), 0.01)
    moved = func.ST_Expand(func.ST_Transform(dense, literal(storage_srid)), _BOWED_M)
    return table.c.geom.op("&&", is_comparison=True)(moved)


def _tile_box(table: Table, storage_srid: int, wanted: Wanted) -> ColumnElement[bool]:
    """As `_box`: of an earlier revision by the stored shape, where the tile is small enough to have a place there."""
    on_the_map = _overlaps(table.c.geom_3857, WEB_MERCATOR)
    if not wanted.is_as_of or wanted.is_wide:
        return on_the_map
    dense = func.ST_Segmentize(envelope(_GROWN, WEB_MERCATOR), 1_000.0)
    moved = func.ST_Expand(func.ST_Transform(dense, literal(storage_srid)), _BOWED_M)
    return and_(table.c.geom.op("&&", is_comparison=True)(moved), on_the_map)


def _overlaps(column: ColumnElement[Any], srid: int) -> ColumnElement[bool]:
    return column.op("&&", is_comparison=True)(envelope(_GROWN, srid))


def envelope(names: Sequence[str], srid: int) -> ColumnElement[Any]:
    return func.ST_MakeEnvelope(*(bound(name, Double) for name in names), literal(srid), type_=NullType())


def tile_bounds(z: int, x: int, y: int, margin: float = 0.0) -> Bounds:
    """The square of a WebMercatorQuad tile in metres of EPSG:3857, grown by a share of its width."""
    width = 2 * HALF_WORLD_M / 2**z
    west, north = x * width - HALF_WORLD_M, HALF_WORLD_M - y * width
    by = margin * width
    return west - by, north - width - by, west + width + by, north + by


def _coarsest_m(decision: Decision) -> float:
    """How far a shown shape may lie from the stored one."""
    levels = [box.geometry for box in decision.boxes]
    return max((CENTROID_M if level.kind == "centroid" else level.precision_m for level in levels), default=0.0)


def is_planned_anew(wanted: Wanted, definition: LayerDefinition, decision: Decision) -> bool:
    """Whether the best plan hangs on how much a box or a filter leaves. An equality alone on an indexed column has one
    plan for all values, the column's index, which also has the rows in the order of fid."""
    if wanted.is_boxed or wanted.filter is None or wanted.sort is not None or wanted.is_as_of:
        return wanted.is_boxed or wanted.filter is not None
    match wanted.filter:
        case Comparison("=", Property(name), Literal()) as equality:
            attribute = definition.attribute(name)
            is_found = attribute is not None and has_index(attribute)
            return not (is_found and _is_exact_copy(equality, definition, decision))
    return True


# ── what is shown ────────────────────────────────────────────────────────────────────────────────


def _shown(
    base: Subquery, storage_srid: int, definition: LayerDefinition, decision: Decision, wanted: Wanted
) -> Select[Any]:
    cells = [_cell(base, name, decision.boxes) for name in _names(decision, wanted)]
    shapes = []
    if _needs_shape(wanted):
        drawn = shape_of(base, decision.boxes, partial(level_of, srid=wanted.srid))
        shapes.append((drawn if definition.has_geometry else NO_SHAPE).label(SHAPE))
    if _leaves_elsewhere(wanted):
        leaving = shape_of(base, decision.boxes, partial(left, srid=wanted.form.srid, storage_srid=storage_srid))
        shapes.append((leaving if definition.has_geometry else NO_SHAPE).label(LEAVING))
    marks = [base.c[name] for name in _marks(definition, decision, wanted)]
    return select(base.c.fid, *cells, *marks, *shapes)


def _cell(base: Subquery, name: str, boxes: Sequence[Box]) -> ColumnElement[Any]:
    """A cell is shown if and only if a box that has its column has its row (union per cell)."""
    having = [number for number, box in enumerate(boxes) if name in box.columns]
    mask = any_of(base, boxes, having)
    return base.c[name] if mask is None else case((mask, base.c[name])).label(name)


def _order(base: Subquery, wanted: Wanted) -> list[ColumnElement[Any]]:
    """`size`: what is seen from farthest comes first, so that a cap takes away the smallest."""
    if wanted.sort is not None:
        return wanted.sort.order(base)
    if wanted.order == "size":
        return [base.c.first_zoom, base.c.fid]
    return [base.c.fid.desc() if wanted.is_backward else base.c.fid]


# ── copies of the filter inside the fence ────────────────────────────────────────────────────────


def _copies(table: Table, definition: LayerDefinition, decision: Decision, wanted: Wanted) -> list[ColumnElement[bool]]:
    columns = {attribute.name: table.c[attribute.name] for attribute in definition.attributes}
    found = []
    for part in _conjuncts(wanted):
        if _is_exact_copy(part, definition, decision):
            found.append(compile_filter(part, columns))
        elif isinstance(part, Spatial) and part.relation != "disjoint" and definition.has_geometry:
            found.append(box_overlaps(table.c.geom_4326, filter_slots.corners(part, _grown_of(decision))))
        elif isinstance(part, Search) and all(set(part.columns) <= set(box.columns) for box in decision.boxes):
            found.append(has_words(part, columns))
    return found


def _is_exact_copy(part: Expression, definition: LayerDefinition, decision: Decision) -> bool:
    """Whether a part of the filter may stand inside the fence, and then need not stand outside as well."""
    match part:
        case Comparison(operator, Property(), Literal(value)) if operator != "<>":
            constants: tuple[object, ...] = (value,)
        case Between(Property(), Literal(low), Literal(high)):
            constants = (low, high)
        case In(Property(), options) if all(isinstance(option, Literal) for option in options):
            constants = tuple(option.value for option in options if isinstance(option, Literal))
        case IsNull(Property()):
            constants = ()
        case _:
            return False
    (name,) = property_names(part)
    attribute = definition.attribute(name)
    is_unmasked = all(name in box.columns for box in decision.boxes)
    is_plain = attribute is not None and attribute.type in _COPIED_TYPES
    return is_unmasked and is_plain and not any(isinstance(constant, float) for constant in constants)


def _grown_of(decision: Decision) -> Callable[[Sequence[float]], Bounds]:
    return partial(_grown, by_m=_coarsest_m(decision))


def _grown(bounds: Sequence[float], by_m: float) -> Bounds:
    """The box in degrees, grown by what snapping can move a corner, with room for the projection."""
    west, south, east, north = bounds
    widest = math.cos(math.radians(min(85.0, max(abs(south), abs(north)) + 1)))
    dy = 2 * by_m / _METRES_A_DEGREE
    dx = dy / widest
    return west - dx, south - dy, east + dx, north + dy
