"""Layers filled by hand: their tables, rows with hidden cells, and the state the store reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numpy as np
import psycopg
import pyarrow as pa
import shapely
from psycopg import sql
from psycopg.types.json import Jsonb
from shapely.geometry.base import BaseGeometry
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from gis.crs import Projection, to_web_mercator
from layers.access.decide import Decision, decide
from layers.access.grammar import Grant
from layers.access.principal import PUBLIC, Principal
from layers.profile.grammar import LayerDefinition
from layers.store.clearance import CLEARANCE, clearances_m
from layers.store.plain_cells import PLAIN, are_plain
from layers.store.tables import layer_table

#: a zone of VN-2000 that PostGIS brings along, so that no profile has to be applied
STORAGE_SRID = 5899
DAY = date(2026, 1, 15)


@dataclass(frozen=True, slots=True)
class Layer:
    """What the store reads of a layer's state."""

    definition: LayerDefinition
    state: str = "served"
    revision: int = 1
    number: int = 1


def definition(layer_id: str, attributes: Iterable[Mapping[str, Any]], **more: Any) -> LayerDefinition:
    return LayerDefinition.model_validate(
        {
            "id": layer_id,
            "sector": "land",
            "title": {"vi": layer_id, "en": layer_id},
            "geometry": "MultiPolygon",
            "sharing": "shared",
            "attributes": list(attributes),
        }
        | more
    )


def grant(grant_id: str, layer: str | dict[str, str], **more: Any) -> Grant:
    plain = {"id": grant_id, "to": {"anyone": True}, "layer": layer, "actions": ["items", "tile"]}
    return Grant.model_validate(plain | more)


def decision(
    layer: LayerDefinition, *grants: Grant, principal: Principal = PUBLIC, action: Any = "items", **more: Any
) -> Decision:
    return decide(principal, layer, action, grants, purpose=more.pop("purpose", None), day=DAY, **more)


def create(connection: psycopg.Connection[Any], layer: LayerDefinition) -> None:
    """The layer's table with its indexes."""
    table = layer_table(layer, STORAGE_SRID)
    dialect = postgresql.dialect()
    connection.execute(str(CreateTable(table).compile(dialect=dialect)))
    for index in table.indexes:
        connection.execute(str(CreateIndex(index).compile(dialect=dialect)))


def insert(
    connection: psycopg.Connection[Any],
    layer: LayerDefinition,
    rows: Iterable[Mapping[str, Any]],
    *,
    since: int = 1,
    until: int | None = None,
) -> None:
    """Rows with `fid`, the attributes, and `geom` in the storage CRS; the other columns are made from them."""
    rows = list(rows)
    names = [attribute.name for attribute in layer.attributes]
    fixed = ["fid", "since", "until", "row_hash", PLAIN]
    shapes = ["geom", "geom_4326", "geom_3857", "min_zoom", CLEARANCE] if layer.has_geometry else []
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("data", layer.id),
        sql.SQL(", ").join(map(sql.Identifier, [*fixed, *names, *shapes])),
        sql.SQL(", ").join([sql.Placeholder()] * len(fixed + names + shapes)),
    )
    plain = are_plain(layer, as_arrow(layer, rows)).to_pylist()
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                _values(row, names, since, until, is_plain, bool(shapes))
                for row, is_plain in zip(rows, plain, strict=True)
            ],
        )


def as_arrow(layer: LayerDefinition, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Texts and numbers as a publication has them; of the rest nothing is asked here."""
    kinds = {"string": pa.string(), "code": pa.string(), "number": pa.float64()}
    looked_at = [each for each in layer.attributes if each.type in kinds]
    rest = {each.name: pa.nulls(len(rows)) for each in layer.attributes if each.type not in kinds}
    return pa.table(
        {each.name: pa.array([row.get(each.name) for row in rows], kinds[each.type]) for each in looked_at} | rest
    )


def _values(
    row: Mapping[str, Any], names: list[str], since: int, until: int | None, is_plain: bool, has_shape: bool
) -> list[Any]:
    cells = [Jsonb(value) if isinstance(value := row.get(name), list) else value for name in names]
    digest = hashlib.sha256(repr([row.get(name) for name in names]).encode()).digest()
    shapes = _shapes(row["geom"]) if has_shape else []
    return [row["fid"], since, until, digest, is_plain, *cells, *shapes]


_PROJECTION = Projection(storage=f"EPSG:{STORAGE_SRID}", operation="EPSG:6960")


def to_wgs84(shape: BaseGeometry) -> BaseGeometry:
    """As publishing does it; PostGIS has the same parameters in its row of this zone."""
    (moved,) = _PROJECTION.to_wgs84(np.array([shape], dtype=object))
    return cast("BaseGeometry", moved)


def _shapes(shape: BaseGeometry) -> list[Any]:
    """Stored, CRS84 (outer rings counterclockwise, RFC 7946), web Mercator (clockwise, for tiles)."""
    multi = _multi(shape)
    degrees = shapely.orient_polygons(to_wgs84(multi), exterior_cw=False)
    (mercator,) = to_web_mercator(np.array([degrees], dtype=object))
    return [
        shapely.to_wkb(shapely.set_srid(multi, STORAGE_SRID), include_srid=True, hex=True),
        shapely.to_wkb(shapely.set_srid(degrees, 4326), include_srid=True, hex=True),
        shapely.to_wkb(
            shapely.set_srid(shapely.orient_polygons(mercator, exterior_cw=True), 3857), include_srid=True, hex=True
        ),
        0,
        float(clearances_m(np.array([mercator]))[0]),
    ]


def _multi(shape: BaseGeometry) -> BaseGeometry:
    makers = {"Polygon": shapely.multipolygons, "Point": shapely.multipoints, "LineString": shapely.multilinestrings}
    maker = makers.get(shape.geom_type)
    return shape if maker is None else maker([shape])
