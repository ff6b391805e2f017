"""GeoJSON text sequences (RFC 8142): one feature a record, for programs that read while it comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import shapely

from .cells import digits_of, plain, rows_of, shapes_of
from .layout import Layout

_BEGIN, _END = b"\x1e", b"\n"


def sequence_part(batch: pa.RecordBatch, layout: Layout) -> bytes:
    geometries = _geometries(batch, layout)
    lists = [column.type == "list" for column in layout.columns]
    names = [column.name for column in layout.columns]
    records = []
    for row, geometry in zip(rows_of(batch, layout), geometries, strict=True):
        values = [_value(value, is_list=is_list) for value, is_list in zip(row[1:], lists, strict=True)]
        feature = {"type": "Feature", "id": row[0], "geometry": geometry,
                   "properties": dict(zip(names, values, strict=True))}  # fmt: skip
        records.append(_BEGIN + orjson.dumps(feature) + _END)
    return b"".join(records)


def _geometries(batch: pa.RecordBatch, layout: Layout) -> list[Any]:
    if not layout.geometry:
        return [None] * batch.num_rows
    digits = digits_of(layout)
    shapes = shapely.transform(shapes_of(batch, layout), lambda places: np.round(places, digits))
    return [orjson.Fragment(text) if text is not None else None for text in shapely.to_geojson(shapes)]


def _value(value: object, *, is_list: bool) -> object:
    return orjson.Fragment(value) if is_list and isinstance(value, str) else plain(value)
