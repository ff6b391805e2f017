"""One parcel into several, several into one: does the ground add up? (domain reference 4.1, split and merge)

Everything is measured as drawn. Tolerances only judge: along the boundary of the old parcel its own accuracy counts,
along a line that is newly drawn 1 cm, within which two lines are one (`COINCIDENCE_M`). Shapes are united whole and cut
once; areas are held against sums over edge pairs, so that an overlay that fails in silence is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from .asked import CONTACT_AREA_M2
from .bounds import COINCIDENCE_M, ROUNDING_M2, strip_limit_m2
from .edges import Edges, pair_areas
from .procedure import Outcome

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: a strip along a boundary is as wide as the accuracy, and in corners somewhat wider (as in `coverage`)
_SLIVER_RADIUS = 0.6
#: and there its corners lie that much farther from the boundary
_CORNER = 1.5
#: how closely a strip is looked along: what is newly drawn leaves the old boundary for farther than this
_STEP_M = 0.25
#: of the old parcel: strips of one kind along its boundary that come to more than this are looked at
_STRIPS_SHARE = 0.01


class FlawKind(StrEnum):
    """What does not add up."""

    GAP = "gap"  #: ground of the old parcel in no new one
    OVERLAP = "overlap"  #: ground in two new parcels
    OUTSIDE = "outside"  #: ground of a new parcel outside the old one
    HOLE = "hole"  #: ground inside a merged parcel that belongs to none of the old ones


@dataclass(frozen=True, slots=True)
class Flaw:
    """One connected piece of ground that does not add up, as it was measured and as it is judged."""

    kind: FlawKind
    parts: tuple[int, ...]  #: positions of the parcels it belongs to; () for a gap
    shape: Any
    area_m2: float
    width_m: float  #: on average
    outcome: Outcome

    @property
    def place(self) -> Any:
        """A point in it."""
        return shapely.point_on_surface(self.shape)


@dataclass(frozen=True, slots=True)
class SharedEdge:
    """Two parcels with a common boundary. `near_m` is what lies within the accuracy of each other."""

    parts: tuple[int, int]
    length_m: float
    near_m: float


@dataclass(frozen=True, slots=True)
class Division:
    """How the new parcels lie to the old one; `remainder` is the last part where one was asked for and is left."""

    parent_area_m2: float
    area_m2: Floats  #: of the children
    remainder: Any | None
    remainder_m2: float
    difference_m2: float  #: children and remainder less the parent
    allowance_m2: float  #: what the boundary of the parent may sweep within its accuracy
    rounding_m2: float  #: what is too small to be named
    flaws: tuple[Flaw, ...]
    shared: tuple[SharedEdge, ...]
    is_broken: bool = False  #: a measure did not hold its guards: nothing may be concluded

    @property
    def outcome(self) -> Outcome:
        return worst_outcome([flaw.outcome for flaw in self.flaws], is_broken=self.is_broken)


@dataclass(frozen=True, slots=True)
class Merger:
    """Several parcels as one: `shape` is their union."""

    shape: Any
    area_m2: float
    difference_m2: float  #: the union less the sum of the parcels
    flaws: tuple[Flaw, ...]
    shared: tuple[SharedEdge, ...]
    apart: tuple[int, ...]  #: parcels that no common edge leads to from the first
    joined: Outcome  #: is every parcel reached over common edges?
    is_broken: bool = False

    @property
    def outcome(self) -> Outcome:
        return worst_outcome([self.joined, *(flaw.outcome for flaw in self.flaws)], is_broken=self.is_broken)


def worst_outcome(found: Sequence[Outcome], *, is_broken: bool = False) -> Outcome:
    """not_checked > affected > borderline > clear."""
    if is_broken:
        return Outcome.NOT_CHECKED
    return next((word for word in (Outcome.AFFECTED, Outcome.BORDERLINE) if word in found), Outcome.CLEAR)


def shares(registered_area_m2: float, areas_m2: Sequence[float]) -> list[float]:
    """The area on the certificate, distributed over parts as they were measured."""
    total = sum(areas_m2)
    return [registered_area_m2 * area / total for area in areas_m2] if total > 0 else [0.0] * len(areas_m2)


# ── one into several ─────────────────────────────────────────────────────────────────────────────


def divide(parent: Any, children: Geometries, accuracy_m: float, *, with_remainder: bool) -> Division:
    """How valid polygons in one plane divide a parcel whose corners are known to `accuracy_m`."""
    areas = np.asarray(shapely.area(children), dtype=np.float64)
    try:
        cut = _Cut.of(parent, children)
    except GEOSException:
        return _broken(parent, areas)
    judged = _Judge(shapely.boundary(parent), accuracy_m)
    left, gaps = judged.remainder(cut.gaps) if with_remainder else (None, cut.gaps)
    rest_m2 = 0.0 if left is None else float(shapely.area(left))
    flaws, rounding_m2 = judged.flaws(FlawKind.GAP, [((), gap) for gap in gaps])
    for kind, found in ((FlawKind.OUTSIDE, cut.outside), (FlawKind.OVERLAP, cut.overlaps)):
        more, rounded_m2 = judged.flaws(kind, found)
        flaws, rounding_m2 = flaws + more, rounding_m2 + rounded_m2
    whole, allowance_m2 = float(shapely.area(parent)), _allowance_m2(parent, accuracy_m)
    flaws = _summed_up(flaws, min(allowance_m2, _STRIPS_SHARE * whole))
    parts = children if left is None else np.append(children, _as_array([left]))
    return Division(
        parent_area_m2=whole,
        area_m2=areas,
        remainder=left,
        remainder_m2=rest_m2,
        difference_m2=float(areas.sum()) + rest_m2 - whole,
        allowance_m2=allowance_m2,
        rounding_m2=rounding_m2,
        flaws=tuple(sorted(flaws, key=_in_order)),
        shared=shared_edges(parts, accuracy_m),
        is_broken=not cut.holds,
    )


def _broken(parent: Any, areas: Floats) -> Division:
    whole = float(shapely.area(parent))
    return Division(whole, areas, None, 0.0, float(areas.sum()) - whole, 0.0, 0.0, (), (), is_broken=True)


def _allowance_m2(parent: Any, accuracy_m: float) -> float:
    length, corners = np.array([shapely.length(parent)]), np.array([float(shapely.get_num_coordinates(parent))])
    return float(strip_limit_m2(length, corners, np.array([accuracy_m]))[0])


def _summed_up(flaws: Sequence[Flaw], most_m2: float) -> list[Flaw]:
    """Strips along the old boundary are excused one by one; together they may be more than a doubt about it."""
    excused = dict.fromkeys(FlawKind, 0.0)
    for flaw in flaws:
        excused[flaw.kind] += flaw.area_m2 if flaw.outcome is Outcome.CLEAR else 0.0
    return [
        replace(flaw, outcome=Outcome.BORDERLINE)
        if flaw.outcome is Outcome.CLEAR and excused[flaw.kind] > most_m2 else flaw
        for flaw in flaws
    ]  # fmt: skip


def _in_order(flaw: Flaw) -> tuple[str, tuple[int, ...], float, float]:
    """The same order in every run."""
    return flaw.kind.value, flaw.parts, -flaw.area_m2, float(shapely.get_x(flaw.place))


@dataclass(frozen=True, slots=True)
class _Cut:
    """The old parcel and the new ones against each other, piece by piece."""

    gaps: list[Any]
    outside: list[tuple[tuple[int, ...], Any]]
    overlaps: list[tuple[tuple[int, ...], Any]]
    holds: bool

    @classmethod
    def of(cls, parent: Any, children: Geometries) -> _Cut:
        """Raises GEOSException."""
        left = shapely.difference(parent, shapely.union_all(children))
        beyond = np.asarray(shapely.difference(children, parent), dtype=object)
        first, second = _pairs(len(children))
        common = np.asarray(shapely.intersection(children[first], children[second]), dtype=object)
        pairs = list(zip(first.tolist(), second.tolist(), strict=True))
        return cls(
            gaps=_polygons(left),
            outside=[((place,), piece) for place, shape in enumerate(beyond) for piece in _polygons(shape)],
            overlaps=[(pair, piece) for pair, shape in zip(pairs, common, strict=True) for piece in _polygons(shape)],
            holds=_adds_up(parent, children, left, beyond, (first, second, common)),
        )


def _adds_up(
    parent: Any, children: Geometries, left: Any, beyond: Geometries, common: tuple[Integers, Integers, Geometries]
) -> bool:
    """Are the overlays what the edges say? Sums over edge pairs know nothing of overlays."""
    edges, one = Edges.of(children), np.arange(len(children))
    whole, areas = float(shapely.area(parent)), np.asarray(shapely.area(children))
    inside = pair_areas(Edges.of(_as_array([parent])), np.zeros(len(children), dtype=np.int64), edges, one)
    overlap = pair_areas(edges, common[0], edges, common[1])
    slack = ROUNDING_M2 + 1e-9 * (whole + float(areas.sum()))
    gap = float(shapely.area(left))
    least, most = whole - float(inside.sum()), whole - float(inside.max(initial=0.0))
    is_sum = not (overlap > slack).any()  # without overlaps the gap is exactly what is left over
    return bool(
        np.all(np.abs(np.asarray(shapely.area(beyond)) - (areas - inside)) <= slack)
        and np.all(np.abs(np.asarray(shapely.area(common[2])) - overlap) <= slack)
        and least - slack <= gap <= most + slack
        and (not is_sum or abs(gap - least) <= slack * max(len(children), 1))
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """Names what does not add up; `old` is the boundary of the old parcel."""

    old: Any
    accuracy_m: float

    def flaws(self, kind: FlawKind, pieces: Sequence[tuple[tuple[int, ...], Any]]) -> tuple[list[Flaw], float]:
        """The pieces worth a name, and the area of the others together."""
        found = [self._flaw(kind, parts, piece) for parts, piece in pieces]
        worth = [flaw.area_m2 >= CONTACT_AREA_M2 or is_wide(flaw.shape, COINCIDENCE_M) for flaw in found]
        named = [flaw for flaw, is_named in zip(found, worth, strict=True) if is_named]
        return named, float(sum(flaw.area_m2 for flaw in found) - sum(flaw.area_m2 for flaw in named))

    def remainder(self, gaps: Sequence[Any]) -> tuple[Any | None, list[Any]]:
        """What is left as a parcel of its own, and the strips that are none."""
        is_parcel = [is_wide(gap, max(self.accuracy_m, COINCIDENCE_M)) for gap in gaps]
        kept = [gap for gap, is_kept in zip(gaps, is_parcel, strict=True) if is_kept]
        left = shapely.multipolygons(kept) if kept else None
        return left, [gap for gap, is_kept in zip(gaps, is_parcel, strict=True) if not is_kept]

    def _flaw(self, kind: FlawKind, parts: tuple[int, ...], piece: Any) -> Flaw:
        area, length = float(shapely.area(piece)), float(shapely.length(piece))
        return Flaw(kind, parts, piece, area, 2 * area / length if length else 0.0, self._outcome(kind, piece))

    def _outcome(self, kind: FlawKind, piece: Any) -> Outcome:
        if not is_wide(piece, COINCIDENCE_M):
            return Outcome.CLEAR
        if is_wide(piece, self.accuracy_m):
            return Outcome.AFFECTED
        # two newly drawn lines do not share the old boundary's doubt
        is_old = kind in (FlawKind.GAP, FlawKind.OUTSIDE) and self._follows_old(piece)
        return Outcome.CLEAR if is_old else Outcome.BORDERLINE

    def _follows_old(self, piece: Any) -> bool:
        """All along, not only with its corners."""
        reach = _CORNER * max(self.accuracy_m, COINCIDENCE_M)
        places = shapely.points(shapely.get_coordinates(shapely.segmentize(piece, max(2 * reach, _STEP_M))))
        return bool(np.max(shapely.distance(places, self.old)) <= reach)


def is_wide(piece: Any, width_m: float) -> bool:
    """Wider than a strip of this width anywhere."""
    return not bool(shapely.is_empty(shapely.buffer(piece, -_SLIVER_RADIUS * width_m)))


def shared_edges(parts: Geometries, accuracy_m: float) -> tuple[SharedEdge, ...]:
    """The common boundaries of parts, each as long as the shorter telling of it: where lines coincide, and where they
    run within the accuracy of each other."""
    lines = shapely.boundary(parts)
    bands = {
        reach: shapely.buffer(lines, reach, quad_segs=2) for reach in {COINCIDENCE_M, max(accuracy_m, COINCIDENCE_M)}
    }
    found = []
    for one, other in combinations(range(len(parts)), 2):
        same = _along(lines, bands[COINCIDENCE_M], one, other, COINCIDENCE_M)
        near = _along(lines, bands[max(accuracy_m, COINCIDENCE_M)], one, other, max(accuracy_m, COINCIDENCE_M))
        if near > 0:
            found.append(SharedEdge((one, other), same, max(near, same)))
    return tuple(found)


def _along(lines: Geometries, bands: Geometries, one: int, other: int, reach_m: float) -> float:
    """Length of one boundary within the other's band, less what a mere corner would have of it."""
    if not shapely.intersects(lines[one], bands[other]):
        return 0.0
    there = float(shapely.length(shapely.intersection(lines[one], bands[other])))
    back = float(shapely.length(shapely.intersection(lines[other], bands[one])))
    return max(min(there, back) - 4 * reach_m, 0.0)


# ── several into one ─────────────────────────────────────────────────────────────────────────────


def merge(parents: Geometries, accuracy_m: float) -> Merger:
    """Valid polygons of one plane as one parcel."""
    areas = np.asarray(shapely.area(parents), dtype=np.float64)
    try:
        united = shapely.union_all(parents)
        flaws = _merge_flaws(parents, united, accuracy_m)
    except GEOSException:
        return Merger(shapely.multipolygons([]), 0.0, 0.0, (), (), (), Outcome.NOT_CHECKED, is_broken=True)
    edges = shared_edges(parents, accuracy_m)
    joined, apart = _joined(len(parents), edges)
    area = float(shapely.area(united))
    return Merger(
        shape=united,
        area_m2=area,
        difference_m2=area - float(areas.sum()),
        flaws=flaws,
        shared=edges,
        apart=apart,
        joined=joined,
        is_broken=not _union_holds(parents, areas, area),
    )


def _union_holds(parents: Geometries, areas: Floats, area: float) -> bool:
    """max ≤ union ≤ sum, and no less than what the pairs share below the sum."""
    edges, (first, second) = Edges.of(parents), _pairs(len(parents))
    shared = float(pair_areas(edges, first, edges, second).sum())
    slack = ROUNDING_M2 + 1e-9 * float(areas.sum())
    return bool(max(float(areas.max()), float(areas.sum()) - shared) - slack <= area <= float(areas.sum()) + slack)


def _merge_flaws(parents: Geometries, united: Any, accuracy_m: float) -> tuple[Flaw, ...]:
    judge = _Judge(shapely.boundary(united), accuracy_m)
    first, second = _pairs(len(parents))
    common = np.asarray(shapely.intersection(parents[first], parents[second]), dtype=object)
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    overlaps = [(pair, piece) for pair, shape in zip(pairs, common, strict=True) for piece in _polygons(shape)]
    found, _ = judge.flaws(FlawKind.OVERLAP, overlaps)
    holes, _ = judge.flaws(FlawKind.HOLE, [((), hole) for hole in _new_holes(parents, united)])
    # a hole that is a parcel of somebody else is no fault; one as narrow as the accuracy is a doubtful boundary
    holes = [replace(hole, outcome=_of_hole(hole, accuracy_m)) for hole in holes]
    return tuple(sorted([*found, *holes], key=_in_order))


def _of_hole(hole: Flaw, accuracy_m: float) -> Outcome:
    is_narrow = is_wide(hole.shape, COINCIDENCE_M) and not is_wide(hole.shape, accuracy_m)
    return Outcome.BORDERLINE if is_narrow else Outcome.CLEAR


def _new_holes(parents: Geometries, united: Any) -> list[Any]:
    """Holes of the union that are not those of a parcel."""
    known = [hole for shape in parents for hole in _holes(shape)]
    return [hole for hole in _holes(united) if not any(shapely.equals(hole, each) for each in known)]


def _holes(shape: Any) -> list[Any]:
    return [shapely.polygons(ring) for part in _polygons(shape) for ring in part.interiors]


def _joined(count: int, edges: Sequence[SharedEdge]) -> tuple[Outcome, tuple[int, ...]]:
    """Reached over edges that coincide: clear; only over edges within the accuracy: borderline."""
    surely = _reached(count, [edge.parts for edge in edges if edge.length_m > 0])
    possibly = _reached(count, [edge.parts for edge in edges])
    if len(surely) == count:
        return Outcome.CLEAR, ()
    left = tuple(place for place in range(count) if place not in possibly)
    return (Outcome.AFFECTED if left else Outcome.BORDERLINE), left


def _reached(count: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    found = {0} if count else set()
    while more := {other for edge in edges if found & set(edge) for other in edge} - found:
        found |= more
    return found


def _pairs(count: int) -> tuple[Integers, Integers]:
    first, second = np.triu_indices(count, 1)
    return first.astype(np.int64), second.astype(np.int64)


def _as_array(shapes: Sequence[Any]) -> Geometries:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def _polygons(shape: Any) -> list[Any]:
    """The polygons of whatever an overlay gave."""
    parts = shapely.get_parts(_as_array([shape]))
    while np.any(shapely.get_type_id(parts) > 3):
        parts = shapely.get_parts(parts)
    return [part for part in parts if shapely.get_type_id(part) == 3 and not shapely.is_empty(part)]
