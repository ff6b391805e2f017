"""The first world as a database to clone: profile, histories through both ways of publishing, fixed times."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio
import psycopg
from psycopg import sql

from tests.support.files import publish_file, write
from tests.support.published import Publisher, apply_profile

from . import rasters
from .content import EVENTS_AT, REALLY_PUBLISHED, REVISED, Row, revisions, worlds_profile
from .past import live_through


def fill(url: str) -> None:
    """Apply the profile and publish every revision of every layer."""
    profile = worlds_profile()
    apply_profile(url, profile)
    publisher = Publisher(url, profile)
    for layer, editions in revisions().items():
        for created, rows in zip(REVISED, editions, strict=False):
            if layer in REALLY_PUBLISHED:
                _really_publish(url, layer, rows)
            else:
                publisher.publish(layer, rows, created=created)
    with psycopg.connect(url) as connection:
        rasters.stand_on(connection, 1, 1, 2)
        rasters.stand_on(connection, 2, 2, None)
    _hold_still(url)
    anyio.run(live_through, url)


def _really_publish(url: str, layer: str, rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        named = [{"geometry": row["geom"], **{name: row[name] for name in row if name != "geom"}} for row in rows]
        publish_file(url, write(Path(folder) / f"{layer}.gpkg", named), layer)


def _hold_still(url: str) -> None:
    """The real publication takes the time of the machine; drawn requests name instants, so these are fixed."""
    with psycopg.connect(url) as connection:
        for number, created in enumerate(REVISED, 1):
            connection.execute(
                "UPDATE catalogue.revision SET created = %s WHERE revision = %s AND layer = ANY(%s)",
                (created, number, list(REALLY_PUBLISHED)),
            )
        connection.execute("UPDATE catalogue.layer SET changed = %s", (REVISED[-1],))
        connection.execute(
            "INSERT INTO access.agreement (id, version, state, body) VALUES ('AGR-2026-03', 1, 'draft', '{}'),"
            " ('AGR-2026-03', 2, 'active', '{}'), ('AGR-OLD', 1, 'suspended', '{}')"
        )
        # events are timed by the database itself, whose clock no test can hold
        connection.execute(
            sql.SQL("ALTER TABLE access.event ALTER COLUMN at SET DEFAULT {}").format(sql.Literal(EVENTS_AT))
        )
