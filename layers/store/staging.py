"""Staging tables of a publication under way: `staging.run_<n>_*`, unlogged.

The session of a run holds an advisory lock of its number, so that a later run can tell whose process is gone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import pyarrow as pa
from geoalchemy2 import Geometry
from psycopg import sql
from sqlalchemy import ARRAY, BigInteger, Column, Double, MetaData, SmallInteger, Table, Text
from sqlalchemy.schema import CreateTable, DropTable

from .connection import Connection, execute, row, rows
from .copy_format import stream
from .standing import Target
from .statements import blocks

_SQL = "publication"
#: names our advisory locks among those of others in the database
_LOCK_CLASS = 730_522


@dataclass(frozen=True, slots=True)
class Run:
    """The staging tables of one publication under way."""

    number: int
    target: Target

    @property
    def rows(self) -> Table:
        """The layer's columns without revisions, and what the facts need beside them."""
        kept = [column for column in self.target.table.columns if column.name not in ("since", "until")]
        columns: list[Column[Any]] = [Column(column.name, column.type) for column in kept]
        columns += [Column("accuracy_m", Double), Column("parcel_refs", ARRAY(Text))]
        return Table(f"run_{self.number}_row", MetaData(), *columns, schema="staging", prefixes=["UNLOGGED"])

    @property
    def pieces(self) -> Table:
        shape = Geometry("GEOMETRY", 0, spatial_index=False)
        return Table(
            f"run_{self.number}_piece", MetaData(),
            Column("zone", SmallInteger), Column("fid", BigInteger), Column("geom", shape),
            schema="staging", prefixes=["UNLOGGED"],
        )  # fmt: skip


async def unlimited(connection: Connection) -> None:
    """No statement limit on this connection."""
    await rows(connection, blocks(_SQL)["unlimited"])


async def open_run(connection: Connection, target: Target) -> Run:
    """Make the staging tables of a new run. The connection must live as long as the run."""
    await unlimited(connection)
    run = Run(secrets.randbelow(2**31), target)
    await rows(connection, blocks(_SQL)["open_run"], {"class": _LOCK_CLASS, "run": run.number})
    await execute(connection, CreateTable(run.rows))
    await execute(connection, CreateTable(run.pieces))
    return run


async def close_run(connection: Connection, run: Run) -> None:
    await execute(connection, DropTable(run.rows, if_exists=True))
    await execute(connection, DropTable(run.pieces, if_exists=True))
    await rows(connection, blocks(_SQL)["close_run"], {"class": _LOCK_CLASS, "run": run.number})


async def sweep(connection: Connection) -> int:
    """Drop the tables of runs whose process is gone; how many tables."""
    dropped = 0
    for found in await rows(connection, blocks(_SQL)["staged"]):
        held = {"class": _LOCK_CLASS, "run": found["run"]}
        tried = await row(connection, blocks(_SQL)["try_run"], held)
        if tried is not None and tried["is_gone"]:
            await execute(connection, DropTable(Table(found["name"], MetaData(), schema="staging"), if_exists=True))
            await rows(connection, blocks(_SQL)["close_run"], held)
            dropped += 1
    return dropped


async def copy_in(
    connection: Connection, table: Table, columns: Sequence[str], chunks: Iterator[pa.Table], kinds: Mapping[str, str]
) -> None:
    """COPY Arrow tables; `kinds` as in `copy_format`. The next chunk is made in a thread while one is sent."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    into = sql.Identifier(*filter(None, (table.schema, table.name)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(into, names)
    parts = stream(chunks, kinds)
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while (part := await anyio.to_thread.run_sync(next, parts, None)) is not None:
            await copy.write(part)
