"""Which parcels lie in one shape, and how much of each: the same kernel with the parcels as subjects.

The parcels are measured against the pieces of the shape; the shape against the parcels, for the ground that none of
them covers. What a parcel shares with the shape is in doubt where it could be nothing within the parcel's accuracy,
what it keeps where it could be nothing either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .asked import CONTACT_AREA_M2
from .bounds import strip_limit_m2
from .candidates import Pieces, Subjects
from .division import is_wide
from .judge import judge
from .measure import measure
from .pieces import subdivide
from .procedure import Outcome, Relation, Rule

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]

Lies = Literal["inside", "partly", "borderline", "touches", "apart", "not_measured"]
_ANY = Rule("inside", "", Relation.OVERLAPS_AREA)
#: corners of a shape, and pieces of parcels in it, that are held against each other whole: of more, every edge would
#: meet every parcel, and every parcel every other one
_MOST_WHOLE = 1_000
#: pieces of parcels in one part of a larger shape
_MOST_TOGETHER = 64
#: of the area: parts that do not sum up to the whole this closely are not used
_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Lying:
    """How parcels lie to a shape; all arrays have one entry a parcel. Areas in m²."""

    area_m2: Floats
    inside_m2: Floats
    lies: NDArray[np.object_]  #: words of `Lies`
    covered_m2: float  #: ground of the shape under any of the parcels; NaN where that does not hold its guards

    @property
    def left_m2(self) -> Floats:
        return np.asarray(np.maximum(self.area_m2 - self.inside_m2, 0.0))


def lying(shape: Any, parcels: Geometries, accuracy_m: Floats) -> Lying:
    """How valid parcels lie to a valid polygon of the same plane."""
    subjects = Subjects.of(parcels, accuracy_m)
    if not len(parcels):
        return Lying(subjects.area_m2, np.zeros(0), np.zeros(0, dtype=object), 0.0)
    pieces, _ = subdivide(_one(shape))
    rows = _meeting(parcels, pieces, accuracy_m)
    measures = measure(_ANY, subjects, rows, area_route="edges", pair_bounds=False)
    inside = np.zeros(len(parcels))
    inside[measures.subject] = np.minimum(measures.area_m2, subjects.area_m2[measures.subject])
    judged = judge(_ANY, measures, np.ones(len(parcels)))
    touching = np.zeros(len(parcels), dtype=bool)
    touching[measures.subject[measures.relation == "touches_only"]] = True
    lies = np.full(len(parcels), "apart", dtype=object)
    lies[touching] = "touches"
    lies[judged.outcome == Outcome.AFFECTED] = "partly"
    lies[(judged.outcome == Outcome.BORDERLINE) & (inside > CONTACT_AREA_M2)] = "borderline"
    unmeasured = (judged.outcome == Outcome.NOT_CHECKED) | ~subjects.is_valid
    lies[unmeasured], inside[unmeasured] = "not_measured", 0.0
    _name_whole(lies, shape, subjects, inside)
    return Lying(subjects.area_m2, inside, lies, _covered_m2(shape, pieces, parcels[inside > CONTACT_AREA_M2]))


def _one(shape: Any) -> Geometries:
    made = np.empty(1, dtype=object)
    made[0] = shape
    return made


def _meeting(parcels: Geometries, pieces: Geometries, accuracy_m: Floats) -> Pieces:
    """Pairs of parcels and pieces whose boxes meet, grown by the accuracy."""
    grown = shapely.bounds(parcels) + accuracy_m[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
    subject, piece = shapely.STRtree(pieces).query(shapely.box(*grown.T))
    none = np.zeros(len(subject), dtype=np.int64)
    return Pieces(subject.astype(np.int64), none, pieces[piece], np.zeros(1), piece=piece.astype(np.int64))


def _name_whole(lies: NDArray[np.object_], shape: Any, subjects: Subjects, inside: Floats) -> None:
    """Parcels that keep nothing, and those that may keep nothing within their accuracy."""
    left = subjects.area_m2 - inside
    strip = strip_limit_m2(subjects.perimeter_m, subjects.vertices.astype(np.float64), subjects.accuracy_m)
    known = lies == "partly"
    lies[known & (left <= CONTACT_AREA_M2)] = "inside"
    for place in np.flatnonzero(known & (left > CONTACT_AREA_M2) & (left <= strip)).tolist():
        if not _keeps_something(shape, subjects.geometry[place], float(subjects.accuracy_m[place])):
            lies[place] = "borderline"


def _keeps_something(shape: Any, parcel: Any, accuracy_m: float) -> bool:
    try:
        return is_wide(shapely.difference(parcel, shape), accuracy_m)
    except GEOSException:
        return True


def _covered_m2(shape: Any, pieces: Geometries, parcels: Geometries) -> float:
    """Area of the shape under the parcels together, where they overlap each other once."""
    cover, feature = subdivide(parcels)
    if not len(cover):
        return 0.0
    is_large = max(int(shapely.get_num_coordinates(shape)), len(cover)) > _MOST_WHOLE
    ground = _uncrowded(pieces, cover) if is_large else _one(shape)
    subject, piece = _met(ground, cover) if is_large else (np.zeros(len(cover), dtype=np.int64), np.arange(len(cover)))
    rows = Pieces(subject, feature[piece], cover[piece], np.zeros(len(parcels)), piece=piece)
    theme = measure(_ANY, Subjects.of(ground, np.zeros(len(ground))), rows, area_route="edges", pair_bounds=False).theme
    return float("nan") if theme.broken.any() else float(theme.area_m2.sum())


def _met(ground: Geometries, cover: Geometries) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of which the boxes meet."""
    subject, piece = shapely.STRtree(cover).query(shapely.box(*shapely.bounds(ground).T))
    return subject.astype(np.int64), piece.astype(np.int64)


def _uncrowded(ground: Geometries, cover: Geometries) -> Geometries:
    """The ground in parts that each meet few pieces of parcels."""
    counts = np.bincount(_met(ground, cover)[0], minlength=len(ground))
    parts = [_cells(one, count) if count > _MOST_TOGETHER else _one(one)
             for one, count in zip(ground, counts.tolist(), strict=True)]  # fmt: skip
    return np.concatenate(parts)


def _cells(piece: Any, count: int) -> Geometries:
    """A piece cut along a grid for so many; as it is where the parts do not add up to it."""
    side = int(np.ceil(np.sqrt(count / _MOST_TOGETHER))) + 1
    west, south, east, north = shapely.bounds(piece)
    x, y = np.linspace(west, east, side + 1), np.linspace(south, north, side + 1)
    cells = shapely.box(x[:-1, None], y[None, :-1], x[1:, None], y[None, 1:]).ravel()
    try:
        parts = shapely.intersection(piece, cells)
    except GEOSException:
        return _one(piece)
    parts = parts[shapely.area(parts) > 0]
    holds = abs(float(shapely.area(parts).sum()) - piece.area) <= _SUM_TOLERANCE * piece.area
    is_ground = np.isin(shapely.get_type_id(parts), (3, 6)) & shapely.is_valid(parts)
    return np.asarray(parts, dtype=object) if holds and is_ground.all() else _one(piece)
