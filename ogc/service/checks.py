"""`/checks`: ask what applies to a parcel or a shape; read answers again.

An answer that was worked out from what the caller may not see leaves in one length, on a fixed tick (`paced`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Annotated, Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BeforeValidator, Field

from gis.errors import Message
from layers.checking.effort import estimate
from layers.checking.history import checks_of, find_answer
from layers.checking.illustration import brought_ground
from layers.checking.request import ByUpload, CheckRequest, parse_parcel
from layers.checking.reviews import Reviewed, reviews
from layers.checking.run import check
from layers.checking.shown import flat, is_reduced, levelled
from layers.checking.threads import limiter_of_loop
from layers.checking.wording import NEAREST
from layers.errors import FieldError, ForbiddenError, InvalidRequestError
from layers.plain_text import NO_LINE, is_line
from layers.store.catalogue import Catalogue
from ogc.auth import caller_of, principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.links import Addresses
from ogc.common.negotiation import prefers_html
from ogc.common.origin import require_own_origin
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.web.answers import answer_page

from .bodies import AsOf, Closed, Line, SubjectBody, in_thread, read_by_pieces, subject_of, validated
from .check_jobs import accepted, submit_check
from .fields import of_subject, told_by

router = APIRouter(tags=["checks"])

#: bytes by which a page may differ with the outcomes on it: headings that come and go, and each finding's words
PAGE_ROOM, FINDING_ROOM = 2048, 1024


def _is_text(value: object) -> object:
    """A number would be taken for seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("an ISO 8601 text")
    return value


class CheckBody(Closed):
    """Contracts 2."""

    procedure: str = Field(min_length=1, max_length=64)
    subject: SubjectBody
    inputs: dict[str, Any] = Field(default_factory=dict)
    dossier: Line | None = None
    purpose: Line | None = None
    as_of: AsOf = None
    on_date: Annotated[date | None, BeforeValidator(_is_text)] = None


def check_body(raw: bytes) -> CheckBody:
    """The body. Raises InvalidInputsError naming every field that is missing or invalid."""
    return read_by_pieces(
        CheckBody, raw, lambda body: (body.subject.geometry,), lambda body: (body.subject.coordinates,)
    )


def check_request(body: CheckBody, purpose: str | None) -> CheckRequest:
    """The question of a body, for the purpose that counts."""
    return CheckRequest(
        procedure=body.procedure,
        subject=subject_of(body.subject),
        inputs=body.inputs,
        dossier=body.dossier,
        purpose=purpose,
        as_of=body.as_of,
        on_date=body.on_date,
    )


_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": CheckBody.model_json_schema()}}}}


def request_of(inputs: Mapping[str, Any]) -> CheckRequest:
    """The question of a job: a body whose purpose was settled when it was sent."""
    body = validated(CheckBody, orjson.dumps(inputs))
    return check_request(body, body.purpose)


@router.post(
    "/checks",
    status_code=201,
    dependencies=[Depends(require_own_origin)],
    openapi_extra=_BODY,
    responses={
        201: {"description": f"{NEAREST.vi} · {NEAREST.en}"},
        202: {"description": "It will take long: a job, with its place in Location"},
    },
)
async def post_check(request: Request) -> Response:
    """Kiểm tra thửa đất hoặc hình vẽ theo thủ tục · check a parcel or a shape for a procedure."""
    raw = await request.body()
    body = await in_thread(lambda: check_body(raw), raw)
    try:
        purpose = purpose_of(request, body.purpose)
    except ForbiddenError:
        await request.app.state.accesses.refused_check(request, body.dossier, "purpose")
        raise
    asked = await in_thread(lambda: check_request(body, purpose), raw)
    if isinstance(asked.subject, ByUpload):
        request.app.state.accesses.limit_file(request)
    return await paced(request, _checking(request, asked, body))


def _sent(body: CheckBody) -> dict[str, Any]:
    """The body as a job keeps it. A drawn shape is as it was sent: copied in one go it would keep others waiting."""
    sent = body.model_dump(mode="json", exclude_none=True, exclude={"subject": {"geometry"}})
    if body.subject.geometry is not None:
        sent["subject"]["geometry"] = body.subject.geometry
    return sent


def _checking(request: Request, asked: CheckRequest, body: CheckBody) -> Callable[[], Awaitable[Made]]:
    async def make() -> Made:
        state = request.app.state
        catalogue, who = await catalogue_of(request), principal_of(request)
        state.accesses.limit_check(request, catalogue, asked.procedure, asked.purpose)
        if estimate(asked, catalogue.profile) > state.needs_job_s:
            sent = await to_thread.run_sync(_sent, body, limiter=limiter_of_loop())
            return Made(accepted(request, await submit_check(request, catalogue, sent, asked.purpose)), is_guarded=True)
        with told_by(of_subject(body.subject)):
            answer = await check(state.database, catalogue, asked, who, now=now_of(request), new_id=state.new_id)
        where = Addresses(request).to("checks", answer.id)
        response = json_response(answer.content, status=201, headers={"Location": where})
        return Made(response, answer.is_guarded, answer.slack_bytes)

    return make


@router.get("/checks/{record_id}")
async def get_check(request: Request, record_id: str) -> Response:
    """Đọc lại kết quả một lần kiểm tra · one recorded check, as far as the caller may see it."""

    async def make() -> Made:
        state, caller = request.app.state, caller_of(request)
        catalogue = await catalogue_of(request)
        if prefers_html(request):
            found = await reviews(
                state.database, catalogue, record_id, caller.principal, purposes=caller.purposes, now=now_of(request)
            )
            ground = await brought_ground(state.database, catalogue, found.answer, caller.principal)
            return _page(request, catalogue, found, ground)
        answer = await find_answer(
            state.database, catalogue, record_id, caller.principal, purposes=caller.purposes, now=now_of(request)
        )
        return Made(json_response(answer.content), answer.is_guarded, answer.slack_bytes)

    return await paced(request, make)


@router.get("/checks")
async def get_checks(request: Request, dossier: str | None = None, parcel: str | None = None) -> Response:
    """Các lần kiểm tra của một hồ sơ hoặc thửa đất · the checks of a dossier or a parcel."""
    if not dossier and not parcel:
        message = Message("Cần dossier hoặc parcel.", "Either dossier or parcel is needed.")
        raise InvalidRequestError(message.vi, message.en, [FieldError("dossier", message)])
    query = parse_parcel(parcel) if parcel else None
    if dossier and not is_line(dossier):
        raise InvalidRequestError(f"dossier: {NO_LINE.vi}", f"dossier: {NO_LINE.en}", [FieldError("dossier", NO_LINE)])

    async def make() -> Made:
        state, caller = request.app.state, caller_of(request)
        answers = await checks_of(
            state.database, await catalogue_of(request), caller.principal,
            dossier=dossier, parcel=query, purposes=caller.purposes, now=now_of(request),
        )  # fmt: skip
        response = json_response({"checks": [answer.content for answer in answers]})
        # a list that leaves out what others asked must not take the longer the more there is of it
        return Made(response, is_guarded=True, slack_bytes=sum(answer.slack_bytes for answer in answers))

    return await paced(request, make)


def _page(request: Request, catalogue: Catalogue, found: Reviewed, ground: Mapping[str, Any] | None) -> Made:
    """The page of a check. Its length with level outcomes, and room for others, is the length it is padded to."""
    answer = found.answer
    response = answer_page(request, catalogue, answer.content, found, ground)
    told = sum(is_reduced(finding) for finding in flat(answer.content["findings"]))
    if not told:
        return Made(response, answer.is_guarded)
    level = answer_page(request, catalogue, levelled(answer.content), found, ground)
    slack = len(level.body) + PAGE_ROOM + told * FINDING_ROOM - len(response.body)
    if slack < 0:
        raise RuntimeError("a page of a check differs more with its outcomes than there is room for")
    return Made(response, answer.is_guarded, slack)
