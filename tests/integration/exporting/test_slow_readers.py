"""Readers that take nothing: they hold no connection of the database, and lose their export after a while."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg

from tests.support.shared_layers import Service

POINTS = "/collections/moc/items"
SLOW, END_S = 10, 30


@contextmanager
def _reading_nothing(running: Service) -> Iterator[socket.socket]:
    """Asks for all points and takes the first bytes alone."""
    place = urlsplit(running.base)
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        found.settimeout(60)
        found.connect((place.hostname, place.port))
        head = (
            f"GET {POINTS}?f=jsonseq HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {running.officer.token}"
        )
        found.sendall(f"{head}\r\n\r\n".encode())
        assert found.recv(12) == b"HTTP/1.1 200"
        yield found


def _closings(running: Service, after: int) -> list[tuple[str | None, int]]:
    with psycopg.connect(running.url) as connection:
        return connection.execute(
            "SELECT reason, features FROM access.event WHERE id > %s AND layer = 'moc' AND phase = 'closed'", [after]
        ).fetchall()


def _last_event(running: Service) -> int:
    with psycopg.connect(running.url) as connection:
        row = connection.execute("SELECT coalesce(max(id), 0) FROM access.event").fetchone()
    assert row is not None
    return int(row[0])


def test_ten_slow_readers_hold_up_nobody_and_lose_their_export(much: Service) -> None:
    before = _last_event(much)
    with ExitStack() as held:
        for _ in range(SLOW):
            held.enter_context(_reading_nothing(much))
        assert much.officer.json(POINTS, params={"limit": 5})["numberReturned"] == 5
        assert much.officer.get(POINTS, params={"f": "gpkg", "limit": 5}).status_code == 200
        assert much.officer.get(POINTS, params={"f": "csv", "limit": 5}).status_code == 200
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        while sum(reason == "stalled" for reason, _ in _closings(much, before)) < SLOW:
            pass  # two seconds later
        end = time.monotonic() + END_S
        with psycopg.connect(much.url, autocommit=True) as connection:
            while connection.execute(busy).fetchone() != (1,):  # this one alone; the last closing may be on its way out
                assert time.monotonic() < end, "a connection is still held"
    stalled = [features for reason, features in _closings(much, before) if reason == "stalled"]
    assert len(stalled) == SLOW and all(0 < features < 45_000 for features in stalled)
