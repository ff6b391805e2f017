"""One opinion on a finding as it is sealed: who, when, what of which finding and why; a link of its record's chain."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gis.errors import Message
from layers.access.principal import Principal
from layers.canonical import canonical
from layers.errors import FieldError, InvalidInputsError
from layers.plain_text import is_plain
from layers.profile.profile import digest
from layers.store.reviews import Kind, ReviewRow

from .evidence import TamperedRecordError

#: characters of a reason or an answer
LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Feature:
    """The feature an opinion is about, by the opaque id and the key it was named by."""

    fid: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is said. Of an answer `about` is the dispute, `decision` and `revision` what became of it."""

    kind: Kind
    check: str
    layer: str | None
    feature: Feature | None
    text: str
    about: str | None = None
    decision: str | None = None
    revision: int | None = None


def written(text: str, field: str, *, is_needed: bool) -> str:
    """Plain text in NFC without outer blanks. Raises InvalidInputsError. It is never taken for HTML."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not is_plain(plain) or len(plain) > LONGEST_TEXT or (is_needed and not plain):
        message = Message(
            f"Cần nội dung dài tối đa {LONGEST_TEXT} ký tự, không có ký tự điều khiển hay ký tự đổi chiều viết; hãy gõ "
            "lại.",
            f"A text of at most {LONGEST_TEXT} characters is needed, without control characters or marks of direction; "
            "type it again.",
        )
        raise InvalidInputsError(message.vi, message.en, [FieldError(field, message)])
    return plain


def sealed(
    said: Opinion, principal: Principal, record_id: str, record_digest: str, chain: Sequence[ReviewRow],
    *, review_id: str, now: datetime,
) -> ReviewRow:  # fmt: skip
    """The next link of a record's chain."""
    previous = chain[-1].digest if chain else record_digest
    feature = {"fid": said.feature.fid, "key": said.feature.key} if said.feature else None
    content = {
        "id": review_id, "record": record_id, "number": len(chain) + 1, "created": now.isoformat(), "kind": said.kind,
        "about": said.about, "check": said.check, "layer": said.layer, "feature": feature, "text": said.text,
        "decision": said.decision, "revision": said.revision, "previous": previous,
        "by": {"principal": principal.id, "office": principal.office, "roles": sorted(principal.roles)},
    }  # fmt: skip
    body = canonical(content)
    return ReviewRow(
        id=review_id, record=record_id, number=len(chain) + 1, created=now, kind=said.kind, about=said.about,
        layer=said.layer, fid=int(said.feature.fid) if said.feature else None, principal=principal.id,
        previous=previous, digest=digest(body), body=body,
    )  # fmt: skip


def content_of(stored: ReviewRow) -> dict[str, Any]:
    """The content of one stored opinion. Raises TamperedRecordError where text, digest or columns do not fit."""
    content: dict[str, Any] = json.loads(stored.body) if digest(stored.body) == stored.digest else {}
    feature = content.get("feature") or {}
    fid = str(stored.fid) if stored.fid is not None else None
    columns = (stored.id, stored.record, stored.number, stored.kind, stored.about, stored.layer, fid,
               stored.principal, stored.previous)  # fmt: skip
    told = (content.get("id"), content.get("record"), content.get("number"), content.get("kind"),
            content.get("about"), content.get("layer"), feature.get("fid"),
            content.get("by", {}).get("principal"), content.get("previous"))  # fmt: skip
    if not content or columns != told or datetime.fromisoformat(content["created"]) != stored.created:
        raise _tampered(stored.record)
    return content


def chained(chain: Sequence[ReviewRow], record_digest: str) -> list[Mapping[str, Any]]:
    """The contents of a whole chain. Raises TamperedRecordError: a link that is missing, exchanged or altered."""
    previous, found = record_digest, list[Mapping[str, Any]]()
    for number, stored in enumerate(chain, start=1):
        if stored.number != number or stored.previous != previous:
            raise _tampered(stored.record)
        found.append(content_of(stored))
        previous = stored.digest
    return found


def _tampered(record_id: str) -> TamperedRecordError:
    return TamperedRecordError(
        f"Các ý kiến về bản ghi kiểm tra {record_id} đã bị sửa: chuỗi mã băm không khớp. Hãy báo quản trị.",
        f"The opinions on the record {record_id} were altered: their chain does not hold. Tell the administrator.",
    )
