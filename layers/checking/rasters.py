"""What the classes of a raster are under subjects: shapes into its cells, shares out, areas in the subjects' zone.

The same function serves one check and a partition of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.crs import Projection, crs_named
from gis.procedure import Rule
from gis.rasters import ClassAreas, RasterGround, areas_of, asked_areas, could_flip, shares_of
from layers.profile.grammar import LayerDefinition

from .raster_cells import CellReader, RasterFile

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: edges of a subject are cut to this length before they are carried into another system, where they are curves
_EDGE_M = 50.0


def asked_of(rule: Rule, definition: LayerDefinition) -> Booleans:
    """Whether the rule asks for each class of the definition."""
    wanted = definition.asked_classes(rule.classes)
    return np.array([one.number in wanted for one in definition.classes], dtype=bool)


@dataclass(frozen=True, slots=True)
class Ruler:
    """One raster as subjects of one zone are held against it."""

    file: RasterFile
    definition: LayerDefinition
    projection: Projection
    zone_crs: str
    accuracy_m: float  #: of the layer
    deadline: float | None = None  #: of `time.monotonic`

    def ground(self, rule: Rule, subjects: Subjects) -> RasterGround:
        """Areas of every class. Raises RasterError."""
        asked, error_m = asked_of(rule, self.definition), np.hypot(subjects.accuracy_m, self.accuracy_m)
        usable = subjects.is_valid & (shapely.get_dimensions(subjects.geometry) == 2) & (subjects.area_m2 > 0)
        measured, broken = self._areas(subjects.geometry, usable)
        grown, broken_too = measured, broken
        if (error_m > 0).any():
            swollen = np.where(error_m > 0, shapely.buffer(subjects.geometry, error_m, quad_segs=4), subjects.geometry)
            grown, broken_too = self._areas(swollen, usable)
        shrunk = np.full_like(measured, np.nan)
        flips = np.flatnonzero(usable & could_flip(rule, subjects, asked_areas(measured, asked), error_m))
        if len(flips):
            less = np.asarray(shapely.buffer(subjects.geometry[flips], -error_m[flips], quad_segs=4), dtype=object)
            shrunk[flips], broken_less = self._areas(less, ~shapely.is_empty(less))
            broken_too[flips] |= broken_less
        return RasterGround(ClassAreas(measured, grown, shrunk, broken | broken_too | ~usable), asked)

    def _areas(self, shapes: Geometries, usable: Booleans) -> tuple[Floats, Booleans]:
        """Areas in m² of each shape by class, the last without a value; and where they do not make up the whole."""
        areas = np.zeros((len(shapes), len(self.definition.classes) + 1))
        broken = np.zeros(len(shapes), dtype=bool)
        rows = np.flatnonzero(usable)
        if len(rows):
            cells = self.file.row.grid.to_cells(self._carried(shapes[rows]))
            reader = CellReader(self.file, self.definition.value_classes, self.deadline)
            shares, broken[rows] = shares_of(reader.covered(cells), np.asarray(shapely.area(cells)))
            areas[rows] = areas_of(shares, np.asarray(shapely.area(shapes[rows])))
        return areas, broken

    def _carried(self, shapes: Geometries) -> Geometries:
        """Shapes in the raster's system; where it is the zone's they stay what they are."""
        if crs_named(self.zone_crs).equals(crs_named(self.file.row.crs), ignore_axis_order=True):
            return shapes
        dense = np.asarray(shapely.segmentize(shapes, _EDGE_M), dtype=object)
        return self.projection.to_crs(dense, self.zone_crs, self.file.row.crs)
