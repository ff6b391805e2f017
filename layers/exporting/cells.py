"""Values as texts of a table: no text of data is ever a formula of the program that opens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from .layout import Layout

#: what makes a spreadsheet take a cell for a formula, or begin another cell
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: digits of coordinates as text: 1 mm of a degree, 0.1 mm of a metre
_DEGREE_DIGITS, _METRE_DIGITS = 8, 4


def plain(value: object) -> object:
    """A number or a boolean as it is; dates in ISO 8601, instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def is_geographic(layout: Layout) -> bool:
    return layout.crs in ("OGC:CRS84", "EPSG:4326")


def digits_of(layout: Layout) -> int:
    return _DEGREE_DIGITS if is_geographic(layout) else _METRE_DIGITS


def shapes_of(batch: pa.RecordBatch, layout: Layout) -> np.ndarray[Any, Any]:
    """The shapes of a batch; None where there is none."""
    found: np.ndarray[Any, Any] = shapely.from_wkb(batch.column(layout.shape_column).to_numpy(zero_copy_only=False))
    return found


def places_of(shapes: np.ndarray[Any, Any], digits: int) -> list[tuple[float | None, float | None]]:
    """A point on each shape, where a label would stand."""
    points = shapely.point_on_surface(shapes)
    x, y = np.round(shapely.get_x(points), digits), np.round(shapely.get_y(points), digits)
    pairs = zip(x.tolist(), y.tolist(), np.isfinite(x).tolist(), strict=True)
    return [(east, north) if is_there else (None, None) for east, north, is_there in pairs]


def place_names(layout: Layout) -> tuple[str, str]:
    """Of the two columns of a point: in Vietnamese tables X is the northing, so neither is called so."""
    names = ("longitude", "latitude") if is_geographic(layout) else ("easting", "northing")
    taken = {column.name for column in layout.columns}
    first, second = (name if name not in taken else f"{name}_2" for name in names)
    return first, second


def rows_of(batch: pa.RecordBatch, layout: Layout) -> list[tuple[Any, ...]]:
    """fid and the columns, as Python values."""
    columns: Sequence[list[Any]] = [batch.column(number).to_pylist() for number in range(1 + len(layout.columns))]
    return list(zip(*columns, strict=True))
