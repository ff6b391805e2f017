"""Rasters in a batch: the areas of classes under the subjects of a partition."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.procedure import Rule
from gis.rasters import ClassAreas, RasterGround
from layers.store.stored_raster import StoredRaster

from .evaluate import Sheet
from .plan import Plan
from .raster_cells import RasterError, RasterFile
from .rasters import Ruler, asked_of, classes_sheet
from .sheets import mapped_in

Objects = NDArray[np.object_]

#: what is wrong with the file is wrong for every subject
_OF_THE_FILE = ("raster_missing", "raster_damaged")


def _named(path: Path) -> RasterFile:
    told = json.loads(path.read_text(encoding="utf-8"))
    return RasterFile(Path(told["path"]), StoredRaster.of(told["row"]))


def sheet(plan: Plan, rule: Rule, subjects: Subjects, zone: int, boxes: NDArray[np.float64]) -> Sheet:
    """The sheet of a rule for the subjects of one zone; as in a single check, a file that cannot be read fails them."""
    definition, accuracy_m = plan.profile.layer(rule.layer), plan.standings[rule.layer].accuracy_m
    assert definition is not None  # bind refuses rules on unknown layers
    asked = asked_of(rule, definition)
    if not plan.is_read(rule.layer):
        return classes_sheet(definition, accuracy_m, RasterGround.nothing(asked, len(subjects)))
    file, crs = _named(plan.raster_file(rule.layer)), plan.profile.header.crs
    ruler = Ruler(file, definition, plan.projection, crs.zones[zone].crs, accuracy_m)
    areas, failed = _areas(ruler, rule, subjects)
    mapped = mapped_in(plan.mapped_file(rule.layer), zone)
    around, refused = mapped.around(boxes)
    return replace(
        classes_sheet(definition, accuracy_m, RasterGround(areas, asked)), everywhere=mapped.everywhere, areas=around,
        refused=refused, failed=failed if (failed != "").any() else None,
    )  # fmt: skip


def _areas(ruler: Ruler, rule: Rule, subjects: Subjects) -> tuple[ClassAreas, Objects]:
    """Areas of all subjects; those that cannot be measured alone fail, with the reason."""
    try:
        return ruler.ground(rule, subjects).areas, np.full(len(subjects), "", dtype=object)
    except RasterError as error:
        if len(subjects) == 1 or error.reason in _OF_THE_FILE:
            nothing = ClassAreas.nothing(len(subjects), len(ruler.definition.classes))
            return nothing, np.full(len(subjects), error.reason, dtype=object)
    middle = len(subjects) // 2
    halves = [_areas(ruler, rule, _part(subjects, part)) for part in (slice(None, middle), slice(middle, None))]
    (one, first), (other, second) = halves
    columns = ("measured", "grown", "shrunk", "broken")
    joined = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in columns}
    return ClassAreas(**joined), np.concatenate([first, second])


def _part(subjects: Subjects, part: slice) -> Subjects:
    return Subjects.of(subjects.geometry[part], subjects.accuracy_m[part])
