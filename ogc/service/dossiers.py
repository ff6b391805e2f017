"""`/dossiers`: the one-stop system registers the ground of a dossier; rights to reserved layers follow from it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from layers.checking.dossiers import DossierDraft, find_dossier, register
from ogc.auth import principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.origin import require_own_origin
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response

from .bodies import Closed, ParcelBody, ParcelText, parcel_of, validated

router = APIRouter(tags=["checks"])

#: codes of offices; digests of survey files
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=50)]


class DossierBody(Closed):
    """The whole dossier each time: what is left out is no longer part of it."""

    procedure: str | None = Field(default=None, max_length=64)
    parcels: Annotated[tuple[ParcelBody | ParcelText, ...], Field(max_length=100)] = ()
    surveys: Words = ()
    offices: Words = ()
    closed: bool = False


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "procedure": {"type": ["string", "null"], "maxLength": 64},
                        "parcels": {"type": "array", "items": {"type": ["string", "object"]}},
                        "surveys": {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
                        "offices": {"type": "array", "items": {"type": "string", "maxLength": 100}},
                        "closed": {"type": "boolean"},
                    },
                }
            }
        },
    }
}


@router.put("/dossiers/{dossier_id}", openapi_extra=_BODY, dependencies=[Depends(require_own_origin)])
async def put_dossier(request: Request, dossier_id: str) -> Response:
    """Đăng ký hồ sơ: thửa đất, tệp đo vẽ, cơ quan thụ lý · register a dossier: parcels, survey files, offices."""
    body = validated(DossierBody, await request.body())
    draft = DossierDraft(
        id=dossier_id,
        procedure=body.procedure,
        parcels=tuple(parcel_of(parcel) for parcel in body.parcels),
        surveys=body.surveys,
        offices=body.offices,
        is_closed=body.closed,
    )
    state = request.app.state
    catalogue, purpose = await catalogue_of(request), purpose_of(request)
    made, is_new = await register(
        state.database, catalogue, draft, principal_of(request), purpose=purpose, now=now_of(request)
    )
    return json_response(made.as_dict(), status=201 if is_new else 200)


@router.get("/dossiers/{dossier_id}")
async def get_dossier(request: Request, dossier_id: str) -> Response:
    """Hồ sơ đã đăng ký và số lần kiểm tra còn lại · a registered dossier and how many answers are left."""
    state = request.app.state
    catalogue = await catalogue_of(request)
    found = await find_dossier(state.database, catalogue, dossier_id, principal_of(request), now=now_of(request))
    return json_response(found.as_dict())
