"""The rows of an export: the authorised relation at one revision, in batches, as Arrow.

A revision never changes, so no transaction holds an export together. What a caller reads while it is made takes a
connection for each batch only (`walk`); what is written to a file first is one pass along a curve (`swept`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from psycopg.rows import tuple_row
from sqlalchemy import BigInteger, ColumnElement, LargeBinary, Select, Text, cast, func
from sqlalchemy.types import NullType

from layers.access.classes import RoleClass
from layers.access.decide import Decision, sortables
from layers.exporting.layout import Layout
from layers.profile.grammar import LayerDefinition

from . import features
from .connection import Connection, Database
from .relation_sql import Relation, Wanted
from .shape_form import formed
from .sorting import SortPart, not_sortable

BATCH_ROWS = 2_000
_CURSOR = "lienthong_export"
Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Extract:
    """Which rows: of one revision, for one decision. `query.limit` counts only with `is_limited`."""

    state: features.State
    storage_srid: int
    decision: Decision
    role_class: RoleClass
    query: features.ItemsQuery
    revision: int
    layout: Layout
    srid: int  #: of the shapes that leave; their axes are x, y
    is_limited: bool = False
    is_along_curve: bool = False  #: in the order of the shapes, where no other is asked for


async def batches(database: Database, extract: Extract, size: int = BATCH_ROWS) -> AsyncGenerator[pa.RecordBatch]:
    """All rows in the extract's order. Raises InvalidRequestError, UnavailableError, psycopg errors."""
    features.require_served(extract.state)
    is_swept = extract.is_along_curve and extract.query.sort is None and not extract.is_limited
    found = _swept(database, extract, size) if is_swept else _walk(database, extract, size)
    async with aclosing(found) as rows:
        async for part in rows:
            yield as_batch(part, extract.layout)


def as_batch(rows: Rows, layout: Layout) -> pa.RecordBatch:
    schema = layout.schema
    columns = list(zip(*rows, strict=True))[: len(schema)] if rows else [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


# ── the two ways ─────────────────────────────────────────────────────────────────────────────────


async def _swept(database: Database, extract: Extract, size: int) -> AsyncGenerator[Rows]:
    """One statement through a cursor of the server: its reader is this process, never a caller."""
    wanted, values = _wanted(extract)
    has_shape = wanted.has_geometry
    prepared = features.prepare(
        _along_curve if has_shape else _exported, extract.state.definition, extract.storage_srid, extract.decision,
        replace(wanted, order="none" if has_shape else "fid"),
    )  # fmt: skip
    text, parameters = prepared.with_values(values)
    async with (
        database.exporting(extract.role_class) as connection,
        connection.transaction(),
        connection.cursor(_CURSOR, row_factory=tuple_row) as cursor,
    ):
        await cursor.execute(text, parameters, binary=True)
        while rows := await cursor.fetchmany(size):
            yield rows


async def _walk(database: Database, extract: Extract, size: int) -> AsyncGenerator[Rows]:
    """Keyset batches: the connection goes back while what was read is written or sent."""
    left = extract.query.limit if extract.is_limited else None
    for part in _parts(extract):
        place: dict[str, object] = {}
        while left is None or left > 0:
            most = size if left is None else min(size, left)
            async with database.exporting(extract.role_class) as connection:
                rows = await _batch(connection, extract, part, place, most)
            if rows:
                yield rows
            left = None if left is None else left - len(rows)
            if len(rows) < most:
                break
            place = {"after": rows[-1][0], "after_value": rows[-1][-1]}


def _parts(extract: Extract) -> Sequence[SortPart | None]:
    sort = extract.query.sort
    if sort is None:
        return (None,)
    if sort.name not in sortables(extract.state.definition, extract.decision):
        raise not_sortable(sort.name)
    return tuple(sort.parts(is_behind_values=False))


async def _batch(
    connection: Connection, extract: Extract, part: SortPart | None, place: Mapping[str, object], size: int
) -> Rows:
    wanted, values = _wanted(extract)
    asked = replace(wanted, is_limited=True, is_after=bool(place), sort=part)
    prepared = features.prepare(_exported, extract.state.definition, extract.storage_srid, extract.decision, asked)
    text, parameters = prepared.with_values({**values, **place, "limit": size})
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(text, parameters, prepare=False, binary=True)
        return await cursor.fetchall()


def _wanted(extract: Extract) -> tuple[Wanted, dict[str, object]]:
    """As `items` asks, but of a named revision, whatever is current."""
    wanted, values = features.asked(extract.state, extract.decision, extract.query)
    wanted = replace(
        wanted,
        is_as_of=True,
        has_geometry=extract.layout.geometry is not None,
        form=replace(extract.query.form, srid=extract.srid, is_north_first=False),
        columns=tuple(column.name for column in extract.layout.columns),
    )
    return wanted, {**values, "revision": extract.revision}


# ── the statements ───────────────────────────────────────────────────────────────────────────────


def _exported(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """fid, columns, shape as WKB, and where the next batch begins."""
    lists = {attribute.name for attribute in definition.attributes if attribute.type == "list"}
    columns = asked.rows.c
    shown: list[ColumnElement[Any]] = [
        cast(columns[name], Text).label(name) if name in lists else columns[name] for name in wanted.columns
    ]
    if wanted.has_geometry:
        shown.append(func.ST_AsBinary(formed(asked.leaving(wanted.form), wanted.form), type_=LargeBinary()))
    place = columns[wanted.sort.name] if wanted.sort is not None else columns.fid
    return asked.select(cast(columns.fid, BigInteger).label("fid"), *shown, place.label("place"))


def _along_curve(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """PostGIS sorts shapes along a Hilbert curve: by those that are shown, which tells no more than they do."""
    shape = func.ST_Envelope(asked.leaving(wanted.form), type_=NullType())
    return _exported(asked, definition, wanted).order_by(shape, asked.rows.c.fid)


async def count_up_to(database: Database, extract: Extract) -> int | None:
    """How many rows there are: exact up to 100,000, None beyond."""
    async with database.exporting(extract.role_class) as connection:
        query = replace(extract.query, revision=extract.revision)
        return await features.count(connection, extract.state, extract.storage_srid, extract.decision, query)
