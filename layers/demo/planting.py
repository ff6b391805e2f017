"""Conflicts made for one lot: a ditch, a borehole, a quarry, a station, an entry, each to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from shapely import Point, Polygon

from . import country, local
from .geography import LEGAL_WATER_M
from .settlement import Density
from .site import HOME_INPUTS, SITING_INPUTS, Case, Site
from .themes import DECIDED, areas_only, decision


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
        unit: np.ndarray = way / np.hypot(*way)
        return unit

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


def ditch(
    wanted_m2: float, tolerance_m2: float, key: str, since: date = date(2025, 10, 1)
) -> Callable[[Site], Case | None]:
    """A ditch before a lot whose legal corridor (10 m) takes so many square metres of it."""

    def make(site: Site) -> Case | None:
        side = free_side(site)
        if side is None:
            return None
        lot, width = site.lot(side.row), LEGAL_WATER_M[4]
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
                              loai="rạch", hanh_lang_m=width)  # fmt: skip
        site.place.themes.one(
            "water_corridor", "ma_doan", code, shapely.MultiPolygon([near, far]),
            ten_nguon_nuoc=f"Mương {code} (giả định)",
            chuc_nang="Tiêu thoát nước", pham_vi_m=width, so_qd=decision(800 + number), ngay_qd=DECIDED,
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
        for row in site.unused(site.some(site.parcels.areas_m2 > 60, 500)):
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
        return Case(
            row,
            None,
            {"area_m2": site.parcels.areas_m2[row], "registered_m2": site.parcels.certificate_m2[row]},
            {**HOME_INPUTS, "target_use": "ODT"},
        )
    return None
