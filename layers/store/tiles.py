"""Vector tiles of a layer, drawn by the database from the authorised relation.

Clipping and repairing (ST_AsMVTGeom) is most of a tile's cost. A shape that lies wholly inside the buffered tile needs
no clipping: it is moved to tile coordinates and rounded (prototypes 2). Only what crosses the edge, and what rounding
made invalid, goes the long way. Rings keep the direction they are stored with, which is the one the format asks for
(outer rings clockwise in EPSG:3857, so clockwise on the screen; MVT 2.1, 4.3.4.4).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    LargeBinary,
    Select,
    case,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.types import NullType

from layers.access.decide import Decision
from layers.errors import InvalidRequestError
from layers.profile.grammar import LayerDefinition

from . import connection as database
from .connection import Connection
from .features import State, prepare, require_served
from .relation_sql import (
    SHAPE,
    WEB_MERCATOR,
    Relation,
    Wanted,
    bound,
    envelope,
    tile_bounds,
    tile_values,
)  # fmt: skip

MAX_ZOOM = 22
EXTENT = 4096
BUFFER = 64
#: features in one tile; the smallest are left out first. Below z13 a parcel is 3 pixels: a tile stays under 200 kB
MAX_FEATURES = 20_000
MAX_FEATURES_LOW = 3_500
LOW_ZOOM = 12
#: another way of drawing must not be taken for this one
ENCODER = "tiles-1"


async def tile(
    connection: Connection, state: State, storage_srid: int, decision: Decision, z: int, x: int, y: int
) -> bytes:
    """One tile of WebMercatorQuad; empty bytes where nothing is shown, whatever the reason.

    Raises InvalidRequestError for a tile that does not exist, NotFoundError, ForbiddenError, UnavailableError.
    """
    require_served(state)
    decision.require()
    _require_tile(z, x, y)
    if not decision.has_geometry:
        return b""
    wanted = Wanted(
        tile_columns(state.definition, decision), srid=WEB_MERCATOR, is_tile=True, is_limited=True, order="size"
    )
    values = tile_values(z, x, y, BUFFER / EXTENT, decision) | _drawing_values(z, x, y)
    limit = MAX_FEATURES_LOW if z <= LOW_ZOOM else MAX_FEATURES
    prepared = prepare(_tile, state.definition, storage_srid, decision, wanted)
    bound_values = prepared.with_values(values | {"limit": limit})
    (encoded,) = await database.raw_column(connection, *bound_values, is_planned_anew=True)
    return bytes.fromhex(encoded[2:].decode())  # `\x…`, as the server writes bytes in text


def tile_columns(definition: LayerDefinition, decision: Decision) -> tuple[str, ...]:
    """What a map needs of a feature: its label and what it may be coloured by. The rest is one click away."""
    labelled = definition.label or ""
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.name in decision.columns
        and attribute.is_scalar
        and (
            f"{{{attribute.name}}}" in labelled
            or attribute.indexed
            or bool(attribute.enum)
            or attribute.type == "code"
            or attribute.name in _styled(definition.style)
        )
    )


def _styled(style: object) -> frozenset[str]:
    """The attributes a MapLibre paint reads: every text in it that could be a name."""
    if isinstance(style, dict):
        return frozenset().union(*map(_styled, style.values()))
    if isinstance(style, list | tuple):
        return frozenset().union(*map(_styled, style))
    return frozenset({style}) if isinstance(style, str) else frozenset()


def _require_tile(z: int, x: int, y: int) -> None:
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise InvalidRequestError(
            f"Không có ô bản đồ {z}/{y}/{x}. Mức phóng từ 0 đến {MAX_ZOOM}.",
            f"There is no tile {z}/{y}/{x}. Zoom levels run from 0 to {MAX_ZOOM}.",
        )


def _tile(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """ST_AsMVT over the drawn features. The second fence keeps the rounded shape from being computed twice."""
    columns = asked.rows.c
    names = [columns[name] for name in wanted.columns]
    rounded = asked.select(columns.fid, *names, columns[SHAPE], _rounded(columns[SHAPE]).label(_ROUNDED))
    drawn = rounded.offset(literal_column("0")).subquery("rounded")
    kept = [drawn.c.fid, *(drawn.c[name] for name in wanted.columns)]
    features = select(*kept, _drawn(drawn.c[SHAPE], drawn.c[_ROUNDED]).label("_geom")).subquery("features")
    encoded = func.ST_AsMVT(
        literal_column("features.*"), literal(definition.id), literal(EXTENT), literal("_geom"), literal("fid"),
        type_=LargeBinary(),
    )  # fmt: skip
    return select(encoded.label("tile")).select_from(features)


def _drawing_values(z: int, x: int, y: int) -> dict[str, object]:
    """The tile's square, the one with its buffer, and the way from metres to tile coordinates (y grows downward)."""
    square, buffered = tile_bounds(z, x, y), tile_bounds(z, x, y, BUFFER / EXTENT)
    scale = EXTENT / (square[2] - square[0])
    moved = (scale, -scale, -square[0] * scale, square[3] * scale)
    return dict(zip(_SQUARE + _BUFFERED + _MOVED, (*square, *buffered, *moved), strict=True))


_SQUARE = ("tile_west", "tile_south", "tile_east", "tile_north")
_BUFFERED = ("buffered_west", "buffered_south", "buffered_east", "buffered_north")
_ROUNDED = "_rounded"
_MOVED = ("scale_x", "scale_y", "shift_x", "shift_y")


def _rounded(shape: ColumnElement[Any]) -> ColumnElement[Any]:
    """A shape wholly inside the buffered tile, in tile coordinates; NULL for one that crosses its edge."""
    scale_x, scale_y, shift_x, shift_y = (bound(name, Double) for name in _MOVED)
    moved = func.ST_Affine(shape, scale_x, 0.0, 0.0, scale_y, shift_x, shift_y, type_=NullType())
    is_inside = shape.op("@", is_comparison=True)(envelope(_BUFFERED, WEB_MERCATOR))
    return case((is_inside, func.ST_SnapToGrid(moved, 1.0, type_=NullType())))


def _drawn(shape: ColumnElement[Any], rounded: ColumnElement[Any]) -> ColumnElement[Any]:
    """What rounding left valid as it is, everything else clipped and repaired. ((M) on a real cadastre rounding alone
    breaks 0.8-3 % of the polygons, and turns the rings of some.)"""
    square = func.Box2D(envelope(_SQUARE, WEB_MERCATOR), type_=NullType())
    the_long_way = func.ST_AsMVTGeom(shape, square, literal(EXTENT), literal(BUFFER), true(), type_=NullType())
    return case((func.ST_IsValid(rounded, type_=Boolean()), rounded), else_=the_long_way)
