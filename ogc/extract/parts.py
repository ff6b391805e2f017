"""The parts of a document as texts in one language: what the PDF, the DOCX and the tests read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GroupId = Literal["affected", "borderline", "conflict", "undecided", "met", "clear"]
GROUPS: tuple[GroupId, ...] = ("affected", "borderline", "conflict", "undecided", "met", "clear")
Tone = Literal["pass", "refer", "fail"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a table of facts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A word of judgement with its tone; the tone shows as a colour and as a sign."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Row:
    """An object that was met, or dropped with its reason."""

    name: str
    relation: str
    size: str
    details: str


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal document with its standing on the day the law is looked at."""

    name: str
    standing: str
    is_doubtful: bool  #: not in force on the day, or not verified


@dataclass(frozen=True, slots=True)
class FindingPart:
    """One finding in words; a group has its members."""

    number: str
    title: str
    outcome: Badge
    verdict: Badge
    is_optional: bool
    reasons: tuple[str, ...]
    facts: tuple[Fact, ...]
    features: tuple[Row, ...]
    more_features: int
    dropped: tuple[Row, ...]
    more_dropped: int
    basis: tuple[Basis, ...]
    office: str
    source: str
    members: tuple[FindingPart, ...] = ()

    @property
    def is_short(self) -> bool:
        """Short enough to stay on one page."""
        return not self.members and len(self.features) + len(self.dropped) <= 8

    @property
    def brief(self) -> str:
        """The measures on one line."""
        return "; ".join(f"{fact.name}: {fact.value}" for fact in self.facts)


@dataclass(frozen=True, slots=True)
class GroupPart:
    """Findings of one kind of outcome, in the procedure's order."""

    id: GroupId
    title: str
    text: str
    findings: tuple[FindingPart, ...]


@dataclass(frozen=True, slots=True)
class Corner:
    """A corner with the edge to the next one; metres, x north and y east as Vietnamese tables have it."""

    number: int
    x_m: float
    y_m: float
    edge_m: float


@dataclass(frozen=True, slots=True)
class Ring:
    """A closed line of corners, clockwise from the north-west; `place` counts boundaries and holes apart."""

    is_hole: bool
    place: int
    corners: tuple[Corner, ...]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A layer that is drawn on the map."""

    layer: str
    title: str
