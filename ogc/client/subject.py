"""How a planner names what is to be checked, and what the service expects."""

from __future__ import annotations

import re
from typing import Any

_NUMBERS = re.compile(r"^(?P<commune>[^/@]+)(@(?P<generation>\d{4}))?/(?P<sheet>[^/]+)/(?P<parcel>[^/]+)$")


def parcel_reference(parcel: str | dict[str, Any] | Any) -> dict[str, Any]:
    """The `subject` of POST /checks for 'COMMUNE[@GENERATION]/SHEET/PARCEL', 'fid:…', a geometry or a GeoJSON dict.

    Raises ValueError for a text that is neither.
    """
    if isinstance(parcel, dict):
        return parcel if {"parcel", "fid", "geometry", "survey"} & parcel.keys() else {"geometry": parcel}
    if hasattr(parcel, "__geo_interface__"):
        return {"geometry": parcel.__geo_interface__}
    if parcel.startswith("fid:"):
        return {"fid": parcel.removeprefix("fid:")}
    found = _NUMBERS.match(parcel)
    if found is None:
        raise ValueError(f"'{parcel}': dùng XÃ/TỜ/THỬA hoặc fid:… / use COMMUNE/SHEET/PARCEL or fid:…")
    commune: dict[str, Any] = {"code": found["commune"]}
    if found["generation"]:
        commune["generation"] = int(found["generation"])
    return {"parcel": {"commune": commune, "sheet": found["sheet"], "parcel": found["parcel"]}}
