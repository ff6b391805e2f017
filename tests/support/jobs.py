"""Jobs of the small place: sent by somebody, done by a worker in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from layers.access.principal import Principal, known_as
from layers.jobs import queue
from layers.jobs.batch_asked import BatchAsked, require_sound
from layers.jobs.batch_check import run_batch
from layers.jobs.job import BATCH_CHECK, LIMITS, PARCEL_CHECK, Job, Limits
from layers.jobs.owner import Owner
from layers.jobs.run import Worker
from layers.store import jobs
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from ogc.worker import kinds_of_jobs

from .checked import INPUTS, OPERATOR, Place

#: for tests in which a worker dies: its lease is soon over
SHORT = replace(LIMITS, lease_s=0.5)


def send(place: Place, principal: Principal = OPERATOR, *, now: datetime | None = None, limits: Limits = LIMITS,
         purposes: tuple[str, ...] = (), **asked: Any) -> Job:  # fmt: skip
    """A batch is sent."""
    question = BatchAsked(**{"procedure": "land_use_change", "inputs": dict(INPUTS), **asked})
    instant = now or datetime.now(UTC)

    async def body(database: Database, catalogue: Catalogue) -> Job:
        require_sound(question, catalogue, Owner(principal, None if principal.is_operator else purposes), instant)
        return await queue.submit(
            database, catalogue, principal, BATCH_CHECK, question.as_inputs(instant), now=instant, limits=limits
        )

    found: Job = place.ask(body)
    return found


def identity(place: Place, name: str) -> Principal:
    """Somebody whom the profile knows."""
    return known_as(next(one for one in place.publisher.profile.identities if one.id == name))


def work(place: Place, data: Path, *, limits: Limits = LIMITS, name: str = "here") -> int:
    """A worker does all that waits; how many jobs there were."""

    async def body(database: Database, _catalogue: Catalogue) -> int:
        worker = Worker(database, data, name, in_one_process(), limits)
        return await worker.run_waiting((PARCEL_CHECK, BATCH_CHECK))

    found: int = place.ask(body)
    return found


def in_one_process() -> Mapping[str, Any]:
    """The kinds of jobs without processes of their own."""
    return {**kinds_of_jobs(), BATCH_CHECK: partial(run_batch, processes=1)}


def job(place: Place, job_id: str) -> Job:
    async def body(database: Database, _catalogue: Catalogue) -> Job | None:
        async with database.connection() as connection:
            return await jobs.job(connection, job_id)

    found: Job = place.ask(body)
    return found


def files_of(data: Path, done: Job) -> dict[str, bytes]:
    """What came of it, by name."""
    assert done.state == "successful" and done.result is not None, done
    folder = data / "jobs" / done.id / done.result["folder"]
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
