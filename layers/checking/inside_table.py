"""The parcels in a shape as rows of a table, in the words of an office: for CSV and XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gis.errors import Message

#: field of the answer → heading
COLUMNS: Mapping[str, Message] = {
    "commune": Message("Mã phường/xã", "Commune"),
    "sheet": Message("Số tờ", "Sheet"),
    "parcel": Message("Số thửa", "Parcel"),
    "label": Message("Thửa đất", "Name"),
    "land_type": Message("Loại đất", "Land type"),
    "lies": Message("Vị trí so với khu đất", "Position"),
    "area_m2": Message("Diện tích tính theo bản đồ (m²)", "Area from the map (m²)"),
    "inside_m2": Message("Diện tích trong khu đất (m²)", "Area inside (m²)"),
    "left_m2": Message("Diện tích còn lại (m²)", "Area left (m²)"),
    "share": Message("Tỷ lệ trong khu đất", "Share inside"),
    "registered_area_m2": Message("Diện tích theo giấy chứng nhận (m²)", "Area on the certificate (m²)"),
    "registered_inside_m2": Message("Phần theo giấy chứng nhận (m²)", "Share of the certificate (m²)"),
    "fid": Message("Mã đối tượng", "fid"),
}
LIES: Mapping[str, Message] = {
    "inside": Message("Nằm trọn trong", "inside"),
    "partly": Message("Một phần", "partly"),
    "borderline": Message("Sát ranh giới (trong phạm vi sai số)", "borderline (within the accuracy)"),
    "touches": Message("Chỉ tiếp giáp (chung ranh giới)", "touches only"),
    "not_exact": Message("Chỉ được xem gần đúng, không đo", "shown coarsely, not measured"),
    "not_measured": Message("Chưa đo được", "not measured"),
}
_SUMS = ("parcels", "inside_m2", "left_m2", "registered_inside_m2")
_SUM_TITLES = (
    Message("Số thửa", "Parcels"), Message("Diện tích trong khu đất (m²)", "Area inside (m²)"),
    Message("Diện tích còn lại (m²)", "Area left (m²)"),
    Message("Phần theo giấy chứng nhận (m²)", "Share of the certificate (m²)"),
)  # fmt: skip


def parcels_table(answer: Mapping[str, Any], language: str) -> Iterator[list[object]]:
    """A heading, the parcels that lie in the shape, those that only touch, those not shown exactly."""
    yield [title.in_language(language) for title in COLUMNS.values()]
    listed: list[tuple[Mapping[str, Any], str | None]] = [(parcel, None) for parcel in answer["parcels"]]
    listed += [(parcel, "touches") for parcel in answer["touched"]]
    listed += [(parcel, "not_exact") for parcel in answer["not_exact"]]
    for parcel, lies in listed:
        word = LIES[lies or parcel["lies"]].in_language(language)
        yield [word if name == "lies" else parcel.get(name) for name in COLUMNS]


def totals_table(answer: Mapping[str, Any], language: str) -> Iterator[list[object]]:
    """Sums by land type and by commune, the whole, and the ground without a parcel."""
    say = Message("Tổng hợp", "Totals").in_language(language)
    yield [say, "", *(title.in_language(language) for title in _SUM_TITLES)]
    totals = answer["totals"]
    groups: Sequence[tuple[Message, Sequence[Mapping[str, Any]]]] = (
        (Message("Loại đất", "Land type"), totals["by_land_type"]),
        (Message("Phường/xã", "Commune"), totals["by_commune"]),
    )
    for title, found in groups:
        for group in found:
            name = group["title"][language] if group["title"] else ""
            yield [title.in_language(language), f"{group['code'] or '–'} {name}".strip(), *_sums(group)]
    yield [Message("Tất cả", "All").in_language(language), "", *_sums(totals)]
    uncovered = Message("Phần không có thửa đất (m²)", "Ground without a parcel (m²)").in_language(language)
    yield [uncovered, "", None, answer["uncovered_m2"]]
    yield [
        Message("Diện tích khu đất (m²)", "Area of the shape (m²)").in_language(language),
        "",
        None,
        answer["area_m2"],
    ]
    for note in answer["notes"]:
        yield [note[language]]


def _sums(group: Mapping[str, Any]) -> list[object]:
    return [group[name] for name in _SUMS]
