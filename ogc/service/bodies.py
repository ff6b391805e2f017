"""What callers send: bodies as pydantic reads them, and every field that is missing or wrong by name."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from anyio import to_thread
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gis.errors import Message
from layers.checking.request import (
    MOST_UPLOADED_BYTES,
    ByCode,
    ByCoordinates,
    ByFid,
    ByGeometry,
    ByKey,
    ByNumber,
    ByParcels,
    ByUpload,
    ParcelQuery,
    SubjectQuery,
    by_file,
    parse_as_of,
    parse_parcel,
)
from layers.checking.threads import limiter_of_loop
from layers.errors import MOST_ERRORS, FieldError, InvalidInputsError, InvalidRequestError
from layers.plain_text import LINE, LINE_OR_NOTHING, NO_LINE
from ogc.common.long_json import outline_of

from .fields import of_parcel, of_subject, told_by
from .long_points import LONG, points_apart
from .parcels import commune_named

B = TypeVar("B", bound="Closed")
T = TypeVar("T")

#: characters of a survey file that comes with a request; a larger one is work for a batch
LONGEST_SURVEY = 2_000_000
#: characters of a pasted table, and of a file in base64
LONGEST_TABLE = 12_000_000
LONGEST_FILE = 4 * MOST_UPLOADED_BYTES // 3 + 4
#: bodies of more bytes than this are read in a thread
_LONG = 50_000
#: what a number of a sheet or a parcel may come as
NumberText = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value),
                       Field(min_length=1, max_length=64)]  # fmt: skip
ParcelText = Annotated[str, Field(min_length=1, max_length=200)]
#: what records keep as it was said: the code of a dossier, a purpose
Line = Annotated[str, Field(max_length=100, pattern=LINE)]


def _as_of(value: object) -> date | datetime | None:
    """A date is one only where it was written as one: midnight is an instant. A number would be seconds since 1970."""
    if value is not None and not isinstance(value, str):
        raise ValueError("an ISO 8601 text")
    try:
        return parse_as_of(value)
    except InvalidRequestError as error:
        raise ValueError(str(error)) from error


AsOf = Annotated[datetime | date | None, BeforeValidator(_as_of)]


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


class PointBody(Closed):
    """A vertex as tables write it: x is north, y is east; a second ring is a hole or a part."""

    number: NumberText | None = None
    x: float
    y: float
    ring: int = Field(default=0, ge=0, le=10_000)


_POINTS = TypeAdapter(list[PointBody])


class CoordinatesBody(Closed):
    """A table of vertices: the pasted text, or its points. `axes` as the table has them: X north unless it says so."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TABLE)] | None = None
    points: tuple[PointBody, ...] | None = None
    crs: Annotated[str, Field(pattern=r"^EPSG:\d{4,6}$")] | None = None
    axes: Literal["north_east", "east_north"] | None = None


class FileBody(Closed):
    """A file in base64: zipped SHP, GPKG, DXF, GeoJSON and the like; `key` chooses one of several polygons."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(min_length=1, max_length=LONGEST_FILE)]
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    layer: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    crs: Annotated[str, Field(pattern=r"^EPSG:\d{4,6}$")] | None = None


class SubjectBody(Closed):
    """Exactly one; `parcel` may also be the text of the command line, `survey` is a GeoJSON file's text, `parcels` are
    checked as one."""

    parcel: ParcelBody | ParcelText | None = None
    parcels: Annotated[tuple[ParcelBody | ParcelText, ...], Field(min_length=1, max_length=100)] | None = None
    fid: NumberText | None = None
    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    geometry: dict[str, Any] | None = None
    survey: Annotated[str, Field(min_length=1, max_length=LONGEST_SURVEY)] | None = None
    coordinates: CoordinatesBody | Annotated[str, Field(min_length=1, max_length=LONGEST_TABLE)] | None = None
    file: FileBody | None = None


def validated(body: type[B], raw: bytes, *, is_part: bool = False) -> B:
    """The body. Raises InvalidInputsError naming every field that is missing or invalid; points of a long list, of
    which a part may be all that is read, are not named by their place in it."""
    has_places = len(raw) < LONG and not is_part
    if b"\\u0000" in raw:  # a character that PostgreSQL has in no text
        message = Message("Nội dung chứa ký tự không dùng được (U+0000).", "The body holds a character (U+0000).")
        raise InvalidInputsError(message.vi, message.en, [FieldError("body", message)])
    try:
        return body.model_validate_json(raw)
    except ValidationError as error:
        fields = [FieldError(_place(item["loc"], item["type"], has_places), _words(item)) for item in error.errors()]
        names = ", ".join(dict.fromkeys(field.field for field in fields[:MOST_ERRORS]))
        raise InvalidInputsError(f"Thông tin thiếu hoặc không hợp lệ: {names}.",
                                 f"Missing or invalid: {names}.", fields) from None  # fmt: skip


def read_by_pieces(
    body: type[B],
    raw: bytes,
    shapes: Callable[[B], Sequence[object]],
    tables: Callable[[B], Sequence[object]] = lambda _: (),
) -> B:
    """As `validated`, long lists of coordinates and of points a piece at a time; `shapes` and `tables` name the places
    that they may stand in."""
    apart = points_apart(raw, _POINTS)
    text = apart.text if apart else raw
    outline = outline_of(text)
    if apart is None and outline is None:
        return validated(body, raw)
    found = validated(body, outline.text if outline else text, is_part=len(raw) >= LONG)
    is_whole = outline is None or outline.put_back(dict(enumerate(shapes(found))))
    return found if is_whole and (apart is None or apart.put_back(tables(found))) else validated(body, raw)


async def in_thread(read: Callable[[], T], raw: bytes) -> T:
    """What a body says; a long one is read aside, so that nobody else waits for it."""
    return read() if len(raw) < _LONG else await to_thread.run_sync(read, limiter=limiter_of_loop())


#: alternatives that are a text, as pydantic calls them
_TEXTS = ("str", "constrained-str")
_POINTS_FIELD = "points"
#: characters told of the name of a field that there is none
_LONGEST_NAME = 100


def _place(location: tuple[int | str, ...], kind: str, has_places: bool) -> str:
    """'subject.parcels.1.sheet'; names of alternatives tried by pydantic are left out."""
    known = [str(part) for part in location if isinstance(part, int) or _is_field(part)]
    if kind == "extra_forbidden":  # whatever they called it
        known = [*(str(part) for part in location[:-1] if isinstance(part, int) or _is_field(part)),
                 str(location[-1])[:_LONGEST_NAME]]  # fmt: skip
    if _POINTS_FIELD in known and not has_places:
        at = known.index(_POINTS_FIELD)
        known = known[:at] + [part for part in known[at:] if not part.isdecimal()]
    return ".".join(known) or "body"


def _is_field(part: str) -> bool:
    return part.islower() and "[" not in part and part not in _TEXTS


def _words(found: ErrorDetails) -> Message:
    kind, text = found["type"], found["msg"]
    if found.get("ctx", {}).get("pattern") in (LINE, LINE_OR_NOTHING):
        return NO_LINE
    vietnamese = {
        "missing": "Thiếu thông tin bắt buộc.",
        "extra_forbidden": "Không có trường này.",
        "json_invalid": "Nội dung không phải JSON hợp lệ.",
    }
    return Message(vietnamese.get(kind, f"Giá trị không hợp lệ ({text})."), f"{text}.")


def subject_of(body: SubjectBody) -> SubjectQuery:
    """The one way that is given. Raises InvalidInputsError."""
    with told_by(of_subject(body)):
        return _stated(body)


def _stated(body: SubjectBody) -> SubjectQuery:
    given = {name: value for name, value in dict(body).items() if value is not None}
    if len(given) != 1:
        names = "parcel, parcels, fid, key, code, geometry, survey, coordinates, file"
        message = Message(f"Cần đúng một trong {names}.", f"Exactly one of {names} is needed.")
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
        case ("parcels", parcels):
            return ByParcels(parcels_of(parcels, "subject.parcels"))
        case ("coordinates", table):
            return coordinates_of(table)
        case ("file", file):
            return _upload(file)
    return ByGeometry(body.geometry or {})


def coordinates_of(table: CoordinatesBody | str) -> ByCoordinates:
    """A table of vertices. Raises InvalidInputsError where it is neither text nor points, or both."""
    if isinstance(table, str):
        return ByCoordinates(text=table)
    if (table.text is None) == (table.points is None):
        message = Message("Cần đúng một trong text, points.", "Exactly one of text, points is needed.")
        raise InvalidInputsError(message.vi, message.en, [FieldError("subject.coordinates", message)])
    points = tuple({"number": p.number, "x": p.x, "y": p.y, "ring": p.ring} for p in table.points or ())
    return ByCoordinates(table.text, points, table.crs, table.axes)


def _upload(file: FileBody) -> ByUpload:
    try:
        content = base64.b64decode(file.content, validate=True)
    except ValueError:  # of its alphabet or its length
        message = Message("Nội dung tệp phải là base64.", "The file's content must be base64.")
        raise InvalidInputsError(message.vi, message.en, [FieldError("subject.file.content", message)]) from None
    return ByUpload(file.name, content, file.key, file.layer, file.crs)


def parcel_of(body: ParcelBody | str) -> ParcelQuery:
    """A parcel by its numbers, or as the command line writes it. Raises InvalidInputsError, InvalidRequestError."""
    return _by_number(body) if isinstance(body, ParcelBody) else parse_parcel(body)


def parcels_of(parcels: Sequence[ParcelBody | str], place: str) -> tuple[ParcelQuery, ...]:
    """Several parcels of a list that stands at `place`. Raises InvalidInputsError, InvalidRequestError."""
    found = list[ParcelQuery]()
    for number, parcel in enumerate(parcels):
        with told_by(of_parcel(parcel, f"{place}.{number}")):
            found.append(parcel_of(parcel))
    return tuple(found)


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
