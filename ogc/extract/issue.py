"""From an answer to its sealed file: kept ones are given again, new ones set, sealed and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from layers.access.principal import Principal
from layers.checking.answer import Answer
from layers.checking.extracts import Sealed, digest_of_record, find_kept, grouped, keep, key_of
from layers.checking.map_content import MapContent
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from layers.store.extracts import ExtractKey, ExtractRow
from ogc.settings import Settings

from .certificate import Certificate, SealUnavailableError, certificate_of
from .document import Document, Issue, document_of
from .pdf import pdf_of
from .seal import seal, sealed_at_length, stamper_of

#: documents set at once in a process: setting takes a second of one CPU
SETTING = 1
_LIMITER: RunVar[CapacityLimiter] = RunVar("lienthong.extract.limiter")
#: where a program on this machine is asked when nothing else is said
LOCAL = "http://127.0.0.1:8000"


def limiter_of_setting() -> CapacityLimiter:
    """The threads of this event loop in which documents are set and sealed, beside those that measure."""
    try:
        return _LIMITER.get()
    except LookupError:
        _LIMITER.set(CapacityLimiter(SETTING))
        return _LIMITER.get()


def public_address(settings: Settings, asked: str | None = None) -> str:
    """What the QR code leads to. Never what a caller says the host is called: a sealed paper must not lead elsewhere.

    `asked` is the address of a request that came from this machine. Raises SealUnavailableError.
    """
    if settings.public_url or asked:
        return (settings.public_url or asked or "").rstrip("/")
    raise SealUnavailableError(
        "Chưa biết địa chỉ công khai của dịch vụ để in mã QR. Đặt LIENTHONG_PUBLIC_URL rồi khởi động lại.",
        "The public address of the service, which the QR code needs, is not known. Set LIENTHONG_PUBLIC_URL.",
    )


@dataclass(frozen=True, slots=True)
class Issuer:
    """What extracts are made with. `address` stands before /verify."""

    database: Database
    settings: Settings
    is_demo: bool
    new_code: Callable[[], str]

    async def sealed(
        self,
        catalogue: Catalogue,
        answer: Answer,
        content: MapContent | None,
        principal: Principal,
        *,
        language: str,
        address: str,
        now: datetime,
    ) -> Sealed:
        """The file of an answer as this caller is shown it, the same each time.

        Raises SealUnavailableError where nothing can be sealed; psycopg errors when it cannot be kept.
        """
        key = key_of(answer, content, principal, language)
        found = await find_kept(self.database, key)
        if found is not None:
            return found
        limiter = limiter_of_setting()
        find = partial(certificate_of, self.settings, demo=self.is_demo, now=now)
        certificate = (await to_thread.run_sync(find, limiter=limiter)).require_valid(now)
        record_digest = await digest_of_record(self.database, answer.id)
        code = self.new_code()
        issue = Issue(now, grouped(code), f"{address}/verify/{code}", is_demo=certificate.is_demo)
        document = document_for(catalogue, answer, content, language, issue)
        make = partial(_made, document, certificate, now, self.settings.seal_tsa_url)
        pdf = await to_thread.run_sync(make, limiter=limiter)
        row = _row(key, code, record_digest, certificate, now, pdf)
        return await keep(self.database, key, Sealed(row, pdf), catalogue=catalogue, answer=answer, principal=principal)


def document_for(
    catalogue: Catalogue, answer: Answer, content: MapContent | None, language: str, issue: Issue
) -> Document:
    """The content of every form of one extract."""
    pad_bytes = catalogue.profile.header.check_only.pad_bytes if answer.is_guarded else None
    return document_of(answer.content, catalogue.profile, language, content=content, issue=issue, pad_bytes=pad_bytes)


def issue_of(made: ExtractRow, address: str) -> Issue:
    """What a kept extract says of itself, for its other forms."""
    return Issue(made.created, grouped(made.code), f"{address}/verify/{made.code}", is_demo=made.is_demo)


def _made(document: Document, certificate: Certificate, now: datetime, tsa_url: str | None) -> bytes:
    """Set and seal; a guarded document's length stays one that only its level twin decides."""
    pdf = pdf_of(document)
    put = partial(seal, certificate=certificate, now=now, language=document.language, stamper=stamper_of(tsa_url))
    if document.pad_bytes is None:
        return put(pdf)
    return sealed_at_length(pdf, put, step=document.pad_bytes)


def _row(
    key: ExtractKey, code: str, record_digest: str, certificate: Certificate, now: datetime, pdf: bytes
) -> ExtractRow:
    return ExtractRow(
        code=code, record_digest=record_digest, created=now, certificate=certificate.fingerprint,
        certificate_name=certificate.name, is_demo=certificate.is_demo, sha256=hashlib.sha256(pdf).hexdigest(),
        bytes=len(pdf), **{name: str(value) for name, value in key.values().items()},
    )  # fmt: skip
