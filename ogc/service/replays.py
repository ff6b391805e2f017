"""`/checks/{id}/replay`: ask a recorded check again, on its own cut, at an instant or today, and compare."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from gis.errors import Message
from layers.checking.replay import RECORDED, TODAY, Moment
from layers.checking.replay_shown import replay_for
from layers.errors import FieldError, InvalidInputsError
from ogc.auth import caller_of
from ogc.common.clock import now_of
from ogc.common.origin import require_own_origin
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response

from .bodies import AsOf, Closed, validated

router = APIRouter(tags=["checks"])


class ReplayBody(Closed):
    """Neither: on the record's own cut and texts."""

    as_of: AsOf = None
    today: bool = False


_DOCUMENTED: dict[str, Any] = {
    "requestBody": {"content": {"application/json": {"schema": ReplayBody.model_json_schema()}}}
}


@router.post("/checks/{record_id}/replay", dependencies=[Depends(require_own_origin)], openapi_extra=_DOCUMENTED)
async def post_replay(request: Request, record_id: str) -> Response:
    """Chạy lại một lần kiểm tra và so sánh · replay a check and compare."""

    async def make() -> Made:
        moment = _moment(validated(ReplayBody, await request.body() or b"{}"))
        state, caller, catalogue = request.app.state, caller_of(request), await catalogue_of(request)
        found = await replay_for(
            state.database, catalogue, record_id, moment, caller.principal,
            purposes=caller.purposes, now=now_of(request),
            limit=lambda procedure, purpose: state.accesses.limit_check(request, catalogue, procedure, purpose),
        )  # fmt: skip
        return Made(json_response(found.replay.as_dict()), found.is_guarded)

    return await paced(request, make)


def _moment(body: ReplayBody) -> Moment:
    if body.today and body.as_of is not None:
        message = Message("Chỉ nêu một trong as_of và today.", "Only one of as_of and today.")
        raise InvalidInputsError(message.vi, message.en, [FieldError("as_of", message)])
    if body.as_of is not None:
        return Moment("as_of", body.as_of)
    return TODAY if body.today else RECORDED
