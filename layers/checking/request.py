"""What is asked: a subject, a procedure with its inputs, and the two dates an answer depends on."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import orjson

from gis.coordinates import Axes
from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError, InvalidRequestError
from layers.plain_text import require_line

#: days and dates of the service are Vietnamese ones
LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")


_FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class CommuneName:
    """A commune by code or by name, old or new; `generation` narrows a code that several generations use."""

    text: str
    generation: int | None = None

    @property
    def is_code(self) -> bool:
        return self.text.isascii() and self.text.isdigit()


@dataclass(frozen=True, slots=True)
class ByNumber:
    commune: CommuneName
    sheet: str
    parcel: str

    def __str__(self) -> str:
        generation = f"@{self.commune.generation}" if self.commune.generation is not None else ""
        return f"{self.commune.text}{generation}/{self.sheet}/{self.parcel}"


@dataclass(frozen=True, slots=True)
class ByFid:
    fid: int

    def __str__(self) -> str:
        return f"fid:{self.fid}"


@dataclass(frozen=True, slots=True)
class ByKey:
    key: str

    def __str__(self) -> str:
        return f"key:{self.key}"


@dataclass(frozen=True, slots=True)
class ByCode:
    """The national parcel code: input, never computed here."""

    code: str

    def __str__(self) -> str:
        return f"code:{self.code}"


@dataclass(frozen=True, slots=True)
class ByPoint:
    """CRS84: longitude first."""

    longitude: float
    latitude: float

    def __str__(self) -> str:
        return f"point:{self.longitude},{self.latitude}"


@dataclass(frozen=True, slots=True)
class ByGeometry:
    """A GeoJSON polygon in CRS84, as drawn or pasted, or as read from a file whose SHA-256 `survey` is."""

    geojson: Mapping[str, object]
    survey: str | None = None


def by_file(content: bytes) -> ByGeometry:
    """The only polygon of a GeoJSON file, with the file's digest. Raises InvalidInputsError."""
    try:
        found = orjson.loads(content)  # a tenth of the time of json, in which nothing else could run
    except ValueError:
        found = None
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        features = found.get("features")
        if not isinstance(features, list) or len(features) != 1:
            raise _no_survey("Tệp GeoJSON cần đúng một đối tượng.", "The GeoJSON file must hold exactly one feature.")
        found = features[0]
    if not isinstance(found, dict):
        raise _no_survey("Tệp không phải GeoJSON hợp lệ.", "The file is not valid GeoJSON.")
    return ByGeometry(found, hashlib.sha256(content).hexdigest())


def _no_survey(vi: str, en: str) -> InvalidInputsError:
    return InvalidInputsError(vi, en, [FieldError("subject.survey", Message(vi, en))])


ParcelQuery = ByNumber | ByFid | ByKey | ByCode | ByPoint


@dataclass(frozen=True, slots=True)
class ByCoordinates:
    """A pasted table of vertices, or its points: number, x (north), y (east), ring. `crs` None: what the table says,
    else the storage CRS. `survey` is the SHA-256 of a text that is the whole question: nothing besides was stated."""

    text: str | None = None
    points: tuple[Mapping[str, object], ...] = ()
    crs: str | None = None
    axes: Axes | None = None

    @property
    def survey(self) -> str | None:
        is_whole = self.text is not None and self.crs is None and self.axes is None
        return hashlib.sha256(self.text.encode()).hexdigest() if is_whole and self.text is not None else None


@dataclass(frozen=True, slots=True)
class ByParcels:
    """Several parcels as one subject, in this order."""

    parcels: tuple[ParcelQuery, ...]

    def __str__(self) -> str:
        return " + ".join(map(str, self.parcels))


#: of a file that comes with a question
MOST_UPLOADED_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class ByUpload:
    """One polygon of a file in any readable vector format: the only one, or the one that `key` names."""

    name: str
    content: bytes
    key: str | None = None
    layer: str | None = None
    crs: str | None = None


#: shapes that come with the question, as against parcels of the layer
Drawn = ByGeometry | ByCoordinates | ByUpload
SubjectQuery = ParcelQuery | ByParcels | Drawn


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """`as_of` is what the service knew then; `on_date` is the day whose law and validity count."""

    procedure: str
    subject: SubjectQuery
    inputs: Mapping[str, object] = field(default_factory=dict)
    dossier: str | None = None
    purpose: str | None = None
    as_of: date | datetime | None = None
    on_date: date | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInputsError for what no record may hold."""
        require_line(self.dossier, "dossier")
        require_line(self.purpose, "purpose")


def _unreadable(text: str) -> InvalidRequestError:
    message = Message(
        f"Không hiểu '{text}'. Viết MÃ_XÃ[@NĂM]/SỐ_TỜ/SỐ_THỬA, fid:…, key:…, code:… hoặc point:KINH_ĐỘ,VĨ_ĐỘ.",
        f"'{text}' cannot be read. Write COMMUNE[@GENERATION]/SHEET/PARCEL, fid:…, key:…, code:… or point:LON,LAT.",
    )
    return InvalidRequestError(message.vi, message.en, [FieldError("parcel", message)])


def parse_point(text: str) -> ByPoint:
    """'106.65,10.98'. Raises InvalidRequestError; swapped axes are named as such."""
    parts = text.split(",")
    try:
        longitude, latitude = (float(part) for part in parts)
    except ValueError:
        raise _unreadable(f"point:{text}") from None
    if not (math.isfinite(longitude) and math.isfinite(latitude) and abs(longitude) <= 180 and abs(latitude) <= 90):
        raise InvalidRequestError(
            f"Điểm '{text}' không hợp lệ: kinh độ trước, vĩ độ sau (ví dụ point:106.65,10.98).",
            f"The point '{text}' is not valid: longitude first, then latitude (such as point:106.65,10.98).",
        )
    return ByPoint(longitude, latitude)


def is_generation(text: str) -> bool:
    """A year; digits of other scripts are none."""
    return text.isascii() and text.isdigit() and len(text) <= 4


def _by_fid(text: str) -> ByFid:
    if not re.fullmatch(r"[0-9]{1,16}", text) or int(text) >= 2**53:
        raise _unreadable(f"fid:{text}")
    return ByFid(int(text))


def _by_number(text: str) -> ByNumber:
    commune, sheet, parcel = (part.strip() for part in text.split("/"))
    name, _, generation = commune.partition("@")
    if not (name and sheet and parcel) or (generation and not is_generation(generation)):
        raise _unreadable(text)
    return ByNumber(CommuneName(name.strip(), int(generation) if generation else None), sheet, parcel)


def parse_parcel(text: str) -> ParcelQuery:
    """PARCEL of the command line (contracts 2). Raises InvalidRequestError."""
    prefix, colon, rest = text.partition(":")
    rest = rest.strip()
    if colon and prefix in ("fid", "key", "code", "point"):
        if not rest:
            raise _unreadable(text)
        if prefix == "fid":
            return _by_fid(rest)
        if prefix == "point":
            return parse_point(rest)
        return ByKey(rest) if prefix == "key" else ByCode(rest)
    if text.count("/") == 2:
        return _by_number(text)
    if not text.strip():
        raise _unreadable(text)
    return ByKey(text.strip())


def instant_of(as_of: date | datetime | None, now: datetime) -> datetime | None:
    """The instant a cut is taken at; None is now. A date means its end in Vietnam. The future is refused."""
    if as_of is None:
        return None
    if as_of.year < _FIRST_YEAR:  # of days near the first of the calendar other time zones have none
        message = Message("'as_of' phải từ năm 1900.", "'as_of' must not lie before 1900.")
        raise InvalidRequestError(message.vi, message.en, [FieldError("as_of", message)])
    if isinstance(as_of, datetime):
        instant = as_of if as_of.tzinfo else as_of.replace(tzinfo=LOCAL_TIME)
    else:
        instant = datetime.combine(as_of, time.max, LOCAL_TIME)
        if as_of == now.astimezone(LOCAL_TIME).date():
            return None
    if instant > now:
        message = Message(
            "'as_of' ở tương lai: hệ thống chưa biết dữ liệu ngày đó.",
            "'as_of' lies in the future: the service cannot know that day's data yet.",
        )
        raise InvalidRequestError(message.vi, message.en, [FieldError("as_of", message)])
    return instant


def parse_as_of(text: str | None) -> date | datetime | None:
    """'2026-11-21' or an ISO instant. Raises InvalidRequestError."""
    if not text:
        return None
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-21") else datetime.fromisoformat(text)
    except ValueError:
        message = Message(
            f"Thời điểm '{text}' không hợp lệ; viết 2026-11-21 hoặc 2026-11-21T08:00:00+07:00.",
            f"'{text}' is no instant; write 2026-11-21 or 2026-11-21T08:00:00+07:00.",
        )
        raise InvalidRequestError(message.vi, message.en, [FieldError("as_of", message)]) from None
