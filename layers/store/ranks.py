"""By which rule the rows of a layer are ranked (`gis.zoom`), and ranking anew those that stand by another one.

The rule that the rows follow stands as the comment of their column; without one it is `size`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, Table, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import SetColumnComment
from sqlalchemy.types import LargeBinary

from gis.zoom import Shapes, coverage_min_zoom, min_zoom
from layers.profile.grammar import LayerDefinition

from .connection import Connection, execute, rows
from .tile_columns import is_coverage

RankRule = Literal["size", "coverage"]
_BATCH_ROWS = 5_000
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def rank_rule(definition: LayerDefinition) -> RankRule:
    return "coverage" if is_coverage(definition) else "size"


def ranks(definition: LayerDefinition, shapes_3857: Shapes) -> NDArray[np.int16]:
    """`min_zoom` of rows of the layer."""
    return coverage_min_zoom(shapes_3857) if is_coverage(definition) else min_zoom(shapes_3857)


def marking(definition: LayerDefinition) -> str:
    """The statement that says by which rule the rows of the layer are ranked."""
    column: Column[Any] = Column("min_zoom", SmallInteger, comment=rank_rule(definition))
    Table(definition.id, MetaData(), column, schema="data")
    return str(SetColumnComment(column).compile(dialect=_DIALECT)).strip()


async def rank_anew(connection: Connection, table: Table, definition: LayerDefinition) -> None:
    """Every row of a layer, past ones too, in the caller's transaction."""
    fid, since = -(2**63), 0
    while found := await _batch(connection, table, fid, since):
        shapes = shapely.from_wkb([row["shape"] for row in found])
        await _write(connection, table, found, ranks(definition, shapes).tolist())
        fid, since = found[-1]["fid"], found[-1]["since"]


async def _batch(connection: Connection, table: Table, fid: int, since: int) -> list[dict[str, Any]]:
    shape = func.ST_AsBinary(table.c.geom_3857, type_=LargeBinary())
    place = (table.c.fid, table.c.since)
    after = tuple_(*place) > tuple_(literal(fid, BigInteger), literal(since, BigInteger))
    asked = select(*place, table.c.min_zoom, shape.label("shape")).where(after).order_by(*place).limit(_BATCH_ROWS)
    return list(await rows(connection, asked))


async def _write(connection: Connection, table: Table, found: list[dict[str, Any]], new: list[int]) -> None:
    other = [(row["fid"], row["since"], rank) for row, rank in zip(found, new, strict=True) if row["min_zoom"] != rank]
    if not other:
        return
    fids, sinces, ranked = (list(values) for values in zip(*other, strict=True))
    given = (
        func.unnest(
            literal(fids, ARRAY(BigInteger)), literal(sinces, ARRAY(BigInteger)), literal(ranked, ARRAY(SmallInteger))
        )
        .table_valued(
            Column("fid", BigInteger), Column("since", BigInteger), Column("rank", SmallInteger), name="given"
        )
        .render_derived()
    )
    is_it = (table.c.fid == given.c.fid) & (table.c.since == given.c.since)
    await execute(connection, update(table).where(is_it).values(min_zoom=given.c.rank))
