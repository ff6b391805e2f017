"""The ground a profile speaks about. What does not lie wholly inside is told no outcome: a layer that is declared
complete everywhere is complete there and nowhere else."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import CrsName, Projection, crs_named
from layers.profile.grammar import ProfileHeader

Box = tuple[float, float, float, float]
Geometries = NDArray[np.object_]
Booleans = NDArray[np.bool_]

#: the reason of findings about a subject that sticks out
OUTSIDE_EXTENT = "outside_extent"
_WGS84 = "EPSG:4326"
_DEGREES = (_WGS84, "OGC:CRS84")
_WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
#: corners along the border are this near each other, so that it bends by centimetres between them …
_STEP_DEGREES = 0.01
#: … and the box that surely lies inside stays this far from it, in units of the system
_SURELY = 1.0


def extent_of(header: ProfileHeader) -> Box:
    """CRS84: as declared, else what the systems of the profile are made for."""
    return header.extent or _made_for((header.crs.storage, *(zone.crs for zone in header.crs.zones)))


@lru_cache(maxsize=64)
def _made_for(systems: tuple[str, ...]) -> Box:
    areas = [crs_named(name).area_of_use for name in systems]
    known = [_WORLD if area is None else area.bounds for area in areas]
    west, south, east, north = zip(*known, strict=True)
    return min(west), min(south), max(east), max(north)


def outside(shapes: Geometries, crs: CrsName, header: ProfileHeader) -> Booleans:
    """Which shapes of a system do not lie wholly inside. What is no shape at all is not outside: that is told apart."""
    extent = extent_of(header)
    if isinstance(crs, str) and crs in _DEGREES:
        return _sticks_out(shapely.bounds(shapes), extent)
    bounds = np.asarray(shapely.bounds(shapes))
    projection = Projection(header.crs.storage, header.crs.to_wgs84)
    near = _sticks_out(bounds, _inner_box(extent, projection, crs))
    if near.any():
        degrees = projection.to_crs(shapes[near], crs, _WGS84)
        near[near] = _sticks_out(shapely.bounds(degrees), extent) | ~_are_finite(degrees)
    return near


def _sticks_out(bounds: NDArray[np.float64], box: Box) -> Booleans:
    """Boxes of nothing (no numbers) do not."""
    west, south, east, north = box
    found = (bounds[:, 0] < west) | (bounds[:, 1] < south) | (bounds[:, 2] > east) | (bounds[:, 3] > north)
    return np.asarray(found, dtype=bool)


def _are_finite(shapes: Geometries) -> Booleans:
    """Corners a system has no place for come back as infinite."""
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    found = np.ones(len(shapes), dtype=bool)
    found[owner[~np.isfinite(coordinates).all(axis=1)]] = False
    return found


@lru_cache(maxsize=64)
def _inner_box(extent: Box, projection: Projection, crs: CrsName) -> Box:
    """A box in the system of which every point lies in the extent, so that of nearly all shapes only boxes are
    compared; an empty one where there is none."""
    west, south, east, north = extent
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    lines = [shapely.linestrings([begin, end]) for begin, end in pairwise(corners)]
    edges = projection.to_crs(np.array(shapely.segmentize(lines, _STEP_DEGREES), dtype=object), _WGS84, crs)
    if not _are_finite(edges).all():
        return _NOWHERE
    bounds = shapely.bounds(edges)
    low, high = bounds[[3, 0], [2, 3]] + _SURELY, bounds[[1, 2], [0, 1]] - _SURELY
    made = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return made if _lies_inside(made, extent, projection, crs) else _NOWHERE


_NOWHERE: Box = (np.inf, np.inf, -np.inf, -np.inf)


def _lies_inside(box: Box, extent: Box, projection: Projection, crs: CrsName) -> bool:
    """By its middle: no edge of the extent comes into the box."""
    if not (box[0] < box[2] and box[1] < box[3]):
        return False
    middle = np.array([shapely.box(*box).centroid], dtype=object)
    return not bool(_sticks_out(shapely.bounds(projection.to_crs(middle, crs, _WGS84)), extent)[0])


__all__ = ["OUTSIDE_EXTENT", "extent_of", "outside"]
