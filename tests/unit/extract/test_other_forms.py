"""DOCX and plain text of the same document."""

from __future__ import annotations

import io
import zipfile

import docx

from layers.checking.reasons import reason
from layers.checking.shown import REDUCED
from ogc.extract.document import Document
from ogc.extract.plain import text_of
from ogc.extract.word import docx_of
from tests.support import extracts


def words_in(content: bytes) -> str:
    read = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in read.tables for row in table.rows for cell in row.cells]
    found = "\n".join([*(paragraph.text for paragraph in read.paragraphs), *cells])
    return found.replace("\u00a0", " ")


def test_the_docx_is_in_office_wording_with_the_tables() -> None:
    told = words_in(docx_of(extracts.document("vi")))
    for words in (
        "PHIẾU KẾT QUẢ KIỂM TRA KHÔNG GIAN", "2. Hành lang bảo vệ nguồn nước",
        "Bị ảnh hưởng. Không đạt (có vướng mắc).",
        "Phần diện tích: 118,4 m², tỷ lệ 19,1 %; trong phạm vi sai số 112,0 m² – 125,1 m².", "1.214.422,00",
        "SG-04, Chỉ tiếp giáp (chung ranh giới), tới 9,1 m² trong phạm vi sai số",
        "43/2015/NĐ-CP – Hành lang bảo vệ nguồn nước [hết hiệu lực sau ngày 30/06/2024]", "LT-7Q4M-9KXD-2B",
    ):  # fmt: skip
        assert words in told, words
    assert "Fail (obstacle found)" in words_in(docx_of(extracts.document("en")))


def test_docx_and_text_call_contradicting_grounds_by_their_own_name() -> None:
    group, *others = extracts.findings()
    found = extracts.answer(findings=[{**group, "verdict": "refer", "reasons": [reason("conflict")]}, *others])
    for language, words in (("vi", "Căn cứ trái nhau. Cần xem xét."), ("en", "Conflicting grounds. Refer.")):
        made = extracts.document(language, found)
        assert words in words_in(docx_of(made)) and words in text_of(made)
        assert made.findings[0].outcome.text == words.split(".")[0]


def test_the_docx_has_the_same_bytes_each_time_and_no_moment_but_its_own() -> None:
    first = docx_of(extracts.document())
    assert first == docx_of(extracts.document())
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert parts.namelist()[0] == "[Content_Types].xml"
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
    assert "2026-11-22T02:30:00Z" in core
    assert "python-docx" not in core


def reserved(outcome: str, verdict: str) -> Document:
    told = extracts.finding("blocks", outcome, verdict, reasons=[reason(REDUCED)], release=None, revision=None)
    worst = "fail" if verdict == "fail" else "refer"
    return extracts.document(given=extracts.answer(findings=[told], verdict=worst), pad_bytes=4096)


def test_a_guarded_docx_has_one_length_and_still_opens() -> None:
    kinds = [("clear", "pass"), ("affected", "fail"), ("not_checked", "refer"), ("partly_mapped", "refer")]
    made = [docx_of(reserved(*kind)) for kind in kinds]
    assert len({len(each) for each in made}) == 1
    assert len(made[0]) % 4096 == 0
    assert "Bị ảnh hưởng" in words_in(made[1])
    with zipfile.ZipFile(io.BytesIO(made[0])) as parts:
        assert {part.compress_type for part in parts.infolist()} == {zipfile.ZIP_STORED}


def test_the_text_to_copy_ends_with_the_code_and_where_it_is_verified() -> None:
    told = text_of(extracts.document("vi"))
    assert told.startswith("Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một; diện tích tính theo bản đồ 654,9 m²")
    assert told.endswith("Mã phiếu: LT-7Q4M-9KXD-2B\nhttps://lt.example/verify/LT-7Q4M-9KXD-2B\n")
    assert "2. Hành lang bảo vệ nguồn nước: Bị ảnh hưởng. Không đạt (có vướng mắc)." in told
    assert "Sheet code: LT-7Q4M-9KXD-2B" in text_of(extracts.document("en"))


def test_marks_that_turn_a_line_are_not_copied() -> None:
    subject = {**extracts.answer()["subject"], "label": "Thửa \u202e123\u0000\u2066"}
    told = text_of(extracts.document(given=extracts.answer(subject=subject)))
    assert told.startswith("Thửa 123;")
    assert "\u202e" not in words_in(docx_of(extracts.document(given=extracts.answer(subject=subject))))
