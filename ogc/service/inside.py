"""`POST /parcels/inside`: which parcels lie in a project's shape, as JSON or as a table to keep."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from gis.errors import Message
from layers.checking.inside import Note, Reading, parcels_inside
from layers.checking.inside_table import parcels_table, totals_table
from layers.checking.request import ByCoordinates, ByGeometry, ByUpload, Drawn
from layers.errors import FieldError, InvalidInputsError
from layers.store.connection import Connection
from ogc.auth import principal_of
from ogc.common.caching import NO_STORE
from ogc.common.language import language_of
from ogc.common.origin import require_own_origin
from ogc.common.policy_header import catalogue_of
from ogc.common.relation import Relation, authorised
from ogc.common.responses import json_response
from ogc.common.spreadsheet import csv_response, xlsx_response

from .bodies import (
    LONGEST_TABLE,
    Closed,
    CoordinatesBody,
    FileBody,
    SubjectBody,
    in_thread,
    read_by_pieces,
    subject_of,
)
from .fields import of_subject, told_by

router = APIRouter(tags=["checks"])
NAME = "parcels-inside"
#: bytes of a question that is long
_LONG = 200_000


class InsideBody(Closed):
    """Exactly one: a GeoJSON polygon in CRS84, a table of vertices, a file with one polygon."""

    geometry: dict[str, Any] | None = None
    coordinates: CoordinatesBody | Annotated[str, Field(min_length=1, max_length=LONGEST_TABLE)] | None = None
    file: FileBody | None = None


_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": InsideBody.model_json_schema()}}}
}


@router.post("/parcels/inside", dependencies=[Depends(require_own_origin)], openapi_extra=_BODY)
async def post_parcels_inside(
    request: Request, f: Annotated[Literal["json", "csv", "xlsx"], Query()] = "json"
) -> Response:
    """Các thửa đất nằm trong khu đất dự án · the parcels that lie in a project's shape, with totals."""
    raw = await request.body()
    sent = await in_thread(lambda: _subject(_read(raw)), raw)
    with told_by(of_subject(sent, place="")):
        return await _answered(request, raw, sent, f)


async def _answered(request: Request, raw: bytes, sent: SubjectBody, f: str) -> Response:
    query = await in_thread(lambda: _drawn(sent), raw)
    parcels = (await catalogue_of(request)).profile.parcel_layer.id
    # a table to keep is an export; what a page shows is items
    relation = await authorised(request, parcels, "items" if f == "json" else "export")
    if isinstance(query, ByUpload):
        request.app.state.accesses.limit_file(request)
    asked = await in_thread(lambda: _asked(query, raw), raw)
    reading = Reading(relation.catalogue, relation.state, principal_of(request), relation.decision)
    answer = await parcels_inside(request.app.state.database, reading, query, _note(request, relation, asked))
    if f == "json":
        return json_response(answer, headers={"Cache-Control": NO_STORE})
    return await to_thread.run_sync(_table, answer, f, language_of(request))


def _read(raw: bytes) -> InsideBody:
    return read_by_pieces(InsideBody, raw, lambda body: (body.geometry,), lambda body: (body.coordinates,))


def _subject(body: InsideBody) -> SubjectBody:
    """The one shape as a subject. Raises InvalidInputsError."""
    given = [name for name, value in body if value is not None]
    if len(given) != 1:
        message = Message("Cần đúng một hình của khu đất: geometry, coordinates hoặc file.",
                          "Exactly one shape is needed: geometry, coordinates or file.")  # fmt: skip
        fields = [FieldError(name, message) for name in given or ["geometry"]]
        raise InvalidInputsError(message.vi, message.en, fields)
    return SubjectBody(geometry=body.geometry, coordinates=body.coordinates, file=body.file)


def _drawn(sent: SubjectBody) -> Drawn:
    asked = subject_of(sent)
    assert isinstance(asked, ByGeometry | ByCoordinates | ByUpload)
    return asked


def _asked(query: Drawn, raw: bytes) -> str:
    """What the event keeps a digest of; of a long question it is made in two steps, the first of them aside."""
    asked = f"inside {query!r}"
    return asked if len(raw) < _LONG else f"inside sha256:{hashlib.sha256(asked.encode()).hexdigest()}"


def _note(request: Request, relation: Relation, asked: str) -> Note:
    async def note(connection: Connection, features: int, size_bytes: int) -> None:
        accesses = request.app.state.accesses
        await accesses.record(connection, relation, asked=asked, features=features, size_bytes=size_bytes)

    return note


def _table(answer: dict[str, Any], kind: str, language: str) -> Response:
    if kind == "csv":
        return csv_response(parcels_table(answer, language), NAME)
    say = Message("Thửa đất", "Parcels"), Message("Tổng hợp", "Totals")
    sheets = {
        say[0].in_language(language): parcels_table(answer, language),
        say[1].in_language(language): totals_table(answer, language),
    }
    return xlsx_response(sheets, NAME)
