"""Every committed event is sealed once, whatever else is under way."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import anyio
import anyio.lowlevel
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from structlog.testing import capture_logs

from layers.sharing.sealing import Sealer
from layers.sharing.witness import WITNESSED_EVERY_S, Witness, lines, witness_file
from layers.store import seals
from layers.store.connection import Database
from layers.store.seals import Head, Sealing
from tests.support.ledger import Ledger

ROOT = Path(__file__).resolve().parents[3]
EVENT = "INSERT INTO access.event (principal, action, decision) VALUES ('anna', 'items', 'allow')"


def _sealed(ledger: Ledger) -> list[list[int]]:
    return [row[0] for row in ledger.rows("SELECT events FROM access.seal ORDER BY number")]


def test_nothing_is_written_where_nothing_is_new(ledger: Ledger) -> None:
    assert ledger.seal().number == 0
    ledger.add(2)
    assert [ledger.seal().number for _ in range(3)] == [1, 1, 1]
    assert _sealed(ledger) == [[1, 2]]


def test_an_event_that_commits_later_than_a_larger_number_is_sealed_later(ledger: Ledger) -> None:
    with psycopg.connect(ledger.url) as slow, psycopg.connect(ledger.url, autocommit=True) as quick:
        slow.execute(EVENT)
        quick.execute(EVENT)
        ledger.seal()
        assert _sealed(ledger) == [[2]]
        quick.execute(EVENT)
        slow.commit()
        ledger.seal()
    ledger.seal()
    assert _sealed(ledger) == [[2], [1, 3]]
    assert ledger.verify().is_sound


def test_the_login_of_the_service_may_record_seal_and_verify(ledger: Ledger) -> None:
    """It owns nothing and inherits nothing, and acts as lt_api."""
    ledger.tamper("ALTER ROLE lt_server LOGIN")
    served = Ledger(make_conninfo(ledger.url, user="lt_server"), ledger.data)
    assert served.seal().number == 0
    served.add(2)
    assert served.seal().number == 1
    assert ledger.verify().is_sound


def test_what_was_rolled_back_is_no_gap(ledger: Ledger) -> None:
    with psycopg.connect(ledger.url) as connection:
        connection.execute(EVENT)
        connection.rollback()
    ledger.add(1)
    ledger.seal()
    assert _sealed(ledger) == [[2]] and ledger.verify().is_sound


def test_a_backlog_becomes_several_seals(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST_EVENTS", 4)
    ledger.tamper(
        "INSERT INTO access.event (principal, action, decision, at) "
        "SELECT 'anna', 'items', 'allow', now() - interval '1 day' FROM generate_series(1, 10)"
    )
    assert ledger.seal().number == 3
    assert [len(events) for events in _sealed(ledger)] == [4, 4, 2]
    assert ledger.verify().is_sound


def test_several_sealers_at_once_make_one_chain(ledger: Ledger) -> None:
    async def run() -> None:
        async with Database.open(ledger.url, size=6) as database, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(_seal_often, database)
            tasks.start_soon(anyio.to_thread.run_sync, ledger.add, 60)

    anyio.run(run)
    ledger.seal()
    events = [event for seal in _sealed(ledger) for event in seal]
    assert sorted(events) == list(range(1, 61)) and ledger.verify().is_sound


async def _seal_often(database: Database) -> None:
    sealing = Sealing(database)
    for _ in range(25):
        await sealing.seal()


KILLED = """
import os, signal, sys
import anyio
from layers.store import seals
from layers.store.connection import Database

async def insert_and_die(connection, seal, insert=seals.insert_seal):
    await insert(connection, seal)
    os.kill(os.getpid(), signal.SIGKILL)

async def run():
    seals.insert_seal = insert_and_die
    async with Database.open(sys.argv[1], size=2) as database:
        await seals.Sealing(database).seal()

anyio.run(run)
"""


def test_a_sealer_killed_at_work_leaves_a_chain_that_another_goes_on_with(ledger: Ledger) -> None:
    ledger.add(3)
    ledger.seal()
    ledger.add(3)
    killed = subprocess.run([sys.executable, "-c", KILLED, ledger.url], cwd=ROOT, env=dict(os.environ), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert ledger.verify().unsealed == 3
    ledger.seal()
    assert _sealed(ledger) == [[1, 2, 3], [4, 5, 6]] and ledger.verify().is_sound


@pytest.mark.parametrize("cluster", ["another", "the same"])
def test_a_chain_goes_on_in_another_cluster_which_counts_its_own_transactions(ledger: Ledger, cluster: str) -> None:
    """As after a restore: the snapshot of the last seal says nothing about what is new here."""
    ledger.add(2)
    ledger.seal()
    ahead = ledger.rows("SELECT (pg_current_xact_id()::text::bigint + 1000000)::text")[0][0]
    named = "'another'" if cluster == "another" else "cluster"
    ledger.tamper(f"UPDATE access.seal SET snapshot = '{ahead}:{ahead}:', cluster = {named}")
    ledger.tamper(*_resealed(ledger))
    ledger.add(2)
    ledger.seal()
    ledger.seal()
    ledger.add(1)
    ledger.seal()
    assert _sealed(ledger) == [[1, 2], [3, 4], [5]] and ledger.verify().is_sound


def _resealed(ledger: Ledger) -> list[str]:
    """The one seal with the digest of what stands in it now."""
    with psycopg.connect(ledger.url) as connection:
        row = connection.execute(
            "SELECT number, sealed, cluster, snapshot::text, events, digests, previous FROM access.seal"
        ).fetchone()
    assert row is not None
    number, sealed, cluster, snapshot, events, digests, previous = row
    entries = tuple(zip(events, map(bytes, digests), strict=True))
    seal = seals.Seal(number, sealed, cluster, snapshot, entries, previous)
    (ledger.data / "witness").rename(ledger.data / "before")
    return [f"UPDATE access.seal SET digest = '{seal.digest}'"]


def test_a_failure_to_seal_is_told_once_and_heals(ledger: Ledger) -> None:
    async def run() -> None:
        async with Database.open(ledger.url, size=2) as database:
            sealer = Sealer(database, ledger.data)
            ledger.tamper("ALTER TABLE access.seal RENAME TO gone")
            await sealer.once()
            await sealer.once()
            ledger.tamper("ALTER TABLE access.gone RENAME TO seal")
            await sealer.finish()

    ledger.add(1)
    with capture_logs() as told:
        anyio.run(run)
    assert [each["event"] for each in told].count("events_not_sealed") == 1
    assert _sealed(ledger) == [[1]] and ledger.verify().witnessed == 1


def _head(number: int) -> Head:
    return Head("some/where", "1", number, f"sha256:{number}", "sha256:1", number * 10, None, "1:1:")


def test_a_service_that_ends_while_events_are_read_leaves_nothing_open(ledger: Ledger) -> None:
    ledger.add(1)

    async def seal_behind_a_lock() -> None:
        other = await psycopg.AsyncConnection.connect(ledger.url)
        async with other, Database.open(ledger.url, size=2) as database:
            await other.execute("LOCK access.seal IN EXCLUSIVE MODE")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(Sealing(database).seal)
                with anyio.fail_after(20):
                    while not await _waits_for_a_lock(database):
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        anyio.run(seal_behind_a_lock)
        gc.collect()
    assert not [str(each.message) for each in told]
    assert ledger.seal().number == 1


async def _waits_for_a_lock(database: Database) -> bool:
    async with database.connection() as connection:
        found = await connection.execute(
            "SELECT FROM pg_locks WHERE NOT granted AND relation = 'access.seal'::regclass"
        )
        return found.rowcount > 0


def test_the_witness_has_a_line_a_minute_and_one_at_the_end(tmp_path: Path) -> None:
    now = 0.0
    witness = Witness(tmp_path, clock=lambda: now)
    written = []
    for second in range(0, 150, 10):
        now = float(second)
        if witness.is_due(_head(second + 1)):
            witness.write(_head(second + 1))
            written.append(second)
    witness.write(_head(999))
    witness.write(_head(999))
    assert written == [0, WITNESSED_EVERY_S, 2 * WITNESSED_EVERY_S]
    file = witness_file(tmp_path, "some/where")
    assert [line.seal for line in lines(file)] == [1, 61, 121, 999]
    assert file.parent == tmp_path / "witness"


def test_a_witness_of_another_process_adds_no_second_line_for_the_same_head(tmp_path: Path) -> None:
    for _ in range(2):
        Witness(tmp_path).write(_head(5))
    assert len(list(lines(witness_file(tmp_path, "some/where")))) == 1


def test_a_head_after_a_torn_line_is_a_line_of_its_own(tmp_path: Path) -> None:
    Witness(tmp_path).write(_head(5))
    (file,) = (tmp_path / "witness").iterdir()
    file.write_bytes(file.read_bytes() + b'{"at": "2026-')
    Witness(tmp_path).write(_head(6))
    assert [line.seal for line in lines(file)] == [5, 0, 6]
