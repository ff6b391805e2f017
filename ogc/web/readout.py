"""What a script needs to tell a place in the storage CRS: the pinned operation and the projection, as plain numbers.

The map's read-out follows the pointer, so it is computed in the browser; a test holds it to pyproj within a centimetre.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from pyproj import CRS
from pyproj.crs import CoordinateOperation  # type: ignore[attr-defined]

from layers.profile.grammar import CrsDefinition

_ARC_SECOND = math.pi / 180 / 3600
_HELMERT = {
    "X-axis translation": "dx", "Y-axis translation": "dy", "Z-axis translation": "dz",
    "X-axis rotation": "rx", "Y-axis rotation": "ry", "Z-axis rotation": "rz", "Scale difference": "ds",
}  # fmt: skip
_PROJECTION = {
    "Latitude of natural origin": "lat0", "Longitude of natural origin": "lon0",
    "Scale factor at natural origin": "k0", "False easting": "fe", "False northing": "fn",
}  # fmt: skip


@lru_cache
def readout(crs: CrsDefinition) -> dict[str, Any] | None:
    """None for a projection other than transverse Mercator or an operation other than seven parameters."""
    projected = CRS.from_user_input(crs.storage)
    conversion = projected.coordinate_operation
    operation = CoordinateOperation.from_authority(*crs.to_wgs84.split(":"))
    if conversion is None or conversion.method_name != "Transverse Mercator" or projected.ellipsoid is None:
        return None
    if "Coordinate Frame" not in operation.method_name:
        return None
    shift = {_HELMERT[p.name]: _si(float(p.value), p.unit_name) for p in operation.params if p.name in _HELMERT}
    projection = {_PROJECTION[p.name]: float(p.value) for p in conversion.params if p.name in _PROJECTION}
    if len(shift) != len(_HELMERT) or len(projection) != len(_PROJECTION):
        return None
    return {
        "crs": crs.storage,
        "name": projected.name,
        "a": projected.ellipsoid.semi_major_metre,
        "f": 1 / projected.ellipsoid.inverse_flattening,
        **projection,
        **shift,
    }


def _si(value: float, unit: str) -> float:
    """Metres, radians and plain ratios."""
    return value * _ARC_SECOND if unit == "arc-second" else value * 1e-6 if unit == "parts per million" else value
