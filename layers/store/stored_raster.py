"""What the books say of one raster file. Without the database's libraries: workers of a batch know it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gis.rasters import Grid


@dataclass(frozen=True, slots=True)
class StoredRaster:
    """One row of `catalogue.raster`, without its layer and revisions."""

    sha256: str
    size_bytes: int
    crs: str
    west: float
    north: float
    cell_x: float
    cell_y: float
    width: int
    height: int
    kind: str
    nodata: float | None

    @property
    def grid(self) -> Grid:
        return Grid(self.west, self.north, self.cell_x, self.cell_y, self.width, self.height)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> StoredRaster:
        """From a row, or from the JSON of one."""
        return cls(**{name: found[name] for name in _COLUMNS})

    def as_dict(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = tuple(each.name for each in fields(StoredRaster))
