"""Values of a procedure: what is asked of a subject, and the words an answer is made of (design, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gis.errors import Message


class Relation(StrEnum):
    """How a feature must lie to the subject to count. "intersects" alone is not a word here."""

    OVERLAPS_AREA = "overlaps_area"
    COVERS_AREA = "covers_area"  #: a requirement: at least so many m² of the subject are covered
    INSIDE = "inside"  #: a requirement: the whole subject is covered
    CROSSES_LINE = "crosses_line"
    CONTAINS_POINT = "contains_point"
    WITHIN_DISTANCE = "within_distance"
    SAME_PARCEL = "same_parcel"  #: an entry without a shape, keyed to the parcel
    RASTER_CLASS = "raster_class"

    @property
    def is_requirement(self) -> bool:
        return self in (Relation.COVERS_AREA, Relation.INSIDE)


class Outcome(StrEnum):
    """What was found, never a boolean."""

    CLEAR = "clear"  #: shown to be met
    AFFECTED = "affected"
    BORDERLINE = "borderline"  #: the decision flips within the accuracy
    PARTLY_MAPPED = "partly_mapped"
    NOT_MAPPED = "not_mapped"
    NOT_CHECKED = "not_checked"  #: error, time-out, stale, suspended; with the reason
    WITHHELD = "withheld"  #: no right; the office is named. Only in an answer, never in a record.


class Verdict(StrEnum):
    """What it means for the procedure: the worst counts."""

    PASS = "pass"
    REFER = "refer"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Verdict.PASS: 0, Verdict.REFER: 1, Verdict.FAIL: 2}


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst verdict; nothing at all is `refer`, since nothing was shown."""
    return max(verdicts, key=_RANKS.__getitem__, default=Verdict.REFER)


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A legal document a finding cites; `verified` is false where its text was not seen."""

    number: str
    title: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    verified: bool = True


class Origin(StrEnum):
    """What a shape on a map shows, or what a text measures a distance from (domain reference 5.2-5.7)."""

    EDGE = "edge"  #: the outline of the thing itself
    ROAD_LAND_EDGE = "road_land_edge"
    BANK = "bank"
    OUTER_CONDUCTOR = "outer_conductor"
    DISPENSER = "dispenser"
    BUILDING = "building"
    CELL = "cell"  #: landfill cell, treatment building, grave area
    CENTRELINE = "centreline"
    CENTROID = "centroid"
    SITE = "site"  #: fence or plot around the thing

    @property
    def is_outline(self) -> bool:
        """The outer side of the thing: never farther away than its middle."""
        return self in (Origin.EDGE, Origin.ROAD_LAND_EDGE, Origin.BANK, Origin.OUTER_CONDUCTOR)


def origin_lies(drawn: Origin | None, legal: Origin) -> tuple[bool, bool]:
    """May what the text measures from lie nearer, or farther away, than what is drawn?"""
    if drawn is legal:
        return False, False
    if drawn in (Origin.CENTRELINE, Origin.CENTROID) and legal.is_outline:
        return True, False
    if drawn is Origin.SITE and not legal.is_outline:
        return False, True
    return True, True


@dataclass(frozen=True, slots=True)
class HalfWidth:
    """A column that leads from a middle to an outline: half of what lies between the two outer sides."""

    column: str
    to: Origin
    share: float  #: of the column's value: 1 where it holds the half, 0.5 where it holds the whole
    at_most_m: float  #: of the half; a layer that holds more is not checked


@dataclass(frozen=True, slots=True)
class DistanceTerms:
    """What a distance depends on besides one number: columns of the feature, and where the text measures from.

    `column` holds metres; else `metres` are chosen by the values of the columns `by`, joined by '/', the later ones
    left out where they change nothing. What neither tells is `otherwise_m`, and can at most refer.
    """

    otherwise_m: float
    column: str | None = None
    by: tuple[str, ...] = ()
    metres: Mapping[str, float] = field(default_factory=dict)
    measured_from: Origin | None = None  #: None: from the shape as it is drawn
    origin: Origin | None = None  #: what the layer draws
    origin_column: str | None = None  #: or the column that says it of each feature
    origins: Mapping[str, Origin] = field(default_factory=dict)
    half_width: HalfWidth | None = None
    margin_m: float = 0.0  #: how far the legal origin may lie from what is drawn, where it is not known

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        half = self.half_width.column if self.half_width else None
        named = (self.column, *self.by, self.origin_column, half)
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class Rule:
    """One question asked of a subject against one layer. Thresholds are content, never constants."""

    id: str
    layer: str
    relation: Relation
    min_area_m2: float = 0.0
    at_least_m2: float | None = None  #: None for `inside`: the whole subject
    min_length_m: float = 0.0
    distance_m: float = 0.0  #: of `terms`: the largest there is
    classes: tuple[int, ...] = ()
    terms: DistanceTerms | None = None
    when: str | None = None  #: CQL2 over the feature, inputs already bound
    applies_when: str | None = None  #: CQL2 over the inputs, inputs already bound
    verdicts: Mapping[Outcome, Verdict] = field(default_factory=dict)
    required: bool = True
    verified: bool = True
    basis: tuple[LegalBasis, ...] = ()
    office: Message | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def reach_m(self) -> float:
        """How far from the subject a feature can still matter, accuracy left aside."""
        if self.terms is None:
            return self.distance_m
        half = self.terms.half_width.at_most_m if self.terms.half_width else 0.0
        return self.distance_m + max(half, self.terms.margin_m)


@dataclass(frozen=True, slots=True)
class Group:
    """Several rules of which one sufficient ground is enough (`any_of`)."""

    id: str
    members: tuple[Rule, ...]
    on_conflict: Verdict = Verdict.REFER  #: a ground is met and another member contradicts it
    none: Verdict = Verdict.FAIL  #: all mapped, no ground met
    nothing_mapped: Verdict = Verdict.REFER
    required: bool = True
    verified: bool = True
    applies_when: str | None = None
    basis: tuple[LegalBasis, ...] = ()
    office: Message | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class PlotBound:
    """What one row of plot rules asks of a measure in some communes; `excludes` are layers that do not count."""

    row: str
    title: Message | None
    communes: frozenset[str]
    at_least: float
    excludes: tuple[str, ...] = ()
    verified: bool = True
    basis: tuple[LegalBasis, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectRule:
    """A question about the subject itself (`kind: subject`): its area, or what it is as a plot, against a bound.

    `sources` are the layers it is measured with (road land, excluded ground). Where `plots` is given the bound is the
    one of the commune the subject lies in, by `ground`, the layer of communes.
    """

    id: str
    measure: str  #: area_m2, net_area_m2, frontage_m, depth_m, access
    at_least: float | None = None
    at_most: float | None = None
    sources: tuple[Rule, ...] = ()
    plots: tuple[PlotBound, ...] = ()
    is_by_plots: bool = False  #: the bound is that of `plots`, also where none of them speaks
    ground: Rule | None = None
    applies_when: str | None = None
    verdicts: Mapping[Outcome, Verdict] = field(default_factory=dict)
    required: bool = True
    verified: bool = True
    basis: tuple[LegalBasis, ...] = ()
    office: Message | None = None
    valid_from: date | None = None
    valid_to: date | None = None


#: measures that a private path may serve as well: what is not shown to be met is for a person, never a failure
NEVER_FAIL = frozenset({"frontage_m", "depth_m", "access"})

Check = Rule | Group | SubjectRule


def rules_in(check: Check) -> tuple[Rule, ...]:
    """The rules against layers that a check is made of, in the order in which they are numbered."""
    if isinstance(check, Group):
        return check.members
    if isinstance(check, SubjectRule):
        return (*check.sources, *((check.ground,) if check.ground is not None else ()))
    return (check,)


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with its inputs bound: `checks` hold no open question any more."""

    id: str
    version: str  #: sha256 of the applied text
    checks: tuple[Check, ...]
