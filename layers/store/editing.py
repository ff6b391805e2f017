"""One feature of a layer for a change of it: the row as it stands, whether its key is free, and the new row staged.

All of it runs in the transaction of the change, as the publisher: what a caller may see is asked of the relation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, LiteralString

import pyarrow as pa
import shapely
from geoalchemy2 import Geometry
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ARRAY, BigInteger, Column, Double, MetaData, SmallInteger, Table, Text, func, select
from sqlalchemy.schema import CreateTable

from layers.profile.grammar import LayerDefinition
from layers.profile.texts import policy_text

from .connection import Connection, compiled, execute, row
from .copy_format import SMALLINT
from .features import Prepared
from .publication import insert_facts, insert_pieces, insert_rows
from .relation_sql import bound
from .staging import Run, copy_in
from .standing import Target
from .statements import blocks
from .tables import layer_table

_SQL = "editing"


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A current row. `values` as the database has them, lists as canonical JSON; shapes None without geometry."""

    fid: int
    key: str | None
    row_hash: bytes
    values: Mapping[str, Any]
    geometry: BaseGeometry | None  #: storage CRS
    degrees: BaseGeometry | None  #: CRS84


async def policy_digest(connection: Connection) -> str:
    """The policy in force, as this transaction sees it."""
    found = await row(connection, blocks(_SQL)["policy"])
    return policy_text(()).digest if found is None else str(found["digest"])


async def wait_briefly(connection: Connection) -> None:
    """For locks, in this transaction. Then psycopg.errors.LockNotAvailable is raised."""
    await execute(connection, blocks(_SQL)["wait_briefly"])


async def read_row(connection: Connection, target: Target, fid: int) -> StoredRow | None:
    """The whole current row, whoever may see it."""
    definition = target.definition
    found = await row(connection, *_current_row(definition, target.storage_srid).with_values({"fid": fid}))
    if found is None:
        return None
    values = {each.name: _plain(found[each.name]) for each in definition.attributes}
    shapes = [shapely.from_wkb(bytes(found[f"_{name}"])) if definition.has_geometry else None
              for name in ("geom", "geom_4326")]  # fmt: skip
    return StoredRow(fid, found["key"], bytes(found["row_hash"]), values, *shapes)


@lru_cache(maxsize=512)
def _current_row(definition: LayerDefinition, storage_srid: int) -> Prepared:
    table = layer_table(definition, storage_srid)
    columns: list[Any] = [table.c.key, table.c.row_hash, *(table.c[each.name] for each in definition.attributes)]
    if definition.has_geometry:
        columns += [func.ST_AsBinary(table.c[name]).label(f"_{name}") for name in ("geom", "geom_4326")]
    query = select(*columns).where(table.c.fid == bound("fid", BigInteger), table.c.until.is_(None))
    return Prepared(*compiled(query))


def _plain(value: Any) -> Any:
    """Lists as a publication writes and hashes them (`publishing.values`)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, list | dict) else value


async def is_key_taken(connection: Connection, target: Target, key: str) -> bool:
    """By a current row, hidden or not."""
    table = target.table
    query = select(table.c.fid).where(table.c.key == key, table.c.until.is_(None)).limit(1)
    return await row(connection, query) is not None


async def is_fid_taken(connection: Connection, target: Target, fid: int) -> bool:
    """By a current row."""
    table = target.table
    query = select(table.c.fid).where(table.c.fid == fid, table.c.until.is_(None)).limit(1)
    return await row(connection, query) is not None


@dataclass(frozen=True, slots=True)
class EditRun(Run):
    """Staging tables that end with the transaction: nothing is left to sweep, and a connection needs no other names."""

    @property
    def rows(self) -> Table:
        return _temporary_rows(self.target.table)

    @property
    def pieces(self) -> Table:
        return _temporary_pieces()


@lru_cache(maxsize=512)
def _temporary_rows(table: Table) -> Table:
    kept = [column for column in table.columns if column.name not in ("since", "until")]
    columns: list[Column[Any]] = [Column(column.name, column.type) for column in kept]
    columns += [Column("accuracy_m", Double), Column("parcel_refs", ARRAY(Text))]
    return _temporary("edit_row", columns)


@lru_cache(maxsize=1)
def _temporary_pieces() -> Table:
    shape = Geometry("GEOMETRY", 0, spatial_index=False)
    columns: list[Column[Any]] = [Column("zone", SmallInteger), Column("fid", BigInteger), Column("geom", shape)]
    return _temporary("edit_piece", columns)


def _temporary(name: str, columns: list[Column[Any]]) -> Table:
    return Table(name, MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


@lru_cache(maxsize=512)
def _created(table: Table) -> LiteralString:
    return compiled(CreateTable(table))[0]


@dataclass(frozen=True, slots=True)
class Staged:
    """What is written of one new row: Arrow tables as `publishing.staging` makes them."""

    columns: Sequence[str]
    kinds: Mapping[str, str]
    rows: pa.Table
    pieces: Sequence[pa.Table]
    facts: Sequence[str]  #: columns the check engine may read


async def write(connection: Connection, target: Target, staged: Staged, revision: int) -> None:
    """The new row, its pieces and its facts, by the statements of a publication."""
    run = EditRun(0, target)
    await execute(connection, _created(run.rows))
    await execute(connection, _created(run.pieces))
    await copy_in(connection, run.rows, staged.columns, iter([staged.rows]), staged.kinds)
    await copy_in(connection, run.pieces, ("zone", "fid", "geom"), iter(staged.pieces), {"zone": SMALLINT})
    await insert_rows(connection, run, revision, may_rebuild=False)
    await insert_pieces(connection, run, revision)
    await insert_facts(connection, run, revision, staged.facts)
