"""Was the ground mapped? Nothing is `clear` on ground that nobody declared mapped (design 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .bounds import COINCIDENCE_M

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: a gap along a boundary is as wide as the accuracy, and in corners somewhat wider
_SLIVER_RADIUS = 0.6


@dataclass(frozen=True, slots=True)
class Ground:
    """Polygons near subjects: geometry[i] near subject[i]. All that meets the grown subject must be given."""

    subject: Integers
    geometry: Geometries

    @classmethod
    def none(cls) -> Ground:
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object))


def mapped_share(
    subjects: Geometries,
    reach_m: float,
    accuracy_m: Floats,
    *,
    everywhere: bool,
    areas: Ground,
    refused: Ground,
) -> Floats:
    """Share of each subject, grown by reach and accuracy, that is mapped: inside the areas, outside what was refused.

    1.0 only where nothing is missing but slivers narrower than the accuracy along the edge of what was declared. What
    was refused is a hole, however narrow. NaN where the measure does not hold.
    """
    share = np.ones(len(subjects))
    if everywhere and not len(refused.subject):
        return share
    margin = reach_m + accuracy_m
    grown = np.where(margin > 0, shapely.buffer(subjects, margin, quad_segs=4), subjects)
    if not everywhere:
        share[:] = 0.0
    certain = _wholly_inside(grown, areas) & ~np.isin(np.arange(len(subjects)), refused.subject)
    share[certain] = 1.0
    open_question = ~certain & (np.isin(np.arange(len(subjects)), areas.subject) | everywhere)
    for place in np.flatnonzero(open_question):
        sliver = float(max(accuracy_m[place], COINCIDENCE_M)) * _SLIVER_RADIUS
        parts = areas.geometry[areas.subject == place]
        cut = refused.geometry[refused.subject == place]
        share[place] = _share_of(grown[place], None if everywhere else parts, cut, sliver)
    return share


def _wholly_inside(grown: Geometries, areas: Ground) -> NDArray[np.bool_]:
    inside = np.zeros(len(grown), dtype=bool)
    if len(areas.subject):
        covered = shapely.contains_properly(areas.geometry, grown[areas.subject])
        inside[areas.subject[covered]] = True
    return inside


def _share_of(shape: Any, areas: Geometries | None, refused: Geometries, sliver_m: float) -> float:
    try:
        missing = [] if areas is None else [(_unmapped(shape, areas), sliver_m)]
        if len(refused):
            missing.append((shapely.intersection(shape, shapely.union_all(refused)), COINCIDENCE_M / 2))
    except (GEOSException, ArithmeticError):
        return float("nan")
    wide = [part for part, radius_m in missing if not shapely.is_empty(shapely.buffer(part, -radius_m))]
    if not wide:
        return 1.0
    lost = min(sum(float(shapely.area(part)) for part in wide) / float(shapely.area(shape)), 1.0)
    return 1.0 - lost if lost < 1.0 - 1e-9 else 0.0


def _unmapped(shape: Any, areas: Geometries) -> Any:
    """What the areas leave of the shape. Raises ArithmeticError when it and what they share do not make up the whole:
    an overlay that fails in silence must not turn into mapped ground."""
    missing = shapely.difference(shape, shapely.union_all(areas))
    shared = float(shapely.area(shapely.intersection(shape, areas)).sum())
    whole = float(shapely.area(shape))
    if whole - float(shapely.area(missing)) > shared + 1e-4 + 1e-6 * whole:
        raise ArithmeticError("an overlay lost ground")
    return missing


def clear_share(places: Geometries, reach_m: float, *, everywhere: bool, areas: Ground, refused: Ground) -> Floats:
    """Share of each place on which a question with this reach can be answered with `clear`: where all ground within
    the reach is mapped. An upper bound: a subject is larger than a point. NaN where the measure does not hold."""
    share = np.full(len(places), 1.0 if everywhere else 0.0)
    asked = set(refused.subject.tolist()) if everywhere else set(areas.subject.tolist())
    for place in sorted(asked):
        parts, cut = areas.geometry[areas.subject == place], refused.geometry[refused.subject == place]
        share[place] = _clear_share_of(places[place], reach_m, None if everywhere else parts, cut)
    return share


def _clear_share_of(place: Any, reach_m: float, areas: Geometries | None, refused: Geometries) -> float:
    try:
        gone = shapely.buffer(shapely.union_all(refused), reach_m) if len(refused) else None
        clear = place
        if areas is not None:  # what lies beyond the reach of the place does not matter
            around = shapely.envelope(shapely.buffer(place, 2 * reach_m + 1.0))
            mapped = shapely.intersection(shapely.union_all(areas), around)
            clear = shapely.intersection(place, shapely.buffer(mapped, -reach_m) if reach_m else mapped)
        if gone is not None:
            clear = shapely.difference(clear, gone)
    except GEOSException:
        return float("nan")
    return min(float(shapely.area(clear)) / float(shapely.area(place)), 1.0)
