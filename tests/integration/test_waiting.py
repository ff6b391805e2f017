"""An answer in many parts is waited for once; errors, interruptions and a lost server end as they do with psycopg."""

from __future__ import annotations

import anyio
import psycopg
import pytest

from layers.store.connection import Connection, Database, raw, row, rows

pytestmark = pytest.mark.anyio

LONG = "SELECT repeat(md5(n::text), 30) AS part FROM generate_series(1, 4000) n"
#: parts come one after the other for longer than any test waits
ENDLESS = "SELECT repeat('x', 9000) || pg_sleep(0.01)::text AS part FROM generate_series(1, 100000)"
ASLEEP = "SELECT pg_sleep(600)"


@pytest.fixture
def url(empty_database: str) -> str:
    return empty_database


async def test_an_answer_of_many_parts_is_whole(url: str) -> None:
    async with Database.open(url, size=1) as database, database.connection() as connection:
        found = (await raw(connection, LONG, None)).column(0)
        plain = [each["part"].encode() for each in await rows(connection, LONG)]
    assert found == plain and len(found) == 4000


async def test_a_large_question_leaves_in_many_parts(url: str) -> None:
    """More than the socket takes at once: it is waited for until it can be written again."""
    sent = "ă" * 20_000_000
    async with Database.open(url, size=1) as database, database.connection() as connection:
        found = await row(connection, "SELECT length(%(sent)s::text) AS letters", {"sent": sent})
    assert found == {"letters": len(sent)}


async def test_an_error_in_the_middle_is_raised_and_the_connection_goes_on(url: str) -> None:
    async with Database.open(url, size=1) as database, database.connection() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await raw(connection, "SELECT repeat('x', 9000), 1 / (3000 - n) FROM generate_series(1, 4000) n", None)
        assert await row(connection, "SELECT 1 AS one") == {"one": 1}


@pytest.mark.parametrize("statement", [ASLEEP, ENDLESS])
async def test_a_broken_off_wait_ends_the_statement_and_keeps_no_connection(url: str, statement: str) -> None:
    async with Database.open(url, size=1) as database:
        with anyio.move_on_after(0.3) as scope:
            async with database.connection() as connection:
                await raw(connection, statement, None)  # type: ignore[arg-type]  # one of two above
        assert scope.cancelled_caught
        with anyio.fail_after(20):
            async with database.connection() as connection:
                assert await row(connection, "SELECT 1 AS one") == {"one": 1}
    with psycopg.connect(url, autocommit=True) as other:
        still = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with anyio.fail_after(20):
            while other.execute(still).fetchone() != (0,):  # noqa: ASYNC110 another process's, which nothing tells of
                await anyio.sleep(0.05)


async def test_others_are_served_while_one_waits(url: str) -> None:
    async with Database.open(url, size=4) as database:
        done: list[int] = []

        async def ask(number: int) -> None:
            async with database.connection() as connection:
                assert len((await raw(connection, LONG, None)).column(0)) == 4000
            done.append(number)

        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(ask, number)
    assert sorted(done) == list(range(12))


async def test_a_server_that_goes_away_is_told_as_such(url: str) -> None:
    async with Database.open(url, size=1) as database, anyio.create_task_group() as group:
        with anyio.move_on_after(20) as scope:
            async with database.connection() as connection:
                group.start_soon(_end, url, connection.info.backend_pid)
                with pytest.raises(psycopg.OperationalError):
                    await raw(connection, ASLEEP, None)
        assert not scope.cancel_called


async def test_a_connection_that_is_closed_meanwhile_keeps_nobody_waiting(url: str) -> None:
    async with Database.open(url, size=1) as database, anyio.create_task_group() as group:
        with anyio.move_on_after(20) as scope:
            async with database.connection() as connection:
                group.start_soon(_close, url, connection)
                with pytest.raises(psycopg.OperationalError):
                    await raw(connection, ASLEEP, None)
        assert not scope.cancel_called


async def _close(url: str, connection: Connection) -> None:
    """As soon as its statement runs."""
    await _until_active(url, connection.info.backend_pid)
    connection.pgconn.finish()


async def _end(url: str, pid: int) -> None:
    await _until_active(url, pid)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s)", (pid,))


async def _until_active(url: str, pid: int) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        while True:
            found = await (await other.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", (pid,))).fetchone()
            if found == ("active",):
                return
            await anyio.sleep(0.02)
