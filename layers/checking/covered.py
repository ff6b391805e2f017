"""How much of each cell shapes cover, by exactextract: exact, not by the middles of cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray

from gis.rasters import Codes


def covered_cells(
    codes: Codes, row: int, column: int, shapes: NDArray[np.object_], classes: int
) -> NDArray[np.float64]:
    """Cells each shape covers (n, classes + 1); `codes` begin at that row and column, the last column is MISSING."""
    height, width = codes.shape
    raster = NumPyRasterSource(codes, xmin=column, ymin=-(row + height), xmax=column + width, ymax=-row)
    found = np.zeros((len(shapes), classes + 1))
    told = exact_extract(raster, _Shapes(shapely.to_wkb(shapes).tolist()), ["values", "coverage"], output="geojson")
    for place, one in enumerate(told):
        values, share = one["properties"]["values"], one["properties"]["coverage"]
        found[place] = np.bincount(np.asarray(values) % (classes + 1), share, minlength=classes + 1)
    return found


class _Shape(Feature):  # type: ignore[misc]  # the library has no types
    """A shape for exactextract, without a detour over dictionaries."""

    def __init__(self, wkb: bytes) -> None:
        super().__init__()
        self.wkb = wkb
        self.values: dict[str, Any] = {}

    def geometry(self) -> bytes:
        return self.wkb

    def set_geometry_format(self) -> str:
        return "wkb"

    def set_geometry(self, _shape: object) -> None:
        """Results carry no shape."""

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value

    def fields(self) -> list[str]:
        return []


class _Shapes(FeatureSource):  # type: ignore[misc]  # the library has no types
    def __init__(self, wkb: Iterable[bytes]) -> None:
        super().__init__()
        self.shapes = [_Shape(one) for one in wkb]

    def count(self) -> int:
        return len(self.shapes)

    def __iter__(self) -> Iterator[_Shape]:
        return iter(self.shapes)

    def srs_wkt(self) -> None:
        return None
