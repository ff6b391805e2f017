"""Features of the sectors' layers on their way to the files, kept at hand for those who look for what they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry as Geometry

from .files import Column, DemoFiles
from .ground import on_millimetre

DECIDED = date(2025, 9, 15)
DECISION = "GĐ-{number:03d}/2025/QĐ (giả định)"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature as a conflict needs it."""

    key: str
    shape: Geometry
    attributes: dict[str, object]


@dataclass(slots=True)
class Themes:
    """What has been made so far, by layer."""

    files: DemoFiles
    kept: dict[str, list[Feature]] = field(default_factory=dict)
    _trees: dict[str, tuple[int, STRtree]] = field(default_factory=dict)

    def add(self, layer: str, keys: Sequence[str], shapes: Sequence[Geometry] | np.ndarray, **columns: Column) -> None:
        """Features of a layer; the first column is its key."""
        names = list(columns)
        self.files.add(layer, list(shapes), **columns)
        own = self.kept.setdefault(layer, [])
        for row, (key, shape) in enumerate(zip(keys, shapes, strict=True)):
            own.append(Feature(str(key), shape, {name: columns[name][row] for name in names}))

    def one(self, layer: str, key_column: str, key: str, shape: Geometry, **attributes: object) -> Feature:
        """A single feature."""
        self.add(layer, [key], [shape], **{key_column: [key]}, **{name: [value] for name, value in attributes.items()})
        return self.kept[layer][-1]

    def number_of(self, layer: str) -> int:
        return len(self.kept.get(layer, ()))

    def forget(self, *layers: str) -> None:
        """Let go of features that only their own commune looks at."""
        for layer in layers:
            self.kept.pop(layer, None)
            self._trees.pop(layer, None)

    def tree(self, layer: str) -> STRtree:
        """An index of the layer as it stands."""
        features = self.kept.get(layer, [])
        count, tree = self._trees.get(layer, (-1, None))
        if tree is None or count != len(features):
            tree = STRtree([feature.shape for feature in features])
            self._trees[layer] = (len(features), tree)
        return tree

    def near(self, layer: str, shape: Geometry, distance_m: float = 0.0) -> list[Feature]:
        """Features within a distance."""
        if not self.kept.get(layer):
            return []
        found = self.tree(layer).query(shape, "dwithin", distance=distance_m)
        return [self.kept[layer][int(index)] for index in np.sort(found)]


def decision(number: int) -> str:
    return DECISION.format(number=number)


def areas_only(shape: Geometry) -> Geometry:
    """The polygons of a shape on the millimetre; empty when there are none."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0.5)]
    if not len(parts):
        return shapely.Polygon()
    made: Geometry = on_millimetre(parts[0] if len(parts) == 1 else shapely.multipolygons(parts))
    return made
