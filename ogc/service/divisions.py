"""`/divisions`: what would a split or a merge of parcels mean; read a recorded one again.

Like a check: what was worked out from what the caller may not see leaves in one length, on a fixed tick.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BeforeValidator, Field

from gis.errors import Message
from layers.checking.division import divide, preview
from layers.checking.division_history import find_division
from layers.checking.division_request import Child, DivisionRequest
from layers.checking.request import ByCoordinates, ByGeometry, ParcelQuery
from layers.errors import FieldError, ForbiddenError, InvalidInputsError
from layers.plain_text import LINE_OR_NOTHING
from ogc.auth import caller_of, principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.links import Addresses
from ogc.common.origin import require_own_origin
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response

from .bodies import (
    LONGEST_TABLE,
    AsOf,
    Closed,
    CoordinatesBody,
    Line,
    ParcelBody,
    ParcelText,
    SubjectBody,
    in_thread,
    parcel_of,
    parcels_of,
    read_by_pieces,
    subject_of,
)  # fmt: skip
from .checks import _is_text
from .fields import Rename, of_parcel, of_subject, told_by

router = APIRouter(tags=["checks"])


class ChildBody(Closed):
    """A new parcel: a GeoJSON polygon in CRS84, or a table of vertices."""

    label: str = Field(default="", max_length=100, pattern=LINE_OR_NOTHING)
    geometry: dict[str, Any] | None = None
    coordinates: CoordinatesBody | Annotated[str, Field(min_length=1, max_length=LONGEST_TABLE)] | None = None
    land_use: str | None = Field(default=None, max_length=20)


class DivisionBody(Closed):
    """A split of one parcel into `children` or along `cut`, or a merge of several into one.

    `preview`: only the parts and how their areas add up; nothing is checked or recorded.
    """

    kind: Literal["split", "merge"]
    procedure: str = Field(min_length=1, max_length=64)
    parent: ParcelBody | ParcelText | Annotated[list[ParcelBody | ParcelText], Field(max_length=100)]
    children: Annotated[list[ChildBody], Field(max_length=100)] = Field(default_factory=list)
    cut: dict[str, Any] | None = None
    remainder: bool = False
    inputs: dict[str, Any] = Field(default_factory=dict)
    dossier: Line | None = None
    purpose: Line | None = None
    as_of: AsOf = None
    on_date: Annotated[date | None, BeforeValidator(_is_text)] = None
    preview: bool = False


_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": DivisionBody.model_json_schema()}}}
}


@router.post("/divisions", status_code=201, dependencies=[Depends(require_own_origin)], openapi_extra=_BODY)
async def post_division(request: Request) -> Response:
    """Kiểm tra tách thửa, hợp thửa theo thủ tục · check a split or a merge of parcels for a procedure."""
    raw = await request.body()
    body = await in_thread(lambda: _read(raw), raw)
    try:
        purpose = purpose_of(request, body.purpose)
    except ForbiddenError:
        await request.app.state.accesses.refused_check(request, body.dossier, "purpose")
        raise
    asked = DivisionRequest(
        kind=body.kind,
        procedure=body.procedure,
        parents=_parents(body),
        children=await in_thread(lambda: _children(body), raw),
        cut=body.cut,
        with_remainder=body.remainder,
        inputs=body.inputs,
        dossier=body.dossier,
        purpose=purpose,
        as_of=body.as_of,
        on_date=body.on_date,
    )
    make = _previewing if body.preview else _dividing
    return await paced(request, make(request, asked, _of_parents(body)))


def _read(raw: bytes) -> DivisionBody:
    return read_by_pieces(
        DivisionBody,
        raw,
        lambda body: (body.cut, *(child.geometry for child in body.children)),
        lambda body: [child.coordinates for child in body.children],
    )


def _children(body: DivisionBody) -> tuple[Child, ...]:
    return tuple(Child(child.label, _shape(child, n), child.land_use) for n, child in enumerate(body.children))


def _shape(child: ChildBody, number: int) -> ByGeometry | ByCoordinates:
    if child.geometry is not None and child.coordinates is None:
        return ByGeometry(child.geometry)
    if child.geometry is None and child.coordinates is not None:
        sent = SubjectBody(coordinates=child.coordinates)
        with told_by(of_subject(sent, f"children.{number}")):
            asked = subject_of(sent)
        assert isinstance(asked, ByCoordinates)
        return asked
    message = Message("Cần đúng một trong geometry, coordinates.", "Exactly one of geometry, coordinates is needed.")
    raise InvalidInputsError(message.vi, message.en, [FieldError(f"children.{number}", message)])


def _parents(body: DivisionBody) -> tuple[ParcelQuery, ...]:
    if not isinstance(body.parent, list):
        with told_by(of_parcel(body.parent, "parent")):
            return (parcel_of(body.parent),)
    if not body.parent:
        message = Message("Cần thửa đất gốc.", "A parent parcel is needed.")
        raise InvalidInputsError(message.vi, message.en, [FieldError("parent", message)])
    return parcels_of(body.parent, "parent")


def _of_parents(body: DivisionBody) -> Rename:
    """Fields of the old parcels while they are looked for: of several it is not told which."""
    return of_parcel("" if isinstance(body.parent, list) else body.parent, "parent")


def _dividing(request: Request, asked: DivisionRequest, told: Rename) -> Callable[[], Awaitable[Made]]:
    async def make() -> Made:
        state = request.app.state
        catalogue, who = await catalogue_of(request), principal_of(request)

        def limit() -> None:  # each part is a check
            state.accesses.limit_check(request, catalogue, asked.procedure, asked.purpose)

        for _ in range(asked.parts):
            limit()
        with told_by(told):
            answer = await divide(
                state.database, catalogue, asked, who, now=now_of(request), new_id=state.new_id, limit=limit
            )
        where = Addresses(request).to("divisions", answer.id)
        response = json_response(answer.content, status=201, headers={"Location": where})
        return Made(response, answer.is_guarded, answer.slack_bytes)

    return make


def _previewing(request: Request, asked: DivisionRequest, told: Rename) -> Callable[[], Awaitable[Made]]:
    async def make() -> Made:
        state = request.app.state
        catalogue, who = await catalogue_of(request), principal_of(request)
        state.accesses.limit_check(request, catalogue, asked.procedure, asked.purpose)
        with told_by(told):
            found = await preview(state.database, catalogue, asked, who, now=now_of(request))
        return Made(json_response(found.content), is_guarded=False)

    return make


@router.get("/divisions/{division_id}")
async def get_division(request: Request, division_id: str) -> Response:
    """Đọc lại kết quả tách thửa, hợp thửa · one recorded split or merge, as far as the caller may see it."""

    async def make() -> Made:
        state, caller = request.app.state, caller_of(request)
        catalogue = await catalogue_of(request)
        answer = await find_division(
            state.database, catalogue, division_id, caller.principal, purposes=caller.purposes, now=now_of(request)
        )
        return Made(json_response(answer.content), answer.is_guarded, answer.slack_bytes)

    return await paced(request, make)
