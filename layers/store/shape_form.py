"""In which form shapes leave: the system, the order of its axes, digits, and how much detail is left.

A form is given to what the relation shows and never to what is stored: a shape that is shown coarsely is as coarse in
every system, and simplifying begins with the coarse one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Double, Integer, bindparam, func, literal_column
from sqlalchemy.types import NullType

#: digits after the point: of a degree 1 mm, of a metre 0.1 mm, which is what is stored
DEGREE_DIGITS, METRE_DIGITS = 8, 4
WGS84 = 4326


@dataclass(frozen=True, slots=True)
class Form:
    """`is_simplified`: by the bound value `tolerance`, in the units of the system."""

    srid: int = WGS84
    digits: int = DEGREE_DIGITS
    is_north_first: bool = False  #: the authority names the northing, or the latitude, first
    is_simplified: bool = False

    @property
    def is_crs84(self) -> bool:
        """Coordinates are those of the relation itself."""
        return self.srid == WGS84


CRS84 = Form()


def formed(shape: ColumnElement[Any], form: Form) -> ColumnElement[Any]:
    """A shape in the form's system, as it leaves. Simplified rings stay valid; no part of a shape disappears."""
    if form.is_simplified:
        tolerance: ColumnElement[Any] = bindparam("tolerance", None, type_=Double())
        shape = func.ST_SimplifyPreserveTopology(shape, tolerance, type_=NullType())
    return func.ST_FlipCoordinates(shape, type_=NullType()) if form.is_north_first else shape


def as_geojson(shape: ColumnElement[Any], form: Form) -> ColumnElement[Any]:
    """The text of the geometry; NULL without a shape."""
    digits = bindparam(None, form.digits, Integer(), unique=True, literal_execute=True)
    return func.ST_AsGeoJSON(formed(shape, form), digits, literal_column("0"))
