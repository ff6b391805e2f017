"""What a rule about a raster needs of its layer: areas of classes in place of features, and the mapped ground."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from gis.candidates import Subjects
from gis.procedure import Rule
from gis.rasters import RasterGround
from layers.profile.grammar import LayerDefinition
from layers.store.checks import CutLayer
from layers.store.raster_files import RasterFolder

from .evaluate import Sheet
from .raster_cells import RasterError, RasterFile
from .rasters import Ruler, asked_of, classes_sheet
from .reading import TIMEOUT_MS, Case
from .rule_finding import KEY, accuracy_of, rounded
from .zones import projection_of


def file_of(folder: RasterFolder | None, cut: CutLayer) -> RasterFile:
    """The file of the cut's revision. Raises RasterError where none is known."""
    if folder is None or cut.raster is None:
        raise RasterError("raster_missing")
    return RasterFile(folder.path(cut.id, cut.raster.sha256), cut.raster)


def single_sheet(
    rule: Rule, layer: LayerDefinition, cut: CutLayer, case: Case, subjects: Subjects, zone: int,
    folder: RasterFolder | None, mapped: Sheet,
) -> tuple[Sheet, list[Mapping[str, object]]]:  # fmt: skip
    """The sheet of one check, with what is told of each class. Raises RasterError.

    `mapped` holds the declared ground. A layer that is not served, or was never published, is not looked at.
    """
    accuracy_m = accuracy_of(layer, case)
    is_looked_at = cut.revision > 0 and case.standing(cut).state == "served"
    if not is_looked_at:
        ground = RasterGround.nothing(asked_of(rule, layer), len(subjects))
    else:
        crs, deadline = case.profile.header.crs, time.monotonic() + TIMEOUT_MS / 1000
        ruler = Ruler(file_of(folder, cut), layer, projection_of(crs), crs.zones[zone].crs, accuracy_m, deadline)
        ground = ruler.ground(rule, subjects)
    return classes_sheet(layer, accuracy_m, ground, mapped), told_of(layer, ground, subjects)


def told_of(layer: LayerDefinition, ground: RasterGround, subjects: Subjects) -> list[Mapping[str, object]]:
    """What is told of each class under the one subject: columns of the layer like any others."""
    shares: Sequence[float] = (ground.areas.measured[0, :-1] / max(float(subjects.area_m2[0]), 1e-9)).tolist()
    return [
        {"class": one.number, "title": one.title.message().as_dict(), "share": rounded(share, 6), KEY: str(one.number)}
        for one, share in zip(layer.classes, shares, strict=True)
    ]
