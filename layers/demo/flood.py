"""Depths of flooding along the invented rivers, as a GeoTIFF: deeper near the water, and by large rivers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry as Geometry

from .files import SYNTHETIC, file_digest
from .ground import Ground

LAYER = "flood_depth"
CELL_M = 10.0
NO_DATA = 255
#: metres from the bank of a river of the second grade, and centimetres of water there; the widest first
BANDS = ((110.0, 20), (70.0, 60), (40.0, 120), (20.0, 180))
OPEN_WATER_CM = 249
#: how much farther rivers of each grade reach
REACH = {1: 1.6, 2: 1.0, 3: 0.6, 4: 0.3}


def write_depths(ground: Ground, out: Path, crs: str) -> dict[str, object]:
    """Write the raster; its entry in the manifest."""
    import rasterio
    from rasterio.transform import Affine

    west, _, _, north = _frame(ground)
    place = Affine(CELL_M, 0, west, 0, -CELL_M, north)
    cells = _depths(ground, place)
    path = out / f"{LAYER}.tif"
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": cells.shape[1], "height": cells.shape[0], "count": 1, "dtype": "uint8", "crs": crs,
        "transform": place, "nodata": NO_DATA, "compress": "deflate", "zlevel": 1, "tiled": True,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as opened:
        opened.write(cells, 1)
        opened.update_tags(SYNTHETIC="YES", DESCRIPTION=SYNTHETIC)
    content = hashlib.sha256(cells.tobytes()).hexdigest()
    return {"file": path.name, "rows": int(cells.size), "content": f"sha256:{content}", "sha256": file_digest(path),
            "synthetic": True}  # fmt: skip


def _frame(ground: Ground) -> tuple[float, float, float, float]:
    """The province's box on whole cells."""
    west, south, east, north = np.array(ground.province.bounds) / CELL_M
    return np.floor(west) * CELL_M, np.floor(south) * CELL_M, np.ceil(east) * CELL_M, np.ceil(north) * CELL_M


def _depths(ground: Ground, place: Any) -> NDArray[np.uint8]:
    from rasterio.features import rasterize

    west, south, east, north = _frame(ground)
    cells = np.full((round((north - south) / CELL_M), round((east - west) / CELL_M)), NO_DATA, dtype=np.uint8)
    # cells whose middle is within half a cell beyond the border: parcels end at the border, not at a cell
    beyond = ground.province.buffer(CELL_M, join_style="mitre")
    rasterize([(beyond, 0)], out=cells, transform=place)
    for shape, depth_cm in _shores(ground):
        rasterize([(shape, depth_cm)], out=cells, transform=place)
    return cells


def _shores(ground: Ground) -> Iterator[tuple[Geometry, int]]:
    """Ground under water with its depth; what comes later lies deeper."""
    near = ground.province
    for metres, depth_cm in BANDS:
        swollen = [surface.buffer(metres * REACH[river.grade], quad_segs=3) for river, _, surface in ground.rivers]
        yield shapely.intersection(shapely.union_all(swollen), near), depth_cm
    water = [surface for _, _, surface in ground.rivers] + [lake for _, lake in ground.lakes]
    yield shapely.intersection(shapely.union_all(water), near), OPEN_WATER_CM
