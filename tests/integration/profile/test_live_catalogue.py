from __future__ import annotations

from pathlib import Path

import anyio
import psycopg
import pytest
from anyio.lowlevel import checkpoint

from layers.errors import NotFoundError
from layers.profile.apply import apply
from layers.profile.load import load_profile
from layers.store.catalogue import Catalogue, LiveCatalogue
from layers.store.connection import Database

pytestmark = pytest.mark.anyio
PROFILES = Path(__file__).resolve().parents[2] / "profiles"


async def until_listening(live: LiveCatalogue, *, wanted: bool = True) -> None:
    with anyio.fail_after(20):
        while live.is_listening is not wanted:
            await checkpoint()


async def until_revision(live: LiveCatalogue, revision: int) -> Catalogue:
    with anyio.fail_after(20):
        while (catalogue := await live.current()).layer("zone").revision != revision:
            await checkpoint()
    return catalogue


def change_revision(url: str, revision: int, *, notify: bool) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE catalogue.layer SET revision = %s WHERE id = 'zone'", [revision])
        if notify:
            connection.execute("NOTIFY lienthong")


async def test_a_notification_makes_the_next_call_read_again(empty_database: str) -> None:
    async with Database.open(empty_database, size=2) as database:
        await apply(database, load_profile(PROFILES / "minimal"), "tester")
        async with LiveCatalogue(database) as live:
            await until_listening(live)
            first = await live.current()
            assert await live.current() is first
            change_revision(empty_database, 5, notify=True)
            second = await until_revision(live, 5)
    assert second.profile is first.profile  # a publication changes revisions, not the profile
    assert second.profile_digest == first.profile_digest


async def test_without_a_notification_nothing_is_read_again(empty_database: str) -> None:
    async with Database.open(empty_database, size=2) as database:
        await apply(database, load_profile(PROFILES / "minimal"), "tester")
        async with LiveCatalogue(database) as live:
            await until_listening(live)
            first = await live.current()
            change_revision(empty_database, 5, notify=False)
            assert await live.current() is first
            live.forget()
            assert (await live.current()).layer("zone").revision == 5


async def test_while_the_listener_is_lost_every_call_reads_and_it_comes_back(empty_database: str) -> None:
    async with Database.open(empty_database, size=2) as database:
        await apply(database, load_profile(PROFILES / "minimal"), "tester")
        async with LiveCatalogue(database) as live:
            await until_listening(live)
            await live.current()
            with psycopg.connect(empty_database, autocommit=True) as connection:
                connection.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND query = 'LISTEN lienthong'"""
                )
            await until_listening(live, wanted=False)
            change_revision(empty_database, 6, notify=False)
            assert (await live.current()).layer("zone").revision == 6
            await until_listening(live)
            change_revision(empty_database, 7, notify=True)
            await until_revision(live, 7)


async def test_a_layer_outside_the_profile_is_not_found(empty_database: str) -> None:
    async with Database.open(empty_database, size=2) as database:
        await apply(database, load_profile(PROFILES / "minimal"), "tester")
        async with LiveCatalogue(database) as live:
            with pytest.raises(NotFoundError):
                (await live.current()).layer("nowhere")
