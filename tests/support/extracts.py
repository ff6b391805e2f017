"""A projected answer of every kind of finding, with the map that goes with it: what the extract is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from layers.canonical import digest_of
from layers.checking.map_content import MapContent, MapShape, Role
from layers.checking.reasons import reason
from layers.checking.shown import NO_COVERAGE, NO_MEASURE
from layers.profile.load import load_profile
from layers.profile.profile import Profile
from ogc.extract.document import Document, Issue, document_of

DEFINITIONS = Path(__file__).resolve().parent.parent.parent / "layers" / "definitions"
ISSUE = Issue(datetime(2026, 11, 22, 2, 30, tzinfo=UTC), "LT-7Q4M-9KXD-2B", "https://lt.example/verify/LT-7Q4M-9KXD-2B")
#: where 106.65° E, 10.98° N lies in EPSG:9210
EAST, NORTH = 598_162.0, 1_214_391.0
WATER_OFFICE = {"vi": "Phòng Tài nguyên nước – Sở Nông nghiệp và Môi trường", "en": "Water resources office"}
CORNERS = ((0, 0), (3, 31), (24.5, 29.2), (22, 10.5), (21.4, -1.3))


def issue(**more: Any) -> Issue:
    return replace(ISSUE, **more)


@lru_cache
def profile() -> Profile:
    return load_profile(DEFINITIONS)


def ground(*corners: tuple[float, float]) -> BaseGeometry:
    return shapely.Polygon([(EAST + x, NORTH + y) for x, y in corners or CORNERS])


def finding(check: str, outcome: str = "clear", verdict: str = "pass", **more: Any) -> dict[str, Any]:
    """A finding against a layer with the fields of the contract."""
    return {
        "check": check, "title": {"vi": "Hành lang bảo vệ nguồn nước", "en": "Water-source corridor"},
        "layer": "water_corridor", "revision": 31, "release": 12, "relation": "overlaps_area", "outcome": outcome,
        "verdict": verdict, "required": True, "verified": True, "measure": dict(NO_MEASURE),
        "coverage": {"mapped_share": 1.0, "published": "2026-10-31T20:00:00+00:00", "max_age_days": 730},
        "accuracy_m": 0.3, "features": [], "dropped": [],
        "basis": [basis("53/2024/NĐ-CP", "Thi hành Luật Tài nguyên nước", "2024-07-01")],
        "office": WATER_OFFICE, "reasons": [], **more,
    }  # fmt: skip


def basis(
    number: str, title: str = "", since: str | None = None, until: str | None = None, **more: Any
) -> dict[str, Any]:
    return {"number": number, "title": title, "effective_from": since, "effective_to": until, "verified": True,
            "source": "layer", **more}  # fmt: skip


def feature(key: str, area_m2: float, **attributes: object) -> dict[str, Any]:
    return {"fid": str(hash_of(key)), "key": key, "relation": "overlaps_area", "reason": "counts", "area_m2": area_m2,
            "length_m": None, "nearest_m": 0.0, "attributes": attributes}  # fmt: skip


def drop(key: str, why: str, **more: object) -> dict[str, Any]:
    return {"fid": str(hash_of(key)), "key": key, "relation": why, "area_m2": 0.0, "area_high_m2": None,
            "length_m": None, "nearest_m": 0.0, "reason": why, **more}  # fmt: skip


def hash_of(key: str) -> int:
    return int.from_bytes(key.encode()[:6], "big")


def findings() -> list[dict[str, Any]]:
    """One of each kind."""
    title = {"vi": "Căn cứ quy hoạch", "en": "Planning basis"}
    members = [
        finding("land_use_plan", "affected", "refer", layer="land_use_plan", relation="covers_area",
                title={"vi": "Quy hoạch sử dụng đất", "en": "Land-use plan"}),
        finding("zoning_plan", layer="zoning_plan", relation="covers_area",
                title={"vi": "Quy hoạch phân khu", "en": "Zoning plan"},
                measure={**NO_MEASURE, "area_m2": 620.1, "share": 0.998, "area_low_m2": 611.0, "area_high_m2": 620.1}),
    ]  # fmt: skip
    return [
        finding("planning_basis", layer=None, revision=None, release=None, relation=None, title=title,
                coverage=dict(NO_COVERAGE), accuracy_m=None, members=members,
                basis=[basis("31/2024/QH15", "Luật Đất đai", "2024-08-01", source="check")]),
        finding("water_corridor", "affected", "fail",
                measure={**NO_MEASURE, "area_m2": 118.4, "share": 0.1906, "area_low_m2": 112.0, "area_high_m2": 125.1,
                         "count": 1, "nearest_m": 0.0},
                features=[feature("SG-03", 118.4, ten_nguon_nuoc="Rạch Trảng Bàng", pham_vi_m=20.0,
                                  ngay_qd="2019-05-03", so_qd="1234/QĐ-UBND")],
                dropped=[drop("SG-04", "touches_only", area_high_m2=9.1)],
                basis=[basis("1234/QĐ-UBND", "", "2019-05-03", source="feature"),
                       basis("53/2024/NĐ-CP", "Thi hành Luật Tài nguyên nước", "2024-07-01"),
                       basis("43/2015/NĐ-CP", "Hành lang bảo vệ nguồn nước", "2015-07-01", "2024-06-30"),
                       basis("Phiên bản công bố số 12", "", "2026-11-01", source="release")]),
        finding("road_corridor", "borderline", "refer", layer="road_corridor",
                title={"vi": "Hành lang an toàn đường bộ", "en": "Road safety corridor"},
                measure={**NO_MEASURE, "area_m2": 0.6, "share": 0.001, "area_low_m2": 0.0, "area_high_m2": 4.4},
                features=[feature("DT743-2", 0.6, ten_duong="ĐT.743")],
                reasons=[reason("within_accuracy")]),
        finding("heritage_zone_1", "not_mapped", "refer", layer="heritage_zone",
                title={"vi": "Di tích – khu vực bảo vệ I", "en": "Heritage zone I"},
                coverage={**NO_COVERAGE, "mapped_share": 0.0}, release=None),
        finding("power_corridor", "not_checked", "refer", layer="power_corridor", reasons=[reason("stale")],
                title={"vi": "Hành lang đường dây điện", "en": "Power-line corridor"},
                basis=[basis("62/2025/NĐ-CP", "An toàn điện", "2027-03-04", verified=False)]),
        finding("blocks", "withheld", "refer", layer="parcel_block", relation="same_parcel", release=None,
                title={"vi": "Ngăn chặn, tranh chấp, kê biên", "en": "Blocked, disputed, seized"},
                coverage=dict(NO_COVERAGE), reasons=[reason("no_right")], basis=[]),
        finding("landfill_distance", layer="waste_site", relation="within_distance", required=False,
                title={"vi": "Khoảng cách tới ô chôn lấp", "en": "Distance to landfill cells"},
                measure={**NO_MEASURE, "nearest_m": 2210.4},
                dropped=[drop("BR-11", "near", nearest_m=2210.4)]),
        finding("minimum_area", "clear", "refer", layer=None, relation=None, release=None, verified=False,
                title={"vi": "Diện tích tối thiểu", "en": "Minimum area"}, coverage=dict(NO_COVERAGE), accuracy_m=None,
                measure={**NO_MEASURE, "area_m2": 654.85}, reasons=[reason("unverified_rule")],
                basis=[basis("Diện tích tối thiểu Bình Dương (cũ)", verified=False, source="check")]),
    ]  # fmt: skip


def answer(**more: Any) -> dict[str, Any]:
    """An answer as `project` makes it; `more` replaces fields."""
    made: dict[str, Any] = {
        "id": "0c2a51ae-5ad1-4a3f-9f0d-6a5b1f0c9d11", "created": "2026-11-22T02:29:11+00:00", "as_of": None,
        "on_date": "2026-11-22",
        "subject": {"kind": "parcel", "layer": "parcel", "fid": "4711", "key": "25747.45.123",
                    "label": "Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một", "area_m2": 654.85,
                    "registered_area_m2": 652.0},
        "procedure": {"id": "land_use_change", "version": "sha256:" + "a" * 64,
                      "title": {"vi": "Chuyển mục đích sử dụng đất", "en": "Change of land-use purpose"}},
        "inputs": {"target_use": "ODT", "target_area_m2": 150}, "dossier": "H29.19-260715-0012",
        "purpose": "land_use_change", "verdict": "fail", "findings": findings(),
        "skipped": [{"check": "power_corridor_500", "title": {"vi": "Hành lang đường dây 500 kV", "en": "500 kV"},
                     "reason": reason("not_asked_here")}],
        "evidence": {"cut": {"water_corridor": 31, "road_corridor": 4}, "policy": "sha256:" + "b" * 64,
                     "rules": "sha256:" + "c" * 64, "record": None,
                     "engine": {"lienthong": "0.1.0", "shapely": "2.2.0", "geos": "3.14.1", "proj": "9.5.1",
                                "crs_operation": "EPSG:6960"}},
        **more,
    }  # fmt: skip
    made["evidence"] = {**made["evidence"], "digest": digest_of(made)}
    return made


def content(subject: BaseGeometry | None = None, **more: Any) -> MapContent:
    """The subject among neighbours, a corridor that is hit and one that is dropped."""
    shapes = (
        MapShape("parcel", "1", Role.NEIGHBOUR, ground((24.5, 29.2), (22, 10.5), (45, 8), (47, 30)), "124"),
        MapShape("parcel", "2", Role.NEIGHBOUR, ground((0, 0), (3, 31), (-20, 33), (-24, -2)), "122"),
        MapShape("water_corridor", "3", Role.HIT, ground((-60, 22), (-60, 60), (60, 60), (60, 27)), "SG-03"),
        MapShape("water_corridor", "4", Role.DROP, ground((21.4, -1.3), (0, 0), (-5, -30), (20, -33)), "SG-04"),
        MapShape("road_corridor", "5", Role.HIT, shapely.LineString([(EAST - 80, NORTH - 6), (EAST + 80, NORTH - 1)])),
    )
    attributes = {"ma_dinh_danh": "w3gy6ytmny8f", "ma_loai_dat": "CLN", "so_to_cu": "4", "so_thua_cu": "12",
                  "muc_dich_su_dung": [{"ma_loai_dat": "ODT", "dien_tich": 150.0, "thoi_han": "Lâu dài"},
                                       {"ma_loai_dat": "CLN", "dien_tich": 502.0}]}  # fmt: skip
    return MapContent("EPSG:9210", subject or ground(), **{"shapes": shapes, "attributes": attributes, **more})


def document(language: str = "vi", given: Mapping[str, Any] | None = None, **more: Any) -> Document:
    shown = {"content": content(), "issue": ISSUE, **more}
    return document_of(given or answer(), profile(), language, **shown)
