"""The service as the process engine asks it for one caller: executions, jobs, results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from anyio import to_thread
from starlette.requests import Request

from layers.checking.answer import Answer
from layers.checking.effort import estimate
from layers.checking.history import find_answer
from layers.checking.request import LOCAL_TIME, ByUpload
from layers.checking.run import check
from layers.checking.threads import limiter_of_loop
from layers.errors import ForbiddenError, InvalidInputsError, NotFoundError
from layers.exporting.formats import FORMATS
from layers.jobs import queue
from layers.jobs.batch_asked import require_known, require_sound
from layers.jobs.batch_check import require_same_rights
from layers.jobs.export import decision_today, require_same_relation, require_somebody
from layers.jobs.folders import JobFolder
from layers.jobs.job import BATCH_CHECK, EXPORT, PARCEL_CHECK, Job, State
from layers.jobs.owner import Owner
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.exporting import count_up_to
from ogc.auth import Caller, caller_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import Addresses
from ogc.common.relation import authorised
from ogc.features.export_jobs import export_parameters, submit_export
from ogc.features.export_query import asked_of, require_shapes, revision_of
from ogc.service.bodies import validated
from ogc.service.check_jobs import submit_check
from ogc.service.checks import CheckBody, check_request
from ogc.service.fields import of_subject, told_by

from .backing import Executed
from .bodies import BatchBody, ExportBody
from .descriptions import JSON_TYPE, PARQUET
from .errors import InvalidExecutionError, JobFailedError, NoSuchJobError, ResultNotReadyError

T = TypeVar("T")

SUMMARY = "summary.json"
#: the only folders that a worker leaves results in
_RESULTS = re.compile(r"results-[0-9]+")
#: files of a batch's result that are given out as files; the summary is in the document itself, and a file too
MEDIA_TYPES: Mapping[str, str] = {
    "findings.parquet": PARQUET, "features.parquet": PARQUET, SUMMARY: JSON_TYPE,
}  # fmt: skip


@dataclass
class Service:
    """One request's backing. `answer` is the check that was made or read: it decides when and how long this leaves."""

    request: Request
    catalogue: Catalogue
    state: State | None = None  #: of jobs to list
    kind: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)  #: of an execution
    answer: Answer | None = field(default=None, init=False)
    matched: int = field(default=0, init=False)

    @property
    def caller(self) -> Caller:
        return caller_of(self.request)

    @property
    def _app(self) -> Any:
        return self.request.app.state

    # ── executing ────────────────────────────────────────────────────────────────────────────────
    async def execute(self, process: str, *, is_async: bool, response: str) -> Executed:
        """Of `inputs`. Raises InvalidExecutionError naming each that cannot be used, and whatever a check raises."""
        try:
            if process == BATCH_CHECK:
                return await self._batch(self.inputs)
            if process == EXPORT:
                return await self._export(self.inputs)
            return await self._check(self.inputs, is_async=is_async, response=response)
        except InvalidInputsError as error:
            raise InvalidExecutionError.of(error) from error

    async def require_room(self, process: str, *, is_job: bool) -> None:
        """Before what was sent is read. Raises ForbiddenError, TooManyJobsError."""
        if process == BATCH_CHECK:
            require_known(self._owner())
        if process == EXPORT:
            require_somebody(self._owner())
        if is_job or process in (BATCH_CHECK, EXPORT):
            await queue.require_room(self._app.database, self.caller.principal, process)

    async def _check(self, inputs: Mapping[str, Any], *, is_async: bool, response: str) -> Executed:
        body = await _aside(lambda: validated(CheckBody, orjson.dumps(inputs)))
        purpose = await self._purpose(body.purpose, body.dossier)
        self._app.accesses.limit_check(self.request, self.catalogue, body.procedure, purpose)
        asked = await _aside(lambda: check_request(body, purpose))
        if isinstance(asked.subject, ByUpload):
            self._app.accesses.limit_file(self.request)
        if is_async or estimate(asked, self.catalogue.profile) > self._app.needs_job_s:
            sent = await _aside(lambda: body.model_dump(mode="json", exclude_none=True))
            return Executed((await submit_check(self.request, self.catalogue, sent, purpose, response)).id)
        with told_by(of_subject(body.subject)):
            self.answer = await check(
                self._app.database, self.catalogue, asked, self.caller.principal, now=now_of(self.request),
                new_id=self._app.new_id,
            )  # fmt: skip
        return Executed(self.answer.id, as_response(self.answer, response))

    async def _batch(self, inputs: Mapping[str, Any]) -> Executed:
        body = await _aside(lambda: validated(BatchBody, orjson.dumps(inputs)))
        asked = body.asked(await self._purpose(body.purpose, None))
        self._app.accesses.limit_check(self.request, self.catalogue, asked.procedure, asked.purpose)
        now, owner = now_of(self.request), self._owner()
        await _aside(lambda: require_sound(asked, self.catalogue, owner, now))
        sent = await _aside(lambda: asked.as_inputs(now))
        job = await queue.submit(
            self._app.database, self.catalogue, self.caller.principal, BATCH_CHECK, sent, now=now,
            new_id=self._app.new_id,
        )  # fmt: skip
        return Executed(job.id)

    async def _export(self, inputs: Mapping[str, Any]) -> Executed:
        body = await _aside(lambda: validated(ExportBody, orjson.dumps(inputs)))
        relation = await authorised(self.request, body.layer, "export")
        kind, parameters = FORMATS[body.format], export_parameters(body.parameters)
        asked = asked_of(kind, parameters, relation)
        revision = await revision_of(self._app.database, asked, now_of(self.request))
        require_shapes(asked, is_named=True)
        await count_up_to(self._app.database, asked.extract(revision, "vi"))  # a filter that cannot be is told now
        return Executed((await submit_export(self.request, asked, parameters.values, revision)).id)

    async def _purpose(self, stated: str | None, dossier: str | None) -> str | None:
        try:
            return purpose_of(self.request, stated)
        except ForbiddenError:
            await self._app.accesses.refused_check(self.request, dossier, "purpose")
            raise

    def _owner(self) -> Owner:
        """The caller as they are now, with the purposes of their token."""
        return Owner(self.caller.principal, self.caller.purposes)

    # ── jobs ─────────────────────────────────────────────────────────────────────────────────────
    async def jobs(self, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        found, self.matched = await queue.own_jobs(
            self._app.database, self.caller.principal, state=self.state, kind=self.kind, most=limit, skipped=offset
        )
        return [told(job, language_of(self.request)) for job in found], self.matched

    async def job(self, job_id: str) -> dict[str, Any] | None:
        return told(await self.own(job_id), language_of(self.request))

    async def dismiss(self, job_id: str) -> bool:
        await self.own(job_id)
        await queue.dismiss(self._app.database, self.caller.principal, job_id, now=now_of(self.request))
        return True

    async def own(self, job_id: str) -> Job:
        """Raises NoSuchJobError, the same for a job that is not there and one of somebody else."""
        try:
            return await queue.own_job(self._app.database, self.caller.principal, job_id)
        except NotFoundError:
            raise NoSuchJobError from None

    # ── results ──────────────────────────────────────────────────────────────────────────────────
    async def results(self, job_id: str) -> Any:
        """What came of a job, for its owner as they are today. Raises NoSuchJobError, ResultNotReadyError,
        JobFailedError, ForbiddenError."""
        job = await self.successful(job_id)
        if job.kind == PARCEL_CHECK:
            return await self._answer(job)
        if job.kind == EXPORT:
            path = await self._exported(job)
            addresses, kind = Addresses(self.request), FORMATS[job.inputs["format"]]
            return {"file": {"href": addresses.to("jobs", job.id, "results", path.name), "type": kind.media_type}}
        files = await self._files(job)
        async with self._app.database.connection() as connection:
            await audit.record(connection, self._event(job, files[SUMMARY]))
        return self._batch_document(job, orjson.loads(await to_thread.run_sync(files[SUMMARY].read_bytes)))

    async def file(self, job_id: str, name: str) -> Path:
        """One file of a batch's result; its event is written first. The same errors, and NoSuchJobError."""
        job = await self.successful(job_id)
        if job.kind == EXPORT:
            path = await self._exported(job)
            if path.name != name:
                raise NoSuchJobError
            await self._record_export(job)
            return path
        if job.kind != BATCH_CHECK or name not in MEDIA_TYPES:
            raise NoSuchJobError
        path = (await self._files(job))[name]
        async with self._app.database.connection() as connection:
            await audit.record(connection, self._event(job, path))
        return path

    async def file_names(self, job_id: str) -> list[str]:
        """Files of a result that are given out as files."""
        job = await self.own(job_id)
        return [str(file["name"]) for file in (job.result or {}).get("files", ())]

    async def successful(self, job_id: str) -> Job:
        """Raises NoSuchJobError, ResultNotReadyError, JobFailedError."""
        job = await self.own(job_id)
        if job.expires is not None and job.expires < now_of(self.request):
            raise NoSuchJobError
        if job.state == "dismissed":
            raise NoSuchJobError
        if job.state == "failed":
            raise JobFailedError(job.message.vi, job.message.en)
        if job.state != "successful":
            raise ResultNotReadyError
        return job

    async def _answer(self, job: Job) -> Any:
        self.answer = await find_answer(
            self._app.database, self.catalogue, str((job.result or {}).get("record")), self.caller.principal,
            purposes=self.caller.purposes, now=now_of(self.request),
        )  # fmt: skip
        return as_response(self.answer, str(job.inputs.get("response", "raw")))

    async def _files(self, job: Job) -> dict[str, Path]:
        """Where the files lie. Raises ForbiddenError where the caller's rights are others today."""
        day = now_of(self.request).astimezone(LOCAL_TIME).date()
        require_same_rights(job, self.catalogue, self._owner(), day)
        name = str((job.result or {})["folder"])
        if not _RESULTS.fullmatch(name):
            raise NoSuchJobError
        folder = JobFolder.of(self._app.settings.data_folder, job.id).path / name
        found = {name: folder / name for name in MEDIA_TYPES}
        if not all(await to_thread.run_sync(lambda: [path.is_file() for path in found.values()])):
            raise NoSuchJobError
        return found

    async def _exported(self, job: Job) -> Path:
        """Where the file lies. Raises ForbiddenError where the caller may export something else today."""
        require_same_relation(job, self.catalogue, self._owner(), now_of(self.request))
        if self.catalogue.layer(job.inputs["layer"]).state != "served":
            raise NoSuchJobError
        (file,) = (job.result or {})["files"]
        folder = JobFolder.of(self._app.settings.data_folder, job.id).path / str((job.result or {})["folder"])
        path = folder / str(file["name"])
        if not _RESULTS.fullmatch(folder.name) or not await to_thread.run_sync(path.is_file):
            raise NoSuchJobError
        return path

    async def _record_export(self, job: Job) -> None:
        """What goes out in the file, before its first byte. Raises psycopg errors."""
        decision = decision_today(job, self.catalogue, self._owner(), now_of(self.request))
        (file,) = (job.result or {})["files"]
        event = audit.Event.of_decision(
            self.caller.principal, decision, purpose=job.inputs.get("purpose"), policy=self.catalogue.policy_digest,
            request=job.inputs_digest, revision=job.inputs["revision"], bytes=int(file["bytes"]),
            features=int((job.result or {})["features"]),
        )  # fmt: skip
        async with self._app.database.connection() as connection:
            await audit.record(connection, event)

    def _event(self, job: Job, path: Path) -> audit.Event:
        """What goes out in a file goes out of every layer the batch shows."""
        asked = job.inputs
        definition = self.catalogue.profile.procedure(asked["procedure"])
        layer = self.catalogue.profile.parcel_layer.id if asked.get("features") is None else None
        return audit.Event.of(
            self.caller.principal, "export", "allow", layer=layer, purpose=asked.get("purpose"),
            policy=self.catalogue.policy_digest, request=job.inputs_digest, bytes=path.stat().st_size,
            features=int((job.result or {})["subjects"]),
            used=tuple(sorted(name for name in (definition.layers() if definition else ()) if name != layer)),
        )  # fmt: skip

    def _batch_document(self, job: Job, summary: dict[str, Any]) -> dict[str, Any]:
        addresses = Addresses(self.request)
        return {
            name.partition(".")[0]: summary if name == SUMMARY else {
                "href": addresses.to("jobs", job.id, "results", name), "type": media_type,
            }
            for name, media_type in MEDIA_TYPES.items()
        }  # fmt: skip


async def _aside(work: Callable[[], T]) -> T:
    """In a bounded thread: what is sent may be long, and everybody else waits for the event loop."""
    return await to_thread.run_sync(work, limiter=limiter_of_loop())


def as_response(answer: Answer, response: str) -> Any:
    """The answer by itself, or under the name of its output."""
    return {"answer": answer.content} if response == "document" else answer.content


def told(job: Job, language: str) -> dict[str, Any]:
    """A job in pygeoapi's words. When a check began and ended is not told: the engine sorts by the day it was sent."""
    is_timed = job.kind != PARCEL_CHECK
    return {
        "identifier": job.id, "process_id": job.kind, "status": job.state, "progress": job.progress,
        "message": job.message.in_language(language), "mimetype": JSON_TYPE, "parameters": None,
        "created": instant(job.created), "updated": instant(job.updated) if is_timed else None,
        "started": instant(job.started if is_timed else None) or instant(job.created),
        "finished": instant(job.finished) if is_timed else None,
    }  # fmt: skip


def instant(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
