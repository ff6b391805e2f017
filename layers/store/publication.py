"""What a publication writes: staging tables of a run, and the one transaction that makes a revision.

Nothing here commits by itself: callers hold the transaction. Rows that are staged lie in `staging.run_<n>_*`, unlogged;
the run's session holds an advisory lock of that number, so that a later run can tell whose process is gone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import anyio.to_thread
import numpy as np
import pyarrow as pa
from geoalchemy2 import Geometry
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Double,
    MetaData,
    SmallInteger,
    Table,
    TableClause,
    Text,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)  # fmt: skip
from sqlalchemy import table as light_table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateTable, DropTable
from sqlalchemy.sql import column as light_column

from layers.errors import NotFoundError
from layers.profile.grammar import LayerDefinition

from .connection import Connection, compiled, execute, row, rows
from .copy_format import stream
from .statements import blocks
from .tables import layer_table

#: names our advisory locks among those of others in the database
_LOCK_CLASS = 730_522
_SQL = "publication"
#: a function takes 100 arguments
_PAIRS_A_CALL = 40


# ── where a layer stands ─────────────────────────────────────────────────────────────────────────
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


def _valid_at(table: Table, revision: int | None) -> Any:
    """Rows of a revision; None: current ones."""
    if revision is None:
        return table.c.until.is_(None)
    return and_(table.c.since <= revision, or_(table.c.until.is_(None), table.c.until > revision))


async def read_content(
    connection: Connection, target: Target, revision: int | None, column: str | None = None, values: Sequence[str] = ()
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """fid and row hash of the rows at a revision (None: now), those whose `column` is one of `values` where given."""
    table = target.table
    query = select(table.c.fid, table.c.row_hash).where(_valid_at(table, revision))
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


async def read_attributes(
    connection: Connection, target: Target, names: Sequence[str], revision: int | None, *, with_geometry: bool = False
) -> list[dict[str, Any]]:
    """fid, the named columns and (as WKB in the storage CRS) the shape of the rows at a revision."""
    table = target.table
    columns: list[Any] = [table.c.fid, *(table.c[name] for name in names)]
    if with_geometry:
        columns.append(func.ST_AsBinary(table.c.geom).label("geom"))
    return await rows(connection, select(*columns).where(_valid_at(table, revision)))


async def read_keys(
    connection: Connection, target: Target, fids: Sequence[int], revision: int | None = None
) -> dict[int, str]:
    """The keys of some rows of a revision; rows without one are left out."""
    table = target.table
    wanted = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived()
    query = select(table.c.fid, table.c.key).join(wanted, wanted.c.fid == table.c.fid)
    found = await rows(connection, query.where(_valid_at(table, revision), table.c.key.is_not(None)))
    return {each["fid"]: each["key"] for each in found}


async def read_shapes_by_key(connection: Connection, target: Target) -> list[tuple[str, bytes]]:
    """Key and WKB of the current rows: the reference layer of communes."""
    table = target.table
    query = select(table.c.key, func.ST_AsBinary(table.c.geom).label("geom"))
    found = await rows(connection, query.where(table.c.until.is_(None)).order_by(table.c.key))
    return [(each["key"], bytes(each["geom"])) for each in found]


# ── staging ──────────────────────────────────────────────────────────────────────────────────────
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


# ── one revision ─────────────────────────────────────────────────────────────────────────────────
_FACT = light_table(
    "fact", *map(light_column, ("layer", "fid", "since", "key", "accuracy_m", "attributes", "parcel_refs")),
    schema="checks",
)  # fmt: skip
_PIECE = light_table("piece", *map(light_column, ("layer", "zone", "fid", "since", "geom")), schema="checks")


async def freeze(connection: Connection) -> None:
    """The first statement of a transaction that must see one instant."""
    await execute(connection, blocks(_SQL)["freeze"])


async def prepare_transaction(connection: Connection) -> None:
    await execute(connection, blocks(_SQL)["work_memory"])


async def close_rows(connection: Connection, target: Target, revision: int, fids: Sequence[int]) -> None:
    """The rows end with the revision before this one; pieces and facts with them."""
    if not fids:
        return
    table = target.table
    closed = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived("closed")
    ending = update(table).where(table.c.fid == closed.c.fid, table.c.until.is_(None)).values(until=revision)
    await execute(connection, ending)
    values = {"number": target.number, "revision": revision, "fids": list(fids)}
    await execute(connection, blocks(_SQL)["close_pieces"], values)
    await execute(connection, blocks(_SQL)["close_facts"], values)


async def close_all(connection: Connection, target: Target, revision: int) -> int:
    """Nothing of the layer stands from this revision on; how many rows ended."""
    table = target.table
    ended = await execute(connection, update(table).where(table.c.until.is_(None)).values(until=revision))
    values = {"number": target.number, "revision": revision}
    for name in ("close_all_pieces", "close_all_facts", "close_all_mapped"):
        await execute(connection, blocks(_SQL)[name], values)
    return ended


async def insert_rows(connection: Connection, run: Run, revision: int) -> int:
    """From staging into the layer's table, in the order they were staged."""
    table, staged = run.target.table, _plain(run.rows)
    names = [column.name for column in table.columns if column.name not in ("since", "until")]
    query = select(*(staged.c[name] for name in names), literal(revision, BigInteger))
    return await execute(connection, insert(table).from_select([*names, "since"], query))


async def insert_pieces(connection: Connection, run: Run, revision: int) -> int:
    staged = _plain(run.pieces)
    number = literal(run.target.number, SmallInteger)
    query = select(number, staged.c.zone, staged.c.fid, literal(revision, BigInteger), staged.c.geom)
    return await execute(connection, insert(_PIECE).from_select(["layer", "zone", "fid", "since", "geom"], query))


def _plain(table: Table) -> TableClause:
    """The table without types: GeoAlchemy would wrap shapes into ST_AsEWKB where they are selected."""
    return light_table(table.name, *(light_column(column.name) for column in table.columns), schema=table.schema)


async def insert_facts(connection: Connection, run: Run, revision: int, columns: Sequence[str]) -> int:
    """Key, accuracy and the named columns of every staged row."""
    staged = _plain(run.rows)
    query = select(
        literal(run.target.number, SmallInteger), staged.c.fid, literal(revision, BigInteger), staged.c.key,
        staged.c.accuracy_m, fact_attributes(staged, columns), staged.c.parcel_refs,
    )  # fmt: skip
    names = ["layer", "fid", "since", "key", "accuracy_m", "attributes", "parcel_refs"]
    return await execute(connection, insert(_FACT).from_select(names, query))


def fact_attributes(table: TableClause, columns: Sequence[str]) -> Any:
    """The columns as one JSON object; what is null is left out."""
    whole: Any = cast(literal("{}", Text), JSONB)
    for n in range(0, len(columns), _PAIRS_A_CALL):
        pairs = [part for name in columns[n : n + _PAIRS_A_CALL] for part in (cast(literal(name), Text), table.c[name])]
        whole = whole.op("||")(func.jsonb_build_object(*pairs))
    return func.jsonb_strip_nulls(whole)


@dataclass(frozen=True, slots=True)
class MappedPart:
    """One row of `checks.mapped`; `shape` is hex WKB in the CRS of the zone, both null for `everywhere`."""

    kind: str
    zone: int | None = None
    commune: str | None = None
    reason: str | None = None
    shape: str | None = None


async def replace_mapped(
    connection: Connection, target: Target, revision: int, parts: Sequence[MappedPart], communes: Sequence[str] | None
) -> None:
    """Write the mapped area anew. `communes`: cut-outs of other communes stay; None: all are replaced."""
    held: dict[str, object] = {
        "number": target.number, "revision": revision, "communes": None if communes is None else list(communes)
    }  # fmt: skip
    await execute(connection, blocks(_SQL)["close_mapped"], held)
    values: dict[str, object] = {
        "number": target.number, "revision": revision, "kinds": [p.kind for p in parts],
        "zones": [p.zone for p in parts], "communes": [p.commune for p in parts], "reasons": [p.reason for p in parts],
        "shapes": [p.shape for p in parts],
    }  # fmt: skip
    if parts:
        await execute(connection, blocks(_SQL)["insert_mapped"], values)


@dataclass(frozen=True, slots=True)
class Revision:
    """A row of `catalogue.revision`."""

    layer: str
    revision: int
    kind: str
    definition: str
    state: str
    principal: str
    os_user: str | None = None
    reason: str | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0


async def record_revision(connection: Connection, made: Revision, *, state_reason: str | None = None) -> None:
    """Count the layer up to this revision and its state."""
    values = {name: getattr(made, name) for name in Revision.__slots__}
    await execute(connection, blocks(_SQL)["insert_revision"], values)
    switched = {"layer": made.layer, "revision": made.revision, "state": made.state, "reason": state_reason}
    await execute(connection, blocks(_SQL)["switch_layer"], switched)


async def next_release(connection: Connection, layer: str) -> int:
    found = await row(connection, blocks(_SQL)["next_release"], {"layer": layer})
    assert found is not None
    return int(found["release"])


async def record_release(connection: Connection, values: Mapping[str, object]) -> None:
    """`declaration` and `report` are given as plain values."""
    written = {**values, "declaration": json.dumps(values["declaration"]), "report": json.dumps(values["report"])}
    await execute(connection, blocks(_SQL)["insert_release"], written)


async def latest_release(connection: Connection, layer: str, revision: int | None = None) -> dict[str, Any] | None:
    """The release that stood at a revision (None: now)."""
    return await row(connection, blocks(_SQL)["latest_release"], {"layer": layer, "revision": revision})


async def record_change_boxes(connection: Connection, layer: str, revision: int, boxes: NDArray[np.float64]) -> None:
    """`boxes`: west, south, east, north in CRS84, one row a box."""
    west, south, east, north = boxes.T.tolist() if len(boxes) else ([], [], [], [])
    values: dict[str, object] = {
        "layer": layer, "revision": revision, "west": west, "south": south, "east": east, "north": north
    }  # fmt: skip
    await execute(connection, blocks(_SQL)["insert_change_boxes"], values)


async def box_of_rows(connection: Connection, target: Target, fids: Sequence[int]) -> tuple[float, ...] | None:
    """The box in CRS84 around some current rows."""
    table = target.table
    wanted = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived()
    extent = func.ST_Extent(table.c.geom_4326)
    query = select(
        func.ST_XMin(extent).label("west"), func.ST_YMin(extent).label("south"),
        func.ST_XMax(extent).label("east"), func.ST_YMax(extent).label("north"),
    ).select_from(table.join(wanted, wanted.c.fid == table.c.fid)).where(table.c.until.is_(None))  # fmt: skip
    found = await row(connection, query)
    return None if found is None or found["west"] is None else tuple(found.values())


async def record_aliases(connection: Connection, target: Target, revision: int, fids: Sequence[int]) -> None:
    """Keys of rows that are about to leave the layer."""
    table = target.table
    wanted = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived()
    query = select(table.c.fid, table.c.key, table.c.since).join(wanted, wanted.c.fid == table.c.fid)
    found = await rows(connection, query.where(table.c.until.is_(None), table.c.key.is_not(None)))
    values: dict[str, object] = {
        "layer": target.definition.id, "revision": revision, "keys": [each["key"] for each in found],
        "fids": [each["fid"] for each in found], "since": [each["since"] for each in found],
    }  # fmt: skip
    await execute(connection, blocks(_SQL)["insert_aliases"], values)


async def notify(connection: Connection) -> None:
    await execute(connection, blocks(_SQL)["notify"])


# ── going back ───────────────────────────────────────────────────────────────────────────────────
async def restore_rows(connection: Connection, target: Target, revision: int, old: int, fids: Sequence[int]) -> None:
    """Rows of an older revision once more, as new rows of this one; pieces and facts with them."""
    if not fids:
        return
    table = target.table
    names = [column.name for column in table.columns if column.name not in ("since", "until")]
    source = _plain(table).alias("old")
    back = func.unnest(cast(list(fids), ARRAY(BigInteger))).table_valued("fid").render_derived("back")
    query = select(*(source.c[name] for name in names), literal(revision, BigInteger)).join(
        back, back.c.fid == source.c.fid
    )
    query = query.where(source.c.since <= old, or_(source.c.until.is_(None), source.c.until > old))
    await execute(connection, insert(table).from_select([*names, "since"], query))
    values = {"number": target.number, "revision": revision, "old": old, "fids": list(fids)}
    await execute(connection, blocks(_SQL)["restore_pieces"], values)
    await execute(connection, blocks(_SQL)["restore_facts"], values)


async def restore_mapped(connection: Connection, target: Target, revision: int, old: int) -> None:
    values = {"number": target.number, "revision": revision, "old": old, "communes": None}
    await execute(connection, blocks(_SQL)["close_mapped"], values)
    await execute(connection, blocks(_SQL)["restore_mapped"], values)


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


async def analyse(connection: Connection, target: Target) -> None:
    """Tell the planner what was written: a first publication changes everything it knew."""
    table = target.table
    names = [(table.schema or "", table.name), ("checks", "piece"), ("checks", "fact"), ("checks", "mapped")]
    listed = sql.SQL(", ").join(sql.Identifier(*name) for name in names)
    await connection.execute(sql.SQL("ANALYZE {}").format(listed))
