"""The seal: what it is, that no byte changes unseen, and that nothing but signatures may follow it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
import weasyprint
from asn1crypto import cms, core  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import rsa
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from layers.canonical import canonical, digest_of
from layers.errors import UnavailableError
from ogc.extract.certificate import Certificate, SealUnavailableError, certificate_of
from ogc.extract.offices import roots_of
from ogc.extract.seal import FIELD, seal, sealed_at_length
from ogc.extract.verify import PROBLEMS, certificates_in, examine
from ogc.settings import Settings
from tests.support import signing

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
FLIPPED = 60


def unsealed(verdict: str = "pass", digest: str | None = None) -> bytes:
    """Two pages of PDF/A with an answer in them."""
    answer: dict[str, object] = {"id": "r-1", "created": "2026-06-01", "verdict": verdict, "evidence": {"record": None}}
    own = digest_of(answer)
    answer["evidence"] = {"record": None, "digest": digest or own}
    page = weasyprint.HTML(
        string=f"<html lang=vi><title>Phiếu</title><meta name=keywords content='{own}'>"
        "<style>body{font-family:Noto Sans}h1{break-after:page}</style><h1>Phiếu kết quả</h1><p>Trang hai</p>"
    )
    attached = weasyprint.Attachment(string=canonical(answer), name="answer.json", relationship="Data", created=NOW,
                                     modified=NOW)  # fmt: skip
    made: bytes = page.write_pdf(pdf_variant="pdf/a-3b", attachments=[attached])
    return made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_of(Settings(data=tmp_path_factory.mktemp("seal")), demo=True, now=NOW)


@pytest.fixture(scope="module")
def paper() -> bytes:
    return unsealed()


@pytest.fixture(scope="module")
def sealed(paper: bytes, certificate: Certificate) -> bytes:
    return seal(paper, certificate, now=NOW, where="Bình Dương", contact="https://lienthong.example")


@pytest.fixture(scope="module")
def office() -> bytes:
    return signing.pkcs12_of()


# ── what it is ───────────────────────────────────────────────────────────────────────────────────


def test_pyhanko_itself_finds_the_seal_valid_and_whole(sealed: bytes, paper: bytes) -> None:
    (found,) = PdfFileReader(BytesIO(sealed)).embedded_signatures
    context = ValidationContext(trust_roots=[found.signer_cert], allow_fetching=False, moment=NOW)
    status = validate_pdf_signature(found, context)
    assert status.bottom_line and status.trusted and sealed.startswith(paper)
    assert found.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert "không thay chữ ký của cơ quan" in found.sig_object["/Name"]


def test_the_seal_keeps_the_promise_of_pdf_a(sealed: bytes) -> None:
    with pikepdf.open(BytesIO(sealed)) as pdf:
        assert pdf.open_metadata().pdfa_status == "3B"
        assert pdf.Root.OutputIntents[0].S == "/GTS_PDFA1"
        assert "/NeedAppearances" not in pdf.Root.AcroForm and "/XFA" not in pdf.Root.AcroForm
        (widget,) = pdf.Root.AcroForm.Fields
        printed_and_nothing_hidden = int(widget.F) & 0b100111 == 0b100
        assert [float(side) for side in widget.Rect] == [0, 0, 0, 0] and printed_and_nothing_hidden


def test_one_paper_sealed_twice_is_one_file(paper: bytes, sealed: bytes, certificate: Certificate) -> None:
    assert seal(paper, certificate, now=NOW, where="Bình Dương", contact="https://lienthong.example") == sealed


def test_the_examination_names_the_signer_and_the_answer(sealed: bytes, certificate: Certificate) -> None:
    found = examine(sealed)
    assert found.is_good and found.pdfa == "PDF/A-3B" and found.answer and found.answer["id"] == "r-1"
    assert found.seal and found.seal.is_demo and found.seal.fingerprint == certificate.fingerprint
    assert found.seal.at == NOW and found.seal.is_trusted is None


def test_only_the_named_certificate_is_trusted(sealed: bytes, certificate: Certificate, office: bytes) -> None:
    own = certificates_in(signing.pem_of(certificate.pkcs12))
    other = certificates_in(signing.pem_of(office))
    assert examine(sealed, own).is_good and examine(sealed, own).seal.is_trusted  # type: ignore[union-attr]
    assert examine(sealed, other).problems == ("untrusted",)


def test_a_signature_after_the_seal_is_trusted_by_the_roots_of_offices_alone(
    sealed: bytes, certificate: Certificate, office: bytes
) -> None:
    signed, own = signing.signed_by(sealed, office), certificates_in(signing.pem_of(certificate.pkcs12))
    roots = certificates_in(signing.pem_of(office))
    assert examine(signed, own).offices[0].is_trusted is None and not examine(signed, own).is_of_offices
    assert examine(signed, own, roots).is_of_offices and not examine(signed, own, own).is_of_offices
    assert examine(signed, own, own).is_good, "a stranger's signature changes nothing of the paper"


def test_a_place_without_roots_is_told(tmp_path: Path, office: bytes) -> None:
    assert roots_of(None) == ()
    with pytest.raises(UnavailableError, match="LIENTHONG_OFFICE_ROOTS"):
        roots_of(tmp_path)
    (tmp_path / "a.pem").write_bytes(signing.pem_of(office))
    assert len(roots_of(tmp_path)) == len(roots_of(tmp_path / "a.pem")) == 1


def test_a_time_stamp_tells_the_time_that_counts(paper: bytes, certificate: Certificate) -> None:
    authority = SimpleSigner.load_pkcs12_data(
        signing.pkcs12_of("TSA (thử)", key=rsa.generate_private_key(65_537, 2048)), other_certs=[]
    )
    later = NOW + timedelta(minutes=5)
    stamper = DummyTimeStamper(authority.signing_cert, authority.signing_key, fixed_dt=later)
    found = examine(seal(paper, certificate, now=NOW, stamper=stamper))
    assert found.seal and found.seal.is_stamped and found.seal.at == later and found.is_good


def test_papers_of_one_length_are_sealed_in_one_length(certificate: Certificate) -> None:
    papers = [signing.filled_to(unsealed(verdict), 40_000 - number) for number, verdict in enumerate(("pass", "refer"))]
    put = partial(seal, certificate=certificate, now=NOW)
    made = [sealed_at_length(paper, put, step=4096) for paper in papers]
    assert len(made[0]) == len(made[1]) and len(made[0]) % 4096 == 0
    assert all(examine(one).is_good for one in made)


# ── nothing changes unseen ───────────────────────────────────────────────────────────────────────


def flipped(pdf: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(pdf)
    changed[place] ^= 1 << bit
    return bytes(changed)


def places(pdf: bytes) -> list[tuple[int, int]]:
    """Spread over the file, and some in the gap that the signature does not cover."""
    chance, step = random.Random(7), len(pdf) // FLIPPED
    gap = pdf.index(b"/Contents <30")
    inside = [gap + 11, gap + 12, gap + 200, gap + 5_000, gap + 9_000, gap + 16_000]
    spread = [number * step + chance.randrange(step) for number in range(FLIPPED)]
    return [(place, chance.randrange(8)) for place in (*spread, *inside, 0, len(pdf) - 1)]


def test_one_flipped_bit_anywhere_is_found(sealed: bytes) -> None:
    unseen = [at for at in places(sealed) if examine(flipped(sealed, *at)).is_good]
    assert unseen == []


def test_one_flipped_bit_in_a_copy_signed_by_an_office_is_found(sealed: bytes, office: bytes) -> None:
    signed = signing.signed_by(sealed, office, box=(300, 100, 450, 180))
    chance, step = random.Random(11), len(signed) // FLIPPED
    spread = [(number * step + chance.randrange(step), chance.randrange(8)) for number in range(FLIPPED)]
    assert examine(signed).is_good
    assert [at for at in spread if examine(flipped(signed, *at)).is_good] == []


def in_gap(pdf: bytes, write: Callable[[cms.SignedData], None]) -> bytes:
    """The file with something else in the seal's signature that the signature does not cover."""
    begin = pdf.index(b"/Contents <30") + 11
    end = pdf.index(b">", begin)
    held = cms.ContentInfo.load(bytes.fromhex(pdf[begin:end].decode()))
    write(held["content"])
    text = held.dump(force=True).hex().upper().encode()
    filling: bytes = text.ljust(end - begin, b"0")
    return pdf[:begin] + filling + pdf[end:]


def test_nothing_else_stands_in_the_seals_own_signature(sealed: bytes, office: bytes) -> None:
    (stranger,) = certificates_in(signing.pem_of(office))

    def add_certificate(signed: cms.SignedData) -> None:
        signed["certificates"] = [*signed["certificates"], cms.CertificateChoices("certificate", stranger)]

    def add_attribute(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["unsigned_attrs"] = [{"type": "1.2.3.4", "values": [core.OctetString(b"x")]}]

    def write_otherwise(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["signature_algorithm"] = {"algorithm": "rsassa_pkcs1v15"}

    assert in_gap(sealed, lambda _: None) == sealed
    for write in (add_certificate, add_attribute, write_otherwise):
        assert examine(in_gap(sealed, write)).problems == ("gap",)
    begin = sealed.index(b"/Contents <30") + 11
    lower = sealed[:begin] + sealed[begin : begin + 16_384].lower() + sealed[begin + 16_384 :]
    assert examine(lower).problems == ("gap",)


@pytest.mark.parametrize("make", [signing.pkcs12_of, signing.issued_pkcs12])
def test_keys_on_curves_and_chains_of_authorities_seal_too(
    paper: bytes, tmp_path: Path, make: Callable[[], bytes]
) -> None:
    file = tmp_path / "seal.p12"
    file.write_bytes(make())
    file.chmod(0o600)
    found = certificate_of(Settings(data=tmp_path, seal_p12=file), demo=False, now=NOW)
    assert examine(seal(paper, found, now=NOW)).is_good


@pytest.mark.parametrize("tail", [b"\n", b" ", b"%", b"\0", b"\nstartxref\n0\n%%EOF\n"])
def test_nothing_may_stand_behind_the_seal(sealed: bytes, tail: bytes) -> None:
    assert not examine(sealed + tail).is_good


def test_a_cut_file_and_no_file_at_all_are_told_as_such(sealed: bytes, paper: bytes) -> None:
    for broken in (b"", b"%PDF-1.7", sealed[:-100], sealed[5_000:], bytes(1_000), json.dumps({}).encode()):
        assert examine(broken).problems == ("unreadable",)
    assert examine(paper).problems == ("no_seal",)


def test_an_answer_that_was_exchanged_before_sealing_is_told(certificate: Certificate) -> None:
    other = seal(unsealed(digest="sha256:" + "0" * 64), certificate, now=NOW)
    assert examine(other).problems == ("answer_digest",)


# ── signatures, and nothing else ─────────────────────────────────────────────────────────────────


def test_offices_may_add_their_signatures(sealed: bytes, office: bytes) -> None:
    chief = signing.pkcs12_of("Lãnh đạo phòng (thử)")
    once = signing.signed_by(sealed, office)
    twice = signing.signed_by(once, chief, field="LanhDao", box=(300, 100, 450, 180))
    found = examine(twice)
    assert found.is_good and twice.startswith(sealed)
    assert [(one.signer, one.page) for one in found.offices] == [
        ("Văn phòng Đăng ký đất đai (thử)", None), ("Lãnh đạo phòng (thử)", 1),
    ]  # fmt: skip


CHANGES = {
    "note": (signing.with_note, "added_note"),
    "text": (signing.with_other_text, "changed_page"),
    "page": (signing.with_other_page, "changed_page"),
    "attachment": (signing.with_attachment, "changed_attachment"),
    "form": (signing.with_form, "added_field"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_else_is_added_is_refused_and_named(sealed: bytes, office: bytes, change: str) -> None:
    make, code = CHANGES[change]
    made: Callable[[bytes], bytes] = make
    for file in (made(sealed), signing.signed_by(made(sealed), office), made(signing.signed_by(sealed, office))):
        found = examine(file)
        assert "not_only_signatures" in found.problems and code in found.problems and found.changes


def test_a_picture_of_a_signature_must_not_hide_the_page(sealed: bytes, office: bytes) -> None:
    assert examine(signing.signed_by(sealed, office, box=(0, 200, 595, 842))).problems == ("large_look",)


def test_the_pictures_of_all_signatures_together_must_not_hide_a_page(sealed: bytes, office: bytes) -> None:
    for number, name in enumerate(("A", "B")):
        assert examine(sealed).is_good
        sealed = signing.signed_by(sealed, office, field=name, box=(0, 100 * number, 595, 100 * number + 100))
    assert examine(sealed).problems == ("large_look",)


def test_a_signature_has_one_picture(sealed: bytes, office: bytes) -> None:
    small, large = (signing.with_two_looks(sealed, covers=covers) for covers in (False, True))
    assert examine(signing.signed_by(small, office)).problems == ("many_looks",)
    assert examine(signing.signed_by(large, office)).problems == ("many_looks", "large_look")


def test_a_paper_without_its_seal_is_no_extract_whoever_signs_it(paper: bytes, office: bytes) -> None:
    assert examine(signing.signed_by(paper, office)).problems == ("no_seal",)
    forged = signing.signed_by(paper, office, field=FIELD)
    assert examine(forged).seal.is_demo is False  # type: ignore[union-attr]


def test_every_problem_has_words_in_both_languages() -> None:
    assert all(message.vi and message.en and message.vi != message.en for message in PROBLEMS.values())


# ── the certificate ──────────────────────────────────────────────────────────────────────────────


def test_the_demo_makes_its_certificate_once_and_says_what_it_is(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    first, again = (certificate_of(settings, demo=True, now=NOW) for _ in range(2))
    assert first == again and first.is_demo and "không có giá trị pháp lý" in first.name
    assert (settings.secrets_folder / "seal_demo.p12").stat().st_mode & 0o777 == 0o600


def test_without_a_certificate_there_is_no_seal_outside_the_demo(tmp_path: Path) -> None:
    with pytest.raises(SealUnavailableError, match="LIENTHONG_SEAL_P12"):
        certificate_of(Settings(data=tmp_path), demo=False, now=NOW)


def own_certificate(folder: Path, *, mode: int = 0o600, word: bytes = signing.PASSWORD) -> Settings:
    """A PKCS#12 file of an office, valid for ten days from NOW, with its password beside the keys."""
    file, secrets = folder / "seal.p12", folder / "secrets"
    file.write_bytes(signing.pkcs12_of("Dấu hệ thống", begin=NOW, days=10, password=signing.PASSWORD))
    file.chmod(mode)
    secrets.mkdir(mode=0o700)
    password = secrets / "seal.password"
    password.write_bytes(word + b"\n")
    password.chmod(0o600)
    return Settings(data=folder, seal_p12=file)


def test_a_certificate_of_the_operator_seals(tmp_path: Path, paper: bytes) -> None:
    found = certificate_of(own_certificate(tmp_path), demo=True, now=NOW)
    assert found.name == "Dấu hệ thống" and not found.is_demo and found.expires_soon(NOW)
    told = examine(seal(paper, found, now=NOW + timedelta(days=1)))
    assert told.is_good and told.seal and not told.seal.is_demo


@pytest.mark.parametrize("moment", [NOW - timedelta(days=1), NOW + timedelta(days=11)])
def test_outside_of_its_time_a_certificate_seals_nothing(tmp_path: Path, paper: bytes, moment: datetime) -> None:
    found = certificate_of(own_certificate(tmp_path), demo=False, now=NOW)
    with pytest.raises(SealUnavailableError, match="LIENTHONG_SEAL_P12"):
        seal(paper, found, now=moment)


def test_a_wrong_password_an_open_file_and_a_missing_one_are_told(tmp_path: Path) -> None:
    for name, given in (("word", {"word": b"sai"}), ("mode", {"mode": 0o644})):
        (tmp_path / name).mkdir()
        with pytest.raises(SealUnavailableError):
            certificate_of(own_certificate(tmp_path / name, **given), demo=False, now=NOW)  # type: ignore[arg-type]
    with pytest.raises(SealUnavailableError, match="FileNotFoundError"):
        certificate_of(Settings(data=tmp_path, seal_p12=tmp_path / "none.p12"), demo=False, now=NOW)


def test_a_certificate_is_read_from_pem_and_der(office: bytes) -> None:
    (found,) = certificates_in(signing.pem_of(office))
    assert certificates_in(found.dump())[0].sha256 == found.sha256
    assert next(iter(load_certs_from_pemder_data(signing.pem_of(office)))).sha256 == found.sha256
