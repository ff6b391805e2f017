"""Every planted conflict holds by plain shapely on the files, without any code of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from .conftest import Made

KEYS = {
    "water_corridor": "ma_doan", "power_corridor": "ma_hanh_lang", "heritage_zone": "ma_vung",
    "road_corridor": "ma_hanh_lang",
    "intake_protection": "ma_vung", "protected_area": "ma_khu", "mineral_area": "so_gp", "industrial_park": "ma_kcn",
    "land_use_status": "ma_khoanh", "red_line": "ma_chi_gioi", "waste_site": "ma_co_so", "cemetery": "ma_nghia_trang",
    "building_permit": "so_gp", "petrol_station": "ma_cua_hang", "land_use_plan": "ma_khu_vuc",
    "parcel_block": "ma_muc",
}  # fmt: skip


def _parcel(made: Made, key: str) -> Any:
    commune, sheet, number = key.split(".")
    parcels = made.layer("parcel")
    found = parcels[(parcels["ma_xa"] == commune) & (parcels["so_to"] == sheet) & (parcels["so_thua"] == number)]
    assert len(found) == 1, key
    return found.iloc[0]


def _feature(made: Made, conflict: Mapping[str, Any]) -> Any:
    layer = made.layer(conflict["layer"])
    found = layer[layer[KEYS[conflict["layer"]]] == conflict["feature"]]
    assert len(found) == 1, conflict
    return found.iloc[0]


def test_there_are_at_least_forty_of_at_least_twelve_kinds(made: Made) -> None:
    assert len(made.conflicts) >= 40
    assert len({conflict["kind"] for conflict in made.conflicts}) >= 12
    assert len(made.conflicts) == made.manifest.conflicts
    assert len({conflict["parcel"] for conflict in made.conflicts}) == len(made.conflicts)


def test_every_conflict_names_a_check_that_the_profile_has(made: Made) -> None:
    for conflict in made.conflicts:
        if conflict["procedure"] is None:
            continue
        procedure = made.profile.procedure(conflict["procedure"])
        assert procedure is not None
        check = next(check for check in procedure.checks if check.id == conflict["check"])
        assert getattr(check, "layer", None) == conflict["layer"]
        required = {given.name for given in procedure.inputs if given.required}
        assert required <= set(conflict["inputs"]), conflict["kind"]


def test_every_conflict_holds_on_the_files(made: Made) -> None:
    for conflict in made.conflicts:
        parcel = _parcel(made, conflict["parcel"])
        holds = HOLDS[conflict["kind"]]
        assert holds(made, conflict, parcel), conflict


def _overlap(low: float, high: float = 1e12) -> Callable[[Made, Mapping[str, Any], Any], bool]:
    def holds(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
        area = parcel.geometry.intersection(_feature(made, conflict).geometry).area
        return low <= area <= high and abs(area - conflict["measured"]["area_m2"]) < 0.01

    return holds


def _touches(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
    feature = _feature(made, conflict).geometry
    return bool(parcel.geometry.touches(feature)) and parcel.geometry.intersection(feature).length > 5


def _near(low: float, high: float) -> Callable[[Made, Mapping[str, Any], Any], bool]:
    def holds(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
        layer = made.layer(conflict["layer"])
        nearest = shapely.distance(layer.geometry.values, parcel.geometry).min()
        own = _feature(made, conflict).geometry.distance(parcel.geometry)
        return low <= own <= high and (conflict["hit"] or nearest >= low)

    return holds


def _crosses(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
    return bool(_feature(made, conflict).geometry.intersection(parcel.geometry).length > 2.0)


def _permit(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
    permit = _feature(made, conflict)
    return bool(parcel.geometry.contains(permit.geometry)) and permit.tinh_trang == "còn hiệu lực"


def _entry(kind: str, in_force: bool) -> Callable[[Made, Mapping[str, Any], Any], bool]:
    def holds(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
        entry = _feature(made, conflict)
        keyed = (entry.ma_xa, entry.so_to, entry.so_thua) == (parcel.ma_xa, parcel.so_to, parcel.so_thua)
        until = pd.Timestamp.max if pd.isna(entry.hieu_luc_den) else entry.hieu_luc_den
        held = bool(entry.hieu_luc_tu <= pd.Timestamp("2026-11-21") <= until)
        return keyed and entry.loai_ngan_chan == kind and held is in_force

    return holds


def _same_old_number(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
    parcels = made.layer("parcel")
    same = parcels[
        (parcels["ma_xa"] == parcel.ma_xa) & (parcels["so_to_cu"] == parcel.so_to_cu)
        & (parcels["so_thua_cu"] == parcel.so_thua_cu)
    ]  # fmt: skip
    return len(same) == 2


def _certificate(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
    return bool(parcel.dien_tich_phap_ly > 1.4 * parcel.dien_tich)


def _small(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
    return bool(parcel.geometry.area < 60)


def _planned_share(low: float, high: float) -> Callable[[Made, Mapping[str, Any], Any], bool]:
    def holds(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
        plan = made.layer("land_use_plan")
        same = plan[plan["ma_loai_dat"] == conflict["inputs"]["claimed_use"]].geometry.values
        covered = parcel.geometry.intersection(shapely.union_all(same)).area
        return bool(low <= covered / parcel.geometry.area <= high)

    return holds


def _since(column: str, before: str | None, after: str | None) -> Callable[[Made, Mapping[str, Any], Any], bool]:
    def holds(made: Made, conflict: Mapping[str, Any], parcel: Any) -> bool:
        feature = _feature(made, conflict)
        value = np.datetime64(feature[column])
        is_past = before is None or value < np.datetime64(before)
        is_future = after is None or value > np.datetime64(after)
        return bool(is_past and is_future and parcel.geometry.intersection(feature.geometry).area > 10)

    return holds


HOLDS: Mapping[str, Callable[[Made, Mapping[str, Any], Any], bool]] = {
    "water_corridor_large": _overlap(50, 500), "water_corridor_60_m2": _overlap(59, 61),
    "water_corridor_5_m2": _overlap(4.9, 5.1), "water_corridor_below_threshold": _overlap(0.5, 0.7),
    "water_corridor_touches": _touches, "water_corridor_not_yet_effective": _since("hieu_luc_tu", None, "2090-01-01"),
    "power_500": _overlap(15), "power_to_220": _overlap(10), "heritage_zone_1": _overlap(5),
    "heritage_zone_2": _overlap(5),
    "road_corridor": _overlap(10), "intake_zone_1": _overlap(5), "wetland": _overlap(2), "mineral_area": _overlap(40),
    "mineral_area_expired": _since("hieu_luc_den", "2025-01-01", None), "industrial_park": _overlap(500),
    "rice_land": _overlap(60), "red_line": _crosses, "building_line": _crosses, "landfill": _near(0, 1000),
    "cemetery": _near(0, 1000), "permit_in_force": _permit, "petrol_within_300_m": _near(289, 291),
    "petrol_at_300_m": _near(300.01, 300.1), "petrol_beyond_300_m": _near(311, 313), "blocked": _entry("ngăn chặn",
    True),
    "disputed": _entry("tranh chấp", True), "seized": _entry("kê biên", True),
    "block_expired": _entry("ngăn chặn", False), "block_not_yet_effective": _entry("ngăn chặn", False),
    "same_old_number": _same_old_number, "certificate_far_off": _certificate, "below_minimum_area": _small,
    "plan_inside": _planned_share(0.9999, 1.0001), "plan_cut": _planned_share(0.05, 0.95),
    "plan_other": _planned_share(0, 0),
}  # fmt: skip
