"""Extracts that were handed out: kept as they were made, verified by their code, taken back with signatures.

An extract shows one reader's view of a record. It is given again to that reader only; what came back signed also to
whoever would be shown the very same. By its code a stranger learns that there is such an extract, when it was sealed
and for which procedure, and whether data have changed since: nothing of parcel, dossier or people.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from layers.access.principal import PUBLIC, Principal
from layers.canonical import digest_of
from layers.errors import ConflictError, ForbiddenError, NotFoundError
from layers.profile.procedures import ProcedureDefinition, relations_of
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import CutLayer, RecordRow, read_cut, record
from layers.store.connection import Connection, Database
from layers.store.dossiers import dossier
from layers.store.extracts import (
    ExtractKey,
    ExtractRow,
    SignedRow,
    extract,
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
from .evidence import TamperedRecordError, opened
from .history import may_read
from .map_content import MapContent
from .reading import TIMEOUT_MS
from .request import LOCAL_TIME
from .reserved import Reader, is_with
from .view import View, view_of

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


# ── verified by its code ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Layered:
    """A layer of an extract's cut, then and now; `release` is the newest one."""

    layer: str
    title: Mapping[str, str]
    revision: int
    newest_revision: int
    release: int | None
    published: datetime | None

    @property
    def is_superseded(self) -> bool:
        return self.newest_revision > self.revision

    def as_dict(self) -> Json:
        return {
            "layer": self.layer, "title": dict(self.title), "revision": self.revision,
            "newest_revision": self.newest_revision, "release": self.release,
            "published": self.published.isoformat() if self.published else None, "superseded": self.is_superseded,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """What an extract is worth today, as far as one caller may know. `check` is the record's id, for its readers."""

    extract: ExtractRow
    is_unchanged: bool
    procedure: str
    title: Mapping[str, str]
    layers: tuple[Layered, ...]
    signed: tuple[SignedRow, ...]
    check: str | None

    @property
    def is_superseded(self) -> bool:
        return any(one.is_superseded for one in self.layers)


async def standing_of(
    database: Database,
    catalogue: Catalogue,
    code: str | None,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> Standing | None:
    """The standing of an extract; None for a code that was never given. Either leaves its event."""
    reader = Reader(catalogue, principal, purposes, _today(now))
    async with database.transaction() as connection:
        found = await extract(connection, code) if code else None
        standing = await _standing(connection, reader, found) if found else None
        event = audit.Event.of(
            principal, "verify", "allow" if standing else "deny", reason=None if standing else "not_found",
            policy=catalogue.policy_digest, outcome=f"sha256:{found.sha256}" if found else None,
        )  # fmt: skip
        await audit.record(connection, event, is_read=True)
    return standing


async def _standing(connection: Connection, reader: Reader, found: ExtractRow) -> Standing:
    stored = await record(connection, found.record)
    assert stored is not None  # the row refers to it, and neither is ever removed
    signed = tuple(await signed_of(connection, [found.code]))
    try:
        content = opened(stored)
    except TamperedRecordError:
        return Standing(found, False, stored.procedure, _title(reader.catalogue, stored.procedure), (), signed, None)
    layers = await _layers(connection, reader, content)
    is_shown = reader.principal.id != PUBLIC.id and await may_read(connection, reader, stored)
    return Standing(
        extract=found, is_unchanged=stored.digest == found.record_digest, procedure=stored.procedure,
        title=_title(reader.catalogue, stored.procedure), layers=layers, signed=signed,
        check=stored.id if is_shown else None,
    )  # fmt: skip


async def _layers(connection: Connection, reader: Reader, content: Mapping[str, Any]) -> tuple[Layered, ...]:
    """The layers that every check of the procedure asks, whatever was put in, and whose activity may be told: which of
    the others were asked would tell the inputs."""
    procedure = reader.catalogue.profile.procedure(content["procedure"]["id"])
    view = view_of(reader.catalogue, reader.principal, purpose=None, day=reader.day)
    told = {name for name in _always_asked(procedure) if name in content["cut"] and _may_be_told(view, name)}
    cut = await read_cut(connection, dict.fromkeys(sorted(told)), instant=None, timeout_ms=TIMEOUT_MS)
    return tuple(_layered(reader.catalogue, cut[name], int(content["cut"][name])) for name in sorted(cut))


def _always_asked(procedure: ProcedureDefinition | None) -> Iterator[str]:
    for check in procedure.checks if procedure else ():
        if getattr(check, "applies_when", None) is None:
            yield from (one.layer for one in relations_of(check) if getattr(one, "applies_when", None) is None)


def _may_be_told(view: View, layer: str) -> bool:
    sight = view.sight(layer)
    return sight.tells_activity and not sight.is_secret


def _layered(catalogue: Catalogue, found: CutLayer, revision: int) -> Layered:
    definition = catalogue.layer(found.id).definition
    return Layered(found.id, definition.title.model_dump(), revision, found.revision, found.release, found.published)


def _title(catalogue: Catalogue, procedure: str) -> Mapping[str, str]:
    found = catalogue.profile.procedure(procedure)
    return found.title.model_dump() if found else {}


def _today(now: datetime | None) -> date:
    return (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()


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
