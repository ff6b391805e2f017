"""Is a sealed extract what it was, and were only signatures added? Works without service, database or network.

Two things are stricter here than in a viewer. The gap that a signature leaves for itself must hold nothing else
(`gap`): then no byte of the paper can change unseen. And of later revisions only signatures, their looks, time stamps
and material for their validation are let through: no form, no note, no attachment, no page.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
from asn1crypto import x509  # type: ignore[import-untyped]
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)
from pyhanko.sign.validation import EmbeddedPdfSignature, async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from gis.errors import Message
from layers.canonical import digest_of
from layers.errors import SourceError

from .certificate import DEMO_NAME
from .changes import changes_since, value_of
from .gap import is_clean
from .looks import looks_in, page_of
from .reader import Reader
from .seal import FIELD

#: what later revisions may hold: signatures in fields of their own, never another field
_UPKEEP = ModificationLevel.LTA_UPDATES
ONLY_SIGNATURES = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        DocInfoRule().as_qualified(_UPKEEP),
        XrefStreamRule().as_qualified(_UPKEEP),
        ObjectStreamRule().as_qualified(_UPKEEP),
        DSSCompareRule().as_qualified(_UPKEEP),
        MetadataUpdateRule().as_qualified(_UPKEEP),
    ],
    form_rule=FormUpdatingRule(
        field_rules=[SigFieldCreationRule(allow_new_visible_after_certify=True), SigFieldModificationRule()]
    ),
)
_ANY_SIGNER = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
_PDFA = re.compile(r"pdfaid:(part|conformance)(?:>|=[\"'])\s*([0-9A-Za-z]+)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

# the library logs what is told to the caller here
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

PROBLEMS: Mapping[str, Message] = {
    "unreadable": Message("Tệp không đọc được như một tệp PDF toàn vẹn.", "The file cannot be read as an intact PDF."),
    "no_seal": Message("Tệp không có dấu điện tử của hệ thống.", "The file has no seal of the system."),
    "not_first": Message(
        "Trước dấu của hệ thống đã có chữ ký khác.", "There is another signature before the system's seal."
    ),
    "changed": Message(
        "Nội dung đã bị sửa: chữ ký không khớp với tệp.", "The content was changed: a signature does not fit the file."
    ),
    "gap": Message(
        "Vùng dành cho chữ ký chứa dữ liệu lạ hoặc đã bị sửa.",
        "The place of a signature holds something else or was changed.",
    ),
    "not_covered": Message(
        "Chữ ký không bao trùm toàn bộ tệp tại thời điểm ký.", "A signature does not cover the file as it was signed."
    ),
    "appended": Message(
        "Sau chữ ký cuối cùng đã có nội dung được thêm vào tệp.",
        "Something was added to the file after the last signature.",
    ),
    "not_only_signatures": Message(
        "Sau khi đóng dấu, ngoài chữ ký còn có thay đổi khác (trang, ghi chú, biểu mẫu, tệp kèm hoặc nội dung).",
        "After the seal more than signatures was added or changed (a page, a note, a form, an attachment or content).",
    ),
    "changed_page": Message(
        "Trang bị thêm, bớt, thay hoặc vẽ lại.", "A page was added, taken out, exchanged or drawn anew."
    ),
    "added_note": Message("Có ghi chú hoặc hình được thêm lên trang.", "A note or drawing was put on a page."),
    "changed_attachment": Message("Tệp đính kèm bị thêm hoặc thay.", "An attachment was added or exchanged."),
    "added_field": Message("Có ô biểu mẫu được thêm hoặc điền.", "A field of a form was added or filled in."),
    "large_look": Message(
        "Hình các chữ ký che quá một phần năm trang.", "The pictures of signatures cover more than a fifth of a page."
    ),
    "many_looks": Message("Một chữ ký có nhiều hình.", "One signature has several pictures."),
    "out_of_time": Message(
        "Chứng thư không có hiệu lực tại thời điểm ký.", "The certificate was not valid when it signed."
    ),
    "untrusted": Message(
        "Dấu không phải của chứng thư được chỉ định.", "The seal was not made by the certificate that was named."
    ),
    "no_answer": Message("Tệp không kèm dữ liệu kết quả (JSON).", "The file does not hold the answer (JSON)."),
    "answer_digest": Message(
        "Dữ liệu kết quả kèm theo không khớp mã băm ghi trong phiếu.",
        "The embedded answer does not have the digest that the extract names.",
    ),
    "no_pdfa": Message("Tệp không khai là PDF/A-3.", "The file does not claim to be PDF/A-3."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of the file. `is_trusted` None: nobody said whom to trust, a seal or an office each by its own
    roots. `page` counts from 1."""

    kind: str  #: seal, office, time
    field: str
    signer: str
    issuer: str
    fingerprint: str
    at: datetime | None
    is_stamped: bool  #: the time is that of a time stamp, not of the signer's own clock
    is_trusted: bool | None
    is_demo: bool
    page: int | None
    problems: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "field": self.field, "signer": self.signer, "issuer": self.issuer,
            "fingerprint": self.fingerprint, "at": self.at.isoformat() if self.at else None,
            "time_stamp": self.is_stamped, "trusted": self.is_trusted, "demo": self.is_demo, "page": self.page,
            "problems": list(self.problems),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Examination:
    """What a file is. `changes` names, in the library's words, what was added besides signatures."""

    sha256: str
    signatures: tuple[Signature, ...] = ()
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    answer: Mapping[str, Any] | None = None
    pdfa: str | None = None

    @property
    def is_good(self) -> bool:
        return not self.problems

    @property
    def seal(self) -> Signature | None:
        return next((one for one in self.signatures if one.kind == "seal"), None)

    @property
    def offices(self) -> tuple[Signature, ...]:
        return tuple(one for one in self.signatures if one.kind == "office")

    @property
    def is_of_offices(self) -> bool:
        """Whether every signature after the seal is one of an office that is trusted."""
        return bool(self.offices) and all(one.is_trusted for one in self.offices)

    def messages(self) -> list[Message]:
        return [PROBLEMS[code] for code in self.problems]

    def as_dict(self) -> dict[str, Any]:
        answer = self.answer or {}
        return {
            "good": self.is_good, "sha256": self.sha256, "pdfa": self.pdfa,
            "record": answer.get("id"), "created": answer.get("created"), "verdict": answer.get("verdict"),
            "answer_digest": answer.get("evidence", {}).get("digest"),
            "signatures": [one.as_dict() for one in self.signatures],
            "problems": [{"code": code, "message": PROBLEMS[code].as_dict()} for code in self.problems],
            "changes": list(self.changes),
        }  # fmt: skip


def examine(
    pdf: bytes, trusted: Sequence[x509.Certificate] = (), offices: Sequence[x509.Certificate] = ()
) -> Examination:
    """Everything about the file; it never raises, whatever the file is. It works long and belongs into a thread.

    `trusted` are roots of the seal, `offices` those of whoever signs after it.
    """
    try:
        return anyio.run(_examine, pdf, _Roots(tuple(trusted), tuple(offices)))
    except Exception:  # of a parser fed with anything at all: whatever it says, the file is not intact
        return Examination(_sha256(pdf), problems=("unreadable",))


def certificates_in(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM or DER file. Raises SourceError."""
    try:
        found = list(load_certs_from_pemder_data(data))
    except (ValueError, IndexError):
        found = []
    if found:
        return tuple(found)
    raise SourceError("Tệp không chứa chứng thư (PEM hoặc DER).", "The file holds no certificate (PEM or DER).")


@dataclass(frozen=True, slots=True)
class _Roots:
    """Who is trusted, for each kind of signature; a time stamp by either."""

    seal: tuple[x509.Certificate, ...]
    office: tuple[x509.Certificate, ...]

    def of(self, kind: str) -> list[x509.Certificate]:
        named = {"seal": self.seal, "office": self.office}
        return list(named.get(kind, self.seal + self.office))


async def _examine(pdf: bytes, roots: _Roots) -> Examination:
    reader = Reader(pdf)
    embedded = sorted(reader.embedded_signatures, key=lambda one: int(one.signed_revision))
    seal = next((one for one in embedded if one.field_name == FIELD), None)
    if seal is None:
        return Examination(_sha256(pdf), problems=("no_seal",))
    signatures = tuple([await _signature(pdf, reader, one, roots) for one in embedded])
    changes = tuple(_changes(seal))
    problems = [code for one in signatures for code in one.problems]
    problems += ["not_first"] if embedded[0] is not seal else []
    problems += ["not_only_signatures", *changes_since(reader, int(seal.signed_revision))] if changes else []
    problems += looks_in(reader.root, reader.get_historical_resolver(int(seal.signed_revision)).root)
    problems += ["appended"] if not _ends_signed(pdf, reader, embedded[-1]) else []
    answer, claim = _answer(reader), _claim(reader)
    problems += _of_answer(reader, answer)
    problems += [] if claim and claim.startswith("PDF/A-3") else ["no_pdfa"]
    return Examination(_sha256(pdf), signatures, tuple(dict.fromkeys(problems)), changes, answer, claim)


# ── signatures ───────────────────────────────────────────────────────────────────────────────────


async def _signature(pdf: bytes, reader: PdfFileReader, one: EmbeddedPdfSignature, roots: _Roots) -> Signature:
    is_time = one.sig_object_type == "/DocTimeStamp"
    kind = "seal" if one.field_name == FIELD else "time" if is_time else "office"
    trusted = roots.of(kind)
    context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=one.self_reported_timestamp)
    if is_time:
        status = await async_validate_pdf_timestamp(one, context, diff_policy=ONLY_SIGNATURES)
    else:
        status = await async_validate_pdf_signature(
            one, context, diff_policy=ONLY_SIGNATURES, key_usage_settings=_ANY_SIGNER
        )
    stamp = status if is_time else status.timestamp_validity
    at = stamp.timestamp if stamp else one.self_reported_timestamp
    certificate, (page, is_placed) = one.signer_cert, page_of(reader.root, one.sig_field)
    problems = [] if status.intact and status.valid else ["changed"]
    problems += [] if _gap_is_clean(pdf, one) else ["gap"]
    problems += [] if one.coverage >= SignatureCoverageLevel.ENTIRE_REVISION else ["not_covered"]
    problems += [] if is_placed else ["large_look"]
    problems += [] if at is None or _holds_at(certificate, at) else ["out_of_time"]
    problems += ["untrusted"] if trusted and kind == "seal" and not status.trusted else []
    name = str(certificate.subject.native.get("common_name") or certificate.subject.human_friendly)
    return Signature(
        kind=kind, field=one.field_name, signer=name, issuer=certificate.issuer.human_friendly,
        fingerprint=certificate.sha256.hex(), at=at, is_stamped=stamp is not None,
        is_trusted=bool(status.trusted) if trusted else None,
        is_demo=name == DEMO_NAME and bool(certificate.self_issued), page=page, problems=tuple(problems),
    )  # fmt: skip


def _gap_is_clean(pdf: bytes, one: EmbeddedPdfSignature) -> bool:
    """Whether what the signature does not cover is the signature and nothing else."""
    begin, length, end, _ = (int(number) for number in one.byte_range)
    return not begin and is_clean(pdf[begin + length : end], is_seal=one.field_name == FIELD)


def _ends_signed(pdf: bytes, reader: PdfFileReader, last: EmbeddedPdfSignature) -> bool:
    """Whether the last signature covers the file to its last byte, but for what keeps signatures valid."""
    if int(last.byte_range[2]) + int(last.byte_range[3]) == len(pdf):
        return True
    found, revisions = last.diff_result, reader.xrefs.total_revisions - 1 - int(last.signed_revision)
    is_upkeep = isinstance(found, DiffResult) and found.modification_level <= _UPKEEP
    return is_upkeep and revisions > 0 and pdf.rstrip(b"\r\n").endswith(b"%%EOF")


def _changes(seal: EmbeddedPdfSignature) -> Iterator[str]:
    """What was added after the seal that is no signature."""
    found = seal.diff_result
    if not isinstance(found, DiffResult):
        yield str(found)
    elif found.modification_level > ModificationLevel.FORM_FILLING:
        yield found.modification_level.name


def _holds_at(certificate: x509.Certificate, at: datetime) -> bool:
    return bool(certificate.not_valid_before <= at <= certificate.not_valid_after)


# ── what the file holds ──────────────────────────────────────────────────────────────────────────


def _answer(reader: PdfFileReader) -> Mapping[str, Any] | None:
    """The answer that the file carries as JSON."""
    for specification in _attached(reader):
        try:
            found = json.loads(specification["/EF"]["/F"].data)
        except ValueError:
            continue
        if isinstance(found, dict) and "evidence" in found:
            return found
    return None


def _attached(reader: PdfFileReader) -> Iterator[Any]:
    yield from (entry.get_object() for entry in value_of(reader.root, "/AF", ()))


def _of_answer(reader: PdfFileReader, answer: Mapping[str, Any] | None) -> list[str]:
    """The digest the answer names must be its own, and the one that the file's description names."""
    if answer is None:
        return ["no_answer"]
    evidence = dict(answer.get("evidence", {}))
    named = evidence.pop("digest", None)
    described = set(_DIGEST.findall(_description(reader)))
    is_own = named == digest_of({**answer, "evidence": evidence})
    return [] if is_own and named in described else ["answer_digest"]


def _description(reader: PdfFileReader) -> str:
    """The texts of the file's own description (Info and XMP)."""
    info = value_of(reader.trailer_view, "/Info", {})
    return " ".join([*(str(info[name]) for name in info), _xmp(reader).decode("utf-8", "replace")])


def _xmp(reader: PdfFileReader) -> bytes:
    found = value_of(reader.root, "/Metadata", None)
    return bytes(found.data) if found is not None else b""


def _claim(reader: PdfFileReader) -> str | None:
    """'PDF/A-3B' where the file says so."""
    found = dict(_PDFA.findall(_xmp(reader).decode("utf-8", "replace")))
    return f"PDF/A-{found['part']}{found.get('conformance', '')}" if "part" in found else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
