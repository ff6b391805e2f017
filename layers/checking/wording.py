"""The words officers use: labels of outcomes and verdicts, and the text to copy into an appraisal note.

The service reports and a person decides, so words of approval do not occur (domain reference 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from gis.errors import Message
from gis.judge import CONFLICT
from gis.procedure import Outcome, Verdict

from .request import LOCAL_TIME

OUTCOMES: Mapping[Outcome, Message] = {
    Outcome.CLEAR: Message("Không phát hiện ảnh hưởng", "Clear"),
    Outcome.AFFECTED: Message("Bị ảnh hưởng", "Affected"),
    Outcome.BORDERLINE: Message("Sát ranh giới (trong phạm vi sai số)", "Borderline (within the accuracy)"),
    Outcome.PARTLY_MAPPED: Message("Dữ liệu mới phủ một phần thửa đất", "Partly mapped"),
    Outcome.NOT_MAPPED: Message("Chưa có dữ liệu tại khu vực này", "Not mapped here"),
    Outcome.NOT_CHECKED: Message("Chưa kiểm tra được", "Not checked"),
    Outcome.WITHHELD: Message("Dữ liệu hạn chế, liên hệ cơ quan quản lý", "Withheld, contact the owner"),
}
#: `covers_area` and `inside` ask for something; the same outcomes read differently there
REQUIREMENT_OUTCOMES: Mapping[Outcome, Message] = {
    Outcome.CLEAR: Message("Đáp ứng yêu cầu", "Requirement met"),
    Outcome.AFFECTED: Message("Không đáp ứng yêu cầu", "Requirement not met"),
}
#: a group of which one ground is met and another is not: neither word would be true
CONFLICTING = Message("Căn cứ trái nhau", "Conflicting grounds")
VERDICTS: Mapping[Verdict, Message] = {
    Verdict.PASS: Message("Đạt (không phát hiện vướng mắc)", "Pass (nothing found)"),
    Verdict.REFER: Message("Cần xem xét", "Refer"),
    Verdict.FAIL: Message("Không đạt (có vướng mắc)", "Fail (obstacle found)"),
}
RELATIONS: Mapping[str, Message] = {
    "overlaps_area": Message("Chồng lấn diện tích", "overlaps in area"),
    "covers_area": Message("Phủ diện tích", "covers area"),
    "inside": Message("Nằm trọn trong", "inside"),
    "crosses_line": Message("Tuyến cắt qua thửa đất", "line crosses"),
    "contains_point": Message("Có điểm nằm trong thửa đất", "contains a point"),
    "within_distance": Message("Trong phạm vi khoảng cách", "within the distance"),
    "same_parcel": Message("Ghi nhận trên chính thửa đất", "registered on the parcel"),
    "raster_class": Message("Thuộc lớp giá trị", "of the class"),
    "class_not_asked": Message("Lớp giá trị không xét", "a class that is not asked about"),
    "touches_only": Message("Chỉ tiếp giáp (chung ranh giới)", "touches only"),
    "near": Message("Ở gần", "near"),
    "not_in_force": Message("Không có hiệu lực vào ngày xét", "not in force on the day"),
    "below_threshold": Message("Dưới ngưỡng", "below the threshold"),
    "not_applicable": Message("Không thuộc đối tượng xét", "not what the rule asks about"),
    "subject_itself": Message("Chính thửa đất đang xét", "the subject itself"),
    "origin_unknown": Message("Chưa rõ vị trí tính khoảng cách", "where its distance begins is not known"),
    "distance_assumed": Message("Chưa rõ phạm vi của đối tượng", "how far it reaches is not known"),
    "within_accuracy": Message("Trong phạm vi sai số", "within the accuracy"),
}


#: of `nearest_m`, wherever it is told
NEAREST = Message(
    "nearest_m là khoảng cách (m) đến đối tượng gần nhất trong tầm xét của quy tắc; null khi không có đối tượng nào "
    "trong tầm đó: đối tượng xa hơn không được đọc.",
    "nearest_m is the distance in metres to the nearest feature within the reach of the rule; null where none is "
    "within it: what lies farther is not read.",
)

#: smaller areas would be shown as 0,0
_SHOWN_M2 = 0.05


def outcome_label(outcome: str, relation: str | None) -> Message:
    """What an outcome is called; requirements, groups of grounds and bounds on the subject itself (no relation) are met
    or not met."""
    word = Outcome(outcome)
    special = REQUIREMENT_OUTCOMES.get(word) if relation in ("covers_area", "inside", None) else None
    return special or OUTCOMES[word]


def label_of(finding: Mapping[str, Any]) -> Message:
    """What the outcome of a finding is called wherever it is told."""
    return CONFLICTING if is_conflict(finding) else outcome_label(finding["outcome"], finding["relation"])


def is_conflict(finding: Mapping[str, Any]) -> bool:
    """Is this a group that is met by one ground and contradicted by another?"""
    return any(told["code"] == CONFLICT for told in finding.get("reasons", ()))


def number(value: float, digits: int, language: str) -> str:
    """'17.254,3' in Vietnamese, '17,254.3' in English."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def day(value: str | None) -> str:
    """'21/11/2026' of an ISO date or instant, in Vietnam."""
    if value is None:
        return "-"
    found = datetime.fromisoformat(value) if "T" in value else None
    return (found.astimezone(LOCAL_TIME).date() if found else date.fromisoformat(value)).strftime("%d/%m/%Y")


def appraisal_text(answer: Mapping[str, Any], language: str = "vi") -> str:
    """The answer as plain text for an appraisal note, legal basis under every finding."""
    say = _Speaker(language)
    lines = [*_head(answer, say), ""]
    for position, finding in enumerate(answer["findings"], start=1):
        lines += _finding(finding, f"{position}.", say)
        for letter, member in zip("abcdefghij", finding.get("members", ()), strict=False):
            lines += _finding(member, f"{position}{letter}.", say)
    return "\n".join([*lines, "", *_foot(answer, say)]) + "\n"


class _Speaker:
    """One language's side of every message."""

    def __init__(self, language: str) -> None:
        self.language = "vi" if language == "vi" else "en"

    def __call__(self, vi: str, en: str) -> str:
        return vi if self.language == "vi" else en

    def of(self, message: Message | Mapping[str, str]) -> str:
        return message.in_language(self.language) if isinstance(message, Message) else message[self.language]

    def area(self, value: float) -> str:
        return f"{number(value, 1, self.language)} m²"

    def metres(self, value: float) -> str:
        return f"{number(value, 1, self.language)} m"


def _head(answer: Mapping[str, Any], say: _Speaker) -> list[str]:
    subject, procedure = answer["subject"], answer["procedure"]
    areas = [say(f"diện tích tính theo bản đồ {say.area(subject['area_m2'])}",
                 f"area from the map {say.area(subject['area_m2'])}")]  # fmt: skip
    if subject["registered_area_m2"] is not None:
        registered = say.area(subject["registered_area_m2"])
        areas.append(say(f"diện tích theo giấy chứng nhận {registered}", f"area on the certificate {registered}"))
    lines = [f"{subject['label']}; {'; '.join(areas)}.",
             f"{say('Thủ tục hành chính', 'Procedure')}: {say.of(procedure['title'])}."]  # fmt: skip
    if answer["dossier"]:
        lines.append(f"{say('Mã hồ sơ', 'Dossier code')}: {answer['dossier']}.")
    lines.append(f"{say('Ngày xét hiệu lực', 'Law and validity as of')}: {day(answer['on_date'])}.")
    verdict = say.of(VERDICTS[Verdict(answer["verdict"])])
    return [*lines, f"{say('Kết quả kiểm tra không gian', 'Result of the spatial check')}: {verdict}."]


def _finding(finding: Mapping[str, Any], position: str, say: _Speaker) -> list[str]:
    outcome = say.of(label_of(finding))
    verdict = say.of(VERDICTS[Verdict(finding["verdict"])])
    optional = "" if finding["required"] else say(" (tham khảo)", " (for information)")
    lines = [f"{position} {say.of(finding['title'])}{optional}: {outcome}. {verdict}."]
    lines += [f"   {line}" for line in _measured(finding, say)]
    lines += [f"   {say.of(reason['message'])}" for reason in finding["reasons"]]
    basis = "; ".join(_basis(finding["basis"], say)) or say("chưa khai báo", "not declared")
    lines.append(f"   {say('Căn cứ pháp lý', 'Legal basis')}: {basis}.")
    if finding["office"]:
        lines.append(f"   {say('Cơ quan quản lý dữ liệu', 'Data owner')}: {say.of(finding['office'])}.")
    source = _source(finding, say)
    return [*lines, *([f"   {source}."] if source else [])]


def _measured(finding: Mapping[str, Any], say: _Speaker) -> Iterable[str]:
    measure = finding["measure"]
    if measure["area_m2"] and measure["area_m2"] >= _SHOWN_M2:
        share = f" ({number(100 * measure['share'], 2, say.language)} %)" if measure["share"] is not None else ""
        yield say("Phần diện tích", "Area") + f": {say.area(measure['area_m2'])}{share}{_range(measure, say)}."
    if measure["length_m"]:
        yield say("Chiều dài trong thửa đất", "Length inside") + f": {say.metres(measure['length_m'])}."
    if measure["nearest_m"]:
        yield say("Khoảng cách gần nhất", "Nearest distance") + f": {say.metres(measure['nearest_m'])}."
    if finding["features"]:
        yield say("Đối tượng", "Features") + f": {'; '.join(_feature(f, say) for f in finding['features'])}."
    if finding["dropped"]:
        dropped = "; ".join(_dropped(drop, say) for drop in finding["dropped"])
        yield say("Đối tượng đã loại trừ và lý do", "Dropped and why") + f": {dropped}."


def _range(measure: Mapping[str, Any], say: _Speaker) -> str:
    low, high = measure["area_low_m2"], measure["area_high_m2"]
    if low is None or high is None or high - low < 0.1:
        return ""
    between = f"{number(low, 1, say.language)}–{number(high, 1, say.language)} m²"
    return say(f", trong phạm vi sai số {between}", f", within the accuracy {between}")


def _feature(feature: Mapping[str, Any], say: _Speaker) -> str:
    title = feature["attributes"].get("title") if feature.get("relation") == "raster_class" else None
    name = say.of(title) if isinstance(title, Mapping) else feature["key"] or feature["fid"]
    return f"{name} ({say.area(feature['area_m2'])})" if feature["area_m2"] else str(name)


def _dropped(drop: Mapping[str, Any], say: _Speaker) -> str:
    why = RELATIONS.get(drop["reason"], Message(drop["reason"], drop["reason"]))
    return f"{drop['key'] or drop['fid']} ({say.of(why).lower()})"


def _basis(listed: Iterable[Mapping[str, Any]], say: _Speaker) -> Iterable[str]:
    for basis in listed:
        if basis["source"] == "release":
            continue  # named in the line of the data's source
        title = f" ({basis['title']})" if basis["title"] else ""
        unverified = "" if basis["verified"] else say(" [chưa đối chiếu văn bản]", " [text not verified]")
        yield f"{basis['number']}{title}{unverified}"


def _source(finding: Mapping[str, Any], say: _Speaker) -> str:
    published = finding["coverage"]["published"]
    if not published:
        return ""
    parts = [f"{say('Dữ liệu cập nhật đến ngày', 'Data as of')} {day(published)}"]
    if finding["release"] is not None:
        parts.append(f"{say('phiên bản công bố số', 'release')} {finding['release']}")
    if finding["accuracy_m"]:
        accuracy = number(finding["accuracy_m"], 2, say.language)
        parts.append(f"{say('sai số vị trí', 'positional accuracy')} ± {accuracy} m")
    return "; ".join(parts)


def _foot(answer: Mapping[str, Any], say: _Speaker) -> list[str]:
    return [
        say(
            "Nội dung trên do hệ thống tổng hợp từ dữ liệu của các cơ quan; người thụ lý xem xét và quyết định.",
            "Compiled by the service from the offices' data; the officer in charge considers and decides.",
        ),
        f"{say('Bản ghi kiểm tra', 'Record of the check')}: {answer['id']}{_sealed(answer)}.",
    ]


def _sealed(answer: Mapping[str, Any]) -> str:
    """The record's digest where the reader may see all that it seals."""
    digest = answer["evidence"]["record"]
    return f" ({digest[:23]}…)" if digest else ""
