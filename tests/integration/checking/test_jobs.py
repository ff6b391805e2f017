"""One job table: jobs are their owner's, a worker that dies loses them to another, and nothing is done twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from layers.access.principal import PUBLIC, Principal
from layers.errors import ForbiddenError, InvalidInputsError, InvalidRequestError, NotFoundError
from layers.jobs import queue
from layers.jobs.batch_asked import BatchAsked, require_sound
from layers.jobs.job import BATCH_CHECK, LIMITS, PARCEL_CHECK, Job, LostError, Progress, TooManyJobsError
from layers.jobs.owner import Owner
from layers.jobs.run import Worker
from layers.store import jobs
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from tests.support.checked import INPUTS, OFFICER, OPERATOR, PARCEL, PARCELS, Place, geojson
from tests.support.jobs import files_of, identity, job, send, work
from tests.support.published import box


def claim(place: Place, name: str, limits: Any = LIMITS) -> Job | None:
    async def body(database: Database, _catalogue: Catalogue) -> Job | None:
        async with database.connection() as connection:
            return await jobs.claim(connection, name, (BATCH_CHECK,), limits)

    found: Job | None = place.ask(body)
    return found


def test_a_batch_that_was_sent_is_done_and_says_what_the_batch_of_the_command_line_says(
    place: Place, tmp_path: Path
) -> None:
    sent = send(place)
    assert (sent.state, sent.progress) == ("accepted", 0)
    assert work(place, tmp_path) == 1
    done = job(place, sent.id)
    found = files_of(tmp_path, done)
    assert sorted(found) == ["features.parquet", "findings.parquet", "summary.json"]
    summary = json.loads(found["summary.json"])
    assert (summary["subjects"], sum(summary["verdicts"].values())) == (len(PARCELS), len(PARCELS))
    assert summary["files"][0]["bytes"] == len(found["findings.parquet"])
    assert (done.progress, done.message.en) == (100, "Done.")
    assert [each.name for each in (tmp_path / "jobs" / sent.id).iterdir()] == [done.result["folder"]]  # type: ignore[index]


def test_two_workers_never_have_one_job(place: Place) -> None:
    sent = send(place)
    first, second = claim(place, "one"), claim(place, "two")
    assert first is not None and first.id == sent.id
    assert second is None


def test_a_job_whose_worker_is_gone_is_taken_again_and_the_old_worker_changes_nothing(place: Place) -> None:
    sent = send(place)
    lapsed = replace(LIMITS, lease_s=-1.0)
    first = claim(place, "one", lapsed)
    second = claim(place, "two")
    assert first is not None and second is not None
    assert (second.id, second.token, second.attempts) == (sent.id, first.token + 1, 2)

    async def late(database: Database, _catalogue: Catalogue) -> None:
        async with database.connection() as connection:
            await jobs.finish(connection, first, "successful", first.message, {}, Progress(), LIMITS)

    with pytest.raises(LostError):
        place.ask(late)
    assert job(place, sent.id).state == "running"


def test_a_job_that_ends_too_many_workers_is_given_up(place: Place, tmp_path: Path) -> None:
    sent = send(place)
    lapsed = replace(LIMITS, lease_s=-1.0, attempts=2)
    assert [claim(place, "x", lapsed) is None for _ in range(3)] == [False, False, True]
    assert work(place, tmp_path, limits=lapsed) == 0
    assert job(place, sent.id).state == "failed"


def test_owners_take_turns(place: Place) -> None:
    others = replace(LIMITS, running=5)
    first = [send(place, Principal(name, is_operator=True), purposes=()) for name in ("a", "a", "b")]
    taken = [claim(place, "w", others) for _ in range(3)]
    assert [each.id for each in taken if each] == [first[0].id, first[2].id, first[1].id]


def test_an_owner_has_only_so_many_jobs(place: Place) -> None:
    few = replace(LIMITS, waiting=2)
    for _ in range(2):
        send(place, limits=few)
    with pytest.raises(TooManyJobsError):
        send(place, limits=few)
    send(place, Principal("somebody", is_operator=True), limits=few)


def test_jobs_of_one_kind_leave_room_for_the_other(place: Place) -> None:
    few = replace(LIMITS, waiting=1)
    send(place, limits=few)
    with pytest.raises(TooManyJobsError):
        place.ask(lambda database, _: queue.require_room(database, OPERATOR, BATCH_CHECK, few))
    place.ask(lambda database, _: queue.require_room(database, OPERATOR, PARCEL_CHECK, few))


def test_nobody_in_particular_sends_no_batch(shared_place: Place) -> None:
    with pytest.raises(ForbiddenError, match="sign in"):
        send(shared_place, PUBLIC)


def test_a_grant_with_a_limit_of_uses_is_not_used_by_a_batch(shared_place: Place) -> None:
    officer = identity(shared_place, "officer")

    async def body(_database: Database, catalogue: Catalogue) -> None:
        limited = tuple(grant.model_copy(update={"rate": "5/d"}) for grant in catalogue.grants)
        asked = BatchAsked("land_use_change", dict(INPUTS))
        now = datetime.now(UTC)
        require_sound(asked, catalogue, Owner(officer, ()), now)
        with pytest.raises(ForbiddenError, match="limits how often"):
            require_sound(asked, replace(catalogue, grants=limited), Owner(officer, ()), now)

    shared_place.ask(body)


def test_a_job_that_is_over_keeps_nothing_long_of_what_was_asked(place: Place, tmp_path: Path) -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": geojson(box(0, 0, 20, 31))}
    shapes, keys = send(place, features=[feature]), send(place, keys=["25747.45.123"])
    assert work(place, tmp_path) == 2
    place.ask(lambda database, _: queue.dismiss(database, OPERATOR, shapes.id))
    assert (job(place, shapes.id).inputs["features"], job(place, keys.id).state) == ([], "successful")
    assert "keys" not in job(place, keys.id).inputs


def test_an_owner_keeps_only_so_many_jobs_and_bytes(place: Place, tmp_path: Path) -> None:
    first, second = send(place), send(place)
    assert work(place, tmp_path) == 2

    def clear(**limits: int) -> int:
        async def body(database: Database, _catalogue: Catalogue) -> int:
            return await Worker(database, tmp_path, "here", {}, replace(LIMITS, **limits)).clear()

        found: int = place.ask(body)
        return found

    assert [clear(), clear(kept=1), clear(kept=1)] == [0, 1, 0]
    left = [path.name for path in (tmp_path / "jobs").iterdir()]
    assert left == [second.id] and first.id not in left
    assert clear(kept_bytes=1) == 1


def test_a_check_as_a_job_ends_on_a_whole_tick(place: Place, tmp_path: Path) -> None:
    body = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS)}
    sent = place.ask(
        lambda database, catalogue: queue.submit(database, catalogue, OFFICER, PARCEL_CHECK, {"body": body})
    )
    assert work(place, tmp_path) == 1
    done = job(place, sent.id)
    tick_s = place.publisher.profile.header.check_only.tick_ms / 1000
    assert done.state == "successful" and done.started and done.finished
    assert (done.finished - done.started).total_seconds() >= tick_s


def test_jobs_of_others_are_not_there(place: Place) -> None:
    sent = send(place, identity(place, "officer"))

    def as_(who: Principal) -> Any:
        return place.ask(lambda database, _: queue.own_job(database, who, sent.id))

    assert as_(identity(place, "officer")).id == sent.id
    with pytest.raises(NotFoundError) as of_others:
        as_(replace(OFFICER, id="other"))
    with pytest.raises(NotFoundError) as missing:
        place.ask(lambda database, _: queue.own_job(database, OFFICER, "00000000-0000-4000-8000-000000000000"))
    assert of_others.value.message == missing.value.message
    listed = place.ask(lambda database, _: queue.own_jobs(database, PUBLIC))
    assert listed == ([], 0)


def test_a_dismissed_job_stops_and_its_files_go(place: Place, tmp_path: Path) -> None:
    waiting, done = send(place), send(place)
    place.ask(lambda database, _: queue.dismiss(database, OPERATOR, waiting.id))
    assert work(place, tmp_path) == 1
    files_of(tmp_path, job(place, done.id))
    place.ask(lambda database, _: queue.dismiss(database, OPERATOR, done.id))

    async def clear(database: Database, _catalogue: Catalogue) -> int:
        return await Worker(database, tmp_path, "here", {}).clear()

    assert place.ask(clear) == 1
    assert job(place, done.id).result is None
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"procedure": "nothing"}, InvalidInputsError),
        ({"inputs": {}}, InvalidInputsError),
        ({"filter": "nowhere = 1"}, InvalidRequestError),
        ({"filter": " OR ".join(["CASEI(so_to) = 'a'"] * 17)}, InvalidRequestError),
        ({"features": []}, InvalidInputsError),
        (
            {"features": [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}]},
            InvalidRequestError,
        ),
        ({"as_of": "2999-01-01"}, InvalidRequestError),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_when_it_is_sent(
    shared_place: Place, asked: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        send(shared_place, identity(shared_place, "officer"), **asked)


def test_the_server_takes_jobs_in_and_dismisses_them_and_does_no_more(place: Place) -> None:
    """As what it acts: it wakes workers without a right on the queue, and cannot pretend to be one."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        waiting = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'run_jobs' AND status = 'todo'"
        connection.execute("SET ROLE lt_api")
        insert = """INSERT INTO checks.job (id, owner, kind, inputs, inputs_digest, created, updated)
                    VALUES (gen_random_uuid()::text, 'x', 'batch-check', '{}', 'x', now(), now())"""
        connection.execute(insert)
        connection.execute(insert)
        connection.execute("UPDATE checks.job SET state = 'dismissed', expires = now()")
        for forbidden in ("UPDATE checks.job SET token = 9", "UPDATE checks.job SET owner = 'y'",
                          "UPDATE checks.job SET result = '{}'", "DELETE FROM checks.job", waiting,
                          insert.replace("(id,", "(is_operator, id,").replace("VALUES (", "VALUES (true, "),
                          insert.replace("(id,", "(os_user, id,").replace("VALUES (", "VALUES ('x', ")):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)  # type: ignore[arg-type]
        connection.execute("RESET ROLE")
        assert connection.execute(waiting).fetchone() == (1,)
