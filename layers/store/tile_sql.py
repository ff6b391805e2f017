"""The statements of tiles: the relation's rows in tile coordinates, one value of ST_AsMVT and how many it holds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
)  # fmt: skip
from sqlalchemy.types import NullType

from gis.zoom import CELLS_A_SIDE, LAST_CELL_ZOOM, anchor
from layers.profile.grammar import LayerDefinition

from .clearance import CLEARANCE, STEADY
from .relation_sql import SHAPE, WEB_MERCATOR, Relation, Wanted, bound, envelope, tile_bounds
from .tile_columns import cell_columns

EXTENT = 4096
BUFFER = 64
CELL = EXTENT // CELLS_A_SIDE
#: below z13 corners within a quarter of a pixel of a line are left out: of the shape alone, never with its neighbours
SIMPLIFIED = 4.0
FEW_CORNERS = 12  #: so many, the last being the first, are kept
#: tells a cell from a shape; no attribute can be called so
IS_CELL = "_cell"
_MOST = bound("most", BigInteger)
_CANDIDATES = bound("limit", BigInteger)  #: as the relation binds it
_SQUARE = ("tile_west", "tile_south", "tile_east", "tile_north")
_BUFFERED = ("buffered_west", "buffered_south", "buffered_east", "buffered_north")
_MOVED = ("scale_x", "scale_y", "shift_x", "shift_y")
_ROUNDED, _GEOM, _PLACE, _IS_SEEN, _IS_STEADY = "_rounded", "_geom", "_place", "_is_seen", "_is_steady"
_FENCE: ColumnElement[Any] = literal_column("0")


def drawing_values(z: int, x: int, y: int) -> dict[str, object]:
    """The tile's square, the one with its buffer, and the way from metres to tile coordinates (y grows downward)."""
    square, buffered = tile_bounds(z, x, y), tile_bounds(z, x, y, BUFFER / EXTENT)
    scale = EXTENT / (square[2] - square[0])
    moved = (scale, -scale, -square[0] * scale, square[3] * scale)
    tolerance_m = SIMPLIFIED / scale if z <= LAST_CELL_ZOOM else 0.0
    names = (*_SQUARE, *_BUFFERED, *_MOVED, "tolerance")
    return dict(zip(names, (*square, *buffered, *moved, tolerance_m), strict=True))


def cells_values(z: int) -> dict[str, object]:
    return {"anchor": anchor(z)}


def plain_tile(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """Every feature as its own shape. The second fence keeps the rounded shape from being computed twice."""
    return _of_shapes(asked, definition, wanted, is_far=False)


def far_tile(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """As `plain_tile`, shapes of many corners with fewer of them."""
    return _of_shapes(asked, definition, wanted, is_far=True)


def _of_shapes(asked: Relation, definition: LayerDefinition, wanted: Wanted, *, is_far: bool) -> Select[Any]:
    given = _given(asked, wanted, is_far=is_far)
    names = [given.c[name] for name in wanted.columns]
    drawn = select(
        given.c.fid, *names, given.c[SHAPE], _rounded(given.c[SHAPE]).label(_ROUNDED),
        given.c[_IS_STEADY], given.c[_PLACE],
    ).offset(_FENCE).subquery("rounded")  # fmt: skip
    kept = [drawn.c.fid, *(drawn.c[name] for name in wanted.columns)]
    geometry = _drawn(drawn.c[SHAPE], drawn.c[_ROUNDED], drawn.c[_IS_STEADY]).label(_GEOM)
    return _encoded(select(*kept, geometry, drawn.c[_PLACE]), definition)


def _given(asked: Relation, wanted: Wanted, *, is_far: bool) -> FromClause:
    """Of the rows that the tile shows as many as it holds. The last candidate stays, without a shape, to be told of."""
    columns = asked.rows.c
    names = [columns[name] for name in wanted.columns]
    shape = columns[SHAPE]
    steady = (false() if is_far else _is_steady(asked)).label(_IS_STEADY)
    found = asked.select(
        columns.fid, *names, shape, _numbered(), _is_seen(shape).label(_IS_SEEN), steady
    ).subquery("found")  # fmt: skip
    drawn = _with_fewer_corners(found.c[SHAPE]) if is_far else found.c[SHAPE]
    kept = [found.c.fid, *(found.c[name] for name in wanted.columns), found.c[_PLACE], found.c[_IS_STEADY]]
    given = select(*kept, case((found.c[_IS_SEEN], drawn)).label(SHAPE)).where(found.c[_IS_SEEN] | _is_last(found))
    return given.limit(_MOST).offset(_FENCE).subquery("given")


def _with_fewer_corners(shape: ColumnElement[Any]) -> ColumnElement[Any]:
    thinned = func.ST_Simplify(shape, bound("tolerance", Double), true(), type_=NullType())
    return case((func.ST_NPoints(shape, type_=Integer()) > FEW_CORNERS, thinned), else_=shape)


def _numbered() -> ColumnElement[Any]:
    """The place of a row in the order of the relation. A subquery that has it is fenced by it."""
    return func.row_number().over().label(_PLACE)


def _is_last(found: FromClause) -> ColumnElement[bool]:
    return found.c[_PLACE] >= _CANDIDATES


def _is_seen(shape: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a shape itself, not its box alone, meets the buffered tile. Asked above the relation of what is shown."""
    buffered = envelope(_BUFFERED, WEB_MERCATOR)
    is_inside = shape.op("@", is_comparison=True)(buffered)
    meets = func.coalesce(func.ST_Intersects(shape, buffered, type_=Boolean()), false())
    return case((is_inside, true()), else_=meets)


def _encoded(features: Select[Any], definition: LayerDefinition) -> Select[Any]:
    """The tile, the features in it, the rows given to it, and whether there were more candidates than are looked at.

    Fenced, or each shape would be drawn once for the tile and once to be counted.
    """
    made = features.offset(_FENCE).subquery("made")
    shown = select(*(column for column in made.c if column.name != _PLACE)).correlate(made).lateral("features")
    tile = func.ST_AsMVT(
        literal_column("features.*"), literal(definition.id), literal(EXTENT), literal(_GEOM), literal("fid"),
        type_=LargeBinary(),
    )  # fmt: skip
    is_full = func.coalesce(func.max(made.c[_PLACE]) >= _CANDIDATES, false()).cast(Integer)
    columns: list[ColumnElement[Any]] = [
        tile.label("tile"), func.count(made.c[_GEOM]).label("features"), func.count().label("given"),
        is_full.label("is_full"),
    ]  # fmt: skip
    return select(*columns).select_from(made.join(shown, true()))


def _rounded(shape: ColumnElement[Any]) -> ColumnElement[Any]:
    """A shape wholly inside the buffered tile, in tile coordinates; NULL for one that crosses its edge."""
    is_inside = shape.op("@", is_comparison=True)(envelope(_BUFFERED, WEB_MERCATOR))
    return case((is_inside, func.ST_SnapToGrid(_moved(shape), 1.0, type_=NullType())))


def _moved(shape: ColumnElement[Any]) -> ColumnElement[Any]:
    scale_x, scale_y, shift_x, shift_y = (bound(name, Double) for name in _MOVED)
    return func.ST_Affine(shape, scale_x, 0.0, 0.0, scale_y, shift_x, shift_y, type_=NullType())


def _is_steady(asked: Relation) -> ColumnElement[bool]:
    """Whether rounding leaves the shape valid, by what publication noted of it (`clearance`)."""
    clearance = asked.rows.c.get(CLEARANCE)
    return false() if clearance is None else clearance * bound("scale_x", Double) > literal(STEADY, Double)


def _drawn(
    shape: ColumnElement[Any], rounded: ColumnElement[Any], is_steady: ColumnElement[bool]
) -> ColumnElement[Any]:
    """What rounding left valid as it is, everything else clipped and repaired. ((M) on a real cadastre rounding alone
    breaks 0.8-3 % of the polygons, and turns the rings of some.) NULL for what rounding leaves nothing of."""
    square = func.Box2D(envelope(_SQUARE, WEB_MERCATOR), type_=NullType())
    the_long_way = func.ST_AsMVTGeom(shape, square, literal(EXTENT), literal(BUFFER), true(), type_=NullType())
    is_whole = and_(func.ST_IsEmpty(rounded, type_=Boolean()).is_(False), func.ST_IsValid(rounded, type_=Boolean()))
    is_sure = and_(is_steady, rounded.is_not(None))
    return case((is_sure, rounded), (is_whole, rounded), else_=the_long_way)


# ── cells of a coverage ──────────────────────────────────────────────────────────────────────────


def cells_tile(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """Shapes as long as a cell as they are; of the others the first in each cell, drawn as the cell.

    A row without an anchor in its box (a coarser shape, or a rank from before) stands in the cell of its middle.
    """
    placed = _placed(asked, wanted)
    first = func.row_number().over(partition_by=[placed.c.cell_x, placed.c.cell_y], order_by=placed.c[_PLACE])
    is_cell = placed.c.cell_x.is_not(None)
    is_inside = and_(
        placed.c.cell_x >= 0, placed.c.cell_x < CELLS_A_SIDE, placed.c.cell_y >= 0, placed.c.cell_y < CELLS_A_SIDE
    )
    is_seen = case((is_cell, is_inside), else_=placed.c[_IS_SEEN])
    numbered = select(*placed.c, case((is_cell, first), else_=1).label("in_cell"), is_seen.label("has_place"))
    rows = numbered.where(is_seen | _is_last(placed)).subquery("numbered")
    is_shown = and_(rows.c.has_place, rows.c.in_cell == 1)
    kept = select(*rows.c, is_shown.label("is_shown")).where(is_shown | _is_last(rows)).order_by(rows.c[_PLACE])
    coloured_by = cell_columns(definition, wanted.columns)
    features = _features_of(kept.limit(_MOST).offset(_FENCE).subquery("kept"), wanted, coloured_by)
    return _encoded(features, definition)


def _placed(asked: Relation, wanted: Wanted) -> FromClause:
    """Rows in the order of the relation with their cell in the tile, NULL for a shape that is drawn as it is."""
    columns = asked.rows.c
    shape = columns[SHAPE]
    west, _south, east, north = (bound(name, Double) for name in _SQUARE)
    side = (east - west) / CELLS_A_SIDE
    low_x, high_x = ((side_of(shape, type_=Double()) - west) / side for side_of in (func.ST_XMin, func.ST_XMax))
    low_y, high_y = ((north - side_of(shape, type_=Double())) / side for side_of in (func.ST_YMax, func.ST_YMin))
    is_small = and_(high_x - low_x < 1.0, high_y - low_y < 1.0)
    names = [columns[name] for name in wanted.columns]
    cells = [
        case((is_small, _cell(low_x, high_x))).label("cell_x"),
        case((is_small, _cell(low_y, high_y))).label("cell_y"),
    ]
    seen = case((is_small, true()), else_=_is_seen(shape)).label(_IS_SEEN)
    return asked.select(columns.fid, *names, shape, _numbered(), *cells, seen).offset(_FENCE).subquery("placed")


def _cell(low: ColumnElement[Any], high: ColumnElement[Any]) -> ColumnElement[Any]:
    share = bound("anchor", Double)
    first: ColumnElement[Any] = func.ceil(low - share, type_=Double())
    return case((first + share <= high, first), else_=func.floor((low + high) / 2)).cast(Integer)


def _features_of(kept: FromClause, wanted: Wanted, coloured_by: frozenset[str]) -> Select[Any]:
    is_cell = kept.c.cell_x.is_not(None)
    names = [
        kept.c[name] if name in coloured_by else case((is_cell, null()), else_=kept.c[name]).label(name)
        for name in wanted.columns
    ]
    geometry = case((is_cell, _square(kept.c.cell_x, kept.c.cell_y)), else_=_simplified(kept.c[SHAPE]))
    mark = case((is_cell, true()), else_=null()).label(IS_CELL)
    shown = case((kept.c.is_shown, geometry)).label(_GEOM)
    return select(kept.c.fid, *names, mark, shown, kept.c[_PLACE])


def _square(column: ColumnElement[Any], row: ColumnElement[Any]) -> ColumnElement[Any]:
    west, north = column * CELL, row * CELL
    box = func.ST_MakeEnvelope(west, north, west + CELL, north + CELL, type_=NullType())
    return func.ST_ForcePolygonCCW(box, type_=NullType())  # as numbers; clockwise on the screen


def _simplified(shape: ColumnElement[Any]) -> ColumnElement[Any]:
    square = func.Box2D(envelope(_SQUARE, WEB_MERCATOR), type_=NullType())
    thinned = func.ST_Simplify(shape, bound("tolerance", Double), true(), type_=NullType())
    return func.ST_AsMVTGeom(thinned, square, literal(EXTENT), literal(BUFFER), true(), type_=NullType())
