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
        return ("pass", "refer", "fail").index(self.value)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst verdict; nothing at all is `refer`, since nothing was shown."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.REFER)


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A legal document a finding cites; `verified` is false where its text was not seen."""

    number: str
    title: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One question asked of a subject against one layer. Thresholds are content, never constants."""

    id: str
    layer: str
    relation: Relation
    min_area_m2: float = 0.0
    at_least_m2: float | None = None  #: None for `inside`: the whole subject
    min_length_m: float = 0.0
    distance_m: float = 0.0
    classes: tuple[int, ...] = ()
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
        return self.distance_m


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
class SubjectRule:
    """A question about the subject itself (`kind: subject`): its area against a bound."""

    id: str
    measure: str  #: area_m2
    at_least: float | None = None
    at_most: float | None = None
    applies_when: str | None = None
    verdicts: Mapping[Outcome, Verdict] = field(default_factory=dict)
    required: bool = True
    verified: bool = True
    basis: tuple[LegalBasis, ...] = ()
    office: Message | None = None
    valid_from: date | None = None
    valid_to: date | None = None


Check = Rule | Group | SubjectRule


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with its inputs bound: `checks` hold no open question any more."""

    id: str
    version: str  #: sha256 of the applied text
    checks: tuple[Check, ...]
