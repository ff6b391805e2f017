"""GeoPackage and FlatGeobuf, written by GDAL from a stream of batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio

from .layout import FID, Batches, Layout

#: a file says nothing about when it was written: the same rows are the same bytes
WRITTEN = "2000-01-01T00:00:00.000Z"
#: the index is made in the same thread: in another one its pages would lie differently each time
_SETTINGS = {"OGR_CURRENT_DATE": WRITTEN, "OGR_GPKG_ALLOW_THREADED_RTREE": "NO", "OGR_GPKG_NUM_THREADS": "1"}


def write_geopackage(batches: Batches, layout: Layout, path: Path) -> None:
    """One table named like the layer, with its fids and an index of its shapes; without shapes an attribute table."""
    pyogrio.set_gdal_config_options(_SETTINGS)
    _write(batches, layout, path, driver="GPKG", layer_options={"FID": FID})


def write_flatgeobuf(batches: Batches, layout: Layout, path: Path) -> None:
    """In the order of its own index."""
    _write(batches, layout, path, driver="FlatGeobuf", layer_options={"SPATIAL_INDEX": "YES"})


def _write(batches: Batches, layout: Layout, path: Path, **options: Any) -> None:
    reader = pa.RecordBatchReader.from_batches(layout.schema, batches)
    shapes: dict[str, Any] = {}
    if layout.geometry:
        kind = "Unknown" if layout.geometry == "Geometry" else layout.geometry
        shapes = {"geometry_name": layout.shape_column, "geometry_type": kind, "crs": layout.crs}
    pyogrio.write_arrow(reader, path, layer=layout.layer, **shapes, **options)
