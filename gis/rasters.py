"""Classes of a raster under subjects: what cells mean, and measures from the areas of classes.

How much of each cell a subject covers is counted elsewhere (exactextract); here shapes become cells and shares become
areas. Shares are multiplied by the subject's own area in its zone, so that no projection of the raster changes an area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from .asked import CONTACT_AREA_M2, area_threshold_m2
from .bounds import strip_limit_m2
from .candidates import COUNTS, NEAR, Booleans, Floats, Integers, Measures, Subjects, Theme
from .procedure import Rule

Geometries = NDArray[np.object_]
Codes = NDArray[np.int16]

#: of a cell: no value, a value of no class, or no cell at all
MISSING = -1
#: of a pair: a class that the rule does not ask for
NOT_ASKED = "class_not_asked"
#: of the subject: what the parts may lack of the whole, or have too much
GUARD = 1e-6
#: of the subject: less without a value is rounding
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the cells of a raster lie: the upper left corner and the sides of a cell, in units of its CRS."""

    west: float
    north: float
    cell_x: float
    cell_y: float
    width: int
    height: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return (
            self.west, self.north - self.height * self.cell_y, self.west + self.width * self.cell_x, self.north,
        )  # fmt: skip

    def boxes_to_cells(self, boxes: Floats) -> Floats:
        """The boxes (n, 4) of shapes as `to_cells` carries these: it keeps the order of places."""
        sides: Floats = (boxes - np.array([self.west, self.north, self.west, self.north])) / np.array(
            [self.cell_x, self.cell_y, self.cell_x, self.cell_y]
        )
        return sides

    def to_cells(self, shapes: Geometries) -> Geometries:
        """Shapes in columns and rows: a cell is one wide and high, and row r lies between -r - 1 and -r."""

        def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack([(xy[:, 0] - self.west) / self.cell_x, (xy[:, 1] - self.north) / self.cell_y])

        moved: Any = shapely.transform(np.asarray(shapes, dtype=object), move, include_z=False)
        return np.asarray(moved, dtype=object)


@dataclass(frozen=True, slots=True)
class ValueClass:
    """Values that mean one thing: one value, or all from `low` up to, but not, `high`."""

    number: int
    low: float
    high: float
    is_value: bool = False

    def holds(self, values: NDArray[Any]) -> Booleans:
        found: Booleans = values == self.low if self.is_value else (values >= self.low) & (values < self.high)
        return found


def classified(values: NDArray[Any], nodata: float | None, classes: Sequence[ValueClass]) -> Codes:
    """The place of each value's class in `classes`; MISSING for nodata, NaN, and values of no class."""
    if values.dtype.kind in "iu" and values.dtype.itemsize == 1:  # 256 values: looked up, not compared cell by cell
        found: Codes = _of_bytes(values.dtype.name, nodata, tuple(classes))[values.view(np.uint8)]
        return found
    return _compared(values, nodata, classes)


@lru_cache(maxsize=64)
def _of_bytes(kind: str, nodata: float | None, classes: tuple[ValueClass, ...]) -> Codes:
    """The code of every byte, in the order of its bits."""
    return _compared(np.arange(256, dtype=np.uint8).view(kind), nodata, classes)


def _compared(values: NDArray[Any], nodata: float | None, classes: Sequence[ValueClass]) -> Codes:
    codes = np.full(values.shape, MISSING, dtype=np.int16)
    for place, one in enumerate(classes):
        codes[one.holds(values)] = place
    if nodata is not None and not np.isnan(nodata):
        codes[values == nodata] = MISSING
    return codes


@dataclass(frozen=True, slots=True)
class ClassAreas:
    """Areas in m² of each subject (rows) in each class (columns); the last column is ground without a value.

    `grown` and `shrunk` are the same of the subject swollen and shrunk by the accuracy; `shrunk` is NaN where it cannot
    change the decision. `broken`: the parts do not make up the whole.
    """

    measured: Floats
    grown: Floats
    shrunk: Floats
    broken: Booleans

    @classmethod
    def nothing(cls, subjects: int, classes: int) -> ClassAreas:
        """Of a raster that was not looked at."""
        none, unknown = np.zeros((subjects, classes + 1)), np.full((subjects, classes + 1), np.nan)
        return cls(none, none, unknown, np.zeros(subjects, dtype=bool))

    @property
    def mapped_share(self) -> Floats:
        """Of each grown subject, the share with a value."""
        whole = self.grown.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            missing = np.where(whole > 0, self.grown[:, -1] / whole, 1.0)
        missing[missing < _NOTHING] = 0.0
        missing[missing > 1 - _NOTHING] = 1.0
        return np.asarray(1.0 - missing)


@dataclass(frozen=True, slots=True)
class RasterGround:
    """The areas of every class under the subjects, and which classes the rule asks for."""

    areas: ClassAreas
    asked: Booleans  #: in the order of the classes

    @classmethod
    def nothing(cls, asked: Booleans, subjects: int) -> RasterGround:
        """Of a raster that was not looked at."""
        return cls(ClassAreas.nothing(subjects, len(asked)), asked)


def areas_of(shares: Floats, area_m2: Floats) -> Floats:
    """Shares of a shape's cells, times the shape's area where areas are true."""
    return shares * area_m2[:, None]


def shares_of(covered: Floats, shape_cells: Floats) -> tuple[Floats, Booleans]:
    """Covered cells by class as shares of all, and where they do not make up the shape's own area in cells."""
    total = covered.sum(axis=1)
    broken = ~(np.abs(total - shape_cells) <= GUARD * shape_cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(total[:, None] > 0, covered / total[:, None], 0.0)
    return shares, np.asarray(broken, dtype=bool)


def asked_areas(measured: Floats, asked: Booleans) -> Floats:
    """The area of all asked classes together: classes share no ground."""
    return np.asarray(measured[:, :-1][:, asked].sum(axis=1))


def could_flip(rule: Rule, subjects: Subjects, area_m2: Floats, error_m: Floats) -> Booleans:
    """Subjects whose decision the accuracy may turn."""
    strip = strip_limit_m2(subjects.perimeter_m, subjects.vertices.astype(np.float64), error_m)
    near = np.abs(area_m2 - area_threshold_m2(rule, subjects.area_m2)) <= strip
    return np.asarray(near & (error_m > 0), dtype=bool)


def measure_classes(rule: Rule, subjects: Subjects, ground: RasterGround) -> Measures:
    """Measures of `raster_class`: a pair for each class in the grown subject; the theme is all that was asked for.

    A class beside the subject and within the accuracy is `near`.
    """
    asked, areas = ground.asked, ground.areas
    occurs: Booleans = (areas.measured[:, :-1] > 0) | (areas.grown[:, :-1] > 0)
    subject, place = occurs.nonzero()
    area = areas.measured[subject, place]
    flips: Booleans = np.logical_not(np.isnan(areas.shrunk).any(axis=1))
    words = np.where(area > CONTACT_AREA_M2, rule.relation.value, NEAR).astype(object)
    excluded = np.where(asked[place], COUNTS, NOT_ASKED).astype(object)
    unknown = np.full(len(subject), np.nan)
    return Measures(
        subject_area_m2=subjects.area_m2,
        subject=subject.astype(np.int64),
        feature=place.astype(np.int64),
        area_m2=area,
        area_low_m2=areas.shrunk[subject, place],
        area_high_m2=np.where(flips[subject], np.maximum(areas.grown[subject, place], area), np.nan),
        length_m=unknown,
        nearest_m=unknown,
        relation=words,
        excluded=excluded,
        is_inside=np.zeros(len(subject), dtype=bool),
        theme=_theme(asked, subjects, areas, flips, _counted(asked, areas)),
    )


def _counted(asked: Booleans, areas: ClassAreas) -> Integers:
    return np.asarray((areas.measured[:, :-1][:, asked] > CONTACT_AREA_M2).sum(axis=1), dtype=np.int64)


def _theme(asked: Booleans, subjects: Subjects, areas: ClassAreas, flips: Booleans, count: Integers) -> Theme:
    area = np.minimum(asked_areas(areas.measured, asked), subjects.area_m2)
    low, high = asked_areas(areas.shrunk, asked), asked_areas(areas.grown, asked)
    theme = Theme.blank(len(subjects))
    theme.area_m2[:], theme.count[:], theme.broken[:] = area, count, areas.broken | ~subjects.is_valid
    theme.area_low_m2[flips] = low[flips].clip(0.0, area[flips])
    theme.area_high_m2[flips] = high[flips].clip(area[flips], np.maximum(subjects.area_m2, area)[flips])
    return theme
