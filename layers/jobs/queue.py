"""Jobs as their owners see them: sent, listed, looked at, dismissed. Those of others are not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread

from layers.access.principal import PUBLIC, Principal
from layers.canonical import canonical, digest_of, plain
from layers.checking.threads import limiter_of_loop
from layers.errors import NotFoundError
from layers.store import audit, jobs
from layers.store.catalogue import Catalogue
from layers.store.connection import Database

from .job import LIMITS, Draft, Job, Limits, State, TooManyJobsError
from .owner import owns


async def submit(
    database: Database,
    catalogue: Catalogue,
    principal: Principal,
    kind: str,
    inputs: Mapping[str, Any],
    *,
    now: datetime | None = None,
    new_id: Callable[[], str] | None = None,
    limits: Limits = LIMITS,
) -> Job:
    """The job as it was taken in; its event is written with it, and a worker is woken. Raises TooManyJobsError.

    `inputs` have been checked by the kind they are for, and are plain JSON.
    """
    known, text, asked = await to_thread.run_sync(_written, inputs, limiter=limiter_of_loop())
    draft = Draft(
        id=new_id() if new_id else str(uuid.uuid4()), owner=principal.id, kind=kind, inputs=text,
        inputs_digest=asked, is_operator=principal.is_operator, os_user=principal.os_user,
    )  # fmt: skip
    event = audit.Event.of(
        principal, "job", "allow", purpose=known.get("purpose"), dossier=known.get("dossier"),
        policy=catalogue.policy_digest, request=draft.inputs_digest,
    )  # fmt: skip
    async with database.transaction() as connection:
        made = await jobs.insert(connection, draft, limits, now or datetime.now(UTC))
        if made is None:
            raise TooManyJobsError(limits.waiting)
        await audit.record(connection, event)
    return replace(made, inputs=known)


def _written(inputs: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    """Plain, as text, and its digest: of a long question that takes seconds."""
    known = plain(dict(inputs))
    return known, canonical(known), digest_of(known)


async def require_room(database: Database, principal: Principal, kind: str, limits: Limits = LIMITS) -> None:
    """Before a question is even read; `submit` decides for good. Raises TooManyJobsError."""
    async with database.connection() as connection:
        if await jobs.waiting(connection, principal.id, kind) >= limits.waiting:
            raise TooManyJobsError(limits.waiting)


async def own_jobs(
    database: Database, principal: Principal, *, state: State | None = None, kind: str | None = None, most: int = 100,
    skipped: int = 0,
) -> tuple[list[Job], int]:  # fmt: skip
    """The newest jobs of the caller, and how many there are. Nobody in particular has no list: their jobs are known
    by their ids alone."""
    if principal.id == PUBLIC.id and not principal.is_operator:
        return [], 0
    async with database.connection() as connection:
        return await jobs.jobs_of(connection, principal.id, state=state, kind=kind, most=most, skipped=skipped)


async def own_job(database: Database, principal: Principal, job_id: str) -> Job:
    """One job of the caller. Raises NotFoundError, the same for one that is not there and one of somebody else."""
    async with database.connection() as connection:
        found = await jobs.job(connection, job_id)
    if found is None or not owns(principal, found):
        raise NotFoundError
    return found


async def dismiss(
    database: Database, principal: Principal, job_id: str, *, now: datetime | None = None, limits: Limits = LIMITS
) -> Job:
    """Whatever its state: it stops at the next partition, and its files go; twice is once. Raises NotFoundError."""
    known = await own_job(database, principal, job_id)
    async with database.transaction() as connection:
        found = await jobs.dismiss(connection, job_id, limits, now or datetime.now(UTC))
        if found is not None:
            event = audit.Event.of(principal, "job", "allow", reason="dismissed", request=found.inputs_digest)
            await audit.record(connection, event)
    return found or known
