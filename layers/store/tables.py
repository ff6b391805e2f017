"""SQLAlchemy tables: the fixed ones in part, and one made from each layer definition."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    func,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from layers.profile.grammar import Attribute, LayerDefinition

from .clearance import CLEARANCE
from .plain_cells import PLAIN

WGS84_SRID = 4326
WEB_MERCATOR_SRID = 3857

_TYPES: dict[str, type[TypeEngine[Any]]] = {
    "string": Text,
    "code": Text,
    "integer": BigInteger,
    "number": Double,
    "boolean": Boolean,
    "date": Date,
    "list": JSONB,
}


def column_type(attribute: Attribute) -> TypeEngine[Any]:
    """The SQL type of an attribute."""
    if attribute.type == "datetime":
        return DateTime(timezone=True)
    return _TYPES[attribute.type]()


def srid(crs: str) -> int:
    """The number in 'EPSG:n'."""
    return int(crs.removeprefix("EPSG:"))


@lru_cache(maxsize=512)
def layer_table(definition: LayerDefinition, storage_srid: int) -> Table:
    """`data.<layer>`: typed columns, current and past rows side by side, told apart by since and until (revisions)."""
    columns: list[Column[Any]] = [
        Column("fid", BigInteger, nullable=False),
        Column("key", Text),
        Column("since", BigInteger, nullable=False),
        Column("until", BigInteger),
        Column("row_hash", LargeBinary, nullable=False),
        *(Column(attribute.name, column_type(attribute)) for attribute in definition.attributes),
        Column(PLAIN, Boolean, nullable=False, server_default="false"),
    ]
    if definition.has_geometry:
        stored = definition.stored_geometry
        columns += [
            Column("geom", Geometry(stored, storage_srid, spatial_index=False), nullable=False),
            Column("geom_4326", Geometry(stored, WGS84_SRID, spatial_index=False), nullable=False),
            Column("geom_3857", Geometry(stored, WEB_MERCATOR_SRID, spatial_index=False), nullable=False),
            Column("min_zoom", SmallInteger, nullable=False, server_default="0"),
            Column(CLEARANCE, Double, nullable=False, server_default="0"),
        ]
    table = Table(
        definition.id, MetaData(), *columns, PrimaryKeyConstraint("fid", "since"), schema="data"
    )  # its own MetaData: a definition may change while old ones are still referred to
    _add_indexes(table, definition)
    return table


def _add_indexes(table: Table, definition: LayerDefinition) -> None:
    """Partial for the current state, full ones for as-of (design 5). Names are short: PostgreSQL cuts at 63."""
    current = table.c.until.is_(None)
    name = definition.id[:40]
    Index(f"{name}_current", table.c.fid, unique=True, postgresql_where=current)
    Index(f"{name}_key", table.c.key)
    Index(f"{name}_since", table.c.since)  # what began and what ended from one revision to another
    Index(f"{name}_until", table.c.until, postgresql_where=table.c.until.is_not(None))
    if definition.has_geometry:
        Index(f"{name}_g4326", table.c.geom_4326, postgresql_using="gist", postgresql_where=current)
        Index(f"{name}_g3857", table.c.geom_3857, postgresql_using="gist", postgresql_where=current)
        Index(f"{name}_geom", table.c.geom, postgresql_using="gist")
        Index(f"{name}_zoom", table.c.min_zoom, postgresql_where=current)  # low zooms want few of many rows
    for attribute in definition.attributes:
        if has_index(attribute):
            Index(
                _attribute_index(definition.id, attribute.name),
                table.c[attribute.name],
                table.c.fid,
                postgresql_where=current,
            )
        if attribute.searchable:
            words = func.cql.words(table.c[attribute.name])
            name_of_words = _attribute_index(definition.id, attribute.name, "words")
            Index(name_of_words, words, postgresql_using="gin", postgresql_where=current)


def has_index(attribute: Attribute) -> bool:
    """In the order of its values, and of fid where they are the same."""
    return attribute.is_scalar and (attribute.indexed or attribute.sortable or attribute.role == "commune")


def _attribute_index(layer: str, attribute: str, kind: str = "") -> str:
    """One name for one column, wherever it stands in the definition; the digest keeps cut names apart."""
    mark = hashlib.sha256(f"{layer}.{attribute}{kind}".encode()).hexdigest()[:6]
    return f"{layer[:24]}_{attribute[:24]}_{mark}"
