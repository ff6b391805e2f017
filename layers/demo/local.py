"""Layers made commune by commune, from its faces and parcels: status, plans, permits, sites, register entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry as Geometry

from .cadastre import Parcels, soil
from .chance import stream
from .country import home_of
from .ground import Ground, blob, on_millimetre
from .settlement import Density, Face, Lots, town_radius
from .themes import DECIDED, Themes, areas_only, decision

USES = ("đất ở", "thương mại dịch vụ", "công cộng", "cây xanh", "nông nghiệp", "giao thông", "công nghiệp")
#: highest density (%), storeys and floor area ratio by use
LIMITS = {
    "đất ở": (70.0, 7, 4.0), "thương mại dịch vụ": (60.0, 12, 6.0), "công cộng": (40.0, 5, 2.0),
    "cây xanh": (5.0, 1, 0.05), "nông nghiệp": (5.0, 1, 0.05), "giao thông": (0.0, 0, 0.0), "công nghiệp": (60.0, 4,
    2.4),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One commune under way."""

    ground: Ground
    town: int
    lots: Lots
    parcels: Parcels
    themes: Themes
    radius_m: float
    soils: tuple[str, ...]  #: what grows on each face

    @property
    def code(self) -> str:
        return self.parcels.commune.code

    @property
    def home(self) -> str:
        return "ODT" if self.parcels.commune.kind == "phường" else "ONT"

    @property
    def centre(self) -> tuple[float, float]:
        east, north = self.ground.centres[self.town]
        return float(east) / 1000, float(north) / 1000

    def random(self, name: str) -> np.random.Generator:
        return stream(self.ground.seed, name, self.code)


def place_of(ground: Ground, town: int, lots: Lots, parcels: Parcels, themes: Themes) -> Place:
    middles = shapely.get_coordinates(shapely.centroid([face.shape for face in lots.faces]))
    soils = tuple(_soil(ground.seed, middles).tolist())
    return Place(ground, town, lots, parcels, themes, town_radius(len(parcels.shapes)), soils)


def lay_out(place: Place, wet: Geometry) -> None:
    """All layers of one commune."""
    _status(place, wet)
    _land_use_plan(place)
    _zoning_plan(place)
    _heritage(place)
    _sites(place)
    _facilities(place)
    _petrol_stations(place)
    _permits(place)
    _register(place)
    _stations(place)


def _soil(seed: int, spots: np.ndarray) -> np.ndarray:
    level = soil(seed).level(spots)
    return np.select([level > 1.15, level > 0.42, level < -0.75], ["NTS", "LUC", "HNK"], "CLN")


def _open_land(place: Place, face: Face) -> str:
    """What covers a face where no lot is: large towns are built up beyond what the cadastre holds so far."""
    if face.density is Density.RESERVED:
        return "RPH"
    weight = place.ground.towns[place.town].weight
    if face.density is not Density.INDUSTRIAL and weight > 1.3 and face.away_m < 520 * weight:
        return place.home
    return "SKK" if face.density is Density.INDUSTRIAL else place.soils[face.number]


def _status(place: Place, wet: Geometry) -> None:
    """Built-up ground around the lots of each face, fields by land type, the rest by its soil, roads, water.

    `wet` is the water of the commune.
    """
    shapes, codes = [], []
    numbers = place.parcels.blocks // 100_000
    for face in place.lots.faces:
        own = np.flatnonzero(numbers == face.number)
        rest: Geometry = face.shape
        for code, group in _groups(place, face, own):
            part = areas_only(
                shapely.coverage_union_all(group).buffer(3, join_style="mitre").buffer(-3, join_style="mitre")
            )
            part = areas_only(part.intersection(rest))
            shapes.append(part)
            codes.append(code)
            rest = rest.difference(part)
        shapes.append(
            areas_only(rest.buffer(-0.6).buffer(0.6, join_style="mitre").intersection(rest)) if len(own) else rest
        )
        codes.append(_open_land(place, face))
    commune = place.ground.communes[place.town]
    roads = shapely.intersection([land for _, _, land in place.ground.roads if commune.intersects(land)], commune)
    shapes += [areas_only(shapely.union_all(roads).difference(wet)), areas_only(wet)]
    codes += ["DGT", "SON"]
    kept = [(shape, code) for shape, code in zip(shapes, codes, strict=True) if not shape.is_empty]
    keys = [f"HT-{place.code}-{n:04d}" for n in range(1, len(kept) + 1)]
    place.themes.add(
        "land_use_status", keys, [shape for shape, _ in kept], ma_khoanh=keys, ma_xa=[place.code] * len(kept),
        ma_loai_dat=[code for _, code in kept], dien_tich=[round(shape.area, 1) for shape, _ in kept],
        nam_kiem_ke=[2024] * len(kept),
    )  # fmt: skip


def _groups(place: Place, face: Face, own: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Lots of a face to be drawn as one: by land type in the country, all together in town."""
    if not len(own):
        return []
    if face.density is not Density.RURAL:
        return [(place.home if face.density is not Density.INDUSTRIAL else "SKK", place.parcels.shapes[own])]
    land = place.parcels.land[own]
    return [(code, place.parcels.shapes[own[land == code]]) for code in sorted(set(land.tolist()) - {"TMD", "NTD"})]


def _land_use_plan(place: Place) -> None:
    """Dwellings as far as the plan lets the town grow; its edge follows no parcel."""
    random = place.random("plan")
    growth = blob(place.centre, place.radius_m * 2.1 + 120, place.ground.seed, f"growth {place.code}")
    rows: list[tuple[Geometry, str, str | None]] = []
    for face in place.lots.faces:
        built, rest = face.shape.intersection(growth), face.shape.difference(growth)
        chance = random.random()
        use = place.home if chance < 0.72 else "TMD" if chance < 0.86 else "DKV" if chance < 0.93 else "DGD"
        project = None if use == place.home else f"Dự án mẫu {face.number} (giả định)"
        if face.density in (Density.INDUSTRIAL, Density.RESERVED):
            rows.append((face.shape, _open_land(place, face), None))
            continue
        rows.append((built, use, project))
        rows.append((rest, _open_land(place, face) if chance > 0.08 else place.home, None))
    commune = place.ground.communes[place.town]
    roads = shapely.intersection([land for _, _, land in place.ground.roads if commune.intersects(land)], commune)
    rows.append((shapely.union_all(roads), "DGT", "Mạng lưới đường chính (giả định)"))
    kept = [(areas_only(shape), use, project) for shape, use, project in rows]
    kept = [row for row in kept if not row[0].is_empty]
    keys = [f"QH-{place.code}-{n:04d}" for n in range(1, len(kept) + 1)]
    count = len(kept)
    place.themes.add(
        "land_use_plan", keys, [shape for shape, _, _ in kept], ma_khu_vuc=keys, ma_loai_dat=[use for _, use,
        _ in kept],
        ten_du_an=[project for _, _, project in kept], ky_quy_hoach=["2021–2030"] * count,
        so_qd=[decision(700)] * count, ngay_qd=[DECIDED] * count, hieu_luc_tu=[date(2025, 10, 1)] * count,
        hieu_luc_den=[date(2030, 12, 31)] * count,
    )  # fmt: skip


def _zoning_plan(place: Place) -> None:
    """Plots within the reach of the zoning plan: the town and its edge, nothing beyond."""
    random = place.random("zoning")
    reach = blob(place.centre, place.radius_m * 1.7 + 100, place.ground.seed, f"zoning {place.code}")
    rows = []
    for face in place.lots.faces:
        chance = random.random()
        shape = areas_only(face.shape.intersection(reach))
        if shape.is_empty or shape.area < 200:
            continue
        use = USES[int(np.searchsorted((0.62, 0.76, 0.86, 0.93, 1.0), chance))]
        if face.density is Density.INDUSTRIAL:
            use = "công nghiệp"
        rows.append((shape, use))
    keys = [f"QHPK-{place.code}-{n:03d}" for n in range(1, len(rows) + 1)]
    limits = [LIMITS[use] for _, use in rows]
    count = len(rows)
    place.themes.add(
        "zoning_plan", keys, [shape for shape, _ in rows], ma_o_quy_hoach=keys,
        ten_do_an=[f"Quy hoạch phân khu {place.parcels.commune.name} (giả định)"] * count, chuc_nang=[u for _,
        u in rows],
        cho_phep_dat_o=[use == "đất ở" for _, use in rows], mat_do_xay_dung=[limit[0] for limit in limits],
        tang_cao_toi_da=[limit[1] for limit in limits], he_so_su_dung_dat=[limit[2] for limit in limits],
        so_qd=[decision(710)] * count, ngay_qd=[DECIDED] * count, hieu_luc_tu=[date(2025, 10, 1)] * count,
        hieu_luc_den=[None] * count,
    )  # fmt: skip


def _heritage(place: Place) -> None:
    """An old house or temple in every third commune: zone I, and zone II around it."""
    if place.town % 3:
        return
    random = place.random("heritage")
    angle, away = random.random() * 6.283, place.radius_m * (0.2 + 0.4 * random.random())
    at = (place.centre[0] + np.cos(angle) * away / 1000, place.centre[1] + np.sin(angle) * away / 1000)
    inner = blob(at, 24 + 14 * random.random(), place.ground.seed, f"heritage {place.code}", 0.2, 24)
    outer = inner.buffer(45, quad_segs=6).difference(inner)
    for zone, shape in (("I", inner), ("II", areas_only(outer))):
        heritage_zone(place, f"DT-{place.code}-{zone}", zone, areas_only(shape), "Đình Mẫu (giả định)")


def heritage_zone(place: Place, key: str, zone: str, shape: Geometry, name: str) -> None:
    place.themes.one(
        "heritage_zone", "ma_vung", key, shape, ma_xa=place.code, ten=name, hang="cấp tỉnh", khu_vuc=zone,
        so_qd=decision(720), ngay_qd=DECIDED,
    )  # fmt: skip


def _sites(place: Place) -> None:
    """A cemetery in every commune, waste and mines in some, on ground that no lot takes."""
    taken = set((place.parcels.blocks // 100_000).tolist())
    free = [
        f for f in place.lots.faces if f.density is Density.RURAL and f.number not in taken and f.shape.area > 20_000
    ]
    if not free:
        return
    kinds = ("hung táng", "cát táng", "chôn một lần")
    _cemetery(place, free[min(2, len(free) - 1)], kinds[place.town % 3])
    if place.town % 5 == 2 and len(free) > 8:
        loai = ("chôn lấp hữu cơ", "chôn lấp vô cơ", "xử lý sinh học", "lò đốt", "trạm trung chuyển")[
            place.town // 5 % 5
        ]
        shape = _yard(place, free[8], 130, "waste")
        place.themes.one(
            "waste_site", "ma_co_so", f"CT-{place.code}", shape, ma_xa=place.code,
            ten=f"Khu xử lý {place.code} (giả định)",
            loai=loai, tinh_trang="hiện hữu",
            ranh_ve="ô chôn lấp" if loai.startswith("chôn lấp") else "công trình xử lý", cong_suat_tan_ngay=120.0,
            so_gpmt=f"GĐ-MT-{place.code}",
        )  # fmt: skip
    if place.town >= 18 and place.town % 4 == 0 and len(free) > 12:
        mineral_area(
            place, f"KS-{place.code}", _yard(place, free[12], 320, "mine"), date(2022, 1, 1), date(2032, 12, 31)
        )


def _yard(place: Place, face: Face, radius_m: float, name: str) -> Geometry:
    spot = shapely.get_coordinates(shapely.point_on_surface(face.shape))[0] / 1000
    shape = blob((float(spot[0]), float(spot[1])), radius_m, place.ground.seed, f"{name} {place.code}", 0.2, 20)
    return areas_only(shape.intersection(face.shape.buffer(-6)))


def _cemetery(place: Place, face: Face, kind: str) -> None:
    place.themes.one(
        "cemetery", "ma_nghia_trang", f"NT-{place.code}", _yard(place, face, 75, "cemetery"), ma_xa=place.code,
        ten=f"Nghĩa trang {place.parcels.commune.name} (giả định)", hinh_thuc=kind, tinh_trang="hiện hữu",
        ranh_ve="khu mộ",
    )  # fmt: skip


def mineral_area(place: Place, key: str, shape: Geometry, since: date, until: date) -> None:
    place.themes.one(
        "mineral_area", "so_gp", key, shape, loai_khoang_san="đá xây dựng", doanh_nghiep="Công ty Mỏ Mẫu (giả định)",
        tru_luong_m3=1_250_000.0, ngay_gp=since, hieu_luc_tu=since, hieu_luc_den=until,
    )  # fmt: skip


def _facilities(place: Place) -> None:
    """Schools, clinics, a market: on lots large enough near the centre."""
    large = np.flatnonzero((place.parcels.areas_m2 > 320) & (place.parcels.densities <= Density.SUBURBAN))
    away = shapely.distance(place.parcels.shapes[large], Point(*(np.array(place.centre) * 1000)))
    chosen = large[np.argsort(np.round(away, 2), kind="stable")[:: max(len(large) // 12, 1)][:9]]
    kinds = ("chợ", "trường học", "cơ sở y tế", "trường học", "trụ sở", "trường học", "văn hóa thể thao", "cơ sở y tế",
             "trung tâm thương mại")  # fmt: skip
    names = {"chợ": "Chợ", "trường học": "Trường Mẫu", "cơ sở y tế": "Trạm Y tế Mẫu", "trụ sở": "Trụ sở UBND",
             "văn hóa thể thao": "Nhà văn hóa Mẫu", "trung tâm thương mại": "Trung tâm thương mại Mẫu"}  # fmt: skip
    own = [kinds[n] for n in range(len(chosen))]
    keys = [f"CC-{place.code}-{n:02d}" for n in range(1, len(own) + 1)]
    unit = place.parcels.commune
    place.themes.add(
        "public_facility", keys, place.parcels.shapes[chosen], ma_cong_trinh=keys, ma_xa=[place.code] * len(own),
        ten=[f"{names[kind]} {unit.name} {n} (giả định)" for n, kind in enumerate(own, 1)], loai=own,
        dia_chi=[f"{unit.kind} {unit.name} (dữ liệu giả)"] * len(own),
    )  # fmt: skip


def _petrol_stations(place: Place) -> None:
    """On lots beside main roads, a good kilometre apart."""
    bounds = shapely.total_bounds(place.parcels.shapes)
    roads = shapely.clip_by_rect([axis for road, axis, _ in place.ground.roads if road.land_m >= 18], *bounds)
    beside = np.unique(shapely.STRtree(place.parcels.shapes).query(roads, "dwithin", distance=32.0)[1])
    size = (place.parcels.areas_m2 > 90) & (place.parcels.densities != Density.INDUSTRIAL)
    beside = beside[size[beside]]
    chosen: list[int] = []
    for row in beside[:: max(len(beside) // 60, 1)]:
        spot = place.parcels.shapes[row]
        is_alone = all(place.parcels.shapes[other].distance(spot) > 900 for other in chosen)
        if len(chosen) < 4 and is_alone and not place.themes.near("petrol_station", spot, 900):
            chosen.append(int(row))
    for number, row in enumerate(chosen, 1):
        petrol_station(place, f"XD-{place.code}-{number:02d}", shapely.point_on_surface(place.parcels.shapes[row]))


def petrol_station(place: Place, key: str, spot: Geometry, state: str = "đang hoạt động") -> None:
    place.themes.one(
        "petrol_station", "ma_cua_hang", key, on_millimetre(spot), ma_xa=place.code,
        ten=f"Cửa hàng xăng dầu {key} (giả định)", cap=2, tinh_trang=state, vi_tri_diem="cột bơm",
        san_luong_m3_nam=2400.0,
        doanh_nghiep="Công ty Xăng dầu Mẫu (giả định)",
    )  # fmt: skip


def _permits(place: Place) -> None:
    """About one parcel in a hundred has a permit, at a point inside it."""
    random = place.random("permits")
    home = np.flatnonzero(place.parcels.densities <= Density.SUBURBAN)
    rows = home[random.random(len(home)) < 0.012]
    count = len(rows)
    states = np.array(["còn hiệu lực", "đã hoàn thành", "hết hạn", "thu hồi"])[
        np.searchsorted((0.5, 0.8, 0.97), random.random(count))
    ]
    days = [date(2024, 1, 2) + timedelta(days=int(d)) for d in random.integers(0, 880, count)]
    floors = random.integers(1, 6, count)
    keys = [f"GP-{place.code}-{n:05d}" for n in range(1, count + 1)]
    spots = on_millimetre(shapely.point_on_surface(place.parcels.shapes[rows]))
    place.themes.add(
        "building_permit", keys, spots, so_gp=keys, ma_xa=[place.code] * count, ngay_gp=days, so_tang=floors.tolist(),
        muc_dich=["nhà ở riêng lẻ"] * count, dien_tich_san_m2=np.round(place.parcels.areas_m2[rows] * 0.7 * floors,
        1).tolist(),
        tinh_trang=states.tolist(), chu_dau_tu=[f"Chủ đầu tư Mẫu {n:04d} (dữ liệu giả)" for n in range(1, count + 1)],
    )  # fmt: skip


def _register(place: Place) -> None:
    """Register entries of about one parcel in three hundred."""
    random = place.random("blocks")
    rows = np.flatnonzero(random.random(len(place.parcels.shapes)) < 0.003)
    for number, row in enumerate(rows, 1):
        kind = ("ngăn chặn", "tranh chấp", "kê biên")[int(random.integers(0, 3))]
        register_entry(place, f"NC-{place.code}-{number:04d}", int(row), kind, date(2026, 1, 5), None)


def register_entry(place: Place, key: str, row: int, kind: str, since: date, until: date | None) -> None:
    """An entry keyed to a parcel; without a shape."""
    parcels = place.parcels
    place.themes.files.add(
        "parcel_block", None, ma_muc=[key], ma_xa=[place.code], so_to=[str(parcels.sheets[row])],
        so_thua=[str(parcels.numbers[row])], ma_dinh_danh=[parcels.codes[row]], loai_ngan_chan=[kind],
        so_van_ban=[f"GĐ-{key}"], ngay_van_ban=[since], co_quan_ban_hanh=["Cơ quan Mẫu (giả định)"],
        hieu_luc_tu=[since], hieu_luc_den=[until], nguoi_lien_quan=["Người liên quan Mẫu (dữ liệu giả)"],
    )  # fmt: skip


def _stations(place: Place) -> None:
    random = place.random("stations")
    angle = random.random() * 6.283
    spot = Point(*(np.array(place.centre) * 1000 + np.array([np.cos(angle), np.sin(angle)]) * (place.radius_m * 1.3)))
    spot = on_millimetre(spot if place.ground.communes[place.town].contains(spot) else Point(
        *(np.array(place.centre) * 1000)))  # fmt: skip
    place.themes.one(
        "monitoring_station", "ma_tram", f"QT-{place.code}", spot, ma_xa=home_of(place.ground, spot),
        ten=f"Trạm quan trắc {place.parcels.commune.name} (giả định)", thong_so="PM2.5; PM10; NO2; tiếng ồn",
        don_vi_quan_ly="Chi cục Bảo vệ môi trường (giả định)", chu_ky="1 giờ",
    )  # fmt: skip
