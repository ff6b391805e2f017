"""WebMercatorQuad as a tile matrix set (OGC 17-083r4, annex D.1)."""

from __future__ import annotations

import math
from typing import Any

from layers.store.tiles import MAX_ZOOM

ID = "WebMercatorQuad"
URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
TITLE = "Google Maps Compatible for the World"
_HALF_M = 20037508.342789244
_PIXEL_M = 0.00028  #: the pixel of the standard, behind every scale denominator
_NORTH = 85.0511287798  #: the edge of the square, in degrees

Bounds = tuple[float, float, float, float]


def tile_matrix_set() -> dict[str, Any]:
    """The definition in full."""
    return {
        "id": ID,
        "title": TITLE,
        "uri": URI,
        "crs": CRS,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(zoom) for zoom in range(MAX_ZOOM + 1)],
    }


def _matrix(zoom: int) -> dict[str, Any]:
    cell = cell_size_m(zoom)
    return {
        "id": str(zoom),
        "scaleDenominator": scale_denominator(zoom),
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-_HALF_M, _HALF_M],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }


def cell_size_m(zoom: int) -> float:
    return 2 * _HALF_M / (256 << zoom)


def scale_denominator(zoom: int) -> float:
    return cell_size_m(zoom) / _PIXEL_M


def limits(bounds: Bounds) -> list[dict[str, Any]]:
    """Rows and columns that meet the bounds (CRS84), of each matrix."""
    west, south, east, north = bounds
    found = []
    for zoom in range(MAX_ZOOM + 1):
        (left, top), (right, bottom) = place(west, north, zoom), place(east, south, zoom)
        columns = {"minTileCol": left, "maxTileCol": right}
        found.append({"tileMatrix": str(zoom), "minTileRow": top, "maxTileRow": bottom, **columns})
    return found


def place(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile at a point."""
    kept = math.radians(max(-_NORTH, min(_NORTH, latitude)))
    down = (1 - math.asinh(math.tan(kept)) / math.pi) / 2
    return _within(int((longitude + 180) / 360 * 2**zoom), zoom), _within(int(down * 2**zoom), zoom)


def _within(index: int, zoom: int) -> int:
    return max(0, min((1 << zoom) - 1, index))
