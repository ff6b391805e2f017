"""Layers of the whole province: communes, water, roads, power, parks, reserves, with corridors of the legal widths."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry as Geometry
from shapely.ops import substring

from layers.profile.grammar import Commune

from . import geography
from .chance import Waves, stream
from .geography import LEGAL_POWER_M, LEGAL_ROAD_M, LEGAL_WATER_M, PowerRoute, River
from .ground import Ground, metres, on_millimetre
from .themes import DECIDED, Themes, areas_only, decision

SPAN_M = {500: 450.0, 220: 380.0, 110: 280.0, 35: 120.0, 22: 70.0}
LAKE_M = 15.0  #: each side of a lake's bank
STRETCH_M = 6000.0  #: corridors are decided section by section
ROMAN = {
    "cap_I": "I",
    "cap_II": "II",
    "cap_III": "III",
    "cap_IV": "IV",
    "cap_V": "V",
    "cap_VI": "VI",
    "cao_toc": "cao tốc",
}


def lay_out(ground: Ground, communes: Mapping[str, Commune], themes: Themes) -> None:
    """All of them, in a fixed order."""
    _communes(ground, communes, themes)
    _water(ground, themes)
    _roads(ground, themes)
    _power(ground, themes)
    _parks(ground, themes)
    _reserves(ground, themes)
    _intakes(ground, themes)


def home_of(ground: Ground, place: Geometry) -> str:
    """The code of the commune a place lies in, else of the nearest."""
    distances = shapely.distance(np.array(ground.communes, dtype=object), shapely.point_on_surface(place))
    return ground.towns[int(np.argmin(distances))].code


def _communes(ground: Ground, communes: Mapping[str, Commune], themes: Themes) -> None:
    rows = [communes[town.code] for town in ground.towns]
    themes.add(
        "commune", [row.code for row in rows], ground.communes, ma_xa=[row.code for row in rows],
        ten_xa=[row.name for row in rows], loai=[row.kind for row in rows],
        dien_tich_km2=[round(shape.area / 1e6, 2) for shape in ground.communes],
    )  # fmt: skip


def _water(ground: Ground, themes: Themes) -> None:
    kinds = {"Sông": "sông", "Rạch": "rạch", "Kênh": "kênh", "Suối": "suối"}
    rivers = [(r, course, areas_only(s.intersection(ground.province))) for r, course, s in ground.rivers]
    keys = [river.id for river, _, _ in rivers] + [f"HO{n:02d}" for n in range(1, len(ground.lakes) + 1)]
    names = [river.name for river, _, _ in rivers] + [name for name, _ in ground.lakes]
    shapes = [surface for _, _, surface in rivers] + [shape for _, shape in ground.lakes]
    kind = [kinds[river.name.split()[0]] for river, _, _ in rivers] + ["hồ"] * len(ground.lakes)
    widths = [LEGAL_WATER_M[river.grade] for river, _, _ in rivers] + [LAKE_M] * len(ground.lakes)
    themes.add(
        "water_body", keys, shapes, ma_nguon_nuoc=keys, ten_nguon_nuoc=names, loai=kind, hanh_lang_m=widths,
    )  # fmt: skip
    for number, (river, course, surface) in enumerate(rivers):
        _water_corridor(ground, themes, river, course, surface, number)
    for number, (name, lake) in enumerate(ground.lakes, 1):
        zone = areas_only(lake.buffer(LAKE_M).difference(lake).intersection(ground.province))
        water_corridor(themes, f"HO{number:02d}-01", name, zone, LAKE_M, 100 + number, "Bảo vệ hồ chứa")


def _water_corridor(
    ground: Ground, themes: Themes, river: River, course: LineString, surface: Geometry, number: int
) -> None:
    """From the bank edge, by the grade of the watercourse, cut into sections across the course."""
    width = LEGAL_WATER_M[river.grade]
    zone = surface.buffer(width, quad_segs=8).difference(surface).intersection(ground.province)
    count = max(int(course.length // STRETCH_M), 1)
    marks = np.linspace(0, course.length, count + 1)
    cells = shapely.voronoi_polygons(
        shapely.multipoints([course.interpolate((a + b) / 2) for a, b in pairwise(marks)]),
        extend_to=zone,
    ) if count > 1 else shapely.GeometryCollection([zone.envelope])  # fmt: skip
    middles = [course.project(shapely.centroid(cell.intersection(zone))) for cell in cells.geoms]
    order = np.argsort(middles, kind="stable")
    section = 0
    for index in order:
        part = areas_only(zone.intersection(cells.geoms[int(index)]))
        if not part.is_empty:
            section += 1
            water_corridor(themes, f"{river.id}-{section:02d}", river.name, part, width, number + 1, river.purpose)


def water_corridor(
    themes: Themes, key: str, name: str, shape: Geometry, width_m: float, number: int, purpose: str
) -> None:
    themes.one(
        "water_corridor", "ma_doan", key, shape, ten_nguon_nuoc=name, chuc_nang=purpose, pham_vi_m=width_m,
        so_qd=decision(number), ngay_qd=DECIDED, hieu_luc_tu=date(2025, 10, 1), ghi_chu="Dữ liệu tổng hợp",
    )  # fmt: skip


def _roads(ground: Ground, themes: Themes) -> None:
    every_land = shapely.union_all([land for _, _, land in ground.roads])
    for number, (road, axis, _) in enumerate(ground.roads):
        inside = axis.intersection(ground.province)
        grade = "đô thị" if road.is_urban else ROMAN[road.grade]
        themes.one(
            "road", "ma_doan_duong", road.id, inside, ten_duong=road.name, cap_ky_thuat=grade, do_thi=road.is_urban,
            be_rong_m=road.land_m,
        )  # fmt: skip
        if not road.is_urban:  # an urban road's corridor is its red line
            width = LEGAL_ROAD_M[road.grade]
            band = axis.buffer(road.land_m / 2 + width, cap_style="flat", quad_segs=8)
            zone = areas_only(band.intersection(ground.province).difference(every_land))
            themes.one(
                "road_corridor", "ma_hanh_lang", f"HL-{road.id}", zone, ten_duong=road.name, cap_ky_thuat=grade,
                be_rong_moi_ben_m=width, so_qd=decision(200 + number), ngay_qd=DECIDED,
            )  # fmt: skip
        if road.grade in ("cap_I", "cap_II", "cap_III"):
            _red_lines(ground, themes, road.id, road.name, axis, road.land_m, number)
    spots = shapely.point_on_surface(list(ground.lanes))
    lane, town = shapely.STRtree(ground.communes).query(spots, "intersects")
    homes = np.full(len(spots), "", dtype=object)
    homes[lane] = np.array([spot.code for spot in ground.towns], dtype=object)[town]
    is_town = [code in _WARDS for code in homes]
    keys = [f"DD{n:05d}" for n in range(1, len(ground.lanes) + 1)]
    themes.files.add(
        "road", ground.lanes, ma_doan_duong=keys, ten_duong=[f"Đường nhỏ {n} (giả định)" for n in range(1,
        len(keys) + 1)],
        cap_ky_thuat=["đô thị" if t else "VI" for t in is_town], do_thi=is_town, be_rong_m=[7.0] * len(keys),
    )  # fmt: skip


_WARDS = frozenset(town.code for town in geography.TOWNS if town.weight >= 1.4)


def _red_lines(
    ground: Ground, themes: Themes, key: str, name: str, axis: LineString, land_m: float, number: int
) -> None:
    """Where a road is to be widened the red line runs through the first row of parcels; the building line behind it."""
    random = stream(ground.seed, "red lines", key)
    for town, centre in enumerate(ground.centres):
        at = axis.project(Point(centre))
        if axis.distance(Point(centre)) > 900 or not 300 < at < axis.length - 300:
            continue
        stretch = substring(axis, max(at - 700, 0), min(at + 700, axis.length))
        beyond = land_m / 2 + 4.5 + 2.5 * random.random()
        for kind, extra in (("chỉ giới đường đỏ", 0.0), ("chỉ giới xây dựng", 3.0)):
            sides = [shapely.offset_curve(stretch, side * (beyond + extra), quad_segs=4) for side in (1, -1)]
            line = on_millimetre(shapely.union_all(sides).intersection(ground.province))
            themes.one(
                "red_line", "ma_chi_gioi", f"CG-{key}-{town:02d}-{'D' if not extra else 'X'}", line, loai=kind,
                ten_duong=name, lo_gioi_m=round(2 * beyond, 1), so_qd=decision(300 + number), ngay_qd=DECIDED,
            )  # fmt: skip


def _power(ground: Ground, themes: Themes) -> None:
    """Straight from tower to tower; towers stand a span apart, bends are where the route turns."""
    bends: dict[geography.Km, tuple[int, list[str]]] = {}
    waves = Waves.of(ground.seed, "wide", (420, 7600), (85, 1700))  # towns moved so: lines must follow
    for route in geography.POWER:
        corners = waves.bend(metres(route.course))
        line = _towers(corners, SPAN_M[route.kilovolts])
        inside = line.intersection(ground.province)
        themes.one(
            "power_line", "ma_duong_day", route.id, inside, ten=route.name, cap_dien_ap_kv=str(route.kilovolts),
            so_mach=2 if route.kilovolts >= 220 else 1, day_boc=route.is_insulated, be_rong_tuyen=route.spread_m,
        )  # fmt: skip
        _power_corridor(themes, route, inside)
        for corner in route.course:
            known = bends.get(corner, (0, []))
            bends[corner] = (max(known[0], route.kilovolts), [*known[1], route.id])
    stations = [(at, kv) for at, (kv, lines) in bends.items() if len(lines) > 1]
    for number, (at, kilovolts) in enumerate(stations, 1):
        place = Point(waves.bend(metres([at]))[0])
        if ground.province.contains(place):
            themes.one(
                "substation", "ma_tram", f"TBA{number:02d}", place, ma_xa=home_of(ground, place),
                ten=f"Trạm {kilovolts} kV số {number} (giả định)", cap_dien_ap_kv=str(kilovolts),
                cong_suat_mva={500: 900.0, 220: 250.0, 110: 63.0}.get(kilovolts, 25.0),
            )  # fmt: skip


def _towers(corners: np.ndarray, span_m: float) -> LineString:
    points = [corners[:1]]
    for start, end in pairwise(corners):
        count = max(int(np.hypot(*(end - start)) / span_m), 1)
        points.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return LineString(np.round(np.vstack(points), 3))


def _power_corridor(themes: Themes, route: PowerRoute, line: Geometry) -> None:
    """Half the spread of the conductors and the legal width beyond the outermost one."""
    width = LEGAL_POWER_M[route.kilovolts][0 if route.is_insulated else 1]
    zone = areas_only(line.buffer(route.spread_m / 2 + width, cap_style="flat", join_style="mitre"))
    themes.one(
        "power_corridor", "ma_hanh_lang", f"HL-{route.id}", zone, ma_duong_day=route.id, ten=route.name,
        cap_dien_ap_kv=str(route.kilovolts), be_rong_moi_ben_m=width,
    )  # fmt: skip


def _parks(ground: Ground, themes: Themes) -> None:
    for number, (name, kind, shape) in enumerate(ground.parks, 1):
        layer, key = ("industrial_park", "ma_kcn") if kind == "kcn" else ("industrial_cluster", "ma_ccn")
        home = {} if kind == "kcn" else {"ma_xa": home_of(ground, shape)}
        random = stream(ground.seed, "park", number)
        sales = {"doanh_thu_ty_dong": round(2000 + 9000 * random.random(), 1)} if kind == "kcn" else {}
        themes.one(
            layer, key, f"{kind.upper()}{number:02d}", areas_only(shape.intersection(ground.province)),
            ten=f"{name} (giả định)", dien_tich_ha=round(shape.area / 1e4, 2),
            chu_dau_tu="Công ty Hạ tầng Mẫu (giả định)",
            ty_le_lap_day=round(55 + 40 * random.random(), 1), so_qd=decision(400 + number), ngay_qd=DECIDED,
            **home, **sales,
        )  # fmt: skip


def _reserves(ground: Ground, themes: Themes) -> None:
    kinds = {"rung_phong_ho": "rừng phòng hộ", "dat_ngap_nuoc": "đất ngập nước", "canh_quan": "khu bảo tồn"}
    for number, (name, kind, shape) in enumerate(ground.reserves, 1):
        if kind in kinds:
            protected(
                themes, f"BT{number:02d}", name, kinds[kind], areas_only(shape.intersection(ground.province)), number
            )


def protected(themes: Themes, key: str, name: str, kind: str, shape: Geometry, number: int) -> None:
    themes.one(
        "protected_area", "ma_khu", key, shape, ten=name, loai=kind, cap_bao_ve="tỉnh", so_qd=decision(500 + number),
        ngay_qd=DECIDED, hieu_luc_tu=date(2025, 10, 1),
    )  # fmt: skip


def _intakes(ground: Ground, themes: Themes) -> None:
    """Surface intakes on the large rivers: 200 m up, 100 m down for zone I; 1,000 m up, 250 m down for zone II."""
    number = 0
    for river, course, _ in ground.rivers[:4]:
        for share in (0.3, 0.62, 0.84):
            at = share * course.length
            place = course.interpolate(at)
            if not ground.province.buffer(40).contains(place):
                continue
            number += 1
            name = f"Trạm lấy nước {number} – {river.name}"
            code = home_of(ground, place)
            place = place if ground.province.contains(place) else shapely.ops.nearest_points(ground.province, place)[0]
            themes.one(
                "water_intake", "ma_diem", f"LN{number:02d}", place, ma_xa=code, ten=name, loai_nguon="nước mặt",
                cong_suat_m3_ngay=round(20_000 + 9_000.0 * number), huong_dong=180.0, so_gp=f"GĐ-LN-{number:02d}",
            )  # fmt: skip
            zones = [
                substring(course, max(at - up, 0), min(at + down, course.length)).buffer(
                    river.width_m / 2 + beside, cap_style="flat", quad_segs=6
                )
                for up, down, beside in ((200, 100, 30), (1000, 250, 90))
            ]
            for zone, shape in (("I", zones[0]), ("II", zones[1].difference(zones[0]))):
                intake_zone(
                    themes, f"LN{number:02d}", name, zone, areas_only(shape.intersection(ground.province)), number
                )


def intake_zone(themes: Themes, intake: str, name: str, zone: str, shape: Geometry, number: int) -> None:
    themes.one(
        "intake_protection", "ma_vung", f"{intake}-{zone}", shape, ma_diem=intake, ten_diem=name, khu_vuc=zone,
        so_qd=decision(600 + number), ngay_qd=DECIDED, hieu_luc_tu=date(2025, 10, 1),
    )  # fmt: skip
