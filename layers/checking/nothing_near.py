"""Findings of rules with nothing near a subject where all is mapped: two thirds of all findings, and the same whatever
the subject. Each is measured once and then told again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import orjson
import shapely

from gis.candidates import Subjects
from gis.measure import is_out_of_reach
from gis.procedure import Outcome, Rule
from layers.store.checks import CutLayer

from .answer import Json
from .evaluate import Sheet, Standing
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
    on_date: date  #: documents are in force on it or not
    blocked: str  #: why nothing may be concluded from the layer at the clock of the case


@dataclass(slots=True)
class NothingNear:
    """Findings by question, as texts: whoever is told one gets a copy of their own. Threads may share it."""

    most: int = 4096  #: publications and profiles come and go; beyond it all is forgotten
    _told: dict[Question, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._told)

    def get(self, question: Question) -> Json | None:
        text = self._told.get(question)
        found: Json | None = None if text is None else orjson.loads(text)
        return found

    def keep(self, question: Question, finding: Json) -> None:
        """`finding` is plain. What was not checked, for whatever reason, is not kept: it may be another time."""
        if finding["outcome"] == Outcome.NOT_CHECKED:
            return
        if len(self._told) >= self.most:
            self._told.clear()
        self._told[question] = orjson.dumps(finding)


def question_of(case: Case, number: int, rule: Rule, cut: CutLayer, standing: Standing) -> Question:
    return Question(
        case.profile_digest, case.definition.id, number, rule.id, cut, case.standing(cut), case.on_date,
        standing.blocked(case.clock),
    )  # fmt: skip


def is_nothing_near(rule: Rule, subjects: Subjects, sheet: Sheet) -> bool:
    """No feature within reach of an ordinary subject (`is_ordinary`), and all is mapped: neither shape nor size of the
    subject then shows in the finding, nor anything of the features but their accuracy."""
    if sheet.failed is not None or sheet.raster is not None or not sheet.everywhere or len(sheet.refused.subject):
        return False
    try:
        return not len(sheet.subject) or is_out_of_reach(rule, subjects, sheet.pieces)
    except shapely.GEOSException:
        return False  # measuring will tell


def is_ordinary(subjects: Subjects) -> bool:
    """Polygons with an area: what every relation can be measured of."""
    is_polygon = shapely.get_dimensions(subjects.geometry) == 2
    return bool((subjects.is_valid & is_polygon & (subjects.area_m2 > 0)).all())
