"""Vector tiles of a layer, drawn by the database from the authorised relation.

Clipping and repairing (ST_AsMVTGeom) is most of a tile's cost. A shape that lies wholly inside the buffered tile needs
no clipping: it is moved to tile coordinates and rounded (prototypes 2). Only what crosses the edge, and what rounding
made invalid, goes the long way. Rings keep the direction they are stored with, which is the one the format asks for
(outer rings clockwise in EPSG:3857, so clockwise on the screen; MVT 2.1, 4.3.4.4).

What is left out is decided among the rows of the relation alone, by their rank and fid: hidden rows take no place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gis.zoom import LAST_CELL_ZOOM
from layers.access.decide import Decision
from layers.errors import InvalidRequestError

from . import connection as database
from .connection import Connection
from .features import Prepared, State, prepare, require_served
from .relation_sql import WEB_MERCATOR, Wanted, is_wide_box, tile_values
from .tile_columns import is_coverage, tile_columns
from .tile_sql import BUFFER, EXTENT, cells_tile, cells_values, drawing_values, far_tile, plain_tile

__all__ = ["BUFFER", "ENCODER", "EXTENT", "MAX_ZOOM", "Drawn", "drawn", "is_coverage", "tile", "tile_columns"]

MAX_ZOOM = 22
#: features in one tile; the smallest are left out first. Below z13 a parcel is 3 pixels
MAX_FEATURES = 20_000
MAX_FEATURES_LOW = 5_000
#: rows looked at for the cells of one tile: one a cell where shapes do not overlap
MAX_CANDIDATES = 20_000
#: a larger tile is drawn again with fewer features
MAX_BYTES = 1_000_000
MAX_BYTES_LOW = 200_000
#: what is aimed at then, and how often at most
_AIM = 0.9
_TRIES = 4
#: another way of drawing must not be taken for this one
ENCODER = "tiles-3"


@dataclass(frozen=True, slots=True)
class Drawn:
    """`is_capped`: features of the relation were left out, last ranks first, because the tile was full."""

    body: bytes
    features: int
    is_capped: bool


NOTHING = Drawn(b"", 0, False)


async def tile(
    connection: Connection, state: State, storage_srid: int, decision: Decision, z: int, x: int, y: int
) -> bytes:
    """The bytes of `drawn`."""
    return (await drawn(connection, state, storage_srid, decision, z, x, y)).body


async def drawn(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    z: int,
    x: int,
    y: int,
    revision: int | None = None,
) -> Drawn:
    """One tile of WebMercatorQuad; empty bytes where nothing is shown, whatever the reason.

    Raises InvalidRequestError for a tile that does not exist, NotFoundError, ForbiddenError, UnavailableError.
    """
    require_served(state)
    decision.require()
    _require_tile(z, x, y)
    if not decision.has_geometry:
        return NOTHING
    prepared, values = _asked(state, storage_srid, decision, (z, x, y), revision)
    most, max_bytes = (MAX_FEATURES_LOW, MAX_BYTES_LOW) if z <= LAST_CELL_ZOOM else (MAX_FEATURES, MAX_BYTES)
    return await _within(connection, prepared, values, most, max_bytes)


async def _within(
    connection: Connection, prepared: Prepared, values: Mapping[str, object], most: int, max_bytes: int
) -> Drawn:
    """Drawn with fewer features until it is small enough."""
    found = NOTHING
    for _ in range(_TRIES):
        found, given = await _encoded(connection, prepared, values, most)
        if len(found.body) <= max_bytes:
            break
        most = max(1, int(given * max_bytes / len(found.body) * _AIM))
    return found


async def _encoded(
    connection: Connection, prepared: Prepared, values: Mapping[str, object], most: int
) -> tuple[Drawn, int]:
    """And how many rows were given to it: what has no shape at this zoom takes a place, too."""
    text, bound_values = prepared.with_values({**values, "limit": MAX_CANDIDATES, "most": most})
    found = await database.raw(connection, text, bound_values, is_planned_anew=True, is_binary=True)
    number, given, is_full = (int.from_bytes(found.first(column) or b"") for column in (1, 2, 3))
    body = (found.first(0) or b"") if number else b""
    return Drawn(body, number, given >= most or bool(is_full)), given


def _asked(
    state: State, storage_srid: int, decision: Decision, place: tuple[int, int, int], revision: int | None
) -> tuple[Prepared, dict[str, object]]:
    z, x, y = place
    is_as_of = revision is not None and revision < state.revision
    wanted = Wanted(
        tile_columns(state.definition, decision), srid=WEB_MERCATOR, is_tile=True, is_limited=True, order="size",
        is_as_of=is_as_of, is_wide=is_as_of and not _has_stored_place(z, x, y),
    )  # fmt: skip
    far = cells_tile if is_coverage(state.definition) else far_tile
    prepared = prepare(far if z <= LAST_CELL_ZOOM else plain_tile, state.definition, storage_srid, decision, wanted)
    values = tile_values(z, x, y, BUFFER / EXTENT, decision) | drawing_values(z, x, y) | cells_values(z)
    return prepared, values | {"revision": revision}


def _has_stored_place(z: int, x: int, y: int) -> bool:
    """Whether the index on the stored shapes can be asked for the tile: that of Web Mercator knows no earlier rows."""
    west, east = (column / 2**z * 360 - 180 for column in (x, x + 1))
    return not is_wide_box((west, _latitude(z, y + 1), east, _latitude(z, y)))


def _latitude(z: int, row: int) -> float:
    """Of the upper edge of a row."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**z))))


def _require_tile(z: int, x: int, y: int) -> None:
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise InvalidRequestError(
            f"Không có ô bản đồ {z}/{y}/{x}. Mức phóng từ 0 đến {MAX_ZOOM}.",
            f"There is no tile {z}/{y}/{x}. Zoom levels run from 0 to {MAX_ZOOM}.",
        )
