"""The one job table. A claim counts the job's token up; whatever a worker writes names the token it was given, so that
one who was slow or believed dead changes nothing any more. Leases run on the database's clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from gis.errors import Message
from layers.jobs.job import MESSAGES, Draft, Job, Limits, LostError, Progress, State

from .connection import Connection, Values, row, rows
from .statements import blocks

_SQL = "jobs"
#: what may go better the next time
FAILURES: tuple[type[Exception], ...] = (psycopg.Error, OSError)
#: jobs of one list
MOST_LISTED = 1_000


async def insert(connection: Connection, draft: Draft, limits: Limits, now: datetime) -> Job | None:
    """The job as it was taken in; None where its owner has as many as they may."""
    values = {"id": draft.id, "owner": draft.owner, "kind": draft.kind, "inputs": draft.inputs,
              "inputs_digest": draft.inputs_digest, "message": _json(MESSAGES["accepted"]), "now": now,
              "most": limits.waiting}  # fmt: skip
    made = await row(connection, blocks(_SQL)["insert"], values)
    if made is not None and draft.is_operator:
        made = await row(connection, blocks(_SQL)["of_operator"], {"id": draft.id, "os_user": draft.os_user})
    return _one(made)


async def waiting(connection: Connection, owner: str, kind: str) -> int:
    """Jobs of this kind that the owner has waiting or running."""
    found = await row(connection, blocks(_SQL)["waiting"], {"owner": owner, "kind": kind})
    return int(found["number"]) if found else 0


async def job(connection: Connection, job_id: str) -> Job | None:
    return _one(await row(connection, blocks(_SQL)["job"], {"id": job_id}))


async def jobs_of(
    connection: Connection, owner: str, *, state: State | None = None, kind: str | None = None, most: int = 100,
    skipped: int = 0,
) -> tuple[list[Job], int]:  # fmt: skip
    """The newest jobs of an owner, and how many there are."""
    values = {"owner": owner, "state": state, "kind": kind, "most": min(most, MOST_LISTED), "skipped": skipped}
    number = await row(connection, blocks(_SQL)["number_of_owner"], values)
    found = await rows(connection, blocks(_SQL)["of_owner"], values)
    return [_job(each) for each in found], int(number["number"]) if number else 0


async def all_jobs(connection: Connection, most: int = MOST_LISTED) -> list[Job]:
    """For the operator."""
    return [_job(each) for each in await rows(connection, blocks(_SQL)["all"], {"most": most})]


async def dismiss(connection: Connection, job_id: str, limits: Limits, now: datetime) -> Job | None:
    """The job as it was dismissed; None where it is gone, or was dismissed before."""
    values = {"id": job_id, "message": _json(MESSAGES["dismissed"]), "now": now, "kept_s": limits.kept_s}
    return _one(await row(connection, blocks(_SQL)["dismiss"], values))


# ── of workers ───────────────────────────────────────────────────────────────────────────────────


async def claim(connection: Connection, worker: str, kinds: Collection[str], limits: Limits) -> Job | None:
    """The next job for a worker, under a new token; None where none waits."""
    values = {"worker": worker, "kinds": list(kinds), "lease_s": limits.lease_s, "most_attempts": limits.attempts,
              "most_running": limits.running, "message": _json(MESSAGES["running"])}  # fmt: skip
    return _one(await row(connection, blocks(_SQL)["claim"], values))


async def give_up(connection: Connection, kinds: Collection[str], limits: Limits) -> list[Job]:
    """Jobs that ended too many workers are failed, and no longer taken."""
    values = {"kinds": list(kinds), "most_attempts": limits.attempts, "kept_s": limits.kept_s,
              "message": _json(MESSAGES["given_up"])}  # fmt: skip
    return [_job(each) for each in await rows(connection, blocks(_SQL)["give_up"], values)]


async def keep(connection: Connection, claimed: Job, progress: Progress, limits: Limits) -> None:
    """A sign of life. Raises LostError."""
    values = {"lease_s": limits.lease_s, "partitions": progress.partitions, "done": progress.done,
              "message": _json(progress.message)}  # fmt: skip
    await _of_claim(connection, "keep", claimed, values)


async def begun(connection: Connection, claimed: Job, work: str) -> None:
    """The folder in which this and later workers go on. Raises LostError."""
    await _of_claim(connection, "begun", claimed, {"work": work})


async def finish(
    connection: Connection, claimed: Job, state: State, message: Message, result: Mapping[str, Any] | None,
    progress: Progress, limits: Limits,
) -> None:  # fmt: skip
    """The end of a job. Raises LostError: then another worker ends it."""
    values = {"state": state, "message": _json(message), "result": None if result is None else Jsonb(dict(result)),
              "kept_s": limits.kept_s, "partitions": progress.partitions, "done": progress.done}  # fmt: skip
    await _of_claim(connection, "finish", claimed, values)


async def release(connection: Connection, claimed: Job, *, counts: bool) -> None:
    """Given back, for this or another worker to go on with; an attempt that `counts` went wrong. Raises LostError."""
    await _of_claim(connection, "release", claimed, {"uncounted": 0 if counts else 1})


async def _of_claim(connection: Connection, block: str, claimed: Job, values: Values) -> None:
    found = await row(connection, blocks(_SQL)[block], {**values, "id": claimed.id, "token": claimed.token})
    if found is None:
        raise LostError


async def forget_outlived(connection: Connection, limits: Limits) -> list[str]:
    """Rows whose time is over, and the oldest beyond what an owner may keep; their ids."""
    values = {"kept": limits.kept, "kept_bytes": limits.kept_bytes}
    return [str(each["id"]) for each in await rows(connection, blocks(_SQL)["outlived"], values)]


async def without_files(connection: Connection, folders: Mapping[str, bool]) -> list[str]:
    """Of these names of folders, those that no job needs; of no known job only old ones (the value)."""
    values = {"ids": list(folders), "old": list(folders.values())}
    found = await rows(connection, blocks(_SQL)["without_files"], values)
    return [str(each["id"]) for each in found]


def _json(message: Message) -> Jsonb:
    return Jsonb(message.as_dict())


def _one(found: Mapping[str, Any] | None) -> Job | None:
    return None if found is None else _job(found)


def _job(found: Mapping[str, Any]) -> Job:
    told = found["message"]
    return Job(**{**found, "message": Message(told.get("vi", ""), told.get("en", ""))})
