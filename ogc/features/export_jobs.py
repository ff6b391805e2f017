"""Exports that take longer than an answer: jobs that say what was asked, and are read anew when they are done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from layers.exporting.formats import FORMATS
from layers.jobs import queue
from layers.jobs.export import Prepared, decision_today, require_somebody
from layers.jobs.job import EXPORT, Job
from layers.jobs.owner import Owner
from layers.jobs.run import Work
from ogc.auth import caller_of
from ogc.common.clock import now_of, utc_now
from ogc.common.language import language_of
from ogc.common.parameters import Parameters
from ogc.common.relation import Relation

from .export_query import Asked, asked_of
from .query import PARAMETERS

#: of the request itself, not of what is asked
_NOT_ASKED = ("f", "lang")


def export_parameters(values: Mapping[str, str]) -> Parameters:
    """Those of `items`, as they were kept or came in a body. Names that are none are refused where they are read."""
    return Parameters.of(values, PARAMETERS)


async def submit_export(request: Request, asked: Asked, parameters: Mapping[str, str], revision: int) -> Job:
    """The job as it was taken in: the revision is fixed now. Raises ForbiddenError, TooManyJobsError."""
    caller, state = caller_of(request), request.app.state
    require_somebody(Owner(caller.principal, caller.purposes))
    inputs: dict[str, Any] = {
        "layer": asked.relation.layer, "format": asked.kind.name, "revision": revision,
        "parameters": {name: text for name, text in parameters.items() if name not in _NOT_ASKED},
        "purpose": asked.relation.purpose, "language": language_of(request),
    }  # fmt: skip
    made = await queue.submit(
        state.database, asked.relation.catalogue, caller.principal, EXPORT, inputs, now=now_of(request),
        new_id=state.new_id,
    )  # fmt: skip
    state.metrics.jobs.labels(EXPORT, "accepted").inc()
    return made


def prepared(work: Work) -> Prepared:
    """The same question for the owner as they are today. Raises whatever `items` raises."""
    inputs, catalogue = work.job.inputs, work.catalogue
    state = catalogue.layer(inputs["layer"])
    decision = decision_today(work.job, catalogue, work.owner, utc_now())
    relation = Relation(catalogue, state, work.owner.principal, inputs["purpose"], decision)
    asked = asked_of(FORMATS[inputs["format"]], export_parameters(inputs["parameters"]), relation)
    name = f"{state.definition.id}.{asked.kind.suffix}"
    return Prepared(asked.extract(inputs["revision"], inputs["language"]), asked.kind, name)
