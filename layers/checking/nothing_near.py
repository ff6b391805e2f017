"""Findings of rules with nothing near a subject where all is mapped: two thirds of all findings, and the same whatever
the subject. Each is measured once and then told again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import shapely

from gis.candidates import Subjects
from gis.procedure import Rule
from layers.store.checks import CandidateRow, CutLayer

from .answer import Json
from .evaluate import Standing
from .reading import Case, LayerStanding


@dataclass(frozen=True, slots=True)
class Question:
    """All that such a finding depends on. Inputs, and thresholds bound to them, do not show where nothing is near."""

    profile: str
    procedure: str
    number: int
    rule: str
    cut: CutLayer
    standing: LayerStanding
    blocked: str  #: why nothing may be concluded from the layer at the clock of the case


@dataclass(slots=True)
class NothingNear:
    """Findings by question, as texts: whoever is told one gets a copy of their own. Threads may share it."""

    most: int = 4096  #: publications and profiles come and go; beyond it all is forgotten
    _told: dict[Question, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._told)

    def get(self, question: Question) -> Json | None:
        text = self._told.get(question)
        found: Json | None = None if text is None else json.loads(text)
        return found

    def keep(self, question: Question, finding: Json) -> None:
        """`finding` is plain."""
        if len(self._told) >= self.most:
            self._told.clear()
        self._told[question] = json.dumps(finding, ensure_ascii=False)


def is_ordinary(subjects: Subjects) -> bool:
    """One polygon with an area: what every relation can be measured of."""
    is_polygon = shapely.get_dimensions(subjects.geometry) == 2
    return bool((subjects.is_valid & is_polygon & (subjects.area_m2 > 0)).all())


def question_of(case: Case, number: int, rule: Rule, cut: CutLayer, standing: Standing) -> Question:
    return Question(
        case.profile_digest, case.definition.id, number, rule.id, cut, case.standing(cut), standing.blocked(case.clock)
    )


def is_nothing_near(rows: Sequence[CandidateRow]) -> bool:
    """No piece, no entry, and the layer is mapped everywhere with nothing refused around: of an ordinary subject
    neither shape nor size then shows in the finding."""
    return len(rows) > 0 and all(row.kind == "everywhere" for row in rows)
