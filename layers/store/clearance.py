"""How far the corners of a shape may move before it can touch itself: what a tile's grid leaves valid without a test.

The minimum clearance of a shape is the least distance of a corner from another, or from a side that is not its own. Two
corners that move by less than half of it each cannot meet, nor can one pass a side: rounding keeps the shape valid and
its rings turned as they were. To test each rounded shape instead takes a quarter of a tile's time.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.zoom import Shapes

CLEARANCE = "clearance_m"
#: units of the grid: a corner moves by half a diagonal at most, two of them by a whole one; and room for the numbers
STEADY = 1.01 * math.sqrt(2.0)


def clearances_m(shapes_3857: Shapes) -> NDArray[np.float64]:
    """float64[n], in metres of EPSG:3857; infinite for a point, 0 for a shape that touches itself."""
    return np.asarray(shapely.minimum_clearance(shapes_3857), dtype=np.float64)
