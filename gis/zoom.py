"""From which zoom level on a shape is drawn: a rank that stands with the row and depends on nothing but the row.

Shapes that lie side by side (parcels) are far more than a low zoom can show. There a grid of square cells stands over
the tile, each with one fixed point, its anchor, and the row that holds the anchor stands for the cell: a map of parcels
sampled as a picture is. Anchors of one zoom are anchors of the next, so that the rank is one number.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

#: half the side of the square that EPSG:3857 makes of the world
HALF_WORLD_M = 20_037_508.342789244
#: metres of EPSG:3857 in one pixel (256 a tile) at zoom 0
PIXEL_M = 2 * HALF_WORLD_M / 256
#: every shape is drawn from here on, however small
LAST_MIN_ZOOM = 14
#: up to here one row stands for a cell of a coverage
LAST_CELL_ZOOM = 12
CELLS_A_SIDE = 64

Shapes = NDArray[np.object_]


def min_zoom(geoms_3857: Shapes) -> NDArray[np.int16]:
    """The first zoom where the longer side of a shape's box is half a pixel; 0 for points, which have no size."""
    longer = _longer_m(geoms_3857)
    with np.errstate(divide="ignore"):
        needed = np.ceil(np.log2(0.5 * PIXEL_M / longer))
    needed[longer == 0] = 0
    found: NDArray[np.int16] = np.clip(needed, 0, LAST_MIN_ZOOM).astype(np.int16)
    return found


def coverage_min_zoom(geoms_3857: Shapes) -> NDArray[np.int16]:
    """The first zoom where a shape is as long as a cell or holds the anchor of one; above those zooms as `min_zoom`."""
    found = np.maximum(min_zoom(geoms_3857), LAST_CELL_ZOOM + 1)
    longer = _longer_m(geoms_3857)
    left = np.arange(len(geoms_3857))
    for zoom in range(LAST_CELL_ZOOM, -1, -1):
        left = left[(longer[left] >= cell_m(zoom)) | _holds_anchor(geoms_3857[left], zoom)]
        found[left] = zoom
    return found


def cell_m(zoom: int) -> float:
    """The side of a cell."""
    return 2 * HALF_WORLD_M / (CELLS_A_SIDE << zoom)


def anchor(zoom: int) -> float:
    """Where in a cell its anchor lies, as a share of the side, from the west and from the north.

    A third of a cell is two thirds of the half it lies in, two thirds of a cell one third of the other half.
    """
    return 2 / 3 if zoom % 2 else 1 / 3


def _holds_anchor(geoms_3857: Shapes, zoom: int) -> NDArray[np.bool_]:
    """Of shapes shorter than a cell: their box holds one anchor or none."""
    side, share = cell_m(zoom), anchor(zoom)
    west, south, east, north = shapely.bounds(geoms_3857).T
    with np.errstate(invalid="ignore"):
        x = (np.ceil((west + HALF_WORLD_M) / side - share) + share) * side - HALF_WORLD_M
        y = HALF_WORLD_M - (np.ceil((HALF_WORLD_M - north) / side - share) + share) * side
        held: NDArray[np.bool_] = (x <= east) & (y >= south)
    held[held] = shapely.contains_xy(geoms_3857[held], x[held], y[held])
    return held


def _longer_m(geoms_3857: Shapes) -> NDArray[np.float64]:
    west, south, east, north = shapely.bounds(geoms_3857).T
    longer: NDArray[np.float64] = np.nan_to_num(np.maximum(east - west, north - south))
    return longer
