"""A commune while conflicts are looked for and planted in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import Polygon, STRtree

from .cadastre import Parcels
from .local import Place
from .themes import Feature

HOME_INPUTS = {"target_area_m2": 50}
PERMIT_INPUTS = {"building_use": "NHA_O", "storeys": 2}
SITING_INPUTS = {"station_level": 2}


@dataclass(slots=True)
class Site:
    """A commune while conflicts are planted in it."""

    place: Place
    tree: STRtree
    random: np.random.Generator
    used: set[int] = field(default_factory=set)

    @property
    def parcels(self) -> Parcels:
        return self.place.parcels

    def lot(self, row: int) -> Polygon:
        shape: Polygon = self.parcels.shapes[row]
        return shape

    def unused(self, rows: Sequence[int] | np.ndarray) -> Iterator[int]:
        for row in rows:
            if int(row) not in self.used:
                yield int(row)

    def some(self, mask: np.ndarray, count: int = 200) -> np.ndarray:
        """Rows of a mask in a chance order."""
        rows = np.flatnonzero(mask)
        return self.random.permutation(rows)[:count]


@dataclass(frozen=True, slots=True)
class Case:
    """What a finder or planter found: the rest of a conflict is the same for a kind."""

    row: int
    feature: str | None
    measured: Mapping[str, float]
    inputs: Mapping[str, object] = field(default_factory=dict)


def features_near(site: Site, layer: str, attributes: Mapping[str, object], reach_m: float = 0.0) -> list[Feature]:
    """Features of a layer with these values near the commune's parcels."""
    area = shapely.box(*shapely.total_bounds(site.parcels.shapes))
    wanted = [
        feature
        for feature in site.place.themes.near(layer, area, reach_m)
        if all(feature.attributes.get(name) in _as_tuple(value) for name, value in attributes.items())
    ]
    return [wanted[int(index)] for index in site.random.permutation(len(wanted))]


def _as_tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)
