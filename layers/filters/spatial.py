"""How two shapes lie to each other, in Python: the reference for what the database says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from .tree import SpatialRelation

_HOLDS: dict[SpatialRelation, Callable[[Any, Any], Any]] = {
    "intersects": shapely.intersects, "disjoint": shapely.disjoint, "equals": shapely.equals,
    "touches": shapely.touches, "within": shapely.within, "overlaps": shapely.overlaps, "crosses": shapely.crosses,
    "contains": shapely.contains, "covered_by": shapely.covered_by,
}  # fmt: skip


def holds(relation: SpatialRelation, left: BaseGeometry, right: BaseGeometry) -> bool:
    return bool(_HOLDS[relation](left, right))
