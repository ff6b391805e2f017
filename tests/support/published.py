"""Small layers published by hand, row by row, for tests of the check: the state that a publication leaves behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import psycopg
import shapely
from psycopg import sql
from psycopg.types.json import Jsonb
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection, to_web_mercator
from gis.pieces import subdivide
from layers.profile.apply import apply
from layers.profile.facts import fact_columns
from layers.profile.grammar import LayerDefinition
from layers.profile.load import load_profile
from layers.profile.profile import Profile
from layers.publishing.zones import pieces_by_zone
from layers.store.connection import Database
from layers.store.tables import srid

ROOT = Path(__file__).resolve().parent.parent
#: a place in the middle of the former province, in EPSG:9210
EAST, NORTH = 598_000.0, 1_214_000.0

Row = Mapping[str, Any]


def box(west: float, south: float, width: float, height: float) -> BaseGeometry:
    """A rectangle, in metres from the middle."""
    return shapely.box(EAST + west, NORTH + south, EAST + west + width, NORTH + south + height)


def line(*points: tuple[float, float]) -> BaseGeometry:
    return shapely.linestrings([(EAST + x, NORTH + y) for x, y in points])


def point(x: float, y: float) -> BaseGeometry:
    return shapely.points(EAST + x, NORTH + y)


def apply_profile(url: str, profile: Profile) -> None:
    async def body() -> None:
        async with Database.open(url, size=2) as database:
            await apply(database, profile, "test")

    anyio.run(body)


@dataclass
class Publisher:
    """Publishes whole contents; each call is one revision and one release."""

    url: str
    profile: Profile
    fids: dict[str, dict[object, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, url: str, profile: str) -> Publisher:
        return cls(url, load_profile(ROOT / "profiles" / profile))

    def publish(
        self,
        layer_id: str,
        rows: Sequence[Row],
        *,
        mapped: Sequence[BaseGeometry] | None = None,
        refused: Sequence[BaseGeometry] = (),
        created: datetime | None = None,
    ) -> int:
        """`mapped` None: everywhere. Returns the revision."""
        layer = self._layer(layer_id)
        with psycopg.connect(self.url) as connection:
            number, revision = self._next_revision(connection, layer_id, created or datetime.now(UTC))
            self._close(connection, layer, number, revision)
            for row, shapes in zip(rows, self._shapes(layer, rows), strict=True):
                self._insert(connection, layer, number, revision, row, shapes)
            self._declare(connection, number, revision, mapped, refused)
            self._count(connection, number, revision)
            connection.execute("NOTIFY lienthong")
        return revision

    def fid(self, layer_id: str, key: object) -> int:
        digest = hashlib.sha256(f"{layer_id}|{key}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 12

    def set_state(self, layer_id: str, state: str, reason: str) -> int:
        """A revision that suspends, resumes or withdraws."""
        kind = {"suspended": "suspend", "served": "resume", "withdrawn": "withdraw"}[state]
        with psycopg.connect(self.url) as connection:
            found = connection.execute(
                "UPDATE catalogue.layer SET revision = revision + 1, state = %s, state_reason = %s, changed = now()"
                " WHERE id = %s RETURNING revision, definition",
                (state, reason, layer_id),
            ).fetchone()
            assert found is not None
            connection.execute(
                "INSERT INTO catalogue.revision (layer, revision, kind, definition, state, principal, reason)"
                " VALUES (%s, %s, %s, %s, %s, 'test', %s)",
                (layer_id, found[0], kind, found[1], state, reason),
            )
            connection.execute("NOTIFY lienthong")
        return int(found[0])

    # ── parts ────────────────────────────────────────────────────────────────────────────────────
    def _layer(self, layer_id: str) -> LayerDefinition:
        layer = self.profile.layer(layer_id)
        assert layer is not None, layer_id
        return layer

    def _next_revision(self, connection: psycopg.Connection[Any], layer_id: str, created: datetime) -> tuple[int, int]:
        found = connection.execute(
            "UPDATE catalogue.layer SET revision = revision + 1, state = 'served', state_reason = NULL, changed = now()"
            " WHERE id = %s RETURNING number, revision, definition",
            (layer_id,),
        ).fetchone()
        assert found is not None
        number, revision, definition = found
        connection.execute(
            "INSERT INTO catalogue.revision (layer, revision, kind, created, definition, state, principal)"
            " VALUES (%s, %s, 'publish', %s, %s, 'served', 'test')",
            (layer_id, revision, created, definition),
        )
        connection.execute(
            "INSERT INTO catalogue.release (layer, release, revision, note, source_name, source_digest, content_digest,"
            " declaration, report) SELECT %s, coalesce(max(release), 0) + 1, %s, 'thử', 'test.gpkg', '', '', '{}', '{}'"
            " FROM catalogue.release WHERE layer = %s",
            (layer_id, revision, layer_id),
        )
        return number, revision

    def _close(self, connection: psycopg.Connection[Any], layer: LayerDefinition, number: int, revision: int) -> None:
        connection.execute(
            sql.SQL("UPDATE {} SET until = %s WHERE until IS NULL").format(sql.Identifier("data", layer.id)),
            (revision,),
        )
        for table in ("piece", "fact", "mapped"):
            connection.execute(
                sql.SQL("UPDATE {} SET until = %s WHERE layer = %s AND until IS NULL").format(
                    sql.Identifier("checks", table)
                ),
                (revision, number),
            )

    def _insert(
        self,
        connection: psycopg.Connection[Any],
        layer: LayerDefinition,
        number: int,
        revision: int,
        row: Row,
        shapes: Mapping[str, str],
    ) -> None:
        key = ".".join(str(row[name]) for name in layer.key_columns) or None
        fid = self.fid(layer.id, row.get("fid", key))
        names = [attribute.name for attribute in layer.attributes if attribute.name in row]
        values: dict[str, Any] = {"fid": fid, "key": key, "since": revision, "row_hash": b"-"}
        values |= {name: Jsonb(row[name]) if isinstance(row[name], list) else row[name] for name in names}
        values |= shapes
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier("data", layer.id),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)),
        )
        connection.execute(statement, list(values.values()))
        self._insert_fact(connection, layer, number, revision, fid, key, row)
        if layer.has_geometry:
            for zone, pieces in self._pieces(row["geom"], layer.id):
                self._insert_pieces(connection, number, revision, fid, zone, pieces)

    def _insert_fact(
        self,
        connection: psycopg.Connection[Any],
        layer: LayerDefinition,
        number: int,
        revision: int,
        fid: int,
        key: str | None,
        row: Row,
    ) -> None:
        columns = fact_columns(self.profile, layer)
        attributes = {name: _plain(row[name]) for name in columns if row.get(name) is not None}
        role = layer.by_role("accuracy")
        accuracy = row.get(role.name) if role else None
        connection.execute(
            "INSERT INTO checks.fact (layer, fid, since, key, accuracy_m, attributes, parcel_refs)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (number, fid, revision, key, layer.accuracy_m or 0.0 if accuracy is None else accuracy,
             Jsonb(attributes), [] if layer.has_geometry else _refs(layer, row)),
        )  # fmt: skip

    def _insert_pieces(
        self,
        connection: psycopg.Connection[Any],
        number: int,
        revision: int,
        fid: int,
        zone: int,
        pieces: Iterable[BaseGeometry],
    ) -> None:
        for piece in pieces:
            connection.execute(
                "INSERT INTO checks.piece (layer, zone, fid, since, geom) VALUES (%s, %s, %s, %s, ST_GeomFromWKB(%s))",
                (number, zone, fid, revision, shapely.to_wkb(piece)),
            )

    def _pieces(self, shape: BaseGeometry, layer_id: str | None) -> list[tuple[int, list[BaseGeometry]]]:
        """By zone, as a publication cuts them; one zone needs no look at the profile."""
        if len(self.profile.header.crs.zones) == 1:
            return [(0, list(subdivide(_one(shape))[0]))]
        return [(cut.zone, list(cut.geometry)) for cut in pieces_by_zone(_one(shape), self.profile, layer_id)]

    def _declare(
        self,
        connection: psycopg.Connection[Any],
        number: int,
        revision: int,
        mapped: Sequence[BaseGeometry] | None,
        refused: Sequence[BaseGeometry],
    ) -> None:
        if mapped is None:
            connection.execute(
                "INSERT INTO checks.mapped (layer, since, kind) VALUES (%s, %s, 'everywhere')", (number, revision)
            )
        several = len(self.profile.header.crs.zones) > 1
        for kind, shapes in (("area", mapped or ()), ("refused", refused)):
            for shape in shapes:
                for zone, pieces in self._pieces(shape, None) if several else [(0, [shape])]:
                    for piece in pieces:
                        connection.execute(
                            "INSERT INTO checks.mapped (layer, since, kind, zone, geom)"
                            " VALUES (%s, %s, %s, %s, ST_GeomFromWKB(%s))",
                            (number, revision, kind, zone, shapely.to_wkb(piece)),
                        )

    def _count(self, connection: psycopg.Connection[Any], number: int, revision: int) -> None:
        connection.execute(
            "INSERT INTO checks.held (layer, revision, pieces, facts)"
            " SELECT %(number)s, %(revision)s,"
            " (SELECT count(*) FROM checks.piece WHERE layer = %(number)s AND until IS NULL),"
            " (SELECT count(*) FROM checks.fact WHERE layer = %(number)s AND until IS NULL)",
            {"number": number, "revision": revision},
        )

    def _shapes(self, layer: LayerDefinition, rows: Sequence[Row]) -> list[dict[str, str]]:
        """The three stored shapes of every row; all at once: a transformation costs the same for one."""
        if not layer.has_geometry or not rows:
            return [{} for _ in rows]
        crs = self.profile.header.crs
        stored = np.array([None, *(_multi(row["geom"]) for row in rows)], dtype=object)[1:]
        degrees = Projection(crs.storage, crs.to_wgs84).to_wgs84(stored)
        mercator = to_web_mercator(degrees)
        return [
            {"geom": _ewkb(a, srid(crs.storage)), "geom_4326": _ewkb(b, 4326), "geom_3857": _ewkb(c, 3857)}
            for a, b, c in zip(stored, degrees, mercator, strict=True)
        ]


def _one(shape: BaseGeometry) -> Any:
    made = np.empty(1, dtype=object)
    made[0] = shape
    return made


def _multi(shape: BaseGeometry) -> BaseGeometry:
    makers = {"Polygon": shapely.multipolygons, "Point": shapely.multipoints, "LineString": shapely.multilinestrings}
    maker = makers.get(shape.geom_type)
    return shape if maker is None else maker([shape])


def _ewkb(shape: BaseGeometry, number: int) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, number), include_srid=True, hex=True))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else json.loads(json.dumps(value))


def _refs(layer: LayerDefinition, row: Row) -> list[str]:
    def of(role: Any) -> str | None:
        attribute = layer.by_role(role)
        value = row.get(attribute.name) if attribute else None
        return None if value is None else str(value)

    number = (of("commune"), of("sheet"), of("parcel_number"))
    refs = ["/".join(part for part in number if part)] if all(number) else []
    return refs + ([f"code:{of('national_code')}"] if of("national_code") else [])
