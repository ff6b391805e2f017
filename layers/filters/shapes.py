"""Shapes written in a filter: GeoJSON or BBOX, in the system the caller names, brought to CRS84."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

_TYPES = (
    "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection",
)  # fmt: skip
#: a side of a box of another system is bent in CRS84: so many straight pieces follow it
_PIECES = 32


@dataclass(frozen=True, slots=True)
class WrittenIn:
    """The system of the shapes of one filter (`filter-crs`). `to_crs84` is None where they are CRS84 already."""

    to_crs84: Callable[[BaseGeometry], BaseGeometry] | None = None
    is_latitude_first: bool = False
    is_geographic: bool = True

    def read(self, node: Mapping[str, Any]) -> BaseGeometry:
        """The shape in CRS84, flat. ValueError and the like for what is none."""
        made = self._box(node["bbox"]) if "bbox" in node else _geojson(node)
        if self.is_latitude_first and "bbox" not in node:
            made = shapely.transform(made, lambda corners: corners[:, ::-1])
        return made if self.to_crs84 is None else self.to_crs84(made)

    def _box(self, numbers: Sequence[float]) -> BaseGeometry:
        """Four numbers, or six with heights that are not looked at. West of its east a box crosses the antimeridian."""
        if len(numbers) not in (4, 6):
            raise ValueError
        half = len(numbers) // 2
        first, second, third, fourth = (float(numbers[place]) for place in (0, 1, half, half + 1))
        if self.is_latitude_first:
            first, second, third, fourth = second, first, fourth, third
        if not all(map(math.isfinite, (first, second, third, fourth))) or second > fourth:
            raise ValueError
        if first > third and self.is_geographic:
            halves = [_least_box(first, second, 180.0, fourth), _least_box(-180.0, second, third, fourth)]
            return shapely.union_all(halves)
        if first > third:
            raise ValueError
        return self._dense(_least_box(first, second, third, fourth))

    def _dense(self, box: BaseGeometry) -> BaseGeometry:
        if self.is_geographic or box.length == 0:
            return box
        west, south, east, north = box.bounds
        return shapely.segmentize(box, max(east - west, north - south) / _PIECES)


CRS84 = WrittenIn()


def is_usable(made: BaseGeometry) -> bool:
    """Not empty, on the globe, and without crossings: what the database can compare without raising."""
    if made.is_empty:
        return False
    west, south, east, north = made.bounds
    on_globe = west >= -180 and east <= 180 and south >= -90 and north <= 90  # false for NaN too
    return bool(on_globe and made.is_valid)


def _least_box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A box without an area is the line or the point that it is."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _geojson(node: Mapping[str, Any]) -> BaseGeometry:
    if node.get("type") not in _TYPES:
        raise ValueError
    return shapely.force_2d(shape(dict(node)))
