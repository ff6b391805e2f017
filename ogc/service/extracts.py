"""`/checks/{id}.pdf|.docx|.txt` and `/checks/{id}/signed`: what is handed out of a check, and what comes back signed.

Whoever may read a check may have it on paper, and sees there what they would see here: the same reading is counted, the
same event left. A file has the length it was given when it was made, so nothing is added to it on the way out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import HTTPException

from gis.errors import Message
from layers.checking.answer import Answer
from layers.checking.extracts import Sealed, find_signed, grouped, require_holder, sealed_within, take_back, view_digest
from layers.checking.history import find_answer
from layers.checking.illustration import illustration_of
from layers.checking.map_content import MapContent
from layers.errors import RefusedError
from layers.store.catalogue import Catalogue
from layers.store.extracts import ExtractRow, SignedRow
from ogc.auth import caller_of, is_loopback
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import Addresses, base_url
from ogc.common.origin import require_own_origin
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.extract.document import Document
from ogc.extract.issue import Issuer, document_for, issue_of, limiter_of_setting, public_address
from ogc.extract.offices import roots_of
from ogc.extract.plain import text_of
from ogc.extract.verify import Examination, Signature, examine
from ogc.extract.word import docx_of

router = APIRouter(tags=["checks"])

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TEXT = "text/plain; charset=utf-8"
#: bytes of a copy that is handed back: the extract, and the signatures and stamps of an office
LARGEST_SIGNED = 3_000_000
#: characters by which a guarded text may differ with the outcomes in it, each finding's
TEXT_ROOM = 512
Language = Literal["vi", "en"]


class NotOnlySignedError(RefusedError):
    """What came back is not the extract with signatures and nothing else; it says what is wrong."""

    code = "not_only_signed"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A check as its reader sees it, with the map that belongs to it."""

    catalogue: Catalogue
    answer: Answer
    content: MapContent | None


@router.get("/checks/{record_id}.pdf")
async def get_pdf(request: Request, record_id: str, lang: Language | None = None) -> Response:
    """Phiếu kết quả có dấu của hệ thống (PDF/A) · the extract, sealed by the system."""
    request.app.state.accesses.limit_paper(request)

    async def make() -> Made:
        shown = await _shown(request, record_id)
        sealed = await _sealed(request, shown)
        return _file(sealed.pdf, PDF, f"lienthong-{sealed.row.code}.pdf", shown)

    return await paced(request, make)


@router.get("/checks/{record_id}.docx")
async def get_docx(request: Request, record_id: str, lang: Language | None = None) -> Response:
    """Nội dung phiếu để soạn thảo (DOCX, không có dấu) · the extract to edit, without a seal."""
    return await paced(request, _form(request, record_id, docx_of, DOCX, "docx"))


@router.get("/checks/{record_id}.txt")
async def get_text(request: Request, record_id: str, lang: Language | None = None) -> Response:
    """Nội dung chép vào phiếu thẩm định · the text for an appraisal note."""
    return await paced(request, _form(request, record_id, _text, TEXT, "txt"))


def _form(
    request: Request, record_id: str, write: Callable[[Document], bytes], media_type: str, ending: str
) -> Callable[[], Awaitable[Made]]:
    request.app.state.accesses.limit_paper(request)

    async def make() -> Made:
        shown = await _shown(request, record_id)
        row = (await _sealed(request, shown)).row
        issue = issue_of(row, _address(request))
        document = document_for(shown.catalogue, shown.answer, shown.content, language_of(request), issue)
        content = await to_thread.run_sync(write, document, limiter=limiter_of_setting())
        return _file(content, media_type, f"lienthong-{row.code}.{ending}", shown)

    return make


def _text(document: Document) -> bytes:
    """White space at the end means nothing in a text: a guarded one has a length that only its level twin decides."""
    made = text_of(document).encode()
    if document.pad_bytes is None or document.level is None:
        return made
    longest = len(text_of(document.level).encode()) + TEXT_ROOM * (1 + document.told)
    if len(made) > longest:
        raise RuntimeError("a guarded text differs more with its outcomes than there is room for")
    return made.ljust(-(-longest // document.pad_bytes) * document.pad_bytes)


def _file(content: bytes, media_type: str, name: str, shown: _Shown) -> Made:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store, no-transform",
        "Vary": "Authorization, Cookie, Accept-Language",
        "X-Content-Type-Options": "nosniff",
    }
    response = Response(content, headers=headers, media_type=media_type)
    return Made(response, shown.answer.is_guarded, is_exact=True)


async def _shown(request: Request, record_id: str) -> _Shown:
    """The check as the caller may see it, counted as a reading. Raises NotFoundError."""
    state, caller = request.app.state, caller_of(request)
    catalogue, now = await catalogue_of(request), now_of(request)
    answer = await find_answer(
        state.database, catalogue, record_id, caller.principal, purposes=caller.purposes, now=now
    )
    content = await illustration_of(
        state.database, catalogue, answer, caller.principal, purposes=caller.purposes, now=now
    )
    return _Shown(catalogue, answer, content)


async def _sealed(request: Request, shown: _Shown) -> Sealed:
    state = request.app.state
    issuer = Issuer(state.database, state.settings, state.demo, state.new_code)
    return await issuer.sealed(
        shown.catalogue, shown.answer, shown.content, caller_of(request).principal,
        language=language_of(request), address=_address(request), now=now_of(request),
    )  # fmt: skip


def _address(request: Request) -> str:
    """The address in the settings; on this machine alone the one that was asked."""
    return public_address(request.app.state.settings, base_url(request) if is_loopback(request.scope) else None)


# ── signed by an office ──────────────────────────────────────────────────────────────────────────


@router.put(
    "/checks/{record_id}/signed",
    status_code=201,
    dependencies=[Depends(require_own_origin)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PDF: {"schema": {"type": "string", "contentEncoding": "binary"}}},
        }
    },
)
async def put_signed(request: Request, record_id: str) -> Response:
    """Nộp lại phiếu đã ký · hand back the extract with signatures."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PDF:
        raise HTTPException(415)
    pdf = await request.body()
    if len(pdf) > LARGEST_SIGNED:
        raise HTTPException(413)
    request.app.state.accesses.limit_paper(request)
    return await paced(request, partial(_take_back, request, record_id, pdf))


async def _take_back(request: Request, record_id: str, pdf: bytes) -> Made:
    state, caller, now = request.app.state, caller_of(request), now_of(request)
    shown = await _shown(request, record_id)
    await require_holder(state.database, shown.catalogue, record_id, caller.principal, now)
    extract = await sealed_within(state.database, record_id, pdf)
    if extract is None:
        raise _refused("not_ours")
    look = partial(_examined, pdf, state.settings.office_roots)
    found = await to_thread.run_sync(look, limiter=limiter_of_setting())
    _require_only_signatures(found)
    stored, is_new = await take_back(
        state.database, shown.catalogue, extract, pdf, signers=[one.signer for one in found.offices],
        is_trusted=found.is_of_offices, answer=shown.answer, principal=caller.principal, now=now,
    )  # fmt: skip
    where = Addresses(request).to("checks", record_id, "signed", version=stored.number)
    content = _told(record_id, extract, stored, found.offices)
    response = json_response(content, status=201 if is_new else 200, headers={"Location": where})
    return Made(response, shown.answer.is_guarded)


def _examined(pdf: bytes, roots: Path | None) -> Examination:
    return examine(pdf, offices=roots_of(roots))


def _told(record_id: str, extract: ExtractRow, stored: SignedRow, offices: tuple[Signature, ...]) -> dict[str, object]:
    return {
        "check": record_id, "code": grouped(extract.code), "version": stored.number,
        "received": stored.received.isoformat(), "sha256": stored.sha256,
        "trusted": stored.is_trusted, "signers": [one.as_dict() for one in offices],
    }  # fmt: skip


REFUSALS = {
    "not_ours": Message(
        "Tệp không bắt đầu bằng đúng phiếu mà hệ thống đã phát hành cho lần kiểm tra này.",
        "The file does not begin with an extract that the system gave out for this check.",
    ),
    "no_signature": Message(
        "Tệp chưa có chữ ký nào sau dấu của hệ thống.", "There is no signature after the system's seal in the file."
    ),
}


def _require_only_signatures(found: Examination) -> None:
    if not found.is_good:
        problems = dict(zip(found.problems, found.messages(), strict=True))
        raise _refused_for(problems, found.changes)
    if not found.offices:
        raise _refused("no_signature")


def _refused(code: str) -> NotOnlySignedError:
    return _refused_for({code: REFUSALS[code]})


def _refused_for(problems: dict[str, Message], changes: tuple[str, ...] = ()) -> NotOnlySignedError:
    """Every problem in words; `changes` are the library's own, as it met them."""
    vi, en = (" ".join(getattr(message, language) for message in problems.values()) for language in ("vi", "en"))
    error = NotOnlySignedError(
        f"Không nhận tệp. {vi} Hãy ký trên đúng tệp PDF đã tải về và nộp lại.",
        f"The file was not taken. {en} Sign the very PDF that was downloaded, and hand it in again.",
    )
    error.details["problems"] = [{"code": code, "message": message.as_dict()} for code, message in problems.items()]
    error.details["changes"] = list(changes)
    return error


@router.get("/checks/{record_id}/signed")
async def get_signed(request: Request, record_id: str, version: int | None = None) -> Response:
    """Bản phiếu đã ký và nộp lại · the newest copy that came back signed, or one by its number."""

    async def make() -> Made:
        shown = await _shown(request, record_id)
        own = view_digest(shown.answer, shown.content)
        row, pdf = await find_signed(
            request.app.state.database, shown.catalogue, shown.answer, caller_of(request).principal, own.__eq__, version
        )
        return _file(pdf, PDF, f"lienthong-{row.code}-{row.number}.pdf", shown)

    return await paced(request, make)
