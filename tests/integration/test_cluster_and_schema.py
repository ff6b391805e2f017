"""The foundation stands: a migrated database has the schemas of the design, and migrating again changes nothing."""

from __future__ import annotations

import psycopg

from layers.store.migrate import migrate, newest_version


def test_migrating_twice_is_migrating_once(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        schemas = {row[0] for row in connection.execute("SELECT nspname FROM pg_namespace")}
        version = connection.execute("SELECT version_num FROM schema_version").fetchall()
    assert {"catalogue", "data", "checks", "access", "staging"} <= schemas
    assert version == [(newest_version(),)]


def test_records_are_packed_the_quick_way(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        found = connection.execute(
            """SELECT attrelid::regclass::text, attcompression FROM pg_attribute
               WHERE attrelid IN ('checks.record'::regclass, 'checks.division'::regclass) AND attname = 'body'"""
        ).fetchall()
    assert dict(found) == {"checks.record": "l", "checks.division": "l"}
