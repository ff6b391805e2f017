"""From which zoom level on a shape can be seen at all."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

#: metres of EPSG:3857 in one pixel (256 a tile) at zoom 0
PIXEL_M = 2 * 20_037_508.342789244 / 256
#: every shape is drawn from here on, however small
LAST_MIN_ZOOM = 14


def min_zoom(geoms_3857: NDArray[np.object_]) -> NDArray[np.int16]:
    """The first zoom where the longer side of a shape's box is half a pixel; 0 for points, which have no size."""
    west, south, east, north = shapely.bounds(geoms_3857).T
    longer = np.nan_to_num(np.maximum(east - west, north - south))
    with np.errstate(divide="ignore"):
        needed = np.ceil(np.log2(0.5 * PIXEL_M / longer))
    needed[longer == 0] = 0
    found: NDArray[np.int16] = np.clip(needed, 0, LAST_MIN_ZOOM).astype(np.int16)
    return found
