"""Where subjects lie: the middle of each one's box, by which they are put in order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

_AXES = ("x", "y")
#: shapes that are read at once and let go
_AT_ONCE = 200_000


def with_places(rows: pa.Table) -> pa.Table:
    """The rows with their places: chunk by chunk, while the database is at work on the next."""
    for axis, values in zip(_AXES, places_in(rows).T, strict=True):
        rows = rows.append_column(axis, pa.array(values))
    return rows


def places_in(rows: pa.Table) -> NDArray[np.float64]:
    """Places (n, 2): those the rows were given, else of their shapes (`geometry`, WKB). What has no box lies at 0."""
    if _AXES[0] in rows.column_names:
        return np.column_stack([rows[axis].to_numpy() for axis in _AXES])
    found, geometry = [np.zeros((0, 2))], rows["geometry"]
    for start in range(0, len(geometry), _AT_ONCE):
        wkb = geometry.slice(start, _AT_ONCE).to_numpy()
        bounds = shapely.bounds(np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object))
        found.append(np.nan_to_num((bounds[:, :2] + bounds[:, 2:]) / 2))
    return np.concatenate(found)


def without_places(rows: pa.Table) -> pa.Table:
    return rows.drop_columns([axis for axis in _AXES if axis in rows.column_names])
