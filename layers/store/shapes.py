"""Shapes for a printed map: those of a few features in a box, from the authorised relation and cut at the box."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ARRAY, BigInteger, LargeBinary, Select, Text, any_, bindparam, cast, func, literal, null
from sqlalchemy.types import NullType

from layers.access.decide import Decision
from layers.profile.grammar import LayerDefinition

from . import connection as database
from .connection import Connection
from .features import State, prepare, require_served
from .filter_sql import WGS84
from .relation_sql import SHAPE, Bounds, Relation, Wanted, box_values, envelope, is_wide_box

_BOX = ("west", "south", "east", "north")


@dataclass(frozen=True, slots=True)
class Shape:
    """What lies of a feature in the box, in CRS84. `name` is the column that was asked for, where it is shown."""

    fid: int
    name: str | None
    geometry: BaseGeometry


async def shapes_in_box(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    box: Bounds,
    *,
    revision: int,
    fids: Collection[int] | None = None,
    name: str | None = None,
    most: int,
) -> list[Shape]:
    """At most `most` of these features, or of all, in the order of fid, as exactly as the caller may see them.

    `box` is west, south, east, north in CRS84. Raises NotFoundError, ForbiddenError, UnavailableError.
    """
    require_served(state)
    decision.require()
    if not decision.has_geometry:
        return []
    wanted = Wanted(
        columns=(name,) if name is not None and name in decision.columns else (),
        is_limited=True,
        is_boxed=True,
        is_wide=is_wide_box(box),
        is_as_of=revision < state.revision,
    )
    draw = _all if fids is None else _named
    text, values = prepare(draw, state.definition, storage_srid, decision, wanted).with_values(
        {**box_values(box, decision), "revision": revision, "fids": sorted(fids or ()), "limit": most}
    )
    found = await database.rows(connection, text, values)
    return [Shape(each["fid"], each["name"], shapely.from_wkb(bytes(each["shape"]))) for each in found]


def _all(asked: Relation, _definition: LayerDefinition, wanted: Wanted) -> Select[tuple[object, ...]]:
    shape = asked.rows.c[SHAPE]
    # cutting may leave a shape that is not valid: it is drawn, never measured
    cut = func.ST_ClipByBox2D(shape, envelope(_BOX, WGS84), type_=NullType())
    name = cast(asked.rows.c[wanted.columns[0]], Text) if wanted.columns else cast(null(), Text)
    return asked.select(
        asked.rows.c.fid, name.label("name"), func.ST_AsBinary(cut, literal("NDR"), type_=LargeBinary()).label("shape")
    ).where(shape.is_not(None))


def _named(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[tuple[object, ...]]:
    return _all(asked, definition, wanted).where(
        asked.rows.c.fid == any_(bindparam("fids", None, type_=ARRAY(BigInteger)))
    )
