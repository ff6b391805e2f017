"""From cells to the file that is kept: a Cloud Optimized GeoTIFF whose bytes follow from the cells alone."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.rasters import MISSING, ValueClass, classified
from layers.profile.grammar import LayerDefinition
from layers.store.stored_raster import StoredRaster

from .raster_inspection import RasterInspection
from .raster_source import Cells
from .raster_values import bands_of, is_missing

BLOCK = 256  # a parcel lies under a few cells: less to unpack for each


def write_cog(inspection: RasterInspection, path: Path) -> StoredRaster:
    """Write the file; the row says all about it but its digest and size. What belongs to no class has no value."""
    source, used = inspection.source, inspection.crs.used
    assert source.cells is not None and used is not None  # whoever publishes has refused such a file
    nodata = _nodata(inspection)
    grid = source.grid
    row = StoredRaster(
        "", 0, used, grid.west, grid.north, grid.cell_x, grid.cell_y, grid.width, grid.height, source.kind, nodata
    )
    plain = path.with_suffix(".plain")
    try:
        _write_plain(source.cells, row, inspection.classes, source.nodata, plain)
        _copy_as_cog(plain, path, _method(inspection.definition))
    finally:
        plain.unlink(missing_ok=True)
    return row


def _nodata(inspection: RasterInspection) -> float | None:
    """The file's own; where it has none and some cells must have no value: one that no other cell has."""
    source, counts = inspection.source, inspection.counts
    if source.nodata is not None or counts is None or not counts.strays:
        return source.nodata
    return float("nan") if source.kind.startswith("float") else counts.most


def _write_plain(
    cells: Cells, row: StoredRaster, classes: tuple[ValueClass, ...], before: float | None, path: Path
) -> None:
    import rasterio
    from rasterio.transform import Affine
    from rasterio.windows import Window

    profile: dict[str, Any] = {
        "driver": "GTiff", "width": row.width, "height": row.height, "count": 1, "dtype": row.kind, "crs": row.crs,
        "transform": Affine(row.cell_x, 0, row.west, 0, -row.cell_y, row.north), "nodata": row.nodata, "tiled": True,
        "blockxsize": BLOCK, "blockysize": BLOCK, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as opened:
        for rows in bands_of(cells):
            part = _cleaned(np.asarray(cells[rows]), row.nodata, classes, before)
            opened.write(part, 1, window=Window(0, rows.start, row.width, len(part)))


def _cleaned(part: Cells, nodata: float | None, classes: tuple[ValueClass, ...], before: float | None) -> Cells:
    """The values, with those of no class taken away."""
    stray: NDArray[np.bool_] = (classified(part, before, classes) == MISSING) & ~is_missing(part, before)
    if not stray.any():
        return part
    made = part.copy()
    made[stray] = nodata
    return made


def _method(definition: LayerDefinition) -> str:
    """How overviews are made: values that are names are never mixed, depths are averaged."""
    return "MODE" if any(one.value is not None for one in definition.classes) else "AVERAGE"


def _copy_as_cog(plain: Path, path: Path, method: str) -> None:
    import rasterio.shutil
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasterio.shutil.copy(
            str(plain), str(path), driver="COG", COMPRESS="DEFLATE", LEVEL="6", PREDICTOR="YES", BLOCKSIZE=str(BLOCK),
            OVERVIEW_RESAMPLING=method, OVERVIEWS="IGNORE_EXISTING", BIGTIFF="IF_SAFER",
        )  # fmt: skip


def changed_cells(first: Path, second: Path, one: StoredRaster, other: StoredRaster) -> int | None:
    """Cells whose value differs; None where the two do not lie on one grid."""
    if (one.grid, one.crs) != (other.grid, other.crs):
        return None
    import rasterio

    changed = 0
    with rasterio.open(first) as before, rasterio.open(second) as after:
        for _, window in before.block_windows(1):
            old, new = before.read(1, window=window), after.read(1, window=window)
            gone, none = is_missing(old, one.nodata), is_missing(new, other.nodata)
            changed += int(((gone != none) | (~gone & ~none & (old != new))).sum())
    return changed
