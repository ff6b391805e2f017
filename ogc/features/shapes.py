"""How shapes leave: `crs` (Features 2), `zoom-level` and `max-allowable-offset` (the draft on simplification)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from layers.filters import written
from layers.profile.profile import Profile
from layers.store.shape_form import DEGREE_DIGITS, METRE_DIGITS, Form
from ogc.common.crs_names import CRS84, WGS84_SRID, Crs, known, named
from ogc.common.parameters import Parameters, invalid_value

PARAMETERS = ("crs", "zoom-level", "max-allowable-offset")
LAST_ZOOM = 24
#: the width of a WebMercatorQuad pixel at zoom 0, and how much of one a line may move
_PIXEL_M, _OF_A_PIXEL = 156_543.033_928, 0.5
_METRES_A_DEGREE = 111_319.49


@dataclass(frozen=True, slots=True)
class Shapes:
    """`tolerance`: in the units of the system; 0 leaves every corner."""

    crs: Crs
    tolerance: float = 0.0

    @property
    def form(self) -> Form:
        digits = DEGREE_DIGITS if self.crs.srid == WGS84_SRID else METRE_DIGITS
        return Form(self.crs.srid, digits, self.crs.is_latitude_first, is_simplified=self.tolerance > 0)

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Crs": f"<{self.crs.uri}>"}


def default_shapes(profile: Profile) -> Shapes:
    return Shapes(known(profile)[CRS84])


def shapes(parameters: Parameters, profile: Profile) -> Shapes:
    crs = parameters.parsed("crs", lambda text: named(text, profile)) or known(profile)[CRS84]
    zoom, offset = parameters.parsed("zoom-level", zoom_level), parameters.parsed("max-allowable-offset", offset_of)
    if zoom is not None and offset is not None:
        raise invalid_value("max-allowable-offset", "không đi cùng zoom-level", "not together with zoom-level")
    if zoom is not None:
        metres = _PIXEL_M * _OF_A_PIXEL / 2**zoom
        return Shapes(crs, metres / _METRES_A_DEGREE if crs.srid == WGS84_SRID else metres)
    return Shapes(crs, offset or 0.0)


def zoom_level(text: str) -> float:
    return _number(text, LAST_ZOOM)


def offset_of(text: str) -> float:
    """In the units of the answer's system."""
    return _number(text, 1e7)


def _number(text: str, most: float) -> float:
    wrong = ValueError(f"cần một số từ 0 đến {most:g}", f"a number from 0 to {most:g}")
    try:
        found = written.number(text)
    except ValueError:
        raise wrong from None
    if not math.isfinite(found) or not 0 <= found <= most:
        raise wrong
    return found
