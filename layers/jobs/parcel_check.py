"""One check as a job: its record has the job's id, so that a worker who takes it up again makes no second one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from layers.checking.request import CheckRequest
from layers.checking.run import check
from layers.store.checks import record

from .run import Result, Work

RequestOf = Callable[[Mapping[str, Any]], CheckRequest]


async def run_check(work: Work, request_of: RequestOf) -> Result:
    """The record's id; the answer is shown when it is asked for, to whoever it is then."""
    job = work.job
    request = request_of(job.inputs["body"])
    work.owner.require(request.purpose)
    work.tell(1, 0)
    async with work.database.connection() as connection:
        known = await record(connection, job.id)
    if known is None:
        await check(work.database, work.catalogue, request, work.owner.principal, new_id=lambda: job.id)
    work.tell(1, 1)
    return {"record": job.id}
