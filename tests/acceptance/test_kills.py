"""Killed anywhere, the old revision is served, nothing is half-written, and the next publication works."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from layers.publishing.publication import STEPS
from tests.support import files, forking
from tests.support.files import one, parcel, parcels, publish_file, query, write
from tests.support.killed import start

ROWS = 3_000
KILLS = 20


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return _files(tmp_path_factory.mktemp("written"))


@pytest.fixture
def url(
    make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str], written: tuple[Path, Path]
) -> str:
    """The first of the two files is published."""

    def fill(database: str) -> None:
        files.fill(database)
        publish_file(database, written[0], "parcel")

    return clone(make_template("before_kills", fill))


def _state(url: str) -> dict[str, object]:
    """Everything a reader or a check could see of the layer, and whether it fits together."""
    current = "since <= {0} AND (until IS NULL OR until > {0})"
    revision = one(url, "SELECT revision FROM catalogue.layer WHERE id = 'parcel'")
    valid = current.format(revision)
    found: dict[str, object] = {
        "revision": revision,
        "revisions": one(url, "SELECT coalesce(max(revision), 0) FROM catalogue.revision WHERE layer = 'parcel'"),
        "releases": one(url, "SELECT coalesce(max(revision), 0) FROM catalogue.release WHERE layer = 'parcel'"),
        "beyond": one(url, f"SELECT count(*) FROM data.parcel WHERE since > {revision} OR until > {revision}"),
    }
    for table in ("data.parcel", "checks.piece", "checks.fact"):
        found[table] = one(url, f"SELECT count(*) FROM {table} WHERE {valid}")
    found["mapped"] = one(url, f"SELECT count(*) FROM checks.mapped WHERE {valid}")
    found["torn"] = one(
        url,
        """SELECT count(*) FROM data.parcel row FULL JOIN checks.fact ON fact.fid = row.fid AND fact.since = row.since
            FULL JOIN (SELECT DISTINCT fid, since FROM checks.piece) piece
                ON piece.fid = row.fid AND piece.since = row.since
            WHERE row.fid IS NULL OR fact.fid IS NULL OR piece.fid IS NULL""",
    )
    return found


def _assert_whole(state: dict[str, object]) -> None:
    assert state["revision"] == state["revisions"] == state["releases"]
    assert state["data.parcel"] == state["checks.piece"] == state["checks.fact"]
    assert (state["beyond"], state["torn"], state["mapped"]) == (0, 0, 1)


def _wait_for_sessions(url: str) -> None:
    """Until the server has noticed that the killed process is gone; a session that stays fails the test."""
    deadline = time.monotonic() + 30
    others = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type = 'client backend'"""
    while one(url, others):
        assert time.monotonic() < deadline, "a session of a killed process is still there"


def _files(folder: Path) -> tuple[Path, Path]:
    rows = [{**parcel("25747", n), "geometry": files.square(n % 60, n // 60)} for n in range(ROWS)]
    first = write(folder / "first.gpkg", rows)
    changed = [{**row, "DTPL": 1.0} if n % 3 == 0 else row for n, row in enumerate(rows[20:])]
    second = write(folder / "second.gpkg", [*changed, *parcels("25750", 50, 10_000)])
    return first, second


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_named_step_the_old_revision_stands_and_the_next_publication_works(
    step: str, url: str, written: tuple[Path, Path]
) -> None:
    _, second = written
    before = _state(url)
    process = start(url, second, "parcel", step)
    assert process.wait(timeout=120) == -signal.SIGKILL
    _wait_for_sessions(url)

    after = _state(url)
    _assert_whole(after)
    if step == "committed":
        assert after["revision"] == 2
    else:
        assert after == before
    report = publish_file(url, second, "parcel")
    assert report.revision == (3 if step == "committed" else 2)
    _assert_whole(_state(url))
    assert one(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace") == 0
    assert one(url, "SELECT count(*) FROM data.parcel WHERE until IS NULL") == ROWS - 20 + 50


@pytest.mark.long
def test_twenty_kills_drawn_over_the_duration_leave_whole_revisions_only(url: str, written: tuple[Path, Path]) -> None:
    first, second = written
    forking.ready()
    began = time.monotonic()
    assert start(url, second, "parcel").wait(timeout=120) == 0
    duration = time.monotonic() - began
    drawn = random.Random(20)
    paths = [first, second]

    killed = 0
    for n in range(KILLS):
        before = _state(url)
        process = start(url, paths[n % 2], "parcel")
        try:
            process.wait(timeout=drawn.uniform(0, duration))
        except subprocess.TimeoutExpired:
            process.kill()
        killed += process.wait(timeout=60) == -signal.SIGKILL
        _wait_for_sessions(url)
        after = _state(url)
        _assert_whole(after)
        assert after == before or after["revision"] == int(str(before["revision"])) + 1
    assert killed >= KILLS // 2
    final = publish_file(url, second, "parcel")
    _assert_whole(_state(url))
    assert final.as_dict()["rows"]["refused"] == 0  # type: ignore[index]
    rows = query(url, "SELECT count(*) AS n FROM data.parcel WHERE until IS NULL")
    assert rows == [{"n": ROWS - 20 + 50}]
