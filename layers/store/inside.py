"""The rows of one relation that meet a shape: the caller's own rows and columns, and which of them they see exactly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy import LargeBinary, Select, func

from layers.access.decide import Decision
from layers.filters import GEOMETRY
from layers.filters.tree import Spatial
from layers.profile.grammar import LayerDefinition

from . import connection as database
from .connection import Connection
from .features import State, prepare, require_served
from .relation_sql import SHAPE, Relation, Wanted

#: rows of one statement
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class RowMet:
    """One row as the relation shows it. `geometry` is WKB in CRS84, None where no exact shape is shown."""

    fid: int
    values: Mapping[str, Any]
    geometry: bytes | None


async def rows_meeting(
    connection: Connection, state: State, storage_srid: int, decision: Decision, shape: BaseGeometry
) -> AsyncIterator[list[RowMet]]:
    """The rows whose shown shape meets a shape of CRS84, page by page in the order of fid.

    A row seen exactly by one grant and coarsely by another is seen exactly. Raises ForbiddenError, NotFoundError,
    UnavailableError, and psycopg errors.
    """
    require_served(state)
    decision.require()
    exact = exactly(decision)
    filtered = Spatial("intersects", GEOMETRY, shape)
    wanted = Wanted(columns=decision.columns, filter=filtered, is_limited=True, is_after=True)
    shapes = replace(wanted, columns=())
    last = -1
    while True:
        after: dict[str, object] = {"after": last, "limit": PAGE}
        found = await _run(connection, state, storage_srid, decision, wanted, after)
        known: dict[int, bytes] = {}
        if exact is not None and found:
            same = await _run(connection, state, storage_srid, exact, shapes, after)
            known = {row["fid"]: bytes(row["shape_wkb"]) for row in same}
        yield [_row(row, decision, known.get(row["fid"])) for row in found]
        if len(found) < PAGE:
            return
        last = found[-1]["fid"]


def exactly(decision: Decision) -> Decision | None:
    """The part of a decision that shows shapes as they are stored; None where it shows none."""
    boxes = tuple(box for box in decision.boxes if box.geometry.kind == "full")
    if not boxes:
        return None
    return decision if len(boxes) == len(decision.boxes) else replace(decision, boxes=boxes)


async def _run(
    connection: Connection,
    state: State,
    storage_srid: int,
    decision: Decision,
    wanted: Wanted,
    values: Mapping[str, object],
) -> Sequence[Mapping[str, Any]]:
    prepared = prepare(_rows, state.definition, storage_srid, decision, wanted)
    return await database.rows(connection, *prepared.with_values(values))


def _rows(asked: Relation, _definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    shape = func.ST_AsBinary(asked.rows.c[SHAPE], type_=LargeBinary).label("shape_wkb")
    return asked.select(asked.rows.c.fid, *(asked.rows.c[name] for name in wanted.columns), shape)


def _row(row: Mapping[str, Any], decision: Decision, geometry: bytes | None) -> RowMet:
    return RowMet(row["fid"], {name: row[name] for name in decision.columns}, geometry)
