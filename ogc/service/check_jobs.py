"""Checks that take longer than an answer is waited for: jobs, with the same record at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from layers.jobs import queue
from layers.jobs.job import PARCEL_CHECK, Job
from layers.store.catalogue import Catalogue
from ogc.auth import principal_of
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import JSON, Addresses, link
from ogc.common.responses import json_response

RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"


async def submit_check(
    request: Request, catalogue: Catalogue, body: Mapping[str, Any], purpose: str | None, response: str = "raw"
) -> Job:
    """A check as a job: the body as it was sent, for the purpose that counts. Raises TooManyJobsError."""
    state = request.app.state
    inputs = {"body": {**body, "purpose": purpose}, "response": response, "purpose": purpose,
              "dossier": body.get("dossier")}  # fmt: skip
    made = await queue.submit(
        state.database, catalogue, principal_of(request), PARCEL_CHECK, inputs, now=now_of(request),
        new_id=state.new_id,
    )  # fmt: skip
    state.metrics.jobs.labels(PARCEL_CHECK, "accepted").inc()
    return made


def accepted(request: Request, job: Job) -> Response:
    """202 with the place of the job, as its status tells it (OGC API - Processes, statusInfo)."""
    where = Addresses(request).to("jobs", job.id)
    told = {
        "type": "process", "processID": job.kind, "jobID": job.id, "status": job.state, "progress": job.progress,
        "message": job.message.in_language(language_of(request)), "created": job.created.isoformat(),
        "links": [link(where, "self", JSON), link(f"{where}/results", RESULTS, JSON)],
    }  # fmt: skip
    return json_response(told, status=202, headers={"Location": where})
