"""`/checks/{id}/reviews` and `/tasks`: confirm or dispute a finding; the layer's owner answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from layers.checking.opinion import LONGEST_TEXT
from layers.checking.reviews import ReviewDraft, reviews, say
from layers.checking.tasks import TaskAnswer, answer_task, tasks_of
from ogc.auth import caller_of, principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.links import Addresses
from ogc.common.negotiation import prefers_html
from ogc.common.origin import require_own_origin
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.web.tasks import tasks_page

from .bodies import Closed, validated

router = APIRouter(tags=["checks"])
B = TypeVar("B", bound=Closed)
UNSAFE = [Depends(require_own_origin)]
FORM = "application/x-www-form-urlencoded"


class ReviewBody(Closed):
    """`feature` is the key or the fid of one that the finding names."""

    check: str = Field(min_length=1, max_length=100)
    kind: Literal["confirm", "dispute"]
    reason: str = Field(default="", max_length=2 * LONGEST_TEXT)
    feature: str | None = Field(default=None, max_length=200)


class AnswerBody(Closed):
    """`revision`: the one in which the data was corrected, for `corrected` alone."""

    decision: Literal["upheld", "rejected", "corrected"]
    text: str = Field(min_length=1, max_length=2 * LONGEST_TEXT)
    revision: int | None = Field(default=None, ge=1, lt=2**53)


def _documented(body: type[Closed]) -> dict[str, Any]:
    """The routes read the body themselves, so that errors are ours; pages send the same fields as a form."""
    schema = body.model_json_schema()
    content = {kind: {"schema": schema} for kind in ("application/json", FORM)}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/checks/{record_id}/reviews", status_code=201, dependencies=UNSAFE, openapi_extra=_documented(ReviewBody))
async def post_review(request: Request, record_id: str) -> Response:
    """Xác nhận hoặc phản ánh một kết quả kiểm tra · confirm or dispute a finding, with a reason."""

    async def make() -> Made:
        body, is_form = await _sent(request, ReviewBody)
        state, caller = request.app.state, caller_of(request)
        draft = ReviewDraft(body.check, body.kind, body.reason, body.feature or None)
        made = await say(
            state.database, await catalogue_of(request), record_id, draft, caller.principal,
            purposes=caller.purposes, now=now_of(request), new_id=state.new_id,
        )  # fmt: skip
        where = Addresses(request).to("checks", record_id, **({"f": "html"} if is_form else {}))
        if is_form:
            return Made(_to(where), is_guarded=True)
        stored = {"id": made, "record": record_id, "check": body.check, "kind": body.kind}
        return Made(json_response(stored, status=201, headers={"Location": f"{where}/reviews"}), is_guarded=True)

    return await paced(request, make)


@router.get("/checks/{record_id}/reviews")
async def get_reviews(request: Request, record_id: str) -> Response:
    """Các ý kiến về kết quả kiểm tra · what was said of the findings the caller is shown."""

    async def make() -> Made:
        state, caller = request.app.state, caller_of(request)
        found = await reviews(
            state.database, await catalogue_of(request), record_id, caller.principal,
            purposes=caller.purposes, now=now_of(request),
        )  # fmt: skip
        return Made(json_response(found.as_dict()), found.answer.is_guarded)

    return await paced(request, make)


State = Annotated[Literal["open", "answered"] | None, Query(description="Only these; both where left out")]


@router.get("/tasks")
async def get_tasks(request: Request, state: State = None) -> Response:
    """Phản ánh về lớp dữ liệu mình quản lý · disputes about the layers the caller answers for, and the caller's own."""
    catalogue = await catalogue_of(request)
    found = await tasks_of(
        request.app.state.database, catalogue, principal_of(request),
        state=state, purpose=purpose_of(request), now=now_of(request),
    )  # fmt: skip
    if prefers_html(request):
        return tasks_page(request, catalogue, found.as_dict(), state)
    return json_response(found.as_dict())


@router.post("/tasks/{task_id}/answer", status_code=201, dependencies=UNSAFE, openapi_extra=_documented(AnswerBody))
async def post_answer(request: Request, task_id: str) -> Response:
    """Trả lời một phản ánh · answer a dispute; only whoever answers for the layer."""
    catalogue = await catalogue_of(request)
    body, is_form = await _sent(request, AnswerBody)
    given = TaskAnswer(body.decision, body.text, body.revision)
    state = request.app.state
    made = await answer_task(
        state.database, catalogue, task_id, given, principal_of(request), now=now_of(request), new_id=state.new_id
    )
    where = Addresses(request).to("tasks")
    return _to(where) if is_form else json_response({"id": made, "task": task_id}, status=201)


async def _sent(request: Request, body: type[B]) -> tuple[B, bool]:
    """The body of a program, or the same fields of a page's form; a field left empty is one left out."""
    if not request.headers.get("content-type", "").startswith(FORM):
        return validated(body, await request.body()), False
    async with request.form(max_files=0, max_fields=16) as form:
        given = {name: str(value) for name, value in form.items() if value != ""}
    return validated(body, orjson.dumps(given)), True


def _to(where: str) -> Response:
    return RedirectResponse(where, 303, {"Cache-Control": "no-store"})
