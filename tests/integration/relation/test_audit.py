"""Every access leaves an event; what cannot be recorded is not served."""

from __future__ import annotations

import anyio
import pytest

from layers.access.principal import Principal, operator
from layers.errors import StoreError
from layers.store import audit
from layers.store import connection as database
from layers.store.audit import Counter, Event
from layers.store.connection import Database
from tests.support.layers import decision, grant
from tests.support.sites import SITE

pytestmark = pytest.mark.anyio

ANNA = Principal("anna", frozenset({"reviewer", "a"}))
EVENT = Event.of_decision(ANNA, decision(SITE, grant("g", "site"), principal=ANNA), policy="sha256:x", revision=3)


@pytest.mark.parametrize("is_read", [True, False])
async def test_an_event_says_who_what_and_by_which_grant(empty_database: str, is_read: bool) -> None:
    async with Database.open(empty_database, size=1) as opened, opened.connection() as connection:
        await audit.record(connection, EVENT.with_result(features=5, trace="t"), is_read=is_read)
        found = await database.row(connection, "SELECT * FROM access.event")
    assert found is not None
    names = (
        "principal",
        "roles",
        "action",
        "layer",
        "decision",
        "reason",
        "grants",
        "revision",
        "features",
        "accesses",
    )
    assert [found[name] for name in names] == [
        "anna", ["a", "reviewer"], "items", "site", "allow", "granted", ["g"], 3, 5, 1
    ]  # fmt: skip


async def test_an_event_is_gone_with_the_transaction_it_belongs_to(empty_database: str) -> None:
    async with Database.open(empty_database, size=1) as opened:
        with pytest.raises(ZeroDivisionError):
            async with opened.transaction() as connection:
                await audit.record(connection, EVENT)
                raise ZeroDivisionError
        async with opened.connection() as connection:
            assert await database.rows(connection, "SELECT 1 FROM access.event") == []


async def test_only_reads_may_return_before_the_log_is_on_disk(empty_database: str) -> None:
    async with Database.open(empty_database, size=1) as opened:
        for is_read, expected in ((True, "off"), (False, "on")):
            async with opened.transaction() as connection:
                await audit.record(connection, EVENT, is_read=is_read)
                found = await database.row(connection, "SHOW synchronous_commit")
                assert found == {"synchronous_commit": expected}
        async with opened.connection() as connection:
            assert await database.row(connection, "SHOW synchronous_commit") == {"synchronous_commit": "on"}


async def test_tiles_are_counted_and_written_as_one_event_a_kind(empty_database: str) -> None:
    counter = Counter()
    denied = Event.of(operator("root"), "tile", "deny", layer="site", reason="no_grant")
    for event in (EVENT, EVENT, denied, EVENT):
        counter.count(event)
    async with Database.open(empty_database, size=2) as opened, opened.connection() as connection:
        assert (counter.waiting, await counter.flush(opened), counter.waiting) == (4, 4, 0)
        found = await database.rows(connection, "SELECT principal, os_user, accesses FROM access.event ORDER BY 1")
    assert [tuple(row.values()) for row in found] == [("anna", None, 3), ("operator", "root", 1)]


async def test_when_counts_cannot_be_written_serving_stops_and_nothing_is_forgotten(empty_database: str) -> None:
    counter = Counter()
    counter.count(EVENT)
    async with Database.open(empty_database, size=2) as opened, opened.connection() as connection:
        await connection.execute("ALTER TABLE access.event RENAME TO gone")
        with pytest.raises(StoreError):
            await counter.flush(opened)
        with pytest.raises(StoreError):
            counter.count(EVENT)
        assert counter.waiting == 1
        await connection.execute("ALTER TABLE access.gone RENAME TO event")
        assert await counter.flush(opened) == 1
        counter.count(EVENT)


async def test_a_database_that_gives_no_connection_stops_serving_like_one_that_cannot_be_written(
    empty_database: str,
) -> None:
    counter = Counter()
    counter.count(EVENT)
    async with Database.open(empty_database, size=1) as opened:
        pass
    with pytest.raises(StoreError):
        await counter.flush(opened)
    with pytest.raises(StoreError):
        counter.count(EVENT)
    assert counter.waiting == 1


async def test_a_flush_that_is_cancelled_forgets_nothing(empty_database: str) -> None:
    counter = Counter()
    counter.count(EVENT)
    async with Database.open(empty_database, size=1) as opened:
        async with opened.connection():  # the only one: the flush waits
            with anyio.move_on_after(0.05):
                await counter.flush(opened)
        assert counter.waiting == 1
        assert await counter.flush(opened) == 1
