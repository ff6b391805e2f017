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
