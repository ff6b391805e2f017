"""The small province of the two-world tests: rows on round coordinates, so that a grid of 50, 100 or 200 m holds still
while a shape moves by a few metres.

Ward A (25747) lies in the west, B (25750) in the middle, C (25753) in the east; each is 600 m wide and high.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import shapely

from layers.profile.load import load_profile
from layers.profile.profile import Profile
from tests.support.published import EAST, NORTH, box, line, point

Row = dict[str, Any]

WARDS = {"25747": 0, "25750": 600, "25753": 1200}
#: by layer, when each of its revisions was made; the service's clock stands later
REVISED = tuple(datetime(2026, month, 3, 2, 0, tzinfo=UTC) for month in (7, 8, 9))
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
#: every access of a world
EVENTS_AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
#: layers that go through the real publication; the others are loaded by hand
REALLY_PUBLISHED = ("site",)


def worlds_profile() -> Profile:
    return load_profile(Path(__file__).resolve().parents[2] / "profiles" / "worlds")


def revisions() -> dict[str, list[list[Row]]]:
    """Every layer's contents, revision by revision."""
    return {
        "commune": [[{"ma_xa": ward, "ten": f"Phường {ward}", "geom": box(west, 0, 600, 600)}
                     for ward, west in WARDS.items()]],
        "parcel": [list(_parcels(edition)) for edition in range(3)],
        "register": [list(_register(edition)) for edition in range(2)],
        "site": [list(_sites(edition)) for edition in range(2)],
        "well": [list(_wells())],
        "inspection": [list(_inspections())],
        "wet": [[], []],
        "quiet": [list(_quiet(edition)) for edition in range(2)],
        "hidden_place": [[{"ma": f"K{n}", "noi_dung": f"kín {n}", "geom": point(90 + 190 * n, 310)}
                          for n in range(8)]],
        "line": [[{"ma": f"L{n}", "cap_kv": (22, 110, 220)[n % 3], "van_hanh": f"ca trực {n}",
                   "geom": line((-50, 70 + 130 * n), (1850, 40 + 150 * n))} for n in range(4)]],
        "plan": [list(_plans(edition)) for edition in range(2)],
        "draft": [[{"ma": f"D{n}", "noi_dung": f"dự thảo {n}", "geom": box(200 * n, 100, 190, 300)}
                   for n in range(6)]],
    }  # fmt: skip


def _parcels(edition: int) -> Iterator[Row]:
    """36 a ward, 100 m wide, each up to 6 m beside the round place: on a grid of 50 m they lie on it."""
    for ward, west in WARDS.items():
        for column, row in product(range(6), range(6)):
            number = 6 * column + row + 1
            if edition == 0 and number > 33:
                continue  # some parcels came later
            east, north = west + 100 * column + (number * 5 % 13) - 6, 100 * row + (number * 7 % 13) - 6
            price = 1_000.0 * number + 7 * edition
            yield {
                "ma_xa": ward, "so_to": str(1 + column // 3), "so_thua": str(number),
                "ma_dinh_danh": f"W{ward}{number:03}", "dien_tich": 9_000.0 + number,
                "dien_tich_phap_ly": 8_990.0 + number + edition,
                "loai_dat": ("ODT", "CLN", "CQP")[number % 3],
                "muc_dich": [{"loai": "ODT", "dien_tich": 100.0 + number}],
                "ngay_cap": date(2020 + number % 6, 1 + number % 12, 1 + number % 28),
                "ten_chu": f"Nguyễn Thị {number:02}", "gia": None if number % 7 == 0 else price,
                "ghi_chu": f"ghi chú {ward} {number} lần {edition}", "geom": box(east, north, 97, 96),
            }  # fmt: skip


def _register(edition: int) -> Iterator[Row]:
    for ward, number in product(WARDS, (2, 9, 16, 23)):
        if edition == 0 and number == 23:
            continue
        yield {"so_vb": f"{number}/{ward}", "ma_xa": ward, "so_to": str(1 + (number - 1) // 18),
               "so_thua": str(number), "ly_do": f"kê biên {number}", "nguoi": f"Chấp hành viên {number}"}  # fmt: skip


def _sites(edition: int) -> Iterator[Row]:
    """Real publications: a fid is what the publication makes of it."""
    for ward, west in WARDS.items():
        for number in range(8):
            east, north = west + 100 * (number % 3) + 200 + 4, 100 * (number // 3) + 200 - 3
            yield {
                "ma": f"S{ward[-2:]}{number}", "ma_xa": ward, "ten": f"Cơ sở {ward} {number}",
                "hang": ("mot", "hai", "ba")[number % 3], "cong_suat": 100 * number + edition,
                "dai_dien": f"Trần Văn {number}", "moi": f"chưa gắn thẻ {number}", "geom": box(east, north, 92, 105),
            }  # fmt: skip


def _wells() -> Iterator[Row]:
    for number in range(27):
        east, north = 200 * (number % 9) + (number * 5 % 21) - 10, 200 * (number // 9) + (number * 11 % 21) - 10
        yield {"ma": f"G{number:02}", "sau": None if number == 5 else 10.0 * (number % 10),
               "chu_gieng": f"Lê Văn {number}", "geom": point(east, north)}  # fmt: skip


def _inspections() -> Iterator[Row]:
    for number in range(7):
        yield {"ma": f"T{number}", "noi_dung": f"hồ sơ {number}", "geom": box(30 + 250 * number, 350, 40, 40)}


def _quiet(edition: int) -> Iterator[Row]:
    for number in range(10):
        yield {"ma": f"Q{number}", "loai": ("rừng", "hồ")[number % 2], "ghi_chu": f"nội bộ {number} lần {edition}",
               "geom": box(170 * number, 480, 60, 60)}  # fmt: skip


def _plans(edition: int) -> Iterator[Row]:
    for number in range(12):
        yield {
            "ma": f"P{number:02}", "loai_dat": ("ODT", "CLN")[number % 2], "tang_cao": 3 + number % 4 + edition,
            "hieu_luc_tu": date(2024, 1, 1), "hieu_luc_den": None if number % 3 else date(2025, 12, 31),
            "ghi_chu": f"góp ý {number}", "geom": box(300 * (number % 6), 300 * (number // 6), 300, 300),
        }  # fmt: skip


#: the middle of each ward and the corners of the ground, in EPSG:9210
PLACES = tuple(shapely.Point(EAST + x, NORTH + y) for x, y in product((50, 250, 650, 950, 1250, 1750), (50, 330, 560)))
