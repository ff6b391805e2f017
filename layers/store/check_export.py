"""What a batch reads, as Arrow: pieces, facts and mapped ground of a layer at a revision, and the subjects of one.

It reads whole layers, never a caller's relation (design, principle 3), through server-side cursors: memory stays with
the chunk. All readers belong into one snapshot transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import psycopg
import pyarrow as pa
from anyio import to_thread
from anyio.lowlevel import checkpoint
from psycopg.rows import tuple_row
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Double,
    LargeBinary,
    SmallInteger,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    or_,
    select,
    table,
    true,
)  # fmt: skip

from layers.profile.grammar import LayerDefinition, Role

from .checks import CandidatesError
from .connection import Connection, Statement, Values, compiled, row
from .statements import blocks
from .tables import layer_table

_SQL = "check_export"
_CHUNK_ROWS = 32_768
_FACT = table("fact", column("layer", SmallInteger), column("fid", BigInteger), column("since", BigInteger),
              column("until", BigInteger), column("accuracy_m", Double), schema="checks")  # fmt: skip

#: columns that name a parcel in a register, by role
NAMING_ROLES: tuple[Role, ...] = (
    "commune", "sheet", "parcel_number", "previous_sheet", "previous_parcel", "national_code",
)  # fmt: skip

Rows = list[tuple[Any, ...]]

PIECES = pa.schema([("zone", pa.int16()), ("fid", pa.int64()), ("geometry", pa.binary())])
MAPPED = pa.schema([("kind", pa.string()), ("zone", pa.int16()), ("geometry", pa.binary())])
SUBJECTS = pa.schema(
    [
        ("fid", pa.int64()),
        ("key", pa.string()),
        ("accuracy_m", pa.float64()),
        ("registered_m2", pa.float64()),
        ("geometry", pa.binary()),
    ]
    + [(role, pa.string()) for role in NAMING_ROLES]
)


async def pieces(connection: Connection, layer_number: int, revision: int) -> AsyncIterator[pa.Table]:
    """Chunks of `PIECES`, zone by zone along a Hilbert curve. Raises CandidatesError."""
    values = {"layer": layer_number, "revision": revision}
    async for rows in _chunks(connection, blocks(_SQL)["pieces"], values):
        yield _table(rows, PIECES)


async def facts(connection: Connection, layer_number: int, revision: int) -> AsyncIterator[Rows]:
    """Chunks of (fid, key, accuracy_m, attributes, parcel_refs), ordered by fid. Raises CandidatesError."""
    values = {"layer": layer_number, "revision": revision}
    async for rows in _chunks(connection, blocks(_SQL)["facts"], values):
        yield rows


async def mapped(connection: Connection, layer_number: int, revision: int) -> pa.Table:
    """All of `MAPPED`. Raises CandidatesError."""
    found: Rows = []
    values = {"layer": layer_number, "revision": revision}
    async for rows in _chunks(connection, blocks(_SQL)["mapped"], values):
        found += rows
    return _table(found, MAPPED)


@dataclass(frozen=True, slots=True)
class Held:
    """What a layer has by the books; None where they begin later."""

    pieces: int | None = None
    facts: int | None = None


async def held(connection: Connection, layer_number: int, revision: int) -> Held:
    """What the publications counted up to this revision."""
    found = await row(connection, blocks(_SQL)["held"], {"layer": layer_number, "revision": revision})
    return Held(**found) if found else Held()


async def largest_accuracy_m(connection: Connection, layer_number: int) -> float:
    """Of all features the layer ever had."""
    found = await row(connection, blocks(_SQL)["largest_accuracy"], {"layer": layer_number})
    return float(found["accuracy_m"]) if found else 0.0


async def subjects(
    connection: Connection, definition: LayerDefinition, storage_srid: int, layer_number: int, revision: int,
    tell: Callable[[int], None], *, fids: Collection[int] | None = None,
    each: Callable[[pa.Table], pa.Table] | None = None,
) -> pa.Table:  # fmt: skip
    """All rows of a layer at a revision, or those with these fids, as `SUBJECTS`: whole shapes in the storage CRS,
    ordered by fid. `each` is done to every chunk, in a thread, while the server is at work on the next."""
    tables, done = [], 0
    statement = _subjects_statement(definition, storage_srid, layer_number, revision, fids)
    async with aclosing(_chunks(connection, statement, {})) as chunks:  # whoever is told may raise
        async for rows in chunks:
            read = _table(rows, SUBJECTS)
            tables.append(read if each is None else await to_thread.run_sync(each, read))
            done += len(rows)
            tell(done)
    if not tables:
        return SUBJECTS.empty_table() if each is None else each(SUBJECTS.empty_table())
    return pa.concat_tables(tables)


def _subjects_statement(
    definition: LayerDefinition, storage_srid: int, layer_number: int, revision: int, fids: Collection[int] | None
) -> Statement:
    layer = layer_table(definition, storage_srid)
    roles = {role: definition.by_role(role) for role in NAMING_ROLES}
    named = [
        (cast(layer.c[attribute.name], Text) if attribute else cast(None, Text)).label(role)
        for role, attribute in roles.items()
    ]
    valid = and_(layer.c.since <= revision, or_(layer.c.until.is_(None), layer.c.until > revision))
    same = and_(
        _FACT.c.layer == layer_number, _FACT.c.fid == layer.c.fid,
        _FACT.c.since <= revision, or_(_FACT.c.until.is_(None), _FACT.c.until > revision),
    )  # fmt: skip
    shape = func.ST_AsBinary(layer.c.geom, type_=LargeBinary)
    accuracy = func.abs(func.coalesce(_FACT.c.accuracy_m, 0.0))
    certificate = definition.by_role("registered_area")
    registered = cast(layer.c[certificate.name] if certificate else None, Double)
    query = select(
        layer.c.fid, layer.c.key, accuracy.label("accuracy_m"), registered.label("registered_m2"),
        shape.label("geometry"), *named,
    )  # fmt: skip
    wanted = true() if fids is None else layer.c.fid == any_(bindparam("fids", sorted(fids), type_=ARRAY(BigInteger)))
    return query.select_from(layer.outerjoin(_FACT, same)).where(valid, wanted).order_by(layer.c.fid)


def _table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


async def _chunks(connection: Connection, statement: Statement, values: Values) -> AsyncGenerator[Rows]:
    """Rows as the server gives them, some ten thousand at a time; it works on the next while these are worked on.
    Raises CandidatesError."""
    text, parameters = compiled(statement, values)
    try:
        async with connection.cursor("check_export", row_factory=tuple_row) as cursor:
            await cursor.execute(text, parameters or None, binary=True)
            rows = await cursor.fetchmany(_CHUNK_ROWS)
            while rows:
                coming = asyncio.create_task(cursor.fetchmany(_CHUNK_ROWS))
                try:
                    await checkpoint()  # the server is asked before anybody works on these rows
                    yield rows
                except BaseException:
                    await _given_up(coming)
                    raise
                rows = await coming
    except psycopg.errors.QueryCanceled as error:
        raise CandidatesError("timeout") from error
    except psycopg.Error as error:
        raise CandidatesError("error") from error


async def _given_up(coming: asyncio.Task[Rows]) -> None:
    """The connection is free again, whatever came of it."""
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)
