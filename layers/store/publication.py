"""The one transaction that makes a revision: rows, pieces, facts, mapped area, revision, release.

Nothing here commits by itself: callers hold the transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import (
    ARRAY,
    BigInteger,
    SmallInteger,
    Table,
    TableClause,
    Text,
    bindparam,
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
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlalchemy.sql import column as light_column

from .connection import Connection, compiled, execute, row, rows
from .features import Prepared
from .relation_sql import bound
from .staging import Run
from .standing import Target
from .statements import blocks

_SQL = "publication"


#: a function takes 100 arguments
_PAIRS_A_CALL = 40


_FACT = light_table(
    "fact", *map(light_column, ("layer", "fid", "since", "key", "accuracy_m", "attributes", "parcel_refs")),
    schema="checks",
)  # fmt: skip


_PIECE = light_table("piece", *map(light_column, ("layer", "zone", "fid", "since", "geom")), schema="checks")


async def freeze(connection: Connection) -> None:
    """The first statement of a transaction that must see one instant."""
    await execute(connection, blocks(_SQL)["freeze"])


async def fid_key(connection: Connection) -> bytes:
    """What this database makes fids with; it leaves the publication in no other way."""
    found = await row(connection, blocks(_SQL)["fid_key"])
    assert found is not None  # the migration that made the table filled it
    return bytes(found["key"])


async def prepare_transaction(connection: Connection) -> None:
    await execute(connection, blocks(_SQL)["work_memory"])


async def close_rows(connection: Connection, target: Target, revision: int, fids: Sequence[int]) -> None:
    """The rows end with the revision before this one; pieces and facts with them."""
    if not fids:
        return
    await execute(connection, *_closing(target.table).with_values({"fids": list(fids), "revision": revision}))
    values = {"number": target.number, "revision": revision, "fids": list(fids)}
    pieces = await execute(connection, blocks(_SQL)["close_pieces"], values)
    facts = await execute(connection, blocks(_SQL)["close_facts"], values)
    await _count_held(connection, target, revision, pieces=-pieces, facts=-facts)


@lru_cache(maxsize=512)
def _closing(table: Table) -> Prepared:
    closed = func.unnest(bindparam("fids", None, type_=ARRAY(BigInteger))).table_valued("fid").render_derived("closed")
    ending = update(table).where(table.c.fid == closed.c.fid, table.c.until.is_(None))
    return Prepared(*compiled(ending.values(until=bound("revision", BigInteger))))


async def _count_held(
    connection: Connection, target: Target, revision: int, *, pieces: int = 0, facts: int = 0
) -> None:
    """What readers hold the tables against (migration 0005_check_engine_f_held)."""
    values = {"number": target.number, "revision": revision, "pieces": pieces, "facts": facts}
    await execute(connection, blocks(_SQL)["count_held"], values)


async def close_all(connection: Connection, target: Target, revision: int) -> int:
    """Nothing of the layer stands from this revision on; how many rows ended."""
    table = target.table
    ended = await execute(connection, update(table).where(table.c.until.is_(None)).values(until=revision))
    values = {"number": target.number, "revision": revision}
    pieces = await execute(connection, blocks(_SQL)["close_all_pieces"], values)
    facts = await execute(connection, blocks(_SQL)["close_all_facts"], values)
    await execute(connection, blocks(_SQL)["close_all_mapped"], values)
    await _count_held(connection, target, revision, pieces=-pieces, facts=-facts)
    return ended


async def insert_rows(connection: Connection, run: Run, revision: int, *, may_rebuild: bool = True) -> int:
    """From staging into the layer's table, in the order they were staged.

    Into a table that never held a row nobody looks: its indexes are built after it is filled, where that pays.
    """
    table = run.target.table
    is_new = may_rebuild and await row(connection, select(table.c.fid).limit(1)) is None
    indexes = sorted(table.indexes, key=lambda index: str(index.name)) if is_new else []
    for index in indexes:
        await execute(connection, DropIndex(index, if_exists=True))
    count = await execute(connection, *_rows_insert(table, run.rows).with_values({"revision": revision}))
    for index in indexes:
        await execute(connection, CreateIndex(index))
    return count


@lru_cache(maxsize=64)
def _rows_insert(table: Table, rows_staged: Table) -> Prepared:
    """The staging tables of edits are always the same values, so theirs is made once; so are those below."""
    staged, names = _plain(rows_staged), _row_names(table)
    query = select(*(staged.c[name] for name in names), bound("revision", BigInteger))
    return Prepared(*compiled(insert(table).from_select([*names, "since"], query)))


def _row_names(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name not in ("since", "until")]


async def insert_pieces(connection: Connection, run: Run, revision: int) -> int:
    values = {"number": run.target.number, "revision": revision}
    count = await execute(connection, *_pieces_insert(run.pieces).with_values(values))
    await _count_held(connection, run.target, revision, pieces=count)
    return count


@lru_cache(maxsize=64)
def _pieces_insert(pieces: Table) -> Prepared:
    staged, number = _plain(pieces), bound("number", SmallInteger)
    query = select(number, staged.c.zone, staged.c.fid, bound("revision", BigInteger), staged.c.geom)
    return Prepared(*compiled(insert(_PIECE).from_select(["layer", "zone", "fid", "since", "geom"], query)))


def _plain(table: Table) -> TableClause:
    """The table without types: GeoAlchemy would wrap shapes into ST_AsEWKB where they are selected."""
    return light_table(table.name, *(light_column(column.name) for column in table.columns), schema=table.schema)


async def insert_facts(connection: Connection, run: Run, revision: int, columns: Sequence[str]) -> int:
    """Key, accuracy and the named columns of every staged row."""
    values = {"number": run.target.number, "revision": revision}
    count = await execute(connection, *_facts_insert(run.rows, tuple(columns)).with_values(values))
    await _count_held(connection, run.target, revision, facts=count)
    return count


@lru_cache(maxsize=64)
def _facts_insert(rows_staged: Table, columns: tuple[str, ...]) -> Prepared:
    staged = _plain(rows_staged)
    query = select(
        bound("number", SmallInteger), staged.c.fid, bound("revision", BigInteger), staged.c.key,
        staged.c.accuracy_m, fact_attributes(staged, columns), staged.c.parcel_refs,
    )  # fmt: skip
    names = ["layer", "fid", "since", "key", "accuracy_m", "attributes", "parcel_refs"]
    return Prepared(*compiled(insert(_FACT).from_select(names, query)))


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
    created: datetime | None = None  #: None: by the clock of the database


async def record_revision(connection: Connection, made: Revision, *, state_reason: str | None = None) -> None:
    """Count the layer up to this revision and its state."""
    values = {name: getattr(made, name) for name in Revision.__slots__}
    await execute(connection, blocks(_SQL)["insert_revision"], values)
    switched = {"layer": made.layer, "revision": made.revision, "state": made.state, "reason": state_reason,
                "created": made.created}  # fmt: skip
    await execute(connection, blocks(_SQL)["switch_layer"], switched)


async def next_release(connection: Connection, layer: str) -> int:
    found = await row(connection, blocks(_SQL)["next_release"], {"layer": layer})
    assert found is not None
    return int(found["release"])


async def record_release(
    connection: Connection, values: Mapping[str, object], *, content_of: int | None = None
) -> None:
    """`declaration` and `report` are given as plain values. `content_of`: the revision that this release brings back,
    or of which it keeps a part: the layer is no fresher than that."""
    written = {
        **values, "declaration": json.dumps(values["declaration"]), "report": json.dumps(values["report"]),
        "content_of": content_of,
    }  # fmt: skip
    await execute(connection, blocks(_SQL)["insert_release"], written)


async def record_change_boxes(connection: Connection, layer: str, revision: int, boxes: NDArray[np.float64]) -> None:
    """`boxes`: west, south, east, north in CRS84, one row a box."""
    west, south, east, north = boxes.T.tolist() if len(boxes) else ([], [], [], [])
    values: dict[str, object] = {
        "layer": layer, "revision": revision, "west": west, "south": south, "east": east, "north": north
    }  # fmt: skip
    await execute(connection, blocks(_SQL)["insert_change_boxes"], values)


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
    pieces = await execute(connection, blocks(_SQL)["restore_pieces"], values)
    facts = await execute(connection, blocks(_SQL)["restore_facts"], values)
    await _count_held(connection, target, revision, pieces=pieces, facts=facts)


async def restore_mapped(connection: Connection, target: Target, revision: int, old: int) -> None:
    values = {"number": target.number, "revision": revision, "old": old, "communes": None}
    await execute(connection, blocks(_SQL)["close_mapped"], values)
    await execute(connection, blocks(_SQL)["restore_mapped"], values)


async def analyse(connection: Connection, target: Target) -> None:
    """Tell the planner what was written: a first publication changes everything it knew."""
    table = target.table
    names = [(table.schema or "", table.name), ("checks", "piece"), ("checks", "fact"), ("checks", "mapped")]
    listed = sql.SQL(", ").join(sql.Identifier(*name) for name in names)
    await connection.execute(sql.SQL("ANALYZE {}").format(listed))
