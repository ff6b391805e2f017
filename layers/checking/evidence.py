"""The sealed record: what the engine found, as canonical JSON (RFC 8785) under one digest, never updated."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
import pyproj
import rfc8785
import shapely

from gis.errors import LienthongError
from layers.profile.profile import digest
from layers.store.checks import RecordRow

#: numbers beyond this lose digits in JSON (RFC 8785, 3.2.2.3); they are written as texts
_LARGEST_INTEGER = 2**53 - 1


_EXPONENT = re.compile(rb"[0-9]e-")
#: bytes of UTF-8 text below U+E000: its order is that of UTF-16 too
_SORTED_ALIKE = bytes(range(0xEE))
#: a value that is not plain is refused, not written in some way of its own
_CANONICAL = (
    orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)  # fmt: skip


class TamperedRecordError(LienthongError):
    """A stored record whose text no longer has its digest."""

    code = "tampered"


#: most values of a record: taken as they are, without a call for each
_AS_THEY_ARE = frozenset({str, bool, type(None)})


def plain(value: object) -> Any:
    """The same value in JSON's own types: dates as ISO texts, what is not finite as null."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return {
            key if type(key) is str else str(key): item if type(item) in _AS_THEY_ARE else plain(item)
            for key, item in value.items()  # type: ignore[attr-defined]
        }
    if kind is float or kind is int:
        return _plain_number(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int | float | Decimal):
        return _plain_number(value)
    if isinstance(value, dict | Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _plain_number(value: Any) -> int | float | str | None:
    if not math.isfinite(value):
        return None
    if abs(value) > _LARGEST_INTEGER:
        return str(value)
    return int(value) if value == int(value) else float(value)


def canonical(value: object) -> str:
    """One text for one value, by RFC 8785; the value must be plain.

    For plain values orjson writes the very same, hundreds of times faster, but for numbers with an exponent and for
    letters that sort differently in UTF-16: those go the standard's way.
    """
    text = orjson.dumps(value, option=_CANONICAL)
    has_exponent = b"e-" in text and _EXPONENT.search(text)
    if has_exponent or text.translate(None, _SORTED_ALIKE):
        text = rfc8785.dumps(value)  # type: ignore[arg-type]
    return text.decode()


def digest_of(value: object) -> str:
    return digest(canonical(value))


@cache
def _libraries() -> Mapping[str, str]:
    return {
        "lienthong": version("lienthong"),
        "shapely": shapely.__version__,
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
    }


def engine(crs_operation: str) -> dict[str, str]:
    """What measured: versions that a replay compares."""
    return {**_libraries(), "crs_operation": crs_operation}


def seal(content: Mapping[str, Any], *, principal: str) -> RecordRow:
    """The row of a record's content; `content` is plain and holds id and created."""
    body = canonical(content)
    subject = content["subject"]
    return RecordRow(
        id=content["id"],
        created=datetime.fromisoformat(content["created"]),
        procedure=content["procedure"]["id"],
        subject_layer=subject["layer"],
        subject_fid=int(subject["fid"]) if subject["fid"] is not None else None,
        dossier=content["dossier"],
        purpose=content["purpose"],
        principal=principal,
        digest=digest(body),
        body=body,
    )


def opened(record: RecordRow) -> dict[str, Any]:
    """The content of a stored record. Raises TamperedRecordError where text, digest or columns do not fit together."""
    content: dict[str, Any] = json.loads(record.body) if digest(record.body) == record.digest else {}
    subject = content.get("subject", {})
    fid = str(record.subject_fid) if record.subject_fid is not None else None
    columns = (record.id, record.procedure, record.dossier, record.principal, record.subject_layer, fid)
    sealed = (
        content.get("id"), content.get("procedure", {}).get("id"), content.get("dossier"), content.get("principal"),
        subject.get("layer"), subject.get("fid"),
    )  # fmt: skip
    if not content or columns != sealed:
        raise TamperedRecordError(
            f"Bản ghi kiểm tra {record.id} đã bị sửa: nội dung không khớp mã băm. Hãy báo quản trị.",
            f"The record {record.id} was altered: its text does not have its digest. Tell the administrator.",
        )
    return content


def difference(first: object, second: object, path: str = "") -> list[str]:
    """The places where two plain values differ, as 'findings.0.measure.area_m2: 18.4 ≠ 18.5'."""
    if isinstance(first, dict) and isinstance(second, dict):
        names = sorted(first.keys() | second.keys())
        return [d for n in names for d in difference(first.get(n), second.get(n), f"{path}.{n}" if path else n)]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [d for i, (a, b) in pairs for d in difference(a, b, f"{path}.{i}")]
    if type(first) is type(second) and first == second:
        return []
    if isinstance(first, int | float) and isinstance(second, int | float) and first == second:
        return []
    return [f"{path}: {_short(first)} ≠ {_short(second)}"]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "…"
