"""A PostGIS server for tests: a private cluster of this run, or the one that LIENTHONG_TEST_SERVER names."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from layers.store.cluster import Cluster


@dataclass(frozen=True)
class Server:
    """Makes and drops databases; `pattern` holds `{database}`."""

    pattern: str

    def url(self, database: str) -> str:
        return self.pattern.format(database=database)

    def command(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def exists(self, database: str) -> bool:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s AND datallowconn"
            return connection.execute(query, (database,)).fetchone() is not None

    def clone(self, template: str, database: str) -> str:
        self.command(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(database)

    @contextmanager
    def copied(self, template: str) -> Iterator[str]:
        """A copy for more than one test, dropped afterwards whatever happens."""
        database = f"lt_c_{uuid.uuid4().hex[:12]}"
        try:
            yield self.clone(template, database)
        finally:
            self.drop(database)

    def drop(self, database: str) -> None:
        self.command(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


#: nothing of a test's cluster outlives its run, so nothing waits for the disk: a copy of a database takes a fifth
HASTE = "fsync = off\nfull_page_writes = off\n"


def _initialise_in_haste(cluster: Cluster) -> None:
    cluster.initialise()
    with (cluster.data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(HASTE)


@contextmanager
def test_server() -> Iterator[Server]:
    """The named server, or a private one that is removed afterwards."""
    named = os.environ.get("LIENTHONG_TEST_SERVER")
    if named:
        yield Server(named)
        return
    folder = Path(tempfile.mkdtemp(prefix="lt-test-"))
    folder.chmod(0o755)
    cluster = Cluster.at(folder)
    try:
        _initialise_in_haste(cluster)
        cluster.ensure_started()
        yield Server(cluster.url_of("{database}"))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(cluster.folder, ignore_errors=True)
        shutil.rmtree(cluster.socket_folder, ignore_errors=True)
