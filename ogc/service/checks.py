"""`/checks`: ask what applies to a parcel or a shape; read answers again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gis.errors import Message
from layers.checking.history import checks_of, find_answer
from layers.checking.request import (
    ByCode,
    ByFid,
    ByGeometry,
    ByKey,
    ByNumber,
    CheckRequest,
    SubjectQuery,
    parse_parcel,
)
from layers.checking.run import check
from layers.errors import FieldError, InvalidInputsError, InvalidRequestError
from ogc.auth import principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.links import Addresses
from ogc.common.negotiation import prefers_html
from ogc.common.responses import json_response
from ogc.web.answers import answer_page

from .parcels import commune_named

router = APIRouter(tags=["checks"])

#: what a number of a sheet or a parcel may come as
NumberText = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value),
                       Field(min_length=1, max_length=64)]  # fmt: skip


def _is_text(value: object) -> object:
    """A number would be taken for seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("an ISO 8601 text")
    return value


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CommuneBody(Closed):
    """A commune by code or by name, old or new."""

    code: NumberText | None = None
    name: str | None = Field(default=None, max_length=100)
    generation: int | None = None


class ParcelBody(Closed):
    commune: CommuneBody | NumberText
    sheet: NumberText
    parcel: NumberText


class SubjectBody(Closed):
    """Exactly one of the four; `parcel` may also be the text of the command line."""

    parcel: ParcelBody | Annotated[str, Field(min_length=1, max_length=200)] | None = None
    fid: NumberText | None = None
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    geometry: dict[str, Any] | None = None


class CheckBody(Closed):
    """Contracts 2."""

    procedure: str = Field(min_length=1, max_length=64)
    subject: SubjectBody
    inputs: dict[str, Any] = Field(default_factory=dict)
    dossier: str | None = Field(default=None, max_length=100)
    purpose: str | None = Field(default=None, max_length=100)
    as_of: Annotated[date | datetime | None, BeforeValidator(_is_text)] = None
    on_date: Annotated[date | None, BeforeValidator(_is_text)] = None


@router.post("/checks", status_code=201)
async def post_check(request: Request) -> Response:
    """Kiểm tra thửa đất hoặc hình vẽ theo thủ tục · check a parcel or a shape for a procedure."""
    body = _body(await request.body())
    state = request.app.state
    answer = await check(
        state.database,
        await state.catalogue.current(),
        CheckRequest(
            procedure=body.procedure,
            subject=_subject(body.subject),
            inputs=body.inputs,
            dossier=body.dossier,
            purpose=purpose_of(request, body.purpose),
            as_of=body.as_of,
            on_date=body.on_date,
        ),
        principal_of(request),
        now=now_of(request),
        new_id=state.new_id,
    )
    where = Addresses(request).to("checks", answer.id)
    return json_response(answer.content, status=201, headers={"Location": where})


@router.get("/checks/{record_id}")
async def get_check(request: Request, record_id: str) -> Response:
    """Đọc lại kết quả một lần kiểm tra · one recorded check, as far as the caller may see it."""
    state = request.app.state
    catalogue = await state.catalogue.current()
    answer = await find_answer(state.database, catalogue, record_id, principal_of(request), now=now_of(request))
    if prefers_html(request):
        return answer_page(request, catalogue, answer.content)
    return json_response(answer.content)


@router.get("/checks")
async def get_checks(request: Request, dossier: str | None = None, parcel: str | None = None) -> Response:
    """Các lần kiểm tra của một hồ sơ hoặc thửa đất · the checks of a dossier or a parcel."""
    if not dossier and not parcel:
        message = Message("Cần dossier hoặc parcel.", "Either dossier or parcel is needed.")
        raise InvalidRequestError(message.vi, message.en, [FieldError("dossier", message)])
    state = request.app.state
    query = parse_parcel(parcel) if parcel else None
    catalogue = await state.catalogue.current()
    principal, now = principal_of(request), now_of(request)
    answers = await checks_of(state.database, catalogue, principal, dossier=dossier, parcel=query, now=now)
    return json_response({"checks": [answer.content for answer in answers]})


def _body(raw: bytes) -> CheckBody:
    """The body. Raises InvalidInputsError naming every field that is missing or invalid."""
    try:
        return CheckBody.model_validate_json(raw)
    except ValidationError as error:
        fields = [
            FieldError(_place(item["loc"]), Message(*_words(item["type"], str(item["msg"])))) for item in error.errors()
        ]
        names = ", ".join(dict.fromkeys(field.field for field in fields))
        raise InvalidInputsError(f"Thông tin thiếu hoặc không hợp lệ: {names}.",
                                 f"Missing or invalid: {names}.", fields) from None  # fmt: skip


def _place(location: tuple[int | str, ...]) -> str:
    """'subject.parcel.sheet'; names of alternatives tried by pydantic are left out."""
    known = [str(part) for part in location if str(part).islower() and "[" not in str(part) and str(part) != "str"]
    return ".".join(known) or "body"


def _words(kind: str, text: str) -> tuple[str, str]:
    vietnamese = {
        "missing": "Thiếu thông tin bắt buộc.",
        "extra_forbidden": "Không có trường này.",
        "json_invalid": "Nội dung không phải JSON hợp lệ.",
    }
    return vietnamese.get(kind, f"Giá trị không hợp lệ ({text})."), f"{text}."


def _subject(body: SubjectBody) -> SubjectQuery:
    """The one way that is given. Raises InvalidInputsError."""
    given = {name: value for name, value in dict(body).items() if value is not None}
    if len(given) != 1:
        message = Message("Cần đúng một trong parcel, fid, key, code, geometry.",
                          "Exactly one of parcel, fid, key, code, geometry is needed.")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError("subject", message)])
    match next(iter(given.items())):
        case ("parcel", ParcelBody() as parcel):
            return _by_number(parcel)
        case ("parcel", text):
            return parse_parcel(str(text))
        case ("fid", text):
            return _by_fid(str(text))
        case ("key", text):
            return ByKey(str(text))
        case ("code", text):
            return ByCode(str(text))
    return ByGeometry(body.geometry or {})


def _by_fid(text: str) -> ByFid:
    found = parse_parcel(f"fid:{text}")
    assert isinstance(found, ByFid)
    return found


def _by_number(parcel: ParcelBody) -> ByNumber:
    if isinstance(parcel.commune, str):
        return ByNumber(commune_named(parcel.commune), parcel.sheet.strip(), parcel.parcel.strip())
    named = parcel.commune.code or parcel.commune.name
    if not named:
        message = Message("Cần mã hoặc tên xã/phường.", "The commune needs a code or a name.")
        raise InvalidInputsError(message.vi, message.en, [FieldError("subject.parcel.commune", message)])
    commune = commune_named(named, parcel.commune.generation)
    return ByNumber(commune, parcel.sheet.strip(), parcel.parcel.strip())
