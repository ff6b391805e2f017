"""One check as a job: its record has the job's id, so that a worker who takes it up again makes no second one.

It ends on a whole tick, whatever it met: how long the work took would tell of what the owner may not see, by the end of
the job itself and by the start of the next one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import anyio

from layers.checking.request import CheckRequest
from layers.checking.run import check
from layers.store.checks import record

from .run import Result, Work

RequestOf = Callable[[Mapping[str, Any]], CheckRequest]


async def run_check(work: Work, request_of: RequestOf) -> Result:
    """The record's id; the answer is shown when it is asked for, to whoever it is then."""
    began = anyio.current_time()
    try:
        return await _checked(work, request_of)
    finally:
        tick_s = work.catalogue.profile.header.check_only.tick_ms / 1000
        await anyio.sleep_until(began + max(1, math.ceil((anyio.current_time() - began) / tick_s)) * tick_s)


async def _checked(work: Work, request_of: RequestOf) -> Result:
    job = work.job
    request = request_of(job.inputs["body"])
    work.owner.require(request.purpose)
    work.tell(1, 0)
    async with work.database.connection() as connection:
        known = await record(connection, job.id)
    if known is None:
        await check(work.database, work.catalogue, request, work.owner.principal, new_id=lambda: job.id)
    return {"record": job.id}
