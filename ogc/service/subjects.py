"""`POST /subjects`: how a pasted table, a drawn shape or a file will be read, shown back before anything is checked.

It asks nothing of the data: the answer follows from what was sent and from the profile.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from gis.errors import Message
from layers.checking.given import Given, preview_of, preview_of_shape
from layers.checking.reading import prepared
from layers.checking.request import ByCoordinates, ByGeometry, ByUpload
from layers.checking.threads import limiter_of_loop
from layers.checking.upload import shape_of_upload
from layers.errors import FieldError, InvalidInputsError
from layers.profile.profile import Profile
from ogc.common.origin import require_own_origin
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response

from .bodies import Closed, SubjectBody, in_thread, read_by_pieces, subject_of
from .fields import of_subject, told_by

router = APIRouter(tags=["checks"])


class PreviewBody(Closed):
    """The `subject` of a check that brings its own shape."""

    subject: SubjectBody


_POINT = {
    "type": "object",
    "required": ["x", "y"],
    "properties": {
        "number": {"type": ["string", "integer", "null"]},
        "x": {"type": "number", "description": "north"},
        "y": {"type": "number", "description": "east"},
        "ring": {"type": "integer", "minimum": 0},
    },
}
_CRS = {"type": ["string", "null"], "pattern": r"^EPSG:\d{4,6}$"}
_COORDINATES = {
    "type": ["string", "object"],
    "properties": {
        "text": {"type": ["string", "null"]},
        "points": {"type": ["array", "null"], "items": _POINT},
        "crs": _CRS,
        "axes": {"type": ["string", "null"], "enum": ["north_east", "east_north", None]},
    },
}
_FILE = {
    "type": "object",
    "required": ["name", "content"],
    "properties": {
        "name": {"type": "string"},
        "content": {"type": "string", "contentEncoding": "base64"},
        "key": {"type": ["string", "null"]},
        "layer": {"type": ["string", "null"]},
        "crs": _CRS,
    },
}
_SUBJECT = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {
        "geometry": {"type": "object"}, "survey": {"type": "string"}, "coordinates": _COORDINATES, "file": _FILE,
    },
}  # fmt: skip
_SCHEMA = {"type": "object", "required": ["subject"], "properties": {"subject": _SUBJECT}}
_SHOWN = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}


@router.post("/subjects", dependencies=[Depends(require_own_origin)], openapi_extra=_SHOWN)
async def post_subject(request: Request) -> Response:
    """Xem trước khu đất theo bảng tọa độ, hình vẽ hoặc tệp · how coordinates, a drawing or a file will be read."""
    raw = await request.body()
    sent = await in_thread(lambda: _read(raw).subject, raw)
    with told_by(of_subject(sent)):
        return await _previewed(request, raw, sent)


async def _previewed(request: Request, raw: bytes, sent: SubjectBody) -> Response:
    asked = await in_thread(lambda: subject_of(sent), raw)
    if not isinstance(asked, ByCoordinates | ByGeometry | ByUpload):
        message = Message("Chỉ xem trước coordinates, geometry, survey, file.",
                          "Only coordinates, geometry, survey and file can be previewed.")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError("subject", message)])
    profile = (await catalogue_of(request)).profile
    if isinstance(asked, ByUpload):
        request.app.state.accesses.limit_file(request)
        asked = await shape_of_upload(asked, profile)
    given = await prepared(asked, profile)
    return json_response(await to_thread.run_sync(_shown, given, profile, limiter=limiter_of_loop()))


def _read(raw: bytes) -> PreviewBody:
    return read_by_pieces(
        PreviewBody, raw, lambda body: (body.subject.geometry,), lambda body: (body.subject.coordinates,)
    )


def _shown(given: Given, profile: Profile) -> dict[str, Any]:
    shown = preview_of(given, profile) if given.kind == "coordinates" else preview_of_shape(given, profile)
    return {"kind": given.kind, **shown}
