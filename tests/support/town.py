"""An invented town on the default profile: parcels along streets, a river with its corridor, a power line, plans.

Small enough to publish by hand in seconds, rich enough to see every page of the service with something on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.profile.grammar import Attribute
from layers.profile.load import load_profile
from layers.profile.profile import Profile
from tests.support.published import EAST, NORTH, Publisher, apply_profile

DEFINITIONS = Path(__file__).resolve().parent.parent.parent / "layers" / "definitions"
COMMUNE = "25747"
SHEET = "45"
STREETS, BLOCKS = 7, 9  #: rows and columns of blocks
BLOCK_M, DEEP_M, STREET_M = 96.0, 44.0, 8.0


def fill(url: str) -> None:
    """Apply the default profile and publish the town."""
    profile = load_profile(DEFINITIONS)
    apply_profile(url, profile)
    publisher = Publisher(url, profile)
    for layer_id, rows in town(profile).items():
        publisher.publish(layer_id, rows)


def town(profile: Profile) -> dict[str, list[dict[str, Any]]]:
    """The rows of every layer; what a definition requires and the town does not say is filled in."""
    made = {layer_id: list(rows) for layer_id, rows in _shapes().items() if profile.layer(layer_id)}
    return {
        layer_id: [_whole(profile, layer_id, number, row) for number, row in enumerate(rows, 1)]
        for layer_id, rows in made.items()
    }


def _whole(profile: Profile, layer_id: str, number: int, row: dict[str, Any]) -> dict[str, Any]:
    layer = profile.layer(layer_id)
    assert layer is not None
    needed = [a for a in layer.attributes if a.required or a.name in layer.key_columns or a.enum or a.type == "code"]
    filled = {a.name: _filling(profile, a, number) for a in needed if a.name not in row}
    named = (
        {a.name: row["name"] for a in layer.attributes if a.name.startswith("ten_") or a.name == "ten"}
        if row.get("name")
        else {}
    )
    known = {name: value for name, value in row.items() if name in ("geom", "fid") or layer.attribute(name)}
    return {**filled, **named, **known}


def _filling(profile: Profile, attribute: Attribute, number: int) -> object:
    if attribute.enum:
        return attribute.enum[number % len(attribute.enum)]
    if attribute.type == "code":
        codes = profile.code_list(attribute.codes or "")
        return codes.entries[number % len(codes.entries)].code if codes else None
    simple = {"integer": number, "number": float(number), "boolean": number % 2 == 0, "date": date(2025, 7, 1)}
    return simple.get(attribute.type, f"{attribute.name.upper()[:2]}-{number:02}")


def _bent(shape: BaseGeometry) -> BaseGeometry:
    """The town's plane: straight lines become gentle curves, so that nothing looks like a chessboard."""

    def bend(points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        return np.c_[EAST + x + 14 * np.sin(y / 210), NORTH + y + 18 * np.sin(x / 260) + 0.04 * x]

    return shapely.transform(shapely.segmentize(shape, 25.0), bend)


def _river(half_width_m: float) -> BaseGeometry:
    points = [(-400 + 25 * i, -60 + 95 * math.sin(i / 9.0) + 2.0 * i) for i in range(60)]
    return shapely.linestrings(points).buffer(half_width_m)


def _parcels() -> Iterator[dict[str, Any]]:
    random, number = np.random.default_rng(7), 0
    taken = _river(24.0)
    for row in range(STREETS):
        for column in range(BLOCKS):
            west = -430 + column * (BLOCK_M + STREET_M)
            for half in (0, 1):
                south = -320 + row * (2 * DEEP_M / 1.2 + STREET_M) + half * DEEP_M / 1.2
                edges = [west, *(west + np.cumsum(random.uniform(12, 26, 8)))]
                edges = [*[edge for edge in edges if edge < west + BLOCK_M - 5], west + BLOCK_M]
                for left, right in pairwise(edges):
                    shape = shapely.box(left, south, right, south + DEEP_M / 1.2)
                    if shape.intersects(taken):
                        continue
                    number += 1
                    area = round(shape.area, 1)
                    kind = ("ODT", "ODT", "CLN", "TMD")[number % 4]
                    yield {
                        "geom": _bent(shape), "ma_xa": COMMUNE, "so_to": SHEET, "so_thua": str(number),
                        "dien_tich": area, "dien_tich_phap_ly": round(area * 0.998, 1), "ma_loai_dat": kind,
                        "muc_dich_su_dung": [{"ma_loai_dat": kind, "dien_tich": area, "thoi_han": "Lâu dài"}],
                        "ty_le": 500, "chat_luong": "dung_du_sach_song", "ten_chu": f"CHUSOHUU{number:04}",
                        "ma_dinh_danh": f"W3GV{number:08}",
                    }  # fmt: skip


def affected_parcel() -> str:
    """The number of the first parcel that lies partly in the river's corridor."""
    corridor = _bent(_river(42.0).difference(WATER))
    return next(row["so_thua"] for row in _parcels() if row["geom"].intersection(corridor).area > 50)


def _namesakes() -> Iterator[dict[str, Any]]:
    """Two parcels that answer to one number, as after a careless renumbering."""
    for fid, west in enumerate((-430, -405), 1):
        shape = shapely.box(west, 290, west + 20, 320)
        yield {"fid": f"namesake-{fid}", "geom": _bent(shape), "ma_xa": COMMUNE, "so_to": "46", "so_thua": "7",
               "dien_tich": 600.0, "ma_loai_dat": "CLN", "ty_le": 2000}  # fmt: skip


def _shapes() -> dict[str, list[dict[str, Any]]]:
    return {**_land(), **_environment(), **_construction(), **_industry()}


def _called(name: str, shape: BaseGeometry, **columns: Any) -> dict[str, Any]:
    """A row whose `ten…` columns all hold the name."""
    return {"name": name, "geom": _bent(shape), **columns}


def _land() -> dict[str, list[dict[str, Any]]]:
    west, east = (half.difference(WATER) for half in HALVES)
    return {
        "commune": [
            _called("Thủ Dầu Một", HALVES[0], ma_xa=COMMUNE, loai="phường"),
            _called("Phú Lợi", HALVES[1], ma_xa="25750", loai="phường"),
        ],
        "parcel": [*_parcels(), *_namesakes()],
        "parcel_block": [{"ma_xa": COMMUNE, "so_to": SHEET, "so_thua": "12", "loai": "ngăn chặn"}],
        "land_use_status": [_called("", west, ma_loai_dat="ODT"), _called("", east, ma_loai_dat="CLN")],
        "land_use_plan": [
            _called("", west, ma_loai_dat="ODT", ky_quy_hoach="2021-2030", hieu_luc_tu=date(2024, 1, 1)),
            _called("", east, ma_loai_dat="TMD", ky_quy_hoach="2021-2030", hieu_luc_tu=date(2024, 1, 1)),
        ],
    }


def _environment() -> dict[str, list[dict[str, Any]]]:
    corridor = _called("Rạch Trảng", _river(42.0).difference(WATER), ma_doan="SG-03", so_qd="22/QĐ-UBND")
    return {
        "water_body": [_called("Rạch Trảng", WATER)],
        "water_corridor": [{**corridor, "ngay_qd": date(2025, 3, 14), "hieu_luc_tu": date(2025, 4, 1)}],
        "monitoring_station": [_called("NM-12 Rạch Trảng", shapely.points(400, 40))],
        "water_intake": [_called("Trạm bơm Phú Lợi", shapely.points(470, 60))],
        "cemetery": [_called("Nghĩa trang Phú Lợi", shapely.box(430, 320, 500, 380))],
        "waste_site": [_called("Trạm trung chuyển", shapely.box(540, -390, 600, -330))],
        "protected_area": [_called("Khu cây xanh bảo vệ", shapely.box(350, 250, 420, 330))],
    }


def _construction() -> dict[str, list[dict[str, Any]]]:
    west, east = (half.difference(WATER) for half in HALVES)
    streets = [shapely.linestrings([(-460, y), (540, y)]) for y in (-324, -162, 0, 81, 162, 243)]
    avenue = shapely.linestrings([(-24, -400), (-24, 400)])
    temple = "Đình Phú Long"
    return {
        "zoning_plan": [
            _called("", west, chuc_nang="đất ở", cho_phep_dat_o=True),
            _called("", east, chuc_nang="thương mại dịch vụ", cho_phep_dat_o=False),
        ],
        "road": [
            *(_called(f"Đường số {i}", street, cap_ky_thuat="V") for i, street in enumerate(streets, 1)),
            _called("Đại lộ Bình Dương", avenue, cap_ky_thuat="II"),
        ],
        "red_line": [_called("Đại lộ Bình Dương", avenue.buffer(12).boundary, loai="chỉ giới đường đỏ")],
        "road_corridor": [_called("Đại lộ Bình Dương", avenue.buffer(17))],
        "heritage_zone": [
            _called(temple, shapely.box(240, 165, 330, 240), khu_vuc="I"),
            _called(temple, shapely.box(210, 135, 360, 270), khu_vuc="II"),
        ],
        "public_facility": [_called("Trường Tiểu học Chánh Nghĩa", shapely.box(-200, -235, -130, -175))],
        "building_permit": [_called("", shapely.points(-400 + 90 * i, -300 + 60 * (i % 7))) for i in range(1, 9)],
    }


def _industry() -> dict[str, list[dict[str, Any]]]:
    line = shapely.linestrings([(-500, 330), (-120, 150), (180, 60), (600, -260)])
    return {
        "power_line": [_called("110 kV Gò Đậu – Phú Lợi", line)],
        "power_corridor": [_called("110 kV Gò Đậu – Phú Lợi", line.buffer(8))],
        "substation": [_called("Trạm Gò Đậu", shapely.points(-500, 330))],
        "petrol_station": [_called("Cửa hàng xăng dầu số 8", shapely.points(-36, 205))],
        "industrial_cluster": [_called("Cụm công nghiệp Phú Lợi", shapely.box(380, -400, 530, -300))],
    }


HALVES = (shapely.box(-520, -420, 60, 420), shapely.box(60, -420, 620, 420))
WATER = _river(22.0)
