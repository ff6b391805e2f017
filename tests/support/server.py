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

import psutil
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
HASTE = """
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
"""
#: in memory a copy takes a quarter of the processor time, too; where there is little of it (a container), the disk does
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30


def _initialise_in_haste(cluster: Cluster) -> None:
    cluster.initialise()
    with (cluster.data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(HASTE)


def _place() -> Path | None:
    """The file system in memory where it and the memory behind it have room; else None, the usual place."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return None
    return MEMORY if psutil.virtual_memory().available > 2 * ROOM_BYTES else None


@contextmanager
def test_server() -> Iterator[Server]:
    """The named server, or a private one that is removed afterwards."""
    named = os.environ.get("LIENTHONG_TEST_SERVER")
    if named:
        yield Server(named)
        return
    folder = Path(tempfile.mkdtemp(prefix="lt-test-", dir=_place()))
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
