"""How much of the subject is left: what no hit of a theme touches, and what no prohibition at all touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.areas import covered_area_m2
from gis.asked import CONTACT_AREA_M2
from gis.procedure import Outcome, Relation, Rule

from .evaluate import RuleFindings

Json = dict[str, Any]
_WITH_AREA = (Relation.OVERLAPS_AREA, Relation.COVERS_AREA, Relation.INSIDE)
#: outcomes after which it is known what lies on the subject
_KNOWN = (Outcome.CLEAR, Outcome.AFFECTED, Outcome.BORDERLINE)


def remainder_m2(found: RuleFindings, shape: BaseGeometry) -> float:
    """m² of the subject that no hit touches; NaN where the rule measures no area or the measure does not hold."""
    if found.rule.relation not in _WITH_AREA:
        return float("nan")
    return float(found.measures.subject_area_m2[0]) - _taken(found, shape)


def _taken(found: RuleFindings, shape: BaseGeometry) -> float:
    hit, measures = found.judgement.hit, found.measures
    if not hit.any():
        return 0.0
    meeting = measures.counts & (measures.area_m2 > CONTACT_AREA_M2)
    if hit[meeting].all():
        return float(measures.theme.area_m2[0])
    areas = measures.area_m2[hit]
    return covered_area_m2(shape, pieces_of_hits(found), float(areas.max()), float(areas.sum()))


def pieces_of_hits(found: RuleFindings) -> NDArray[np.object_]:
    features = found.measures.feature[found.judgement.hit]
    return found.sheet.geometry[np.isin(found.sheet.feature, features)]


@dataclass(slots=True)
class Remainder:
    """What is left of one subject by all prohibitions together; rules are added as they are found."""

    shape: BaseGeometry
    checks: list[str] = field(default_factory=list)
    is_known: bool = True
    _pieces: list[NDArray[np.object_]] = field(default_factory=list)
    _taken: list[float] = field(default_factory=list)

    def add(self, found: RuleFindings) -> None:
        """A rule of its own, not a ground of a group: grounds are wanted, not forbidden."""
        if found.rule.relation is not Relation.OVERLAPS_AREA:
            return
        self.checks.append(found.rule.id)
        self.is_known &= found.outcome[0] in _KNOWN and float(found.mapped[0]) >= 1
        if found.judgement.hit.any():
            self._pieces.append(pieces_of_hits(found))
            self._taken.append(_taken(found, self.shape))

    def add_clear(self, rule: Rule, outcome: Outcome) -> None:
        """A rule that found nothing near, told again."""
        if rule.relation is Relation.OVERLAPS_AREA:
            self.checks.append(rule.id)
            self.is_known &= outcome is Outcome.CLEAR

    def as_json(self) -> Json:
        """`area_m2` is None where some prohibition is not known on all of the ground."""
        return {"area_m2": self._area_m2() if self.is_known else None, "checks": self.checks}

    def _area_m2(self) -> float | None:
        whole = float(shapely.area(self.shape))
        if not self._taken:
            return round(whole, 4)
        taken = self._taken[0] if len(self._taken) == 1 else self._together()
        return round(max(whole - taken, 0.0), 4) if np.isfinite(taken) else None

    def _together(self) -> float:
        pieces: Sequence[NDArray[np.object_]] = self._pieces
        return covered_area_m2(self.shape, np.concatenate(pieces), max(self._taken), sum(self._taken))
