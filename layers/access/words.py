"""The words of grants in both languages, for people: actions, tags, levels of geometry, periods."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from gis.errors import Message

from .box import GeometryLevel
from .grammar import Action, Period

ACTIONS: dict[Action, Message] = {
    "items": Message("xem bảng", "table"),
    "tile": Message("xem bản đồ", "map tiles"),
    "map": Message("ảnh bản đồ", "map images"),
    "export": Message("tải về", "export"),
    "check": Message("kiểm tra", "check"),
    "edit": Message("sửa", "edit"),
    "publish": Message("công bố", "publish"),
}
TAGS = {
    "public": Message("công khai", "public"),
    "internal": Message("nội bộ", "internal"),
    "personal": Message("cá nhân", "personal"),
    "commercial": Message("kinh doanh", "commercial"),
}
LEVELS = {
    "full": Message("đầy đủ", "full"),
    "centroid": Message("một điểm", "one point"),
    "none": Message("không có hình", "no shape"),
}


def level_words(level: GeometryLevel) -> Message:
    if level.kind == "grid":
        vi = f"{level.precision_m:g}".replace(".", ",")
        return Message(f"lưới {vi} m", f"grid of {level.precision_m:g} m")
    return LEVELS[level.kind]


def day_words(day: date) -> Message:
    return Message(f"{day:%d/%m/%Y}", day.isoformat())


def period_words(valid: Period) -> Message | None:
    """Both days belong to it; None for always."""
    first = None if valid.from_ is None else day_words(valid.from_)
    last = None if valid.until is None else day_words(valid.until)
    if first and last:
        return Message(f"từ {first.vi} đến hết {last.vi}", f"from {first.en} until {last.en}")
    if first:
        return Message(f"từ {first.vi}", f"from {first.en}")
    return Message(f"đến hết {last.vi}", f"until {last.en}") if last else None


def together(parts: Iterable[Message], separator: str = "; ") -> Message:
    listed = tuple(parts)
    return Message(separator.join(part.vi for part in listed), separator.join(part.en for part in listed))
