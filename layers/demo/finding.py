"""Conflicts that the lie of the land brings about by itself: found and measured, nothing is added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import shapely

from .settlement import Density
from .site import HOME_INPUTS, PERMIT_INPUTS, Case, Site, features_near
from .themes import Feature


def overlapping(
    layer: str, low_m2: float, high_m2: float, inputs: Mapping[str, object], **attributes: object
) -> Callable[[Site], Case | None]:
    """A lot whose overlap with one feature lies between two areas, and clearly above the least."""

    def find(site: Site) -> Case | None:
        for feature in features_near(site, layer, attributes):
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
        for feature in features_near(site, "red_line", {"loai": kind}):
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
        for feature in features_near(site, layer, attributes, distance_m):
            for row in site.unused(np.sort(site.tree.query(feature.shape, "dwithin", distance=distance_m * 0.97))):
                return Case(row, feature.key, {"distance_m": site.lot(row).distance(feature.shape)}, inputs)
        return None

    return find


def permit_inside(site: Site) -> Case | None:
    """A lot with a permit in force at a point well inside."""
    for feature in features_near(site, "building_permit", {"tinh_trang": "còn hiệu lực"}):
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
        same = [
            f.shape
            for f in site.place.themes.near("land_use_plan", site.lot(row))
            if f.attributes["ma_loai_dat"] == use
        ]
        covered = site.lot(row).intersection(shapely.union_all(same).buffer(4)).area
        exact = site.lot(row).intersection(shapely.union_all(same)).area
        if 0.2 * site.lot(row).area < exact <= covered < 0.85 * site.lot(row).area:
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


def river_corridor(site: Site) -> Case | None:
    return overlapping("water_corridor", 50, 500, {**HOME_INPUTS, "target_use": site.place.home})(site)
