"""People and programs that lay hands on a sealed file: an office that signs it, and others that change it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.stamp import StaticStampStyle

from ogc.extract.certificate import SIGNS_ONLY
from ogc.extract.pdf import filled

PASSWORD = b"mat khau"


def pkcs12_of(
    name: str = "Văn phòng Đăng ký đất đai (thử)",
    *,
    begin: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    days: int = 10_000,
    password: bytes | None = None,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
) -> bytes:
    """A certificate that vouches for itself, with its key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(SIGNS_ONLY, critical=True)
        .sign(key, hashes.SHA256())
    )
    guard = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"office", key, made, None, guard)


def issued_pkcs12() -> bytes:
    """A certificate that an authority made, with its key and the authority's certificate."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("CA (thử)", "Dấu (thử)")]
    root, made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(names[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(keys[0], hashes.SHA256())
        for name, key in zip(names, keys, strict=True)
    )
    return pkcs12.serialize_key_and_certificates(b"issued", keys[1], made, [root], NoEncryption())


def pem_of(data: bytes, password: bytes | None = None) -> bytes:
    """The certificate of a PKCS#12 file alone."""
    _, found, _ = pkcs12.load_key_and_certificates(data, password)
    assert found is not None
    return found.public_bytes(Encoding.PEM)


def signed_by(
    pdf: bytes, data: bytes, *, field: str = "KyDuyet", box: tuple[int, int, int, int] | None = None
) -> bytes:
    """The file with one signature more, as an office's program adds it; with `box` it shows on the first page."""
    signer = PdfSigner(
        PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES),
        SimpleSigner.load_pkcs12_data(data, other_certs=[]),
        stamp_style=StaticStampStyle(border_width=1) if box else None,
        new_field_spec=SigFieldSpec(field, box=box, on_page=0),
    )
    out = BytesIO()
    with ThreadPoolExecutor(1) as thread:  # the library begins a loop of its own
        thread.submit(signer.sign_pdf, IncrementalPdfFileWriter(BytesIO(pdf)), output=out).result()
    return out.getvalue()


# ── what must not pass ───────────────────────────────────────────────────────────────────────────


def with_note(pdf: bytes) -> bytes:
    """A note on the first page."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    note = generic.DictionaryObject({
        pdf_name("/Type"): pdf_name("/Annot"), pdf_name("/Subtype"): pdf_name("/FreeText"),
        pdf_name("/Rect"): generic.ArrayObject(generic.FloatObject(each) for each in (50, 50, 400, 300)),
        pdf_name("/Contents"): generic.pdf_string("Đạt"),
    })  # fmt: skip
    page = _page(writer)
    reference = writer.add_object(note)
    if "/Annots" in page:
        page["/Annots"].append(reference)
        writer.update_container(page["/Annots"])
    else:
        page[pdf_name("/Annots")] = generic.ArrayObject([reference])
    writer.update_container(page)
    return _written(writer)


def with_other_text(pdf: bytes) -> bytes:
    """A later revision in which the first page says something else."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page = _page(writer)
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"0 0 300 300 re f"))
    writer.update_container(page)
    return _written(writer)


def with_other_page(pdf: bytes) -> bytes:
    """The first page replaced by an empty one."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    pages = writer.root["/Pages"]
    empty = generic.DictionaryObject({
        pdf_name("/Type"): pdf_name("/Page"), pdf_name("/Parent"): writer.root.raw_get("/Pages"),
        pdf_name("/MediaBox"): generic.ArrayObject(generic.FloatObject(each) for each in (0, 0, 595, 842)),
    })  # fmt: skip
    pages["/Kids"][0] = writer.add_object(empty)
    writer.update_container(pages)
    return _written(writer)


def with_two_looks(pdf: bytes, *, covers: bool) -> bytes:
    """A field for a signature with a small widget and one more, which may cover the first page."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    field = generic.DictionaryObject({pdf_name("/FT"): pdf_name("/Sig"), pdf_name("/T"): generic.pdf_string("HaiHinh")})
    reference, page = writer.add_object(field), _page(writer)
    boxes = ((10, 10, 20, 20), (0, 0, 595, 842) if covers else (30, 10, 40, 20))
    kids = [writer.add_object(_widget(box, reference)) for box in boxes]
    field[pdf_name("/Kids")] = generic.ArrayObject(kids)
    writer.root["/AcroForm"]["/Fields"].append(reference)
    writer.update_container(writer.root["/AcroForm"])
    page[pdf_name("/Annots")] = generic.ArrayObject([*page["/Annots"], *kids])
    writer.update_container(page)
    return _written(writer)


def _widget(box: tuple[int, int, int, int], parent: generic.IndirectObject) -> generic.DictionaryObject:
    return generic.DictionaryObject({
        pdf_name("/Type"): pdf_name("/Annot"), pdf_name("/Subtype"): pdf_name("/Widget"), pdf_name("/Parent"): parent,
        pdf_name("/F"): generic.NumberObject(132),
        pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(each) for each in box),
    })  # fmt: skip


def with_attachment(pdf: bytes) -> bytes:
    """One attached file more."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    stream = writer.add_object(generic.StreamObject(stream_data=b"{}"))
    held = writer.add_object(generic.DictionaryObject({
        pdf_name("/Type"): pdf_name("/Filespec"), pdf_name("/F"): generic.pdf_string("x.json"),
        pdf_name("/EF"): generic.DictionaryObject({pdf_name("/F"): stream}),
    }))  # fmt: skip
    writer.root[pdf_name("/AF")] = generic.ArrayObject([held])
    writer.update_root()
    return _written(writer)


def with_form(pdf: bytes) -> bytes:
    """A text field, filled in."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    made = writer.add_object(generic.DictionaryObject({
        pdf_name("/FT"): pdf_name("/Tx"), pdf_name("/T"): generic.pdf_string("So"),
        pdf_name("/V"): generic.pdf_string("123"), pdf_name("/Type"): pdf_name("/Annot"),
        pdf_name("/Subtype"): pdf_name("/Widget"),
        pdf_name("/Rect"): generic.ArrayObject(generic.FloatObject(each) for each in (50, 50, 200, 80)),
    }))  # fmt: skip
    form = writer.root["/AcroForm"]
    form["/Fields"].append(made)
    writer.update_container(form["/Fields"])
    writer.update_container(form)
    return _written(writer)


def _page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page = writer.root["/Pages"]["/Kids"][0]
    while "/Kids" in page:
        page = page["/Kids"][0]
    assert isinstance(page, generic.DictionaryObject)
    return page


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def filled_to(pdf: bytes, length: int) -> bytes:
    """The unsealed file in another length."""
    return filled(pdf, length)
