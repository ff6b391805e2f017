"""What goes into the kernel and what comes out of it, as columns.

rows      one for each (subject, piece) the candidate search found; more than needed does no harm
pairs     one for each (subject, feature) near enough to matter: hits and drops alike
theme     one for each subject: the features that count, united
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from .bounds import COINCIDENCE_M
from .edges import Edges
from .pieces import subdivide

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_NOTHING = shapely.from_wkt("POLYGON EMPTY")
COUNTS = ""  #: of `Pieces.excluded`: the feature counts
SUBJECT_ITSELF = "subject_itself"  #: of a rule against the subject's own layer
TOUCHES_ONLY = "touches_only"
NEAR = "near"
#: why a feature may be a hit or none
WITHIN_ACCURACY = "within_accuracy"  #: the decision flips within the accuracy
ORIGIN_UNKNOWN = "origin_unknown"  #: only a middle, or a site, is known of what the distance is measured from
DISTANCE_ASSUMED = "distance_assumed"  #: the feature does not say how far it reaches


@dataclass(frozen=True)
class Subjects:
    """The shapes that are asked about, in the measuring zone; what every rule needs of them is taken once."""

    geometry: Geometries
    accuracy_m: Floats
    area_m2: Floats
    perimeter_m: Floats
    vertices: Integers
    is_valid: Booleans
    registered_m2: Floats  #: the areas on the certificates; NaN where there is none

    @classmethod
    def of(cls, geometry: Geometries, accuracy_m: Floats, registered_m2: Floats | None = None) -> Subjects:
        """What cannot be measured is put in as nothing at all: one broken shape must not spoil an array of many."""
        sound = shapely.is_valid(geometry)
        if not sound.all():
            geometry = geometry.copy()
            geometry[~sound] = _NOTHING
        return cls(
            geometry=geometry,
            accuracy_m=accuracy_m,
            area_m2=shapely.area(geometry),
            perimeter_m=shapely.length(geometry),
            vertices=shapely.get_num_coordinates(geometry).astype(np.int64),
            is_valid=sound & ~shapely.is_empty(geometry),
            registered_m2=np.full(len(geometry), np.nan) if registered_m2 is None else registered_m2,
        )

    def __len__(self) -> int:
        return len(self.geometry)

    @cached_property
    def parts(self) -> tuple[Edges, Integers]:
        """The edges of the subjects' own pieces, those of subject i at start[i] to start[i + 1]: sums over edge pairs
        grow with the product of the two sides."""
        pieces, owner = subdivide(self.geometry)
        return Edges.of(pieces), np.searchsorted(owner, np.arange(len(self) + 1))

    @cached_property
    def shadows(self) -> tuple[Floats, Floats]:
        """`shadows_of` the shapes."""
        return shadows_of(self.geometry)


#: the lines that shadows fall on: the axes, and between them
_LINES = np.arange(8) * np.pi / 8
_LINES_XY = np.stack([np.cos(_LINES), np.sin(_LINES)])


def shadows_of(shapes: Geometries) -> tuple[Floats, Floats]:
    """Where the shadow of each shape begins and ends on each line (n, lines), in metres; of nothing, inf and -inf."""
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    low, high = np.full((len(shapes), len(_LINES)), np.inf), np.full((len(shapes), len(_LINES)), -np.inf)
    if len(points):
        begins = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        places = points @ _LINES_XY
        low[owner[begins]] = np.minimum.reduceat(places, begins)
        high[owner[begins]] = np.maximum.reduceat(places, begins)
    return low, high


@dataclass(frozen=True, slots=True)
class Distances:
    """What a distance means of each feature: how far it reaches, and from where it is measured.

    The legal origin lies `offset_m` before what is drawn; where that is not known, up to `nearer_m` before it or up to
    `farther_m` behind it. Where `is_told` is False the distance is an assumption, and `nearer_m` also holds how much
    farther features of the rule may reach: within both the feature is doubtful.
    """

    distance_m: Floats
    offset_m: Floats
    nearer_m: Floats
    farther_m: Floats
    is_told: Booleans
    origin: NDArray[np.object_]  #: what the measured distance leads to: a word of `Origin`, or None

    @classmethod
    def of(cls, each: Sequence[tuple[float, float, float, float, bool, str | None]]) -> Distances:
        numbers = np.array([entry[:4] for entry in each], dtype=np.float64).reshape(-1, 4).T
        told, origin = [entry[4] for entry in each], [entry[5] for entry in each]
        distance, offset, nearer, farther = numbers
        return cls(distance, offset, nearer, farther, np.array(told, dtype=bool), np.array(origin, dtype=object))

    def at(self, features: Integers) -> Distances:
        """The entries of these features."""
        return Distances(
            self.distance_m[features], self.offset_m[features], self.nearer_m[features], self.farther_m[features],
            self.is_told[features], self.origin[features],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pieces:
    """Candidate rows: piece geometry[i] of feature feature[i] for subject subject[i].

    `accuracy_m` and `excluded` have one entry a feature; a feature that is excluded is measured and listed with that
    reason, and never counts. Rows with the same `piece` number hold the same geometry. Register entries have None.
    """

    subject: Integers
    feature: Integers
    geometry: Geometries
    accuracy_m: Floats
    excluded: NDArray[np.object_] | None = None
    piece: Integers | None = None
    distances: Distances | None = None  #: of rules with terms, one entry a feature
    is_subject: Booleans | None = None  #: rows whose feature is the subject itself, or a part of it
    distance_m: Floats | None = None  #: of each row, where somebody has taken it already


@dataclass(frozen=True, slots=True)
class Theme:
    """All features that count, united, for each subject. NaN where a rule does not measure it; low and high are NaN
    where the accuracy cannot change the decision."""

    area_m2: Floats
    area_low_m2: Floats
    area_high_m2: Floats
    length_m: Floats
    length_low_m: Floats
    length_high_m: Floats
    nearest_m: Floats
    nearest_low_m: Floats
    nearest_high_m: Floats
    count: Integers
    count_low: Integers
    count_high: Integers
    broken: Booleans  #: a guard failed: nothing may be concluded

    @classmethod
    def blank(cls, subjects: int) -> Theme:
        """Nothing is known yet: whoever measures writes it in. Its columns are nobody else's."""
        # two arrays and their rows, not twelve arrays: for one subject the allocations cost more than the measuring
        unknown, none = np.full((9, subjects), np.nan), np.zeros((3, subjects), dtype=np.int64)
        return cls(
            unknown[0], unknown[1], unknown[2], unknown[3], unknown[4], unknown[5], unknown[6], unknown[7], unknown[8],
            none[0], none[1], none[2], np.zeros(subjects, dtype=bool),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured. Pairs are ordered by subject, then feature; `relation` is a word of `Relation`, or
    `touches_only`, or `near`."""

    subject_area_m2: Floats
    subject: Integers
    feature: Integers
    area_m2: Floats
    area_low_m2: Floats
    area_high_m2: Floats
    length_m: Floats
    nearest_m: Floats
    relation: NDArray[np.object_]
    excluded: NDArray[np.object_]
    is_inside: Booleans  #: contains_point: a point of the feature lies in the subject; elsewhere False
    theme: Theme
    distances: Distances | None = None  #: of each pair, of rules with terms
    doubt: NDArray[np.object_] | None = None  #: of each pair, of rules with terms: why it may be a hit or none

    @property
    def counts(self) -> Booleans:
        """Pairs whose feature is not excluded."""
        return np.asarray(self.excluded == COUNTS, dtype=bool)

    @property
    def share(self) -> Floats:
        """Share of the subject the theme covers, never above 1; NaN where no area is measured."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.minimum(self.theme.area_m2 / self.subject_area_m2, 1.0))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows in the order of their pairs; the rows of pair k stand at `start[k]:start[k + 1]`."""

    subjects: Subjects
    geometry: Geometries
    piece: Integers
    row_pair: Integers
    start: Integers  #: (pairs + 1,)
    subject: Integers  #: of each pair
    feature: Integers
    error_m: Floats  #: of each pair: both accuracies combined
    excluded: NDArray[np.object_]
    distances: Distances | None = None  #: of each pair
    distance_m: Floats | None = None  #: of each row, where it is known

    @classmethod
    def of(cls, subjects: Subjects, pieces: Pieces) -> Candidates:
        features = len(pieces.accuracy_m)
        key = pieces.subject * features + pieces.feature
        order = key.argsort(kind="stable")
        key = key[order]
        is_first = np.ones(len(key), dtype=bool)
        np.not_equal(key[1:], key[:-1], out=is_first[1:])
        begins = is_first.nonzero()[0]
        start = np.concatenate([begins, [len(key)]])
        subject, feature = np.divmod(key[begins], max(features, 1))
        excluded = np.full(features, COUNTS, dtype=object) if pieces.excluded is None else pieces.excluded
        excluded = excluded[feature]
        if pieces.is_subject is not None:
            excluded[pieces.is_subject[order][begins]] = SUBJECT_ITSELF
        piece = np.arange(len(key)) if pieces.piece is None else pieces.piece[order]
        return cls(
            subjects=subjects,
            geometry=pieces.geometry[order],
            piece=piece,
            row_pair=np.arange(len(begins)).repeat(start[1:] - start[:-1]),
            start=start,
            subject=subject,
            feature=feature,
            error_m=np.hypot(subjects.accuracy_m[subject], pieces.accuracy_m[feature]),
            excluded=excluded,
            distances=None if pieces.distances is None else pieces.distances.at(feature),
            distance_m=None if pieces.distance_m is None else pieces.distance_m[order],
        )

    @property
    def row_subject(self) -> Integers:
        return self.subject[self.row_pair]

    @property
    def row_shape(self) -> Geometries:
        """The subject's shape at each row."""
        return self.subjects.geometry[self.row_subject]

    @property
    def counts(self) -> Booleans:
        return np.asarray(self.excluded == COUNTS, dtype=bool)

    def only(self, keep: Booleans) -> Candidates:
        """The pairs that are kept, with their rows."""
        if keep.all():
            return self
        rows = keep[self.row_pair]
        sizes = (self.start[1:] - self.start[:-1])[keep]
        start = np.zeros(len(sizes) + 1, dtype=np.int64)
        sizes.cumsum(out=start[1:])
        return Candidates(  # every field is another: `replace` would only look them up
            subjects=self.subjects,
            geometry=self.geometry[rows],
            piece=self.piece[rows],
            row_pair=np.arange(len(sizes)).repeat(sizes),
            start=start,
            subject=self.subject[keep],
            feature=self.feature[keep],
            error_m=self.error_m[keep],
            excluded=self.excluded[keep],
            distances=None if self.distances is None else self.distances.at(keep.nonzero()[0]),
            distance_m=None if self.distance_m is None else self.distance_m[rows],
        )

    def sum_by_pair(self, of_rows: Floats) -> Floats:
        return np.add.reduceat(of_rows, self.start[:-1]) if len(of_rows) else np.zeros(0)

    def min_by_pair(self, of_rows: Floats) -> Floats:
        return np.minimum.reduceat(of_rows, self.start[:-1]) if len(of_rows) else np.zeros(0)

    def sum_by_subject(self, of_pairs: NDArray[np.generic]) -> Floats:
        return np.bincount(self.subject, of_pairs, minlength=len(self.subjects)).astype(np.float64, copy=False)

    def count_by_subject(self, pairs: Booleans) -> Integers:
        return np.bincount(self.subject[pairs], minlength=len(self.subjects)).astype(np.int64, copy=False)

    def max_by_subject(self, of_pairs: Floats) -> Floats:
        """0 for subjects without a pair."""
        found = np.zeros(len(self.subjects))
        np.maximum.at(found, self.subject, of_pairs)
        return found

    def min_by_subject(self, of_pairs: Floats, pairs: Booleans) -> Floats:
        """Of the chosen pairs; NaN for subjects without one."""
        found = np.full(len(self.subjects), np.inf)
        np.minimum.at(found, self.subject[pairs], of_pairs[pairs])
        found[np.isinf(found)] = np.nan
        return found

    def rows_of(self, subject: int, pairs: Booleans) -> Geometries:
        """Pieces of the chosen pairs of one subject."""
        first, last = np.searchsorted(self.subject, [subject, subject + 1])
        rows = slice(self.start[first], self.start[last])
        return self.geometry[rows][pairs[self.row_pair[rows]]]

    def rows_of_pair(self, pair: int) -> Geometries:
        return self.geometry[self.start[pair] : self.start[pair + 1]]


def pair_distances(found: Candidates, known_to_meet: Booleans) -> Floats:
    """Distance of each pair in metres: that of its nearest piece; 0 without a look where it is known to meet."""
    distance = np.zeros(len(found.subject))
    rows = (~known_to_meet[found.row_pair]).nonzero()[0]
    if len(rows):
        of_rows = np.full(len(found.geometry), np.inf)
        if found.distance_m is not None:
            of_rows[rows] = found.distance_m[rows]
        else:
            of_rows[rows] = shapely.distance(found.row_shape[rows], found.geometry[rows])
        unknown = ~known_to_meet
        distance[unknown] = found.min_by_pair(of_rows)[unknown]
    return distance


def near_enough(found: Candidates, distance_m: Floats, reach_m: Floats) -> Booleans:
    """Pairs within the rule's reach plus the accuracy; shared boundaries always are."""
    return np.asarray(distance_m <= reach_m + np.maximum(found.error_m, COINCIDENCE_M), dtype=bool)


def measures_of(found: Candidates, relation: NDArray[np.object_], theme: Theme, **columns: Floats) -> Measures:
    """Measures with the given columns; the others are NaN, and one array: nobody writes into measures."""
    unknown = np.full(len(found.subject), np.nan)
    return Measures(
        subject_area_m2=found.subjects.area_m2,
        subject=found.subject,
        feature=found.feature,
        area_m2=columns.get("area_m2", unknown),
        area_low_m2=columns.get("area_low_m2", unknown),
        area_high_m2=columns.get("area_high_m2", unknown),
        length_m=columns.get("length_m", unknown),
        nearest_m=columns.get("nearest_m", unknown),
        relation=relation,
        excluded=found.excluded,
        is_inside=np.zeros(len(found.subject), dtype=bool),
        theme=theme,
        distances=found.distances,
    )


def contact_words(words: NDArray[np.object_], meets: Booleans, distance_m: Floats) -> NDArray[np.object_]:
    """The relation's own word, one a pair, where it holds; else a shared boundary, else nearby. Written in place."""
    words[~meets] = np.where(distance_m[~meets] <= COINCIDENCE_M, TOUCHES_ONLY, NEAR)
    return words
