"""Which measuring zones a shape must be pieced in: every zone whose area, grown by the largest reach, it meets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.pieces import subdivide
from layers.profile.distances import largest_reach_m
from layers.profile.grammar import ZONE_MARGIN_M, ZoneDefinition
from layers.profile.procedures import relations_of
from layers.profile.profile import Profile

from .placing import projection_of

Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class ZonePieces:
    """Pieces in the CRS of a zone; `owner` is the position of the shape each belongs to."""

    zone: int
    owner: NDArray[np.int64]
    geometry: Geometries


def pieces_by_zone(stored: Geometries, profile: Profile, layer_id: str | None) -> Iterator[ZonePieces]:
    """Pieces of stored shapes. What no zone is known to leave out is pieced in all of them."""
    header = profile.header
    projection = projection_of(header)
    for number, zone in enumerate(header.crs.zones):
        places = _meeting(stored, zone, profile, layer_id)
        in_zone = projection.to_crs(stored[places], header.crs.storage, zone.crs)
        pieces, owner = subdivide(in_zone)
        yield ZonePieces(number, places[owner], pieces)


def _meeting(stored: Geometries, zone: ZoneDefinition, profile: Profile, layer_id: str | None) -> NDArray[np.int64]:
    present = np.flatnonzero(~np.asarray(shapely.is_missing(stored)))
    area = _area(zone, profile)
    reach = _largest_reach_m(profile, layer_id)
    if area is None or reach is None:
        return present.astype(np.int64)
    grown = shapely.buffer(area, reach + ZONE_MARGIN_M)
    shapely.prepare(grown)
    return present[np.asarray(shapely.intersects(grown, stored[present]))].astype(np.int64)


def _area(zone: ZoneDefinition, profile: Profile) -> BaseGeometry | None:
    """In the storage CRS; None where it is everything. Communes change with their own layer, after others were pieced
    in what they were: zones that name them leave nothing out."""
    if zone.area is None or len(profile.header.crs.zones) == 1:
        return None
    if isinstance(zone.area, tuple) and zone.area and isinstance(zone.area[0], str):
        return None
    area = shapely.from_geojson(json.dumps(zone.area)) if isinstance(zone.area, dict) else _box(zone.area)
    if area is None:
        return None
    segments = np.array([shapely.segmentize(area, 0.01)], dtype=object)
    moved: BaseGeometry = projection_of(profile.header).from_wgs84(segments)[0]
    return moved


def _box(area: object) -> BaseGeometry | None:
    if not isinstance(area, tuple | list) or len(area) != 4:
        return None
    west, south, east, north = map(float, area)
    return shapely.box(west, south, east, north)


def _largest_reach_m(profile: Profile, layer_id: str | None) -> float | None:
    """Over all rules that read the layer; None where a distance comes from an input and is not known."""
    reaches = [
        largest_reach_m(relation, profile.layer(relation.layer))
        for procedure in profile.procedures for check in procedure.checks for relation in relations_of(check)
        if layer_id is None or relation.layer == layer_id
    ]  # fmt: skip
    known = [reach for reach in reaches if reach is not None]
    return max(known, default=0.0) if len(known) == len(reaches) else None


def ewkb(geoms: Geometries, srid: int) -> pa.Array:
    """Shapes as PostGIS receives them: WKB with the SRID where there is one; null stays null."""
    tagged = shapely.set_srid(geoms, srid) if srid else geoms
    return pa.array(shapely.to_wkb(tagged, include_srid=bool(srid)), pa.binary())
