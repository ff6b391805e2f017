"""What the classes of a raster are under subjects: shapes into its cells, shares out, areas in the subjects' zone.

The same function serves one check and a partition of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.candidates import COUNTS, Subjects
from gis.crs import Projection, crs_named
from gis.procedure import Rule
from gis.rasters import ClassAreas, RasterGround, areas_of, asked_areas, could_flip, shares_of
from layers.profile.grammar import LayerDefinition

from .evaluate import Sheet
from .raster_cells import SEVERAL, CellReader, RasterFile

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

#: edges of a subject are cut to this length before they are carried into another system, where they are curves
_EDGE_M = 50.0
#: of so many subjects those that lie in one class are told apart first
_MANY_SUBJECTS = 8


def asked_of(rule: Rule, definition: LayerDefinition) -> Booleans:
    """Whether the rule asks for each class of the definition."""
    wanted = definition.asked_classes(rule.classes)
    return np.array([one.number in wanted for one in definition.classes], dtype=bool)


def classes_sheet(
    layer: LayerDefinition, accuracy_m: float, ground: RasterGround, mapped: Sheet | None = None
) -> Sheet:
    """A sheet whose features are the classes of the layer, in its order. `mapped` holds the declared ground; without it
    nothing is declared mapped yet."""
    numbers = np.array([one.number for one in layer.classes], dtype=np.int64)
    around = mapped or Sheet.empty()
    return Sheet(
        fid=numbers, accuracy_m=np.full(len(numbers), accuracy_m), excluded=np.full(len(numbers), COUNTS, dtype=object),
        everywhere=around.everywhere, areas=around.areas, refused=around.refused, raster=ground,
    )  # fmt: skip


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
        if len(subjects) < _MANY_SUBJECTS and (told := self._in_one_class(rule, asked, subjects, error_m, usable)):
            return RasterGround(told, asked)
        alike = self._alike(asked, subjects, error_m, usable)
        measured, grown, broken = self._measured_and_grown(subjects, error_m, usable & (alike == SEVERAL))
        plain = np.flatnonzero(alike != SEVERAL)
        measured[plain, alike[plain]] = grown[plain, alike[plain]] = subjects.area_m2[plain]
        shrunk = np.full_like(measured, np.nan)
        could: Booleans = usable & could_flip(rule, subjects, asked_areas(measured, asked), error_m)
        shrunk[could] = measured[could]
        flips = np.flatnonzero(could & (alike == SEVERAL))
        if len(flips):
            less = np.asarray(shapely.buffer(subjects.geometry[flips], -error_m[flips], quad_segs=4), dtype=object)
            shrunk[flips], broken_less = self._areas(less, ~shapely.is_empty(less))
            broken[flips] |= broken_less
        return RasterGround(ClassAreas(measured, grown, shrunk, broken | ~usable), asked)

    def _in_one_class(
        self, rule: Rule, asked: Booleans, subjects: Subjects, error_m: Floats, usable: Booleans
    ) -> ClassAreas | None:
        """What counting gives where each subject lies in one class with all that its accuracy reaches: one reading, and
        no cell is cut. None elsewhere."""
        if not usable.all() or not _are_one(self.zone_crs, self.file.row.crs):
            return None
        place = self._classes_around(subjects, error_m)
        if (place == SEVERAL).any():
            return None
        rows, shape = np.arange(len(subjects)), (len(subjects), len(self.definition.classes) + 1)
        measured, shrunk = np.zeros(shape), np.full(shape, np.nan)
        measured[rows, place] = subjects.area_m2
        grown = measured.copy()  # that it lies in one class is all that counts, but where the decision may turn
        flips = could_flip(rule, subjects, asked_areas(measured, asked), error_m).nonzero()[0]
        if len(flips):
            shapes, by_m = subjects.geometry[flips], error_m[flips]
            shrunk[flips] = 0.0
            grown[flips, place[flips]], shrunk[flips, place[flips]] = shapely.area(
                shapely.buffer(shapes, np.array([by_m, -by_m]), quad_segs=4)
            )
        return ClassAreas(measured, grown, shrunk, np.zeros(len(subjects), dtype=bool))

    def _classes_around(self, subjects: Subjects, error_m: Floats, rows: Integers | None = None) -> Integers:
        """The place of the class that alone lies around each subject and all that its accuracy reaches, or SEVERAL. The
        zone is in the raster's system."""
        grid, chosen = self.file.row.grid, slice(None) if rows is None else rows
        reach_x, reach_y = error_m[chosen] / grid.cell_x, error_m[chosen] / grid.cell_y
        boxes = grid.boxes_to_cells(shapely.bounds(subjects.geometry[chosen]))
        boxes += np.array([-reach_x, -reach_y, reach_x, reach_y]).T
        return self._reader().classes_around(boxes, subjects.vertices[chosen])

    def _alike(self, asked: Booleans, subjects: Subjects, error_m: Floats, usable: Booleans) -> Integers:
        """The place of the class that alone lies under a subject and all that its accuracy reaches, where nobody asks
        for that class: bounds of it decide nothing. Elsewhere, and of few subjects, SEVERAL."""
        found = np.full(len(subjects), SEVERAL, dtype=np.int64)
        rows = np.flatnonzero(usable)
        if len(rows) < _MANY_SUBJECTS or not _are_one(self.zone_crs, self.file.row.crs):
            return found
        found[rows] = self._classes_around(subjects, error_m, rows)
        found[np.append(asked, False)[found]] = SEVERAL
        return found

    def _reader(self) -> CellReader:
        return CellReader(self.file, self.definition.value_classes, self.deadline)

    def _measured_and_grown(
        self, subjects: Subjects, error_m: Floats, usable: Booleans
    ) -> tuple[Floats, Floats, Booleans]:
        """Each subject beside itself grown, so that both are counted from one reading."""
        if not (error_m > 0).any():
            measured, broken = self._areas(subjects.geometry, usable)
            return measured, measured.copy(), broken
        swollen = subjects.geometry.copy()
        rows = np.flatnonzero(usable & (error_m > 0))
        swollen[rows] = shapely.buffer(swollen[rows], error_m[rows], quad_segs=4)
        both = np.stack([subjects.geometry, swollen], axis=1).ravel()
        areas, broken = self._areas(both, np.repeat(usable, 2))
        return areas[::2], areas[1::2], broken[::2] | broken[1::2]

    def _areas(self, shapes: Geometries, usable: Booleans) -> tuple[Floats, Booleans]:
        """Areas in m² of each shape by class, the last without a value; and where they do not make up the whole."""
        areas = np.zeros((len(shapes), len(self.definition.classes) + 1))
        broken = np.zeros(len(shapes), dtype=bool)
        rows = np.flatnonzero(usable)
        if len(rows):
            cells = self.file.row.grid.to_cells(self._carried(shapes[rows]))
            shares, broken[rows] = shares_of(self._reader().covered(cells), np.asarray(shapely.area(cells)))
            areas[rows] = areas_of(shares, np.asarray(shapely.area(shapes[rows])))
        return areas, broken

    def _carried(self, shapes: Geometries) -> Geometries:
        """Shapes in the raster's system; where it is the zone's they stay what they are."""
        if _are_one(self.zone_crs, self.file.row.crs):
            return shapes
        dense = np.asarray(shapely.segmentize(shapes, _EDGE_M), dtype=object)
        return self.projection.to_crs(dense, self.zone_crs, self.file.row.crs)


@lru_cache(maxsize=64)
def _are_one(crs: str, other: str) -> bool:
    """PROJ takes longer to tell than the cells to be counted."""
    return crs_named(crs).equals(crs_named(other), ignore_axis_order=True)
