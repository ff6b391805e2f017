"""What callers send: bodies as pydantic reads them, and every field that is missing or wrong by name."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gis.errors import Message
from layers.checking.request import (
    ByCode,
    ByFid,
    ByGeometry,
    ByKey,
    ByNumber,
    ParcelQuery,
    SubjectQuery,
    by_file,
    parse_parcel,
)
from layers.errors import MOST_ERRORS, FieldError, InvalidInputsError

from .parcels import commune_named

B = TypeVar("B", bound="Closed")

#: characters of a survey file that comes with a request; a larger one is work for a batch
LONGEST_SURVEY = 2_000_000
#: what a number of a sheet or a parcel may come as
NumberText = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value),
                       Field(min_length=1, max_length=64)]  # fmt: skip
ParcelText = Annotated[str, Field(min_length=1, max_length=200)]


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
    """Exactly one of the six; `parcel` may also be the text of the command line, `survey` is a GeoJSON file's text."""

    parcel: ParcelBody | ParcelText | None = None
    fid: NumberText | None = None
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    geometry: dict[str, Any] | None = None
    survey: Annotated[str, Field(min_length=1, max_length=LONGEST_SURVEY)] | None = None


def validated(body: type[B], raw: bytes) -> B:
    """The body. Raises InvalidInputsError naming every field that is missing or invalid."""
    if b"\\u0000" in raw:  # a character that PostgreSQL has in no text
        message = Message("Nội dung chứa ký tự không dùng được (U+0000).", "The body holds a character (U+0000).")
        raise InvalidInputsError(message.vi, message.en, [FieldError("body", message)])
    try:
        return body.model_validate_json(raw)
    except ValidationError as error:
        fields = [
            FieldError(_place(item["loc"]), Message(*_words(item["type"], str(item["msg"])))) for item in error.errors()
        ]
        names = ", ".join(dict.fromkeys(field.field for field in fields[:MOST_ERRORS]))
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


def subject_of(body: SubjectBody) -> SubjectQuery:
    """The one way that is given. Raises InvalidInputsError."""
    given = {name: value for name, value in dict(body).items() if value is not None}
    if len(given) != 1:
        message = Message("Cần đúng một trong parcel, fid, key, code, geometry, survey.",
                          "Exactly one of parcel, fid, key, code, geometry, survey is needed.")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError("subject", message)])
    match next(iter(given.items())):
        case ("parcel", parcel):
            return parcel_of(parcel)
        case ("fid", text):
            return _by_fid(str(text))
        case ("key", text):
            return ByKey(str(text))
        case ("code", text):
            return ByCode(str(text))
        case ("survey", text):
            return by_file(str(text).encode())
    return ByGeometry(body.geometry or {})


def parcel_of(body: ParcelBody | str) -> ParcelQuery:
    """A parcel by its numbers, or as the command line writes it. Raises InvalidInputsError, InvalidRequestError."""
    return _by_number(body) if isinstance(body, ParcelBody) else parse_parcel(body)


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
