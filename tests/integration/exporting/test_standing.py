"""What is under way when a layer is suspended or rights change, and what one caller may have under way."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import psycopg
import pytest

from layers.access.grammar import Grant
from layers.profile.apply import apply
from layers.profile.profile import Profile
from layers.store.connection import Database
from ogc.auth import LIFETIME_S, SKEW_S, make_token
from ogc.common.policy_header import HEADER
from tests.support.exported import add_points, profile
from tests.support.policies import altered, put, with_fields
from tests.support.server import Server
from tests.support.shared_layers import Service, new_revision, service

DAT, POINTS = "/collections/dat/items", "/collections/moc/items"
FILE = {"f": "gpkg", "limit": "5"}
POINTS_ADDED = 20_000


@pytest.fixture(scope="module")
def own(exported_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each test puts back what it changes."""
    with server.copied(exported_template) as url:
        add_points(url, POINTS_ADDED)
        with service(url, tmp_path_factory.mktemp("standing")) as running:
            yield running


@contextmanager
def _suspended(running: Service, layer: str) -> Iterator[None]:
    with psycopg.connect(running.url, autocommit=True) as connection:
        new_revision(connection, layer, "suspended")
        try:
            _until(running, layer, lambda answer: answer.status_code == 503)
            yield
        finally:
            new_revision(connection, layer, "served")
            _until(running, layer, lambda answer: answer.status_code == 200)


@contextmanager
def _narrowed(running: Service, layer: str) -> Iterator[None]:
    """To fewer rows."""
    grants = profile().grants
    before = running.officer.get(f"/collections/{layer}/schema").headers[HEADER]
    anyio.run(_put, running.url, altered(grants, f"officer_{layer}", with_fields(rows="so > 2")))
    try:
        _until(running, layer, lambda answer: answer.headers[HEADER] != before)
        yield
    finally:
        anyio.run(_put, running.url, grants)
        _until(running, layer, lambda answer: answer.headers[HEADER] == before)


async def _put(url: str, grants: tuple[Grant, ...]) -> None:
    async with Database.open(url, size=2) as database:
        await put(database, grants)


@contextmanager
def _moved(running: Service, layer: str) -> Iterator[None]:
    """To another office: what the caller may have of the layer is still the same."""
    officer = next(one for one in profile().identities if one.id == "officer")
    others = tuple(one for one in profile().identities if one.id != "officer")
    moved = profile().model_copy(update={"identities": (*others, officer.model_copy(update={"office": "moved"}))})
    anyio.run(_apply, running.url, moved)
    try:
        _until_known(running, lambda who: who["office"] == "moved")
        yield
    finally:
        anyio.run(_apply, running.url, profile())
        _until_known(running, lambda who: who["office"] != "moved")


async def _apply(url: str, changed: Profile) -> None:
    async with Database.open(url, size=2) as database:
        await apply(database, changed, "test")


def _until_known(running: Service, is_heard: Callable[[dict[str, Any]], bool]) -> None:
    while not is_heard(running.officer.json("/whoami")):
        pass


def _until(running: Service, layer: str, is_heard: Callable[[httpx.Response], bool]) -> None:
    """The service's listener is told within milliseconds. No row is read for this answer."""
    while not is_heard(running.officer.get(f"/collections/{layer}/schema")):
        pass


def _last_reason(running: Service, layer: str) -> tuple[str | None, int]:
    """Of the export that ended last; the event is written before the connection ends."""
    with psycopg.connect(running.url) as connection:
        found = connection.execute(
            "SELECT reason, features FROM access.event WHERE layer = %s AND phase = 'closed' ORDER BY id DESC", [layer]
        ).fetchone()
    assert found is not None
    return found[0], int(found[1])


@contextmanager
def _text_under_way(running: Service, token: str | None = None) -> Iterator[socket.socket]:
    """The first bytes of all points are taken, with the officer's own token or another."""
    place = urlsplit(running.base)
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        found.settimeout(30)
        found.connect((place.hostname, place.port))
        bearer = f"Authorization: Bearer {token or running.officer.token}"
        head = f"GET {POINTS}?f=jsonseq HTTP/1.1\r\nHost: {place.netloc}\r\n{bearer}"
        found.sendall(f"{head}\r\n\r\n".encode())
        assert found.recv(12) == b"HTTP/1.1 200"
        yield found


@pytest.mark.parametrize(
    ("changed", "reason"), [(_suspended, "suspended"), (_narrowed, "policy"), (_moved, "identity")]
)
def test_a_text_under_way_ends_with_the_right_to_it(
    own: Service, changed: Callable[[Service, str], AbstractContextManager[None]], reason: str
) -> None:
    with _text_under_way(own) as reading, changed(own, "moc"):
        last = b""
        while piece := reading.recv(1 << 20):
            last = piece
        told, features = _last_reason(own, "moc")
    assert not last.endswith(b"0\r\n\r\n")
    assert told == reason and features < POINTS_ADDED


def test_a_text_under_way_ends_with_the_token_it_was_asked_with(own: Service) -> None:
    left_s = 3.0
    token = make_token(own.secrets, "officer", now=time.time() - LIFETIME_S - SKEW_S + left_s)
    with _text_under_way(own, token) as reading:
        with httpx.Client(base_url=own.base, headers={"Authorization": f"Bearer {token}"}) as same:
            while same.get("/whoami").status_code == 200:
                pass
        while reading.recv(1 << 20):
            pass
        told, features = _last_reason(own, "moc")
    assert told == "identity" and features < POINTS_ADDED


@contextmanager
def _rows_held(running: Service) -> Iterator[None]:
    """No row of `dat` can be read."""
    with psycopg.connect(running.url) as connection:
        connection.execute("LOCK TABLE data.dat IN ACCESS EXCLUSIVE MODE")
        yield


def _waiting(running: Service) -> int:
    with psycopg.connect(running.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_file_does_not_leave_once_its_layer_is_suspended(own: Service) -> None:
    with ThreadPoolExecutor() as threads, ExitStack() as changed:
        with _rows_held(own):
            sent = threads.submit(own.officer.get, DAT, params=FILE)
            while not _waiting(own):
                pass
            changed.enter_context(_suspended(own, "dat"))
        assert sent.result().status_code == 503
        assert _last_reason(own, "dat") == ("suspended", 0)


def _under_way(running: Service) -> int:
    """Exports of `dat` that are opened and not closed."""
    with psycopg.connect(running.url) as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE phase = 'opened') - count(*) FILTER (WHERE phase = 'closed') "
            "FROM access.event WHERE layer = 'dat'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_third_file_of_one_caller_waits_and_one_that_waits_for_a_writer_holds_no_connection(own: Service) -> None:
    with ThreadPoolExecutor() as threads:
        with _rows_held(own):
            sent = [threads.submit(own.officer.get, DAT, params=FILE) for _ in range(2)]
            while _waiting(own) < 2:
                pass
            third = own.officer.get(DAT, params=FILE)
            other = threads.submit(own.reviewer.get, DAT, params={"f": "gpkg", "limit": "3"})
            while _under_way(own) < 3:
                pass
            text = own.officer.get(POINTS, params={"f": "csv", "limit": "5"})
        assert [each.result().status_code for each in (*sent, other)] == [200, 200, 200]
    assert (third.status_code, third.headers["retry-after"]) == (429, "10") and text.status_code == 200
    assert own.officer.get(DAT, params=FILE).status_code == 200
