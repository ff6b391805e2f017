"""Extracts that were handed out: kept as they were made, verified by their code, taken back with signatures.

An extract shows one reader's view of a record. It is given again to that reader only; what came back signed also to
whoever would be shown the very same. By its code a stranger learns that there is such an extract, when it was sealed
and for which procedure, and whether data have changed since: nothing of parcel, dossier or people.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from layers.access.principal import PUBLIC, Principal
from layers.canonical import digest_of
from layers.errors import ConflictError, ForbiddenError, NotFoundError
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, record
from layers.store.connection import Database
from layers.store.dossiers import dossier
from layers.store.extracts import (
    ExtractKey,
    ExtractRow,
    SignedRow,
    extracts_of,
    hold_signed,
    insert_extract,
    insert_signed,
    kept,
    pdf_of_extract,
    signed_of,
    signed_pdf,
)

from .answer import Answer
from .evidence import opened
from .map_content import MapContent
from .reserved import is_with

Json = dict[str, Any]

#: the edition of the document: another one makes other files of the same answer
FORM = "1"
#: signed versions of one extract
MOST_SIGNED = 50
_CODE = re.compile(r"[A-Z2-7]{26}")
_GROUP = 4


# ── codes ────────────────────────────────────────────────────────────────────────────────────────


def grouped(code: str) -> str:
    """'ABCD-EFGH-…', as it is printed and typed."""
    return "-".join(code[place : place + _GROUP] for place in range(0, len(code), _GROUP))


def code_in(text: str) -> str | None:
    """The code in what somebody typed; None where it can be none."""
    found = re.sub(r"[\s-]", "", text[:100]).upper()
    return found if _CODE.fullmatch(found) else None


# ── made once, kept, given again ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sealed:
    """A kept extract with its file."""

    row: ExtractRow
    pdf: bytes


def key_of(answer: Answer, content: MapContent | None, principal: Principal, language: str) -> ExtractKey:
    """What decides the file."""
    return ExtractKey(
        record=answer.id, principal=principal.id, language=language, form=FORM,
        answer_digest=answer.content["evidence"]["digest"], view_digest=view_digest(answer, content),
    )  # fmt: skip


def view_digest(answer: Answer, content: MapContent | None) -> str:
    """A digest of all that is shown of a record: two readers with the same one are shown the same, and the policy in
    force, which the answer names, changes nothing of it."""
    evidence = {name: value for name, value in answer.content["evidence"].items() if name not in ("policy", "digest")}
    drawn = None
    if content is not None:
        shapes = [[one.layer, one.fid, str(one.role), one.name, _hash(one.geometry.wkb)] for one in content.shapes]
        columns = {name: str(value) for name, value in content.attributes.items()}
        drawn = {"subject": _hash(content.subject.wkb), "shapes": shapes, "columns": columns, "crs": content.crs}
    return digest_of({"answer": {**answer.content, "evidence": evidence}, "map": drawn})


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def find_kept(database: Database, key: ExtractKey) -> Sealed | None:
    """The file that was made for this key."""
    async with database.connection() as connection:
        found = await kept(connection, key)
        return Sealed(found, await pdf_of_extract(connection, found.code)) if found else None


async def keep(
    database: Database, key: ExtractKey, made: Sealed, *, catalogue: Catalogue, answer: Answer, principal: Principal
) -> Sealed:
    """Keep a file that was just sealed, with its event: both or neither. Of two at the same moment the first counts.

    Raises psycopg errors: the file must then not leave.
    """
    event = audit.Event.of(
        principal, "extract", "allow", dossier=answer.content["dossier"], purpose=answer.content["purpose"],
        policy=catalogue.policy_digest, outcome=f"sha256:{made.row.sha256}", bytes=made.row.bytes,
    )  # fmt: skip
    async with database.transaction() as connection:
        if await insert_extract(connection, made.row, made.pdf):
            await audit.record(connection, event)
            return made
        found = await kept(connection, key)
        if found is None:
            raise ConflictError("Phiếu chưa lưu được. Vui lòng thử lại.", "The extract was not kept. Please try again.")
        return Sealed(found, await pdf_of_extract(connection, found.code))


async def digest_of_record(database: Database, record_id: str) -> str:
    """The digest under which the record is stored. Raises NotFoundError."""
    async with database.connection() as connection:
        stored = await record(connection, record_id)
    if stored is None:
        raise NotFoundError
    return stored.digest


# ── back with the signatures of an office ────────────────────────────────────────────────────────


async def sealed_within(database: Database, record_id: str, pdf: bytes) -> ExtractRow | None:
    """The extract of this record that the file begins with, to the byte."""
    async with database.connection() as connection:
        made = await extracts_of(connection, record_id)
    return next((one for one in made if _hash(pdf[: one.bytes]) == one.sha256), None)


async def require_holder(
    database: Database, catalogue: Catalogue, record_id: str, principal: Principal, now: datetime
) -> None:
    """Raises ForbiddenError unless the caller made the check, or their office handles its dossier."""
    async with database.connection() as connection:
        stored = await record(connection, record_id)
        if stored is None:
            raise NotFoundError
        found = await dossier(connection, stored.dossier) if stored.dossier else None
    is_own = stored.principal == principal.id and principal.id != PUBLIC.id
    is_at_desk = found is not None and bool(found.offices) and is_with(found, principal)
    if not (principal.is_operator or is_own or is_at_desk):
        raise ForbiddenError(
            "Chỉ người lập phiếu hoặc cơ quan đang giữ hồ sơ được nộp lại bản đã ký.",
            "Only whoever made the check, or the office that handles its dossier, hands back a signed copy.",
            reason="not_holder",
        )


async def take_back(
    database: Database,
    catalogue: Catalogue,
    found: ExtractRow,
    pdf: bytes,
    *,
    signers: Sequence[str],
    is_trusted: bool,
    answer: Answer,
    principal: Principal,
    now: datetime,
) -> tuple[SignedRow, bool]:
    """Store a file that was found to be the extract with signatures; and whether it is new. With its event.

    Raises ConflictError when there are too many versions.
    """
    sha256 = _hash(pdf)
    event = audit.Event.of(
        principal, "sign", "allow", dossier=answer.content["dossier"], purpose=answer.content["purpose"],
        policy=catalogue.policy_digest, outcome=f"sha256:{sha256}", bytes=len(pdf),
    )  # fmt: skip
    async with database.transaction() as connection:
        await hold_signed(connection, found.code)
        versions = await signed_of(connection, [found.code])
        same = next((one for one in versions if one.sha256 == sha256), None)
        if same:
            return same, False
        if len(versions) >= MOST_SIGNED:
            raise ConflictError(
                f"Phiếu này đã có {MOST_SIGNED} bản ký; không nhận thêm.",
                f"There are {MOST_SIGNED} signed copies of this extract; no more are taken.",
            )
        made = SignedRow(found.code, len(versions) + 1, now, principal.id, tuple(signers), is_trusted, sha256, len(pdf))
        await insert_signed(connection, made, pdf)
        await audit.record(connection, event)
    return made, True


async def find_signed(
    database: Database,
    catalogue: Catalogue,
    answer: Answer,
    principal: Principal,
    is_view: Callable[[str], bool],
    version: int | None = None,
) -> tuple[SignedRow, bytes]:
    """The newest signed copy that the caller may be given, or one by its number: their own, one of theirs that came
    back, or one that shows what they are shown (`is_view` of its digest); of a layer that was withdrawn since nobody is
    given features again. Raises NotFoundError."""
    async with database.connection() as connection:
        may_own = not _is_taken_back(catalogue, await record(connection, answer.id))
        made = {one.code: one for one in await extracts_of(connection, answer.id)}
        for one in reversed(await signed_of(connection, list(made))):
            if version not in (None, one.number):
                continue
            is_own = principal.id in (one.principal, made[one.code].principal) or principal.is_operator
            if (is_own and may_own) or is_view(made[one.code].view_digest):
                return one, await signed_pdf(connection, one.code, one.number)
    raise NotFoundError


def _is_taken_back(catalogue: Catalogue, stored: RecordRow | None) -> bool:
    """Whether a layer that an earlier paper may show was withdrawn, the subject's too. Its state is asked and not the
    answer, which tells of it only to whoever may still see the layer."""
    if stored is None:
        return True
    content = opened(stored)
    shown = {*content["cut"], content["subject"]["layer"]} - {None}
    return any(name not in catalogue.layers or catalogue.layers[name].state == "withdrawn" for name in shown)
