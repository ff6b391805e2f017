"""The sealed record: what the engine found, as canonical JSON (RFC 8785) under one digest, never updated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
import pyproj
import shapely

from gis.errors import LienthongError
from layers.canonical import canonical
from layers.profile.profile import digest
from layers.store.checks import RecordRow


class TamperedRecordError(LienthongError):
    """A stored record whose text no longer has its digest."""

    code = "tampered"


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
        subject_fids=[int(part["fid"]) for part in subject.get("parts", ())] or None,
    )


def opened(record: RecordRow) -> dict[str, Any]:
    """The content of a stored record. Raises TamperedRecordError where text, digest or columns do not fit together."""
    content: dict[str, Any] = orjson.loads(record.body) if digest(record.body) == record.digest else {}
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
