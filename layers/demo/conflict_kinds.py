"""The kinds of planted conflicts: how each is made, which check must see it, and what it must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from .finding import (
    crossing,
    overlapping,
    permit_inside,
    plan_cut,
    plan_inside,
    plan_other,
    river_corridor,
    small_lot,
    within,
)  # fmt: skip
from .planting import borehole, ditch, entry, far_certificate, mine, same_old_number, station, wetland
from .site import HOME_INPUTS, PERMIT_INPUTS, SITING_INPUTS, Case, Site


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of conflict and how to find or plant one."""

    id: str
    make: Callable[[Site], Case | None]
    layer: str | None
    procedure: str | None
    check: str | None
    hit: bool | None
    outcomes: tuple[str, ...]
    why_vi: str
    why_en: str


#: kinds that the lie of the land brings about here and there: looked for in every commune
FOUND = frozenset({
    "water_corridor_large", "power_500", "power_to_220", "heritage_zone_1", "heritage_zone_2", "industrial_park",
    "rice_land",
    "red_line", "building_line", "landfill", "cemetery", "permit_in_force", "plan_cut",
})  # fmt: skip
AFFECTED = ("affected",)
DOUBTFUL = ("affected", "borderline")
_CHANGE = {**HOME_INPUTS, "target_use": "ODT"}
_OPEN_END = date(2099, 1, 1)

KINDS: tuple[Kind, ...] = (
    Kind("water_corridor_large", river_corridor, "water_corridor", "land_use_change", "water_corridor", True, AFFECTED,
         "Thửa đất nằm một phần trong hành lang bảo vệ nguồn nước.", "Part of the parcel lies in a water corridor."),
    Kind("water_corridor_60_m2", ditch(60.0, 0.5, "MV6"), "water_corridor", "land_use_change", "water_corridor", True,
         AFFECTED, "Hành lang lấn vào thửa đất 60 m².", "The corridor takes 60 m² of the parcel."),
    Kind("water_corridor_5_m2", ditch(5.0, 0.05, "MV5"), "water_corridor", "land_use_change", "water_corridor", True,
         DOUBTFUL, "Hành lang lấn vào thửa đất đúng 5 m².", "The corridor takes just 5 m² of the parcel."),
    Kind("water_corridor_below_threshold", ditch(0.6, 0.05, "MV0"), "water_corridor", "land_use_change",
    "water_corridor",
         False, ("borderline",), "Phần lấn 0,6 m², dưới ngưỡng 1 m² nhưng trong sai số bản đồ.",
         "0.6 m² is below the threshold of 1 m², within the accuracy of the map."),
    Kind("water_corridor_touches", ditch(0.0, 1e-6, "MVT"), "water_corridor", "land_use_change", "water_corridor",
    False,
         ("clear", "borderline"), "Hành lang chỉ tiếp giáp, chung ranh giới với thửa đất.",
         "The corridor only shares an edge with the parcel."),
    Kind("water_corridor_not_yet_effective", ditch(40.0, 0.5, "MVF", _OPEN_END), "water_corridor", "land_use_change",
         "water_corridor", False, ("clear",), "Hành lang chưa có hiệu lực (từ 01/01/2099).",
         "The corridor is not in force yet (from 2099-01-01)."),
    Kind("power_500", overlapping("power_corridor", 15, 1e6, PERMIT_INPUTS, cap_dien_ap_kv="500"), "power_corridor",
         "construction_permit", "power_corridor_500", True, AFFECTED, "Thửa đất trong hành lang đường dây 500 kV.",
         "The parcel lies in a 500 kV corridor."),
    Kind("power_to_220", overlapping("power_corridor", 10, 1e6, PERMIT_INPUTS, cap_dien_ap_kv=("110", "220")),
         "power_corridor", "construction_permit", "power_corridor", True, AFFECTED,
         "Thửa đất trong hành lang đường dây 110 hoặc 220 kV.", "The parcel lies in a 110 or 220 kV corridor."),
    Kind("heritage_zone_1", overlapping("heritage_zone", 5, 1e6, PERMIT_INPUTS, khu_vuc="I"), "heritage_zone",
         "construction_permit", "heritage_zone_1", True, AFFECTED, "Thửa đất trong khu vực bảo vệ I của di tích.",
         "The parcel lies in heritage zone I."),
    Kind("heritage_zone_2", overlapping("heritage_zone", 5, 1e6, PERMIT_INPUTS, khu_vuc="II"), "heritage_zone",
         "construction_permit", "heritage_zone_2", True, AFFECTED, "Thửa đất trong khu vực bảo vệ II của di tích.",
         "The parcel lies in heritage zone II."),
    Kind("road_corridor", overlapping("road_corridor", 10, 1e6, _CHANGE), "road_corridor", "land_use_change",
         "road_corridor", True, AFFECTED, "Thửa đất trong hành lang an toàn đường bộ.",
         "The parcel lies in a road safety corridor."),
    Kind("intake_zone_1", borehole, "intake_protection", "land_use_change", "intake_zone_1", True, AFFECTED,
         "Thửa đất trong vòng 25 m quanh giếng khoan cấp nước.", "The parcel lies within 25 m of a supply borehole."),
    Kind("wetland", wetland, "protected_area", "land_use_change", "protected_area", True, DOUBTFUL,
         "Thửa đất lấn vào đất ngập nước được bảo vệ.", "The parcel reaches into a protected wetland."),
    Kind("mineral_area", mine(date(2035, 12, 31), "KSV"), "mineral_area", "first_certificate", "mineral_area", True,
         AFFECTED, "Thửa đất trong khu vực khoáng sản đang cấp phép.", "The parcel lies in a licensed mineral area."),
    Kind("mineral_area_expired", mine(date(2024, 12, 31), "KSH"), "mineral_area", "first_certificate", "mineral_area",
         False, ("clear",), "Giấy phép khoáng sản đã hết hiệu lực ngày 31/12/2024.",
         "The licence ended on 2024-12-31."),
    Kind("industrial_park", overlapping("industrial_park", 500, 1e9, SITING_INPUTS), "industrial_park",
         "petrol_station_siting", "industrial_park", True, AFFECTED, "Thửa đất trong khu công nghiệp.",
         "The parcel lies in an industrial park."),
    Kind("rice_land", overlapping("land_use_status", 60, 1e6, _CHANGE, ma_loai_dat="LUC"), "land_use_status",
         "land_use_change", "rice_land", True, AFFECTED, "Thửa đất có đất chuyên trồng lúa theo hiện trạng.",
         "The parcel holds specialised rice land."),
    Kind("red_line", crossing("chỉ giới đường đỏ"), "red_line", "construction_permit", "red_line", True, DOUBTFUL,
         "Chỉ giới đường đỏ cắt qua thửa đất.", "A red line crosses the parcel."),
    Kind("building_line", crossing("chỉ giới xây dựng"), "red_line", "construction_permit", "building_line", True,
         DOUBTFUL, "Chỉ giới xây dựng cắt qua thửa đất.", "A building line crosses the parcel."),
    Kind("landfill", within("waste_site", 1000, _CHANGE, loai="chôn lấp hữu cơ"), "waste_site", "land_use_change",
         "landfill_distance", True, AFFECTED, "Cách ô chôn lấp chất thải hữu cơ dưới 1.000 m.",
         "Nearer than 1,000 m to an organic landfill cell."),
    Kind("cemetery", within("cemetery", 1000, _CHANGE, hinh_thuc="hung táng"), "cemetery", "land_use_change",
         "cemetery_distance", True, AFFECTED, "Cách nghĩa trang hung táng dưới 1.000 m.",
         "Nearer than 1,000 m to a burial cemetery."),
    Kind("permit_in_force", permit_inside, "building_permit", "construction_permit", "earlier_permit", True, DOUBTFUL,
         "Đã có giấy phép xây dựng còn hiệu lực trong thửa đất.", "A permit in force lies in the parcel."),
    Kind("petrol_within_300_m", station(290.0, "XDA"), "petrol_station", "petrol_station_siting", "other_stations",
    True,
         AFFECTED, "Có cửa hàng xăng dầu cách 290 m (dưới 300 m).", "A petrol station at 290 m, below 300 m."),
    Kind("petrol_at_300_m", station(300.05, "XDB"), "petrol_station", "petrol_station_siting", "other_stations", False,
         ("borderline",), "Có cửa hàng xăng dầu cách 300,05 m: trong sai số.",
         "A petrol station at 300.05 m: within the accuracy."),
    Kind("petrol_beyond_300_m", station(312.0, "XDC"), "petrol_station", "petrol_station_siting", "other_stations",
    False,
         ("clear",), "Cửa hàng xăng dầu gần nhất cách 312 m.", "The nearest petrol station is at 312 m."),
    Kind("blocked", entry("ngăn chặn", date(2026, 2, 1), None, "NCA"), "parcel_block", "first_certificate", "blocks",
    True,
         AFFECTED, "Thửa đất đang bị ngăn chặn giao dịch.", "The parcel is blocked."),
    Kind("disputed", entry("tranh chấp", date(2026, 3, 1), None, "NCB"), "parcel_block", "first_certificate", "blocks",
         True, AFFECTED, "Thửa đất đang tranh chấp.", "The parcel is in dispute."),
    Kind("seized", entry("kê biên", date(2026, 4, 1), None, "NCC"), "parcel_block", "first_certificate", "blocks", True,
         AFFECTED, "Thửa đất đang bị kê biên.", "The parcel is seized."),
    Kind("block_expired", entry("ngăn chặn", date(2023, 1, 1), date(2024, 6, 30), "NCD"), "parcel_block",
         "first_certificate", "blocks", False, ("clear",), "Việc ngăn chặn đã hết hiệu lực ngày 30/06/2024.",
         "The block ended on 2024-06-30."),
    Kind("block_not_yet_effective", entry("ngăn chặn", _OPEN_END, None, "NCE"), "parcel_block", "first_certificate",
         "blocks", False, ("clear",), "Việc ngăn chặn chưa có hiệu lực.", "The block is not in force yet."),
    Kind("same_old_number", same_old_number, "parcel", None, None, None, (),
         "Hai thửa đất trùng số tờ, số thửa cũ sau sáp nhập: tra cứu theo số cũ ra hai ứng viên.",
         "Two parcels share an old sheet and number after the merge: the look-up gives two candidates."),
    Kind("certificate_far_off", far_certificate, None, "land_use_change", "certificate_area", None, AFFECTED,
         "Diện tích trên giấy chứng nhận lớn hơn diện tích bản đồ 45 %.",
         "The area on the certificate is 45 % above the area of the map."),
    Kind("below_minimum_area", small_lot, None, "land_use_change", "minimum_area", None, AFFECTED,
         "Diện tích thửa đất dưới mức tối thiểu 60 m².", "The parcel is below the least area of 60 m²."),
    Kind("plan_inside", plan_inside, "land_use_plan", "first_certificate", "declared_use_in_plan", True, ("clear",),
         "Toàn bộ thửa đất trong khu vực quy hoạch đúng loại đất kê khai.",
         "The whole parcel lies in an area planned as declared."),
    Kind("plan_cut", plan_cut, "land_use_plan", "first_certificate", "declared_use_in_plan", None, AFFECTED,
         "Ranh giới quy hoạch cắt qua thửa đất.", "The edge of the plan cuts the parcel."),
    Kind("plan_other", plan_other, "land_use_plan", "first_certificate", "declared_use_in_plan", None, AFFECTED,
         "Không có quy hoạch đúng loại đất kê khai tại thửa đất.", "Nothing is planned as declared at the parcel."),
)  # fmt: skip
