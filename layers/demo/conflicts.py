"""Conflicts planted on purpose, each with the parcel, the feature, the check that must see it, and why.

What is listed was measured on the finished shapes; a kind that a small province does not offer is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from shapely import Point, Polygon, STRtree

from . import country, local
from .cadastre import Parcels
from .files import SYNTHETIC, write_json
from .local import Place
from .settlement import Density
from .themes import Feature, areas_only

PER_KIND = 3
HOME_INPUTS = {"target_area_m2": 50}
PERMIT_INPUTS = {"building_use": "NHA_O", "storeys": 2}
SITING_INPUTS = {"station_level": 2}


@dataclass(frozen=True, slots=True)
class Conflict:
    """One planted case. `hit` says whether the feature must count; `outcomes` are those the check may have."""

    id: str
    kind: str
    parcel: str
    commune: str
    sheet: str
    number: str
    layer: str | None
    feature: str | None
    procedure: str | None
    check: str | None
    inputs: Mapping[str, object]
    hit: bool | None
    outcomes: tuple[str, ...]
    measured: Mapping[str, float]
    why_vi: str
    why_en: str


@dataclass(slots=True)
class Site:
    """A commune while conflicts are planted in it."""

    place: Place
    tree: STRtree
    random: np.random.Generator
    used: set[int] = field(default_factory=set)

    @property
    def parcels(self) -> Parcels:
        return self.place.parcels

    def lot(self, row: int) -> Polygon:
        shape: Polygon = self.parcels.shapes[row]
        return shape

    def unused(self, rows: Sequence[int] | np.ndarray) -> Iterator[int]:
        for row in rows:
            if int(row) not in self.used:
                yield int(row)

    def some(self, mask: np.ndarray, count: int = 200) -> np.ndarray:
        """Rows of a mask in a chance order."""
        rows = np.flatnonzero(mask)
        return self.random.permutation(rows)[:count]


@dataclass(frozen=True, slots=True)
class Case:
    """What a finder or planter found: the rest of a conflict is the same for a kind."""

    row: int
    feature: str | None
    measured: Mapping[str, float]
    inputs: Mapping[str, object] = field(default_factory=dict)


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


def plant(place: Place, before: Sequence[Conflict]) -> list[Conflict]:
    """The conflicts of one commune; kinds take turns so that they are spread over the province."""
    site = Site(place, STRtree(place.parcels.shapes), place.random("conflicts"))
    counts = {kind.id: sum(1 for conflict in before if conflict.kind == kind.id) for kind in KINDS}
    made: list[Conflict] = []
    for number, kind in enumerate(KINDS):
        is_turn = kind.id in FOUND or (place.town + number) % 4 == 0
        if counts[kind.id] >= PER_KIND or not is_turn:
            continue
        case = kind.make(site)
        if case is not None:
            site.used.add(case.row)
            made.append(_conflict(site.parcels, kind, case, len(before) + len(made) + 1))
    return made


def _conflict(parcels: Parcels, kind: Kind, case: Case, number: int) -> Conflict:
    row = case.row
    return Conflict(
        f"VM{number:03d}", kind.id, parcels.key(row), parcels.commune.code, str(parcels.sheets[row]),
        str(parcels.numbers[row]), kind.layer, case.feature, kind.procedure, kind.check, case.inputs, kind.hit,
        kind.outcomes, {name: round(float(value), 3) for name, value in case.measured.items()}, kind.why_vi, kind.why_en,
    )  # fmt: skip


def write_conflicts(out: Path, conflicts: Sequence[Conflict]) -> None:
    """`conflicts.json` for programs, `conflicts.csv` for people."""
    rows = [asdict(conflict) for conflict in conflicts]
    write_json(out / "conflicts.json", {"synthetic": SYNTHETIC, "conflicts": rows})
    with (out / "conflicts.csv").open("w", encoding="utf-8-sig", newline="") as file:
        file.write(f"# {SYNTHETIC}\n")
        writer = csv.DictWriter(file, [name for name in Conflict.__dataclass_fields__])
        writer.writeheader()
        writer.writerows(rows)


# ── found: what the lie of the land brings about by itself ───────────────────────────────────────


def overlapping(
    layer: str, low_m2: float, high_m2: float, inputs: Mapping[str, object], **attributes: object
) -> Callable[[Site], Case | None]:
    """A lot whose overlap with one feature lies between two areas, and clearly above the least."""

    def find(site: Site) -> Case | None:
        for feature in _features(site, layer, attributes):
            for row in site.unused(np.sort(site.tree.query(feature.shape, "intersects"))):
                area = site.lot(row).intersection(feature.shape).area
                sure = low_m2 <= area <= high_m2 and site.lot(row).intersection(feature.shape.buffer(-0.9)).area > 2.0
                if sure:
                    return Case(row, feature.key, {"area_m2": area}, inputs)
        return None

    return find


def crossing(kind: str) -> Callable[[Site], Case | None]:
    """A lot with more than two metres of a red or building line inside."""

    def find(site: Site) -> Case | None:
        for feature in _features(site, "red_line", {"loai": kind}):
            for row in site.unused(np.sort(site.tree.query(feature.shape, "intersects"))):
                length = site.lot(row).buffer(-0.5).intersection(feature.shape).length
                if length > 2.0:
                    whole = site.lot(row).intersection(feature.shape).length
                    return Case(row, feature.key, {"length_m": whole}, PERMIT_INPUTS)
        return None

    return find


def within(
    layer: str, distance_m: float, inputs: Mapping[str, object], **attributes: object
) -> Callable[[Site], Case | None]:
    """A lot clearly nearer to a feature than a distance."""

    def find(site: Site) -> Case | None:
        for feature in _features(site, layer, attributes, distance_m):
            for row in site.unused(np.sort(site.tree.query(feature.shape, "dwithin", distance=distance_m * 0.97))):
                return Case(row, feature.key, {"distance_m": site.lot(row).distance(feature.shape)}, inputs)
        return None

    return find


def permit_inside(site: Site) -> Case | None:
    """A lot with a permit in force at a point well inside."""
    for feature in _features(site, "building_permit", {"tinh_trang": "còn hiệu lực"}):
        for row in site.unused(site.tree.query(feature.shape, "within")):
            if site.lot(row).exterior.distance(feature.shape) > 2.5:
                return Case(row, feature.key, {"count": 1}, PERMIT_INPUTS)
    return None


def small_lot(site: Site) -> Case | None:
    """A dwelling lot below the least area."""
    for row in site.unused(site.some((site.parcels.areas_m2 < 55) & (site.parcels.densities == Density.URBAN))):
        return Case(row, None, {"area_m2": site.parcels.areas_m2[row]}, {**HOME_INPUTS, "target_use": "ODT"})
    return None


def plan_inside(site: Site) -> Case | None:
    """A lot wholly inside one area of the plan, well away from its edge."""
    for row, feature in _planned(site):
        if feature.shape.buffer(-4).contains(site.lot(row)):
            use = {"claimed_use": feature.attributes["ma_loai_dat"]}
            return Case(row, feature.key, {"area_m2": site.lot(row).area}, use)
    return None


def plan_cut(site: Site) -> Case | None:
    """A lot that the edge of its planned area cuts."""
    for row, feature in _planned(site):
        use = feature.attributes["ma_loai_dat"]
        same = [f.shape for f in site.place.themes.near("land_use_plan", site.lot(row)) if f.attributes["ma_loai_dat"] == use]
        covered = site.lot(row).intersection(shapely.union_all(same).buffer(4)).area
        if 0.2 * site.lot(row).area < covered < 0.85 * site.lot(row).area:
            exact = site.lot(row).intersection(shapely.union_all(same)).area
            return Case(row, feature.key, {"area_m2": exact}, {"claimed_use": use})
    return None


def plan_other(site: Site) -> Case | None:
    """A lot far from any area planned as what is declared."""
    for row, _ in _planned(site):
        near = site.place.themes.near("land_use_plan", site.lot(row), 8)
        if all(feature.attributes["ma_loai_dat"] != "DYT" for feature in near):
            return Case(row, None, {"area_m2": 0.0}, {"claimed_use": "DYT"})
    return None


def _planned(site: Site) -> Iterator[tuple[int, Feature]]:
    for row in site.unused(site.some(site.parcels.areas_m2 > 60, 500)):
        for feature in site.place.themes.near("land_use_plan", site.lot(row))[:2]:
            yield row, feature


def _features(site: Site, layer: str, attributes: Mapping[str, object], reach_m: float = 0.0) -> list[Feature]:
    """Features of a layer with these values near the commune's parcels."""
    area = shapely.box(*shapely.total_bounds(site.parcels.shapes))
    wanted = [
        feature
        for feature in site.place.themes.near(layer, area, reach_m)
        if all(feature.attributes.get(name) in _as_tuple(value) for name, value in attributes.items())
    ]
    return [wanted[int(index)] for index in site.random.permutation(len(wanted))]


def _as_tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


# ── planted: features made for one lot ───────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FreeSide:
    """A side of a lot with open ground before it: the ends of the side, and the way out (unit vector)."""

    row: int
    start: np.ndarray
    end: np.ndarray
    out: np.ndarray

    @property
    def along(self) -> np.ndarray:
        way = self.end - self.start
        return way / np.hypot(*way)

    def strip(self, near_m: float, far_m: float, beyond_m: float) -> Polygon:
        """The ground between two distances from the side; the side itself where `near_m` is 0."""
        first, last = self.start - self.along * beyond_m, self.end + self.along * beyond_m
        inner = [first, self.start, self.end, last]
        points = [p + self.out * near_m for p in inner] + [p + self.out * far_m for p in (last, first)]
        return Polygon(np.round(np.array(points), 3))


def free_side(site: Site, depth_m: float = 36.0) -> FreeSide | None:
    """The first long side of an unused lot with nothing built, wet or paved before it."""
    for row in site.unused(site.some(site.parcels.densities != Density.INDUSTRIAL, 500)):
        ring = shapely.get_coordinates(shapely.orient_polygons(site.lot(row)).exterior)
        lengths = np.hypot(*np.diff(ring, axis=0).T)
        for edge in np.argsort(-lengths, kind="stable")[:2]:
            start, end = ring[edge], ring[edge + 1]
            way = (end - start) / lengths[edge]
            side = FreeSide(row, start, end, np.array([way[1], -way[0]]))
            if lengths[edge] > 7 and _is_free(site, side, depth_m):
                return side
    return None


def _is_free(site: Site, side: FreeSide, depth_m: float) -> bool:
    ground = side.strip(0.2, depth_m, 14.0)
    if len(site.tree.query(ground, "intersects")) or not site.place.ground.communes[site.place.town].contains(ground):
        return False
    themes = site.place.themes
    return not any(themes.near(layer, ground, 30) for layer in ("water_body", "road_corridor", "water_corridor"))


def ditch(wanted_m2: float, tolerance_m2: float, key: str, since: date = date(2025, 10, 1)) -> Callable[[Site], Case | None]:
    """A ditch before a lot whose legal corridor (10 m) takes so many square metres of it."""

    def make(site: Site) -> Case | None:
        side = free_side(site)
        if side is None:
            return None
        lot, width = site.lot(side.row), country.LEGAL_WATER_M[4]
        into = _depth_for(side, lot, wanted_m2)
        near = side.strip(-into, width - into, 12.0)
        area = lot.intersection(near).area
        if abs(area - wanted_m2) > tolerance_m2 or (wanted_m2 == 0 and not near.touches(lot)):
            return None
        number = site.place.themes.number_of("water_corridor")
        code = f"{key}-{site.place.code}"
        channel = side.strip(width - into, width - into + 3.0, 12.0)
        far = side.strip(width - into + 3.0, 2 * width - into + 3.0, 12.0)
        site.place.themes.one("water_body", "ma_nguon_nuoc", code, channel, ten_nguon_nuoc=f"Mương {code} (giả định)",
                              loai="rạch")  # fmt: skip
        site.place.themes.one(
            "water_corridor", "ma_doan", code, shapely.MultiPolygon([near, far]), ten_nguon_nuoc=f"Mương {code} (giả định)",
            chuc_nang="Tiêu thoát nước", pham_vi_m=width, so_qd=country.decision(800 + number), ngay_qd=country.DECIDED,
            hieu_luc_tu=since, ghi_chu="Cài sẵn để kiểm thử",
        )  # fmt: skip
        return Case(side.row, code, {"area_m2": area}, {**HOME_INPUTS, "target_use": site.place.home})

    return make


def _depth_for(side: FreeSide, lot: Polygon, wanted_m2: float) -> float:
    """How deep the corridor must reach into the lot (halving; the area grows with the depth)."""
    low, high = 0.0, 9.0 if wanted_m2 else 0.0
    for _ in range(40):
        middle = (low + high) / 2
        taken = lot.intersection(side.strip(-middle, 10.0 - middle, 12.0)).area
        low, high = (middle, high) if taken < wanted_m2 else (low, middle)
    return round(high, 3)


def borehole(site: Site) -> Case | None:
    """A borehole before a lot: zone I is the circle of 25 m around it."""
    side = free_side(site)
    if side is None:
        return None
    spot = Point(np.round((side.start + side.end) / 2 + side.out * 14.0, 3))
    key = f"GK-{site.place.code}"
    site.place.themes.one(
        "water_intake", "ma_diem", key, spot, ma_xa=site.place.code, ten=f"Giếng khoan {key} (giả định)",
        loai_nguon="nước dưới đất", cong_suat_m3_ngay=400.0, so_gp=f"GĐ-{key}",
    )  # fmt: skip
    zone = areas_only(spot.buffer(25.0, quad_segs=16))
    country.intake_zone(site.place.themes, key, f"Giếng khoan {key} (giả định)", "I", zone, 90)
    inputs = {**HOME_INPUTS, "target_use": site.place.home}
    return Case(side.row, f"{key}-I", {"area_m2": site.lot(side.row).intersection(zone).area}, inputs)


def wetland(site: Site) -> Case | None:
    """A small wetland that reaches two metres into a lot."""
    side = free_side(site)
    if side is None:
        return None
    zone = side.strip(-3.5, 30.0, 8.0)
    key = f"DNN-{site.place.code}"
    country.protected(site.place.themes, key, f"Đất ngập nước {key} (giả định)", "đất ngập nước", zone, 90)
    inputs = {**HOME_INPUTS, "target_use": site.place.home}
    return Case(side.row, key, {"area_m2": site.lot(side.row).intersection(zone).area}, inputs) \
        if site.lot(side.row).intersection(zone.buffer(-3.2)).area > 1.5 else None  # fmt: skip


def mine(until: date, key: str) -> Callable[[Site], Case | None]:
    """A quarry over most of a field; in force or not."""

    def make(site: Site) -> Case | None:
        for row in site.unused(site.some((site.parcels.densities == Density.RURAL) & (site.parcels.areas_m2 > 900))):
            shape = areas_only(site.lot(row).centroid.buffer(26, quad_segs=5))
            inner = site.lot(row).intersection(shape.buffer(-3.5)).area
            if inner < 40 or site.place.themes.near("mineral_area", site.lot(row), 30):
                continue
            code = f"{key}-{site.place.code}"
            local.mineral_area(site.place, code, shape, date(2015, 1, 1), until)
            return Case(row, code, {"area_m2": site.lot(row).intersection(shape).area}, {"claimed_use": "CLN"})
        return None

    return make


def station(distance_m: float, key: str) -> Callable[[Site], Case | None]:
    """A petrol station at an exact distance from a lot, none other near."""

    def make(site: Site) -> Case | None:
        for row in site.unused(site.some(site.parcels.areas_m2 > 100, 60)):
            lot = site.lot(row)
            if site.place.themes.near("petrol_station", lot, 700):
                continue
            way = np.array([np.cos(row), np.sin(row)])
            spot = _at_distance(lot, way, distance_m)
            code = f"{key}-{site.place.code}"
            if site.place.ground.communes[site.place.town].contains(spot):
                local.petrol_station(site.place, code, spot)
                return Case(row, code, {"distance_m": lot.distance(spot)}, SITING_INPUTS)
        return None

    return make


def _at_distance(lot: Polygon, way: np.ndarray, distance_m: float) -> Point:
    """The point on a ray from the middle of a lot at a distance from the lot."""
    middle = np.array(lot.centroid.coords[0])
    low, high = 0.0, distance_m + 500
    for _ in range(60):
        reach = (low + high) / 2
        low, high = (reach, high) if lot.distance(Point(middle + way * reach)) < distance_m else (low, reach)
    return Point(np.round(middle + way * high, 3))


def entry(kind: str, since: date, until: date | None, key: str) -> Callable[[Site], Case | None]:
    """A register entry on a lot."""

    def make(site: Site) -> Case | None:
        for row in site.unused(site.some(site.parcels.densities <= Density.SUBURBAN, 40)):
            code = f"{key}-{site.place.code}"
            local.register_entry(site.place, code, row, kind, since, until)
            return Case(row, code, {"count": 1}, {"claimed_use": site.place.home})
        return None

    return make


def same_old_number(site: Site) -> Case | None:
    """Two parcels of two former communes that had the same sheet and number: a look-up by the old number finds both."""
    rows = list(site.unused(site.some(site.parcels.densities <= Density.SUBURBAN, 40)))[:2]
    if len(rows) < 2:
        return None
    for row in rows:
        site.parcels.old_sheets[row], site.parcels.old_numbers[row] = "901", "7"
    site.used.update(rows)
    return Case(rows[0], site.parcels.key(rows[1]), {"count": 2}, {"sheet": "901", "number": "7"})


def far_certificate(site: Site) -> Case | None:
    """A certificate whose area is far from the map."""
    for row in site.unused(site.some(site.parcels.areas_m2 > 80, 40)):
        site.parcels.certificate_m2[row] = round(float(site.parcels.areas_m2[row]) * 1.45, 1)
        return Case(row, None, {"area_m2": site.parcels.areas_m2[row], "registered_m2": site.parcels.certificate_m2[row]})
    return None


def river_corridor(site: Site) -> Case | None:
    return overlapping("water_corridor", 50, 500, {**HOME_INPUTS, "target_use": site.place.home})(site)


#: kinds that the lie of the land brings about here and there: looked for in every commune
FOUND = frozenset({
    "water_corridor_large", "power_500", "power_to_220", "heritage_zone_1", "heritage_zone_2", "industrial_park", "rice_land",
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
    Kind("water_corridor_below_threshold", ditch(0.6, 0.05, "MV0"), "water_corridor", "land_use_change", "water_corridor",
         False, ("borderline",), "Phần lấn 0,6 m², dưới ngưỡng 1 m² nhưng trong sai số bản đồ.",
         "0.6 m² is below the threshold of 1 m², within the accuracy of the map."),
    Kind("water_corridor_touches", ditch(0.0, 1e-6, "MVT"), "water_corridor", "land_use_change", "water_corridor", False,
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
         False, ("clear",), "Giấy phép khoáng sản đã hết hiệu lực ngày 31/12/2024.", "The licence ended on 2024-12-31."),
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
    Kind("petrol_within_300_m", station(290.0, "XDA"), "petrol_station", "petrol_station_siting", "other_stations", True,
         AFFECTED, "Có cửa hàng xăng dầu cách 290 m (dưới 300 m).", "A petrol station at 290 m, below 300 m."),
    Kind("petrol_at_300_m", station(300.05, "XDB"), "petrol_station", "petrol_station_siting", "other_stations", False,
         ("borderline",), "Có cửa hàng xăng dầu cách 300,05 m: trong sai số.", "A petrol station at 300.05 m: within the accuracy."),
    Kind("petrol_beyond_300_m", station(312.0, "XDC"), "petrol_station", "petrol_station_siting", "other_stations", False,
         ("clear",), "Cửa hàng xăng dầu gần nhất cách 312 m.", "The nearest petrol station is at 312 m."),
    Kind("blocked", entry("ngăn chặn", date(2026, 2, 1), None, "NCA"), "parcel_block", "first_certificate", "blocks", True,
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
    Kind("certificate_far_off", far_certificate, "parcel", None, None, None, (),
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
