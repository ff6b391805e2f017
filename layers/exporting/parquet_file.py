"""GeoParquet 1.1: WKB, the system as PROJJSON, a box beside every shape, zstd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from .layout import Batches, Layout

#: rows of a group; they come along a curve, so a group is a place
GROUP_ROWS = 20_000
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_BOX = pa.struct([(side, pa.float64()) for side in _SIDES])


def write_parquet(batches: Batches, layout: Layout, path: Path) -> None:
    """One file; without shapes a plain one."""
    schema = layout.schema
    if layout.geometry:
        schema = schema.append(pa.field(layout.box_column, _BOX))
    bounds = _Bounds()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(batches, layout):
            table = group if not layout.geometry else _with_boxes(group, layout, bounds)
            writer.write_table(table.cast(schema), row_group_size=GROUP_ROWS)
        if layout.geometry:
            writer.add_key_value_metadata({"geo": json.dumps(_metadata(layout, bounds))})


def _groups(batches: Batches, layout: Layout) -> Any:
    """Tables of a group's size; at least one, which may be empty."""
    held: list[pa.RecordBatch] = []
    number = 0
    for batch in batches:
        held.append(batch)
        number += batch.num_rows
        while number >= GROUP_ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, GROUP_ROWS)
            held, number = table.slice(GROUP_ROWS).to_batches(), number - GROUP_ROWS
    yield pa.Table.from_batches(held, schema=layout.schema)


class _Bounds:
    """Around all shapes of the file."""

    def __init__(self) -> None:
        self.low = np.full(2, np.inf)
        self.high = np.full(2, -np.inf)

    def add(self, boxes: np.ndarray[Any, Any]) -> None:
        if len(boxes):
            self.low = np.fmin(self.low, np.nanmin(boxes[:, :2], axis=0))
            self.high = np.fmax(self.high, np.nanmax(boxes[:, 2:], axis=0))

    @property
    def numbers(self) -> list[float] | None:
        return [*self.low.tolist(), *self.high.tolist()] if np.isfinite(self.low).all() else None


def _with_boxes(table: pa.Table, layout: Layout, bounds: _Bounds) -> pa.Table:
    shapes = shapely.from_wkb(table.column(layout.shape_column).to_numpy(zero_copy_only=False))
    boxes = shapely.bounds(shapes).reshape(-1, 4)
    missing = np.isnan(boxes).any(axis=1)
    bounds.add(boxes[~missing])
    sides = [pa.array(boxes[:, number]) for number in range(4)]
    made = pa.StructArray.from_arrays(sides, fields=list(_BOX), mask=pa.array(missing))
    return table.append_column(pa.field(layout.box_column, _BOX), made)


def _metadata(layout: Layout, bounds: _Bounds) -> dict[str, Any]:
    types = [] if layout.geometry in (None, "Geometry") else [layout.geometry]
    column: dict[str, Any] = {
        "encoding": "WKB", "geometry_types": types, "crs": CRS.from_user_input(layout.crs).to_json_dict(),
        "edges": "planar", "covering": {"bbox": {side: [layout.box_column, side] for side in _SIDES}},
    }  # fmt: skip
    if bounds.numbers is not None:
        column["bbox"] = bounds.numbers
    return {"version": "1.1.0", "primary_column": layout.shape_column, "columns": {layout.shape_column: column}}
