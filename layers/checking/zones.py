"""Which measuring zone a subject belongs to: the one that holds its label point (design, section 8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from layers.errors import InvalidRequestError
from layers.profile.grammar import ZONE_MARGIN_M, CrsDefinition, ZoneDefinition

Geometries = NDArray[np.object_]


def projection_of(crs: CrsDefinition) -> Projection:
    """The storage CRS with the profile's named operation."""
    return Projection(storage=crs.storage, operation=crs.to_wgs84)


def one(geometries: object) -> BaseGeometry:
    """The only geometry of an array of one."""
    found: BaseGeometry = np.asarray(geometries, dtype=object)[0]
    return found


def many(geometry: BaseGeometry) -> np.typing.NDArray[np.object_]:
    """An array of one geometry (numpy would take a multi-geometry apart)."""
    made = np.empty(1, dtype=object)
    made[0] = geometry
    return made


def names_communes(zone: ZoneDefinition) -> bool:
    """The zone's area is a list of commune codes."""
    return isinstance(zone.area, tuple) and bool(zone.area) and isinstance(zone.area[0], str)


def zone_of(crs: CrsDefinition, label_point: BaseGeometry, commune: Callable[[], str | None]) -> int:
    """The position of the zone that holds a point given in CRS84; `commune` tells the point's commune where areas are
    lists of codes. Raises InvalidRequestError outside all zones: what is not pieced there must not look clear."""
    if len(crs.zones) == 1:
        return 0
    for index, zone in enumerate(crs.zones):
        if names_communes(zone):
            if commune() in (zone.area or ()):
                return index
        elif shapely.intersects(_area(json.dumps(zone.area)), label_point):
            return index
    raise InvalidRequestError(
        "Đối tượng nằm ngoài mọi múi chiếu của hồ sơ cấu hình nên không đo được.",
        "The subject lies outside every measuring zone of the profile and cannot be measured.",
    )


#: accuracies, and what a projection far from its meridian stretches a margin by
_SLACK_M = 200.0


def is_pieced_around(crs: CrsDefinition, zone: int, shapes: Geometries, reach_m: float) -> NDArray[np.bool_]:
    """Is all within reach of these shapes, given in the zone's CRS, pieced in the zone? A shape that lies across a seam
    may stick out too far: what is not there must not look clear."""
    definition = crs.zones[zone]
    if len(crs.zones) == 1 or names_communes(definition):
        return np.ones(len(shapes), dtype=bool)
    margin = ZONE_MARGIN_M - reach_m - _SLACK_M
    if margin <= 0:
        return np.zeros(len(shapes), dtype=bool)
    pieced = _pieced(json.dumps(definition.area), crs.storage, crs.to_wgs84, definition.crs, margin)
    return np.asarray(shapely.contains(pieced, shapes), dtype=bool)


@lru_cache(maxsize=64)
def _pieced(area: str, storage: str, operation: str, zone: str, margin_m: float) -> BaseGeometry:
    """A zone's area grown by the margin, in the zone's CRS."""
    edges = many(shapely.segmentize(_area(area), 0.01))
    grown = shapely.buffer(one(Projection(storage, operation).to_crs(edges, "EPSG:4326", zone)), margin_m, quad_segs=16)
    shapely.prepare(grown)
    return grown


@lru_cache(maxsize=32)
def _area(text: str) -> BaseGeometry:
    """A bbox or a GeoJSON geometry as a shape in CRS84."""
    area = json.loads(text)
    if isinstance(area, list):
        return shapely.box(*area)
    return shapely.from_geojson(json.dumps(area))
