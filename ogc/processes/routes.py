"""OGC API - Processes 1.0: what can be asked for, asking, and one's own jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from layers.errors import InvalidInputsError
from layers.exporting.formats import of_file
from layers.jobs.job import BATCH_CHECK, EXPORT, PARCEL_CHECK, State
from ogc.common.caching import NO_STORE, VARY
from ogc.common.language import language_of
from ogc.common.links import HTML, JSON, Addresses, link
from ogc.common.negotiation import prefers_html
from ogc.common.origin import require_own_origin
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.service.bodies import in_thread, validated

from .backing import Answered, Asked
from .bodies import ExecuteBody
from .descriptions import PROCESSES
from .errors import InvalidExecutionError, NoSuchProcessError
from .service import MEDIA_TYPES, Service

_CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMS_TO = tuple(
    _CONF + name for name in ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "dismiss")
)
_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
MOST_JOBS = 100
router = APIRouter(tags=["processes"])

_RESPONSES: dict[int | str, dict[str, Any]] = {
    403: {"description": "Not granted"}, 404: {"description": "Not found or not permitted"},
}  # fmt: skip
_EXECUTE = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {
            "type": "object",
            "properties": {
                "inputs": {"type": "object"}, "outputs": {"type": "object"},
                "response": {"type": "string", "enum": ["raw", "document"], "default": "document"},
            },
        }}},
    }
}  # fmt: skip
_STATUS = {
    "type": "object", "required": ["jobID", "status", "type"],
    "properties": {
        "processID": {"type": "string"}, "type": {"type": "string", "enum": ["process"]}, "jobID": {"type": "string"},
        "status": {"type": "string", "enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        "message": {"type": "string"}, "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "created": {"type": "string", "format": "date-time"}, "links": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip


# ── processes ────────────────────────────────────────────────────────────────────────────────────


@router.get("/processes")
async def get_processes(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """Các tiến trình có thể gọi · what can be asked for."""
    found = await _ask(request, "describe_processes", None, query={"limit": str(limit)})
    addresses = Addresses(request)
    document = {
        "processes": [_described(addresses, process) for process in found.document["processes"]],
        "links": addresses.self_and_alternates(JSON),
    }
    if prefers_html(request):
        return await _page(request, "processes.html", document=document)
    return json_response(document)


@router.get("/processes/{process_id}", responses={404: _RESPONSES[404]})
async def get_process(request: Request, process_id: str) -> Response:
    """Một tiến trình với thông tin vào và ra · one process with its inputs and outputs."""
    _require_known(process_id)
    found = await _ask(request, "describe_processes", process_id)
    document = _described(Addresses(request), found.document)
    if prefers_html(request):
        return await _page(request, "processes.html", document={"processes": [document], "links": document["links"]})
    return json_response(document)


@router.post(
    "/processes/{process_id}/execution",
    dependencies=[Depends(require_own_origin)],
    openapi_extra=_EXECUTE,
    responses={**_RESPONSES, 201: {"description": "A job", "content": {JSON: {"schema": _STATUS}}}},
)
async def execute(request: Request, process_id: str) -> Response:
    """Gọi một tiến trình: chờ kết quả, hoặc nhận một công việc (Prefer: respond-async) · execute, sync or async."""
    _require_known(process_id)
    raw = await request.body()

    async def make() -> Made:
        service = Service(request, await catalogue_of(request))
        await service.require_room(process_id, is_job=_wants_job(request))
        body = await in_thread(lambda: _body(raw), raw)
        service.inputs = body.inputs
        # the engine reads JSON in one go, for which everybody would wait: what is long goes past it
        sent = orjson.dumps({"inputs": {}, "response": body.response})
        found = await _ask(request, "execute_process", process_id, service=service, body=sent)
        if found.status == 201:
            return Made(await _accepted(request, service, found), is_guarded=False)
        assert service.answer is not None  # only a check is done at once
        headers = {"Link": f'<{Addresses(request).to("checks", service.answer.id)}>; rel="related"'}
        response = json_response(found.document, headers=headers)
        return Made(response, service.answer.is_guarded, service.answer.slack_bytes)

    return await paced(request, make)


def _body(raw: bytes) -> ExecuteBody:
    """Raises InvalidExecutionError."""
    try:
        return validated(ExecuteBody, raw)
    except InvalidInputsError as error:
        raise InvalidExecutionError.of(error) from error


async def _accepted(request: Request, service: Service, found: Answered) -> Response:
    """201 with the job's status and its place."""
    where = found.headers["Location"]
    job_id = where.rsplit("/", 1)[1]
    status = await _ask(request, "get_jobs", job_id, service=service)
    if status.document["processID"] == BATCH_CHECK:
        request.app.state.metrics.jobs.labels(BATCH_CHECK, "accepted").inc()
    applied = {name: value for name, value in found.headers.items() if name == "Preference-Applied"}
    return json_response(
        _status(Addresses(request), status.document), status=201, headers={"Location": where, **applied}
    )


def _described(addresses: Addresses, process: dict[str, Any]) -> dict[str, Any]:
    """pygeoapi's description with what it writes over put back, and links of ours."""
    known = PROCESSES[process["id"]]
    here = addresses.to("processes", process["id"])
    return {
        **process, "jobControlOptions": known["jobControlOptions"], "outputTransmission": known["outputTransmission"],
        "links": [
            link(here, "self", JSON), link(f"{here}?f=html", "alternate", HTML),
            link(f"{here}/execution", f"{_REL}execute", JSON), link(addresses.to("jobs"), f"{_REL}job-list", JSON),
        ],
    }  # fmt: skip


def _require_known(process_id: str) -> None:
    if process_id not in PROCESSES:
        raise NoSuchProcessError


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────


@router.get("/jobs")
async def get_jobs(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST_JOBS)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    status: State | None = None,
    process: Literal["parcel-check", "batch-check", "export"] | None = None,
) -> Response:
    """Các công việc của người gọi, mới nhất trước · the caller's own jobs, the newest first."""
    service = Service(request, await catalogue_of(request), state=status, kind=process)
    query = {"limit": str(limit), "offset": str(offset)}
    found = await _ask(request, "get_jobs", None, service=service, query=query)
    addresses = Addresses(request)
    document = {
        "jobs": [_status(addresses, job) for job in found.document["jobs"]],
        "numberMatched": service.matched,
        "links": [*addresses.self_and_alternates(JSON), *_pages(addresses, limit, offset, service.matched)],
    }
    if prefers_html(request):
        return await _page(request, "jobs.html", document=document, here="jobs")
    return json_response(document)


def _pages(addresses: Addresses, limit: int, offset: int, matched: int) -> list[dict[str, Any]]:
    made = []
    if offset > 0:
        made.append(link(addresses.here(offset=max(0, offset - limit)), "prev", JSON))
    if offset + limit < matched:
        made.append(link(addresses.here(offset=offset + limit), "next", JSON))
    return made


@router.get("/jobs/{job_id}", responses={404: _RESPONSES[404]})
async def get_job(request: Request, job_id: str) -> Response:
    """Tình trạng một công việc · the status of one job."""
    service = Service(request, await catalogue_of(request))
    found = await _ask(request, "get_jobs", job_id, service=service)
    document = _status(Addresses(request), found.document)
    if prefers_html(request):
        return await _page(request, "job.html", document=document, here="jobs", files=await service.file_names(job_id))
    return json_response(document)


@router.delete("/jobs/{job_id}", dependencies=[Depends(require_own_origin)], responses={404: _RESPONSES[404]})
async def delete_job(request: Request, job_id: str) -> Response:
    """Hủy một công việc và xóa kết quả · dismiss a job; its result goes."""
    return json_response(await _dismissed(request, job_id))


@router.post("/jobs/{job_id}", dependencies=[Depends(require_own_origin)], responses={404: _RESPONSES[404]})
async def post_job(request: Request, job_id: str) -> Response:
    """Biểu mẫu hủy công việc trên trang · the page's form: dismiss, and back to the page."""
    await _dismissed(request, job_id)
    return RedirectResponse(Addresses(request).to("jobs", job_id), status_code=303, headers={"Cache-Control": NO_STORE})


async def _dismissed(request: Request, job_id: str) -> dict[str, Any]:
    service = Service(request, await catalogue_of(request))
    await _ask(request, "delete_job", job_id, service=service)
    request.app.state.metrics.jobs.labels("any", "dismissed").inc()
    found = await _ask(request, "get_jobs", job_id, service=service)
    return _status(Addresses(request), found.document)


@router.get("/jobs/{job_id}/results", responses=_RESPONSES)
async def get_results(request: Request, job_id: str) -> Response:
    """Kết quả, theo quyền của người gọi hôm nay · the results, by the caller's rights of today."""

    async def make() -> Made:
        service = Service(request, await catalogue_of(request))
        await service.successful(job_id)  # the engine has other words for what is not
        document = (await _ask(request, "get_job_result", job_id, service=service)).document
        if prefers_html(request) and service.answer is not None:
            there = Addresses(request).to("checks", service.answer.id)
            return Made(RedirectResponse(there, status_code=303), service.answer.is_guarded)
        request.app.state.metrics.jobs.labels("any", "downloaded").inc()
        response = json_response(document)
        return Made(
            response, service.answer is not None and service.answer.is_guarded,
            service.answer.slack_bytes if service.answer else 0,
        )  # fmt: skip

    return await paced(request, make)


@router.get("/jobs/{job_id}/results/{name}", responses=_RESPONSES, response_class=FileResponse)
async def get_result_file(request: Request, job_id: str, name: str) -> Response:
    """Một tệp kết quả; Range được hỗ trợ · one file of a result, with ranges."""
    service = Service(request, await catalogue_of(request))
    path = await service.file(job_id, name)
    export = of_file(name) if name not in MEDIA_TYPES else None
    request.app.state.metrics.jobs.labels(EXPORT if export else BATCH_CHECK, "downloaded").inc()
    headers = {"Cache-Control": f"{NO_STORE}, no-transform", "Vary": VARY, "X-Content-Type-Options": "nosniff"}
    media_type = export.media_type if export else MEDIA_TYPES[name]
    return FileResponse(
        path, media_type=media_type, filename=name if export else f"{job_id[:8]}-{name}", headers=headers
    )


def _status(addresses: Addresses, job: dict[str, Any]) -> dict[str, Any]:
    """statusInfo (OGC API - Processes 1.0, 7.12) with links of ours."""
    here = addresses.to("jobs", job["jobID"])
    links = [link(here, "self", JSON), link(f"{here}?f=html", "alternate", HTML)]
    if job["status"] == "successful":
        links.append(link(f"{here}/results", f"{_REL}results", JSON))
    left_out = {"parameters", "started"} if job["processID"] == PARCEL_CHECK else {"parameters"}
    told = {name: value for name, value in job.items() if name not in left_out and value is not None}
    return {**told, "links": links}


# ── the engine ───────────────────────────────────────────────────────────────────────────────────


async def _ask(
    request: Request, function: str, name: str | None, *, service: Service | None = None, body: bytes = b"",
    query: dict[str, str] | None = None,
) -> Answered:  # fmt: skip
    """One function of the engine. The first call of a process imports it, in a thread: it takes two seconds."""
    engine = await to_thread.run_sync(_engine)
    backing = service or Service(request, await catalogue_of(request))
    asked = Asked(str(request.scope["path"]), query or {}, language_of(request), body, _wants_job(request))
    found: Answered = await engine.call(function, backing, Addresses(request).base, asked, name)
    return found


def _engine() -> Any:
    from . import engine

    return engine


def _wants_job(request: Request) -> bool:
    """Prefer: respond-async, whatever else is preferred."""
    wishes = ",".join(request.headers.getlist("prefer")).replace(";", ",").split(",")
    return "respond-async" in {wish.strip().lower() for wish in wishes}


async def _page(request: Request, template: str, **context: Any) -> Response:
    from ogc.web import pages

    return pages.render(request, template, catalogue=await catalogue_of(request), **context)
