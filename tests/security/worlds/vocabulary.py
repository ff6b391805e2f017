"""What there is to ask about: ids, values and places of the first world, hidden ones as well as shown ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from layers.profile.grammar import LayerDefinition

from .content import worlds_profile

Place = tuple[float, float]  #: longitude, latitude


@dataclass(frozen=True)
class LayerWords:
    """One layer: fids, the values of each column, places where something of it lies."""

    definition: LayerDefinition
    fids: tuple[int, ...]
    values: Mapping[str, tuple[Any, ...]]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Vocabulary:
    layers: Mapping[str, LayerWords]
    records: tuple[str, ...]  #: ids of checks that others made before
    reviews: tuple[str, ...]  #: and of opinions on them

    @property
    def parcels(self) -> LayerWords:
        return self.layers["parcel"]

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(place for words in self.layers.values() for place in words.places)


def read_vocabulary(url: str) -> Vocabulary:
    with psycopg.connect(url) as connection:
        records = connection.execute("SELECT id FROM checks.record ORDER BY id").fetchall()
        reviews = connection.execute("SELECT id FROM checks.review ORDER BY id").fetchall()
        layers = {layer.id: _words(connection, layer) for layer in worlds_profile().layers}
        ids = (tuple(name for (name,) in found) for found in (records, reviews))
        return Vocabulary(layers, *ids)


def _words(connection: psycopg.Connection[Any], layer: LayerDefinition) -> LayerWords:
    table = sql.Identifier("data", layer.id)
    fids = connection.execute(sql.SQL("SELECT DISTINCT fid FROM {} ORDER BY fid").format(table)).fetchall()
    values = {
        attribute.name: _column(connection, table, attribute.name)
        for attribute in layer.attributes
        if attribute.is_scalar
    }
    places: list[Place] = []
    if layer.has_geometry:
        statement = (
            "SELECT ST_X(p), ST_Y(p) FROM {}, LATERAL (SELECT ST_PointOnSurface(geom_4326) AS p) AS o ORDER BY fid"
        )
        places = connection.execute(sql.SQL(statement).format(table)).fetchall()  # type: ignore[assignment]
    return LayerWords(layer, tuple(fid for (fid,) in fids), values, tuple(places))


def _column(connection: psycopg.Connection[Any], table: sql.Identifier, name: str) -> tuple[Any, ...]:
    column = sql.Identifier(name)
    statement = sql.SQL("SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1")
    return tuple(value for (value,) in connection.execute(statement.format(column=column, table=table)).fetchall())
