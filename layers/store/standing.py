"""Where a layer stands and what it holds: its state, its rows at a revision, its releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import ARRAY, BigInteger, Table, and_, bindparam, cast, column, exists, func, or_, select
from sqlalchemy import table as light_table

from layers.errors import NotFoundError
from layers.profile.grammar import LayerDefinition

from .connection import Connection, compiled, row, rows
from .statements import blocks
from .tables import layer_table

_SQL = "publication"


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of `catalogue.layer`."""

    layer: str
    number: int
    revision: int
    state: str
    reason: str | None
    definition: str


async def read_standing(connection: Connection, layer: str, *, lock: bool = False) -> Standing:
    """With `lock`, within a transaction: every other change of the layer waits. Raises NotFoundError."""
    found = await row(connection, blocks(_SQL)["lock_layer" if lock else "layer_state"], {"layer": layer})
    if found is None:
        raise NotFoundError
    return Standing(
        layer, found["number"], found["revision"], found["state"], found["state_reason"], found["definition"]
    )


@dataclass(frozen=True, slots=True)
class Target:
    """The tables a layer's rows go to."""

    definition: LayerDefinition
    storage_srid: int
    number: int

    @property
    def table(self) -> Table:
        return layer_table(self.definition, self.storage_srid)


def valid_at(table: Table, revision: int | None) -> Any:
    """Rows of a revision; None: current ones."""
    if revision is None:
        return table.c.until.is_(None)
    return and_(table.c.since <= revision, or_(table.c.until.is_(None), table.c.until > revision))


async def read_content(
    connection: Connection, target: Target, revision: int | None, column: str | None = None, values: Sequence[str] = ()
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """fid and row hash of the rows at a revision (None: now), those whose `column` is one of `values` where given."""
    table = target.table
    query = select(table.c.fid, table.c.row_hash).where(valid_at(table, revision))
    if column is not None:
        query = query.where(table.c[column].in_(values))
    text, values_bound = compiled(query)
    packed = bytearray()
    async with connection.cursor() as cursor, cursor.copy(_copy_out(text), values_bound) as copy:
        async for block in copy:
            packed += block
    return _unpacked(packed)


#: one tuple of (int8, bytea of 32) in the binary COPY format
_TUPLE = np.dtype([("fields", ">i2"), ("size1", ">i4"), ("fid", ">i8"), ("size2", ">i4"), ("row_hash", "V32")])


_COPY_HEADER_BYTES = 19


def _unpacked(packed: bytearray) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    count = (len(packed) - _COPY_HEADER_BYTES) // _TUPLE.itemsize
    tuples = np.frombuffer(packed, dtype=_TUPLE, count=count, offset=_COPY_HEADER_BYTES)
    hashes = np.ascontiguousarray(tuples["row_hash"]).view(np.uint64).reshape(-1, 4)
    return tuples["fid"].astype(np.int64), hashes.copy()


def _copy_out(query: LiteralString) -> sql.Composed:
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(sql.SQL(query))


_REVISION = light_table("revision", column("layer"), column("revision"), column("kind"), schema="catalogue")


async def read_edited(connection: Connection, target: Target) -> NDArray[np.int64]:
    """Features whose newest state is an edit's: they stand as edited, or an edit took them away."""
    table, later = target.table, target.table.alias("later")
    edits = select(_REVISION.c.revision).where(
        _REVISION.c.layer == target.definition.id, _REVISION.c.kind == "edit"
    )  # fmt: skip
    came_back = exists().where(later.c.fid == table.c.fid, later.c.since >= table.c.until)
    standing = select(table.c.fid).where(table.c.until.is_(None), table.c.since.in_(edits))
    gone = select(table.c.fid).where(table.c.until.in_(edits), ~came_back)
    found = await rows(connection, standing.union(gone))
    return np.array([each["fid"] for each in found], dtype=np.int64)


async def read_attributes(
    connection: Connection, target: Target, names: Sequence[str], revision: int | None, *, with_geometry: bool = False
) -> list[dict[str, Any]]:
    """fid, the named columns and (as WKB in the storage CRS) the shape of the rows at a revision."""
    table = target.table
    columns: list[Any] = [table.c.fid, *(table.c[name] for name in names)]
    if with_geometry:
        columns.append(func.ST_AsBinary(table.c.geom).label("geom"))
    return await rows(connection, select(*columns).where(valid_at(table, revision)))


async def read_keys(
    connection: Connection, target: Target, fids: Sequence[int], revision: int | None = None
) -> dict[int, str]:
    """The keys of some rows of a revision; rows without one are left out."""
    table = target.table
    wanted = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived()
    query = select(table.c.fid, table.c.key).join(wanted, wanted.c.fid == table.c.fid)
    found = await rows(connection, query.where(valid_at(table, revision), table.c.key.is_not(None)))
    return {each["fid"]: each["key"] for each in found}


async def read_shapes(connection: Connection, target: Target, fids: Sequence[int]) -> dict[int, bytes]:
    """WKB in the storage CRS of some current rows."""
    table = target.table
    wanted = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived()
    query = select(table.c.fid, func.ST_AsBinary(table.c.geom).label("geom"))
    found = await rows(connection, query.join(wanted, wanted.c.fid == table.c.fid).where(table.c.until.is_(None)))
    return {each["fid"]: bytes(each["geom"]) for each in found}


async def read_shapes_by_key(connection: Connection, target: Target) -> list[tuple[str, bytes]]:
    """Key and WKB of the current rows: the reference layer of communes."""
    table = target.table
    query = select(table.c.key, func.ST_AsBinary(table.c.geom).label("geom"))
    found = await rows(connection, query.where(table.c.until.is_(None)).order_by(table.c.key))
    return [(each["key"], bytes(each["geom"])) for each in found]


async def latest_release(connection: Connection, layer: str, revision: int | None = None) -> dict[str, Any] | None:
    """The release that stood at a revision (None: now)."""
    return await row(connection, blocks(_SQL)["latest_release"], {"layer": layer, "revision": revision})


async def read_history(connection: Connection, layer: str) -> list[dict[str, Any]]:
    return await rows(connection, blocks(_SQL)["history"], {"layer": layer})


async def read_layers(connection: Connection) -> list[dict[str, Any]]:
    """State and newest release of every layer."""
    return await rows(connection, blocks(_SQL)["layer_list"])


async def count_rows(connection: Connection, target: Target) -> int:
    """Current rows."""
    table = target.table
    found = await row(connection, select(func.count().label("count")).where(table.c.until.is_(None)).select_from(table))
    return int(found["count"]) if found else 0


async def box_of_rows(connection: Connection, target: Target, fids: Sequence[int]) -> tuple[float, ...] | None:
    """The box in CRS84 around some current rows."""
    text, constants = _box_of_rows(target.table)
    found = await row(connection, text, {**constants, "fids": list(fids)})
    return None if found is None or found["west"] is None else tuple(found.values())


@lru_cache(maxsize=512)
def _box_of_rows(table: Table) -> tuple[LiteralString, Mapping[str, object]]:
    """Made once: an edit asks it each time."""
    fids = bindparam("fids", None, type_=ARRAY(BigInteger))
    wanted = func.unnest(fids).table_valued("fid").render_derived()
    extent = func.ST_Extent(table.c.geom_4326)
    query = select(
        func.ST_XMin(extent).label("west"), func.ST_YMin(extent).label("south"),
        func.ST_XMax(extent).label("east"), func.ST_YMax(extent).label("north"),
    ).select_from(table.join(wanted, wanted.c.fid == table.c.fid)).where(table.c.until.is_(None))  # fmt: skip
    return compiled(query)
