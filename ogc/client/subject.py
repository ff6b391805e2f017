"""How a planner names what is to be checked, and what the service expects."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NUMBERS = re.compile(r"^(?P<commune>[^/@]+)(@(?P<generation>\d{4}))?/(?P<sheet>[^/]+)/(?P<parcel>[^/]+)$")


#: what a dict must hold one of to be taken as it is
_WAYS = {"parcel", "parcels", "fid", "key", "code", "geometry", "survey", "coordinates", "file"}


def parcel_reference(parcel: str | Sequence[str] | Path | dict[str, Any] | Any) -> dict[str, Any]:
    """The `subject` of POST /checks for 'COMMUNE[@GENERATION]/SHEET/PARCEL', 'fid:…', several of these as one, a
    geometry or a GeoJSON dict, a pasted table of vertices (a text of several lines), or the path of a file.

    Raises ValueError for a text that is none of these.
    """
    if isinstance(parcel, dict):
        return parcel if _WAYS & parcel.keys() else {"geometry": parcel}
    if isinstance(parcel, Path):
        return {"file": {"name": parcel.name, "content": base64.b64encode(parcel.read_bytes()).decode()}}
    if hasattr(parcel, "__geo_interface__"):
        return {"geometry": parcel.__geo_interface__}
    if not isinstance(parcel, str):
        return {"parcels": list(parcel)}
    if "\n" in parcel.strip():
        return {"coordinates": parcel}
    if parcel.startswith("fid:"):
        return {"fid": parcel.removeprefix("fid:")}
    found = _NUMBERS.match(parcel)
    if found is None:
        raise ValueError(f"'{parcel}': dùng XÃ/TỜ/THỬA hoặc fid:… / use COMMUNE/SHEET/PARCEL or fid:…")
    commune: dict[str, Any] = {"code": found["commune"]}
    if found["generation"]:
        commune["generation"] = int(found["generation"])
    return {"parcel": {"commune": commune, "sheet": found["sheet"], "parcel": found["parcel"]}}
