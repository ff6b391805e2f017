"""The PDF: an archive's file (PDF/A-3u) that says what the answer says, the same bytes each time, in both languages."""

from __future__ import annotations

import io
import re
import unicodedata
from functools import lru_cache
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Dictionary, Name, Pdf

from layers.canonical import canonical
from layers.checking.reasons import reason
from layers.checking.shown import REDUCED
from ogc.extract import pdf as setting
from ogc.extract.document import Document
from ogc.extract.pdf import ANSWER_FILE, CORNERS_FILE, pdf_of
from tests.support import extracts


@lru_cache
def ordinary(language: str = "vi") -> bytes:
    """Set once for all tests that only read it."""
    return pdf_of(extracts.document(language))


@pytest.fixture(scope="module", params=["vi", "en"])
def made(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return request.param, ordinary(request.param)


def text_in(pdf: bytes) -> str:
    """All pages, white space made single."""
    found = pypdfium2.PdfDocument(pdf)
    try:
        pages = [found[number].get_textpage().get_text_range() for number in range(len(found))]
    finally:
        found.close()
    return re.sub(r"\s+", " ", " ".join(pages))


def dictionaries(pdf: Pdf) -> list[Any]:
    return [each for each in pdf.objects if isinstance(each, Dictionary | pikepdf.Stream)]


def test_it_declares_pdf_a_3u_with_an_srgb_output_intent(made: tuple[str, bytes]) -> None:
    with Pdf.open(io.BytesIO(made[1])) as pdf:
        with pdf.open_metadata() as xmp:
            assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("3", "U")
            assert xmp["xmp:CreateDate"] == "2026-11-22T02:30:00+00:00"
            assert "Phiếu" in xmp["dc:title"] if made[0] == "vi" else "sheet" in xmp["dc:title"]
        (intent,) = pdf.Root.OutputIntents
        assert intent.S == Name.GTS_PDFA1
        assert intent.DestOutputProfile.N == 3
        assert len(intent.DestOutputProfile.read_bytes()) > 2_000
        assert not pdf.is_encrypted
        assert len(pdf.trailer.ID) == 2


def test_it_is_tagged_with_its_language_and_pictures_have_words(made: tuple[str, bytes]) -> None:
    language, content = made
    with Pdf.open(io.BytesIO(content)) as pdf:
        assert str(pdf.Root.Lang) == language
        assert bool(pdf.Root.MarkInfo.Marked)
        figures = [each for each in dictionaries(pdf) if each.get("/S") == Name.Figure]
        told = [str(each.get("/Alt", "")) for each in figures]
        assert any("1:500" in alt for alt in told)
        kinds = {str(each.S) for each in dictionaries(pdf) if each.get("/Type") == Name.StructElem}
        assert {"/H1", "/H2", "/Table", "/TR", "/TH", "/TD"} <= kinds


def test_every_font_is_embedded_as_a_subset_of_ours(made: tuple[str, bytes]) -> None:
    with Pdf.open(io.BytesIO(made[1])) as pdf:
        described = [each for each in dictionaries(pdf) if each.get("/Type") == Name.FontDescriptor]
        assert described
        for each in described:
            assert any(key in each for key in ("/FontFile", "/FontFile2", "/FontFile3")), each.FontName
            assert re.fullmatch(r"/[A-Z]{6}\+Phieu-Se?a?r?i?f?n?s?.*", str(each.FontName))
        fonts = [each for each in dictionaries(pdf) if each.get("/Subtype") == Name.Type0]
        assert all("/ToUnicode" in each for each in fonts)


def test_it_has_no_script_no_action_and_loads_nothing(made: tuple[str, bytes]) -> None:
    with Pdf.open(io.BytesIO(made[1])) as pdf:
        forbidden = {"/JS", "/JavaScript", "/AA", "/OpenAction", "/Launch", "/URI", "/RichMedia", "/AcroForm"}
        for each in dictionaries(pdf):
            assert not forbidden & set(map(str, each.keys()))
            assert str(each.get("/S")) not in ("/JavaScript", "/Launch", "/URI", "/GoToR", "/SubmitForm")


def test_the_answer_is_attached_byte_for_byte_as_its_data(made: tuple[str, bytes]) -> None:
    with Pdf.open(io.BytesIO(made[1])) as pdf:
        attached = {str(each.UF): each for each in pdf.Root.AF}
        assert len(pdf.Root.AF) == 2
        assert set(attached) == {ANSWER_FILE, CORNERS_FILE}
        assert all(each.AFRelationship == Name.Data for each in attached.values())
        stream = attached[ANSWER_FILE].EF.F
        assert stream.read_bytes() == canonical(extracts.answer()).encode()
        assert stream.Subtype == Name("/application/json")
        rows = attached[CORNERS_FILE].EF.F.read_bytes().decode().splitlines()
    assert rows[1] == "1,0,1,1214422.0000,598165.0000,21.5752"
    assert len(rows) == 1 + len(extracts.CORNERS)


def test_the_vietnamese_paper_tells_the_numbers_of_the_answer() -> None:
    told = text_in(ordinary("vi"))
    for words in (
        "PHIẾU KẾT QUẢ KIỂM TRA KHÔNG GIAN", "Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một",
        "Không đạt (có vướng mắc)", "118,4 m², tỷ lệ 19,1 %; trong phạm vi sai số 112,0 m² – 125,1 m²",
        "VN-2000, kinh tuyến trục 105°45′, múi chiếu 3° (EPSG:9210)", "1.214.422,00", "598.165,00", "21,58",
        "Chỉ tiếp giáp (chung ranh giới)", "Rạch Trảng Bàng", "[hết hiệu lực sau ngày 30/06/2024]",
        "chưa có hiệu lực (từ 04/03/2027); chưa đối chiếu văn bản", "Dữ liệu hạn chế, liên hệ cơ quan quản lý",
        "w3gy6ytmny8f", "CLN (Đất trồng cây lâu năm)", "652,0 m²", "+2,9 m²", "Tỷ lệ 1:500", "Trang 1/",
        "LT-7Q4M-9KXD-2B", "Ngày …… tháng …… năm ………", "Người thụ lý xem xét và quyết định", "lần thay đổi 31",
    ):  # fmt: skip
        assert words in told, words


def test_the_english_paper_tells_the_same_with_points_for_decimals() -> None:
    told = text_in(ordinary("en"))
    for words in ("SPATIAL CHECK SHEET", "118.4 m²", "1,214,422.00", "Fail (obstacle found)", "touches only",
                  "no longer in force after 30/06/2024", "Withheld, contact the owner", "Page 1/"):  # fmt: skip
        assert words in told, words


def test_every_letter_of_the_language_is_read_back_as_itself() -> None:
    """A letter set as a base and a mark would be copied as two."""
    plain = "AaĂăÂâBbCcDdĐđEeÊêGgHhIiKkLlMmNnOoÔôƠơPpQqRrSsTtUuƯưVvXxYy"
    vowels, marks = "AaĂăÂâEeÊêIiOoÔôƠơUuƯưYy", "\u0300\u0301\u0303\u0309\u0323"
    marked = [unicodedata.normalize("NFC", vowel + mark) for vowel in vowels for mark in marks]
    label = plain + "".join(marked)
    subject = {**extracts.answer()["subject"], "label": label}
    found = text_in(pdf_of(extracts.document(given=extracts.answer(subject=subject)))).replace(" ", "")
    assert label in found


def test_it_poses_as_no_official_letter_and_approves_nothing() -> None:
    told = text_in(ordinary("vi")).lower()
    for words in ("cộng hòa xã hội", "độc lập", "trích lục", "giấy xác nhận", "chứng chỉ", "phê duyệt", "đủ điều kiện"):
        assert words not in told
    bare = re.sub(r"không đạt \(có vướng mắc\)|đạt \(không phát hiện vướng mắc\)", "", told)
    assert not re.search(r"\b(không )?đạt\b", bare)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert pdf_of(extracts.document("vi")) == ordinary("vi")
    assert ordinary("vi") != ordinary("en")


def test_a_specimen_says_so_and_a_real_one_does_not() -> None:
    assert "BẢN MẪU" in text_in(pdf_of(extracts.document(issue=extracts.issue(is_demo=True))))
    assert "BẢN MẪU" not in text_in(ordinary())


def test_without_a_right_to_the_boundary_there_is_no_map_and_no_corner() -> None:
    made = pdf_of(extracts.document(content=None))
    told = text_in(made)
    assert "Ranh giới khu đất không hiển thị theo quyền" in told
    assert "598.165" not in told
    with Pdf.open(io.BytesIO(made)) as pdf:
        assert [str(each.UF) for each in pdf.Root.AF] == [ANSWER_FILE]


# ── one length whatever is hidden ────────────────────────────────────────────────────────────────


def reserved(outcome: str, verdict: str) -> Document:
    """An answer that tells one finding as an outcome only."""
    told = extracts.finding("blocks", outcome, verdict, reasons=[reason(REDUCED)], release=None, revision=None)
    worst = "fail" if verdict == "fail" else "refer"
    return extracts.document(given=extracts.answer(findings=[told], verdict=worst), pad_bytes=4096)


def test_a_guarded_answer_has_one_length_whatever_its_hidden_outcomes() -> None:
    kinds = [("clear", "pass"), ("affected", "fail"), ("not_checked", "refer"), ("partly_mapped", "refer")]
    made = [pdf_of(reserved(*kind)) for kind in kinds]
    assert len({len(each) for each in made}) == 1
    assert len(made[0]) % 4096 == 0
    assert len(set(made)) == len(made)
    for each in made:
        with Pdf.open(io.BytesIO(each)) as pdf:
            assert pdf.check_pdf_syntax() == []
        assert each.rstrip().endswith(b"%%EOF")


def test_filling_hits_every_length_and_moves_no_object() -> None:
    plain = ordinary()
    for more in (2, 3, 249, 250, 251, 252, 500, 501, 5_003):
        filled = setting.filled(plain, len(plain) + more)
        assert len(filled) == len(plain) + more
        with Pdf.open(io.BytesIO(filled)) as pdf:
            assert len(pdf.pages) > 1
    assert setting.filled(plain, len(plain)) == plain
    with pytest.raises(RuntimeError):
        setting.filled(plain, len(plain) - 1)


# ── nothing but ours is loaded ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["file:///etc/passwd", "https://example.org/a.png", "data:,x", "document:../x"])
def test_an_address_that_is_not_ours_is_refused(address: str) -> None:
    with pytest.raises(setting.RefusedAddressError):
        setting.OwnFiles(extracts.document()).fetch(address)
