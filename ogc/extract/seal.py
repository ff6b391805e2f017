"""The seal of the system on an extract: PAdES B-B (B-T with a time stamp), invisible, and open to later signatures.

An approval signature and no certification: viewers let an office add its own signatures, in fields of their own, only
to a file that nobody has certified. That nothing but signatures was added is what `verify` looks at, more strictly
than a viewer does.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import anyio
from pyhanko.pdf_utils.generic import ByteStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import HTTPTimeStamper, TimeStamper

from gis.errors import Message

from .certificate import Certificate, SealUnavailableError
from .pdf import filled

#: the signature field that only the system's seal has
FIELD = "LienthongSeal"
NAME = Message(
    "Dấu của hệ thống Liên thông, không thay chữ ký của cơ quan",
    "Seal of the system Lienthong, in place of no office's signature",
)
REASON = Message(
    "Xác nhận phiếu do hệ thống lập và chưa bị sửa",
    "The extract was made by the system and has not been changed",
)
#: bytes for the signature itself; what is not needed stays zero
RESERVED, RESERVED_WITH_TIME = 8_192, 24_576
_TSA_TIMEOUT_S = 10
#: bytes in which the seal's own length is counted, and how often it is tried until it fits
_OWN_STEP, _TRIES = 1_024, 5


class _Writer(IncrementalPdfFileWriter):  # type: ignore[misc]
    """Adds the signature and leaves all else alone: the metadata of PDF/A, and with it the bytes of one extract."""

    def _update_meta(self) -> None:
        return

    def name_revision(self, text: bytes) -> None:
        """The second half of the file's id follows from what is sealed, instead of chance."""
        self._document_id[1] = ByteStringObject(hashlib.sha256(text).digest()[:16])


def seal(
    pdf: bytes,
    certificate: Certificate,
    *,
    now: datetime,
    language: str = "vi",
    where: str | None = None,
    contact: str | None = None,
    stamper: TimeStamper | None = None,
) -> bytes:
    """The same file with the seal added. It works for about 100 ms and belongs into a thread.

    Raises SealUnavailableError when the certificate is out of its time, or the time stamp cannot be had.
    """
    certificate.require_valid(now)
    try:
        return anyio.run(_sealed, pdf, certificate, now, _Words(language, where, contact), stamper)
    except (SigningError, OSError) as error:
        raise SealUnavailableError(
            f"Không đóng dấu được phiếu ({type(error).__name__}). Vui lòng thử lại; nếu vẫn vậy, báo quản trị.",
            f"The extract could not be sealed ({type(error).__name__}). Try again, or tell the administrator.",
        ) from error


class _Words:
    """What the signature says of itself."""

    def __init__(self, language: str, where: str | None, contact: str | None) -> None:
        self.name, self.reason = NAME.in_language(language), REASON.in_language(language)
        self.where, self.contact = where, contact


async def _sealed(
    pdf: bytes, certificate: Certificate, now: datetime, words: _Words, stamper: TimeStamper | None
) -> bytes:
    writer = _Writer(BytesIO(pdf))
    writer.name_revision(pdf)
    session = _signer(certificate, words, stamper).init_signing_session(writer)
    session.system_time = now.replace(microsecond=0)
    document = session.prepare_tbs_document(
        validation_info=None,
        bytes_reserved=2 * (RESERVED_WITH_TIME if stamper else RESERVED),
    )
    digest, output = document.digest_tbs_document()
    signed = await document.perform_signature(
        document_digest=digest.document_digest,
        pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=session.system_time),
    )
    await signed.post_signature_processing(output)
    made: bytes = output.getvalue()
    return made


def _signer(certificate: Certificate, words: _Words, stamper: TimeStamper | None) -> PdfSigner:
    described: dict[str, Any] = {"name": words.name, "reason": words.reason, "location": words.where}
    meta = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        contact_info=words.contact,
        **described,
    )
    signer = SimpleSigner.load_pkcs12_data(certificate.pkcs12, other_certs=[], passphrase=certificate.password)
    return PdfSigner(meta, signer, timestamper=stamper, new_field_spec=SigFieldSpec(FIELD))


def stamper_of(url: str | None) -> TimeStamper | None:
    """The time-stamping authority of the settings; None: the seal tells the service's own time."""
    return HTTPTimeStamper(url, timeout=_TSA_TIMEOUT_S) if url else None


def sealed_at_length(pdf: bytes, put_seal: Callable[[bytes], bytes], *, step: int) -> bytes:
    """The sealed file in a length that is a multiple of `step`, and the same for all unsealed files of one length. The
    seal's own length has a digit more or less with what it stands on, which would tell of it."""
    own = len(put_seal(pdf)) - len(pdf)
    room = math.ceil(own / _OWN_STEP) * _OWN_STEP  # a digit more or less at another place is no other class
    length = math.ceil((len(pdf) + 2 + room) / step) * step
    for _ in range(_TRIES):
        base = filled(pdf, length - own)
        sealed = put_seal(base)
        if len(sealed) == length:
            return sealed
        own = len(sealed) - len(base)
    raise RuntimeError("the seal has another length each time")
