"""The text for an appraisal note: office wording, Vietnamese numbers and dates, and no word of approval."""

from __future__ import annotations

from typing import Any

import pytest

from layers.checking.answer import NO_MEASURE
from layers.checking.reasons import reason
from layers.checking.wording import OUTCOMES, REQUIREMENT_OUTCOMES, appraisal_text, day, label_of, number, outcome_label

FINDING: dict[str, Any] = {
    "check": "water_corridor", "layer": "water_corridor",
    "title": {"vi": "Hành lang bảo vệ nguồn nước", "en": "Corridor"},
    "relation": "overlaps_area", "outcome": "affected", "verdict": "fail", "required": True, "release": 12,
    "measure": {**NO_MEASURE, "area_m2": 1018.4, "share": 0.0296, "area_low_m2": 1012.0, "area_high_m2": 1025.1},
    "coverage": {"mapped_share": 1.0, "published": "2026-10-31T20:00:00+00:00", "max_age_days": 365}, "accuracy_m": 0.3,
    "features": [{"fid": "1", "key": "SG-03", "area_m2": 1018.4}],
    "dropped": [{"fid": "2", "key": None, "reason": "touches_only"}],
    "basis": [{"number": "53/2024/NĐ-CP", "title": "Nghị định", "verified": False, "source": "layer"},
              {"number": "Phiên bản công bố số 12", "title": "", "verified": True, "source": "release"}],
    "office": {"vi": "Phòng Tài nguyên nước", "en": "Water office"},
    "reasons": [{"code": "x", "message": {"vi": "Lý do. Bước tiếp theo: hỏi.", "en": "Reason. Next step: ask."}}],
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "id": "r1", "on_date": "2026-11-21", "dossier": "H29.19-260715-0012", "verdict": "fail",
    "subject": {"label": "Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một", "area_m2": 621.34,
                "registered_area_m2": 620.0},
    "procedure": {"title": {"vi": "Chuyển mục đích sử dụng đất", "en": "Change of land-use purpose"}},
    "findings": [FINDING], "evidence": {"record": "sha256:" + "0" * 64},
}  # fmt: skip


def test_the_note_is_in_office_wording() -> None:
    assert appraisal_text(ANSWER) == (
        "Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một; diện tích tính theo bản đồ 621,3 m²; "
        "diện tích theo giấy chứng nhận 620,0 m².\n"
        "Thủ tục hành chính: Chuyển mục đích sử dụng đất.\n"
        "Mã hồ sơ: H29.19-260715-0012.\n"
        "Ngày xét hiệu lực: 21/11/2026.\n"
        "Kết quả kiểm tra không gian: Không đạt (có vướng mắc).\n"
        "\n"
        "1. Hành lang bảo vệ nguồn nước: Bị ảnh hưởng. Không đạt (có vướng mắc).\n"
        "   Phần diện tích: 1.018,4 m² (2,96 %), trong phạm vi sai số 1.012,0–1.025,1 m².\n"
        "   Đối tượng: SG-03 (1.018,4 m²).\n"
        "   Đối tượng đã loại trừ và lý do: 2 (chỉ tiếp giáp (chung ranh giới)).\n"
        "   Lý do. Bước tiếp theo: hỏi.\n"
        "   Căn cứ pháp lý: 53/2024/NĐ-CP (Nghị định) [chưa đối chiếu văn bản].\n"
        "   Cơ quan quản lý dữ liệu: Phòng Tài nguyên nước.\n"
        "   Dữ liệu cập nhật đến ngày 01/11/2026; phiên bản công bố số 12; sai số vị trí ± 0,30 m.\n"
        "\n"
        "Nội dung trên do hệ thống tổng hợp từ dữ liệu của các cơ quan; người thụ lý xem xét và quyết định.\n"
        "Bản ghi kiểm tra: r1 (sha256:0000000000000000…).\n"
    )


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_word_of_approval_occurs(language: str) -> None:
    text = appraisal_text(ANSWER, language).lower()
    assert not any(word in text for word in ("phê duyệt", "đủ điều kiện", "approve", "eligible", "trích lục"))


def test_english_numbers_are_english() -> None:
    assert "1,018.4 m²" in appraisal_text(ANSWER, "en")
    assert number(17254.25, 1, "vi") == "17.254,2" and number(17254.25, 1, "en") == "17,254.2"


def test_a_date_is_a_vietnamese_day() -> None:
    assert day("2026-10-31T20:00:00+00:00") == "01/11/2026"
    assert (day("2026-11-21"), day(None)) == ("21/11/2026", "-")


def test_a_requirement_is_met_or_not_met() -> None:
    assert outcome_label("clear", "covers_area").vi == "Đáp ứng yêu cầu"
    assert outcome_label("clear", "overlaps_area").vi == "Không phát hiện ảnh hưởng"


def test_grounds_that_contradict_each_other_are_neither_met_nor_unmet() -> None:
    """What an officer copies into a note: no 'requirement met' beside 'refer'."""
    group = FINDING | {"layer": None, "relation": None, "outcome": "clear", "verdict": "refer", "title":
                       {"vi": "Căn cứ quy hoạch", "en": "Planning basis"}, "reasons": [reason("conflict")]}  # fmt: skip
    told = ANSWER | {"verdict": "refer", "findings": [group]}
    assert "1. Căn cứ quy hoạch: Căn cứ trái nhau. Cần xem xét." in appraisal_text(told)
    assert "1. Planning basis: Conflicting grounds. Refer." in appraisal_text(told, "en")
    assert "Đáp ứng" not in appraisal_text(told) and "met." not in appraisal_text(told, "en").split("\n")[6]
    assert label_of(group) not in (*OUTCOMES.values(), *REQUIREMENT_OUTCOMES.values())
    assert label_of(group | {"reasons": []}) == outcome_label("clear", None)
