"""What was read becomes what was found: candidates to sheets, `evaluate`, and findings as the record holds them.

Pure: no database, no caller, no clock of its own. One rule that fails costs its own finding and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog

from gis.candidates import Subjects
from gis.certificates import MEASURES
from gis.errors import Message
from gis.judge import judge_group
from gis.procedure import Check, Group, Outcome, Procedure, Rule, SubjectRule, Verdict, rules_in, worst
from gis.together import family_of
from layers.profile.grammar import LayerDefinition
from layers.store.checks import CutLayer

from .answer import NO_COVERAGE, NO_MEASURE, Json
from .around import MEASURING_FAILURES, Around, Attributes
from .codes import of_whole
from .evaluate import RuleFindings, Sheet, Standing, evaluate, evaluate_rule, evaluate_together, plot_check
from .extent import OUTSIDE_EXTENT
from .nothing_near import NothingNear, is_nothing_near, is_ordinary, question_of
from .plot_finding import as_source, plot_told
from .reading import Case, Reading
from .reasons import reason
from .remainders import Remainder
from .rule_finding import (
    RuleFinding,
    accuracy_near,
    accuracy_of,
    accuracy_told,
    cited,
    office_of,
    rounded,
    told,
    unverified,
)

log = structlog.get_logger()

#: of this process: what was measured for one check serves the next
NOTHING_NEAR = NothingNear()


def findings_of(
    case: Case, reading: Reading, known: NothingNear = NOTHING_NEAR
) -> tuple[list[Json], Mapping[str, object]]:
    """The findings of all checks in the procedure's order, as plain values, and what all prohibitions leave."""
    made = _Maker(case, reading, known)
    findings = [made.finding(check) for check in case.bound.procedure.checks]
    return findings, made.remainder.as_json()


def verdict_of_findings(findings: Sequence[Mapping[str, Any]]) -> Verdict:
    """The worst of the required ones; `refer` where none is."""
    return worst([Verdict(finding["verdict"]) for finding in findings if finding["required"]])


@dataclass(frozen=True, slots=True)
class _Asked:
    """One rule with what was read for it."""

    rule: Rule
    layer: LayerDefinition
    cut: CutLayer
    standing: Standing
    sheet: Sheet
    attributes: Attributes


class _Maker:
    """One subject's findings; rules are taken in the order of their numbers."""

    def __init__(self, case: Case, reading: Reading, known: NothingNear) -> None:
        self.case, self.reading, self.known = case, reading, known
        subject = reading.subject
        shapes = np.empty(1, dtype=object)
        shapes[0] = subject.geometry
        registered = np.array([subject.registered_area_m2 or np.nan])
        self.subjects = Subjects.of(shapes, np.array([subject.accuracy_m]), registered)
        self.layers = {layer.id: layer for layer in case.profile.layers}  # each rule asks for its own several times
        self.titles = {check.id: check.title for check in case.definition.checks}
        self.remainder = Remainder(subject.geometry)
        self.number = -1
        self.is_ordinary = is_ordinary(self.subjects)
        self.of_plots = _numbers_of_plots(case.bound.procedure.checks)
        self.around = Around(case, reading, self.subjects)
        self.asked: dict[int, _Asked] = {}
        self.found = self._found()

    def finding(self, check: Check) -> Json:
        if isinstance(check, SubjectRule):
            return self._of_subject(check)
        if isinstance(check, Group):
            return self._of_group(check)
        return self._of_rule(check, self.remainder)

    # ── the three kinds ──────────────────────────────────────────────────────────────────────────
    def _of_rule(self, rule: Rule, remainder: Remainder | None = None) -> Json:
        self.number += 1
        found = self.found.get(self.number)
        if found is not None:
            return self._told(self.number, found, remainder)
        finding = self._with_nothing_near(self.number, rule)
        if finding["measure"]["remainder_m2"] is not None:
            finding["measure"]["remainder_m2"] = rounded(float(self.subjects.area_m2[0]), 4)
        if remainder is not None:
            remainder.add_clear(rule, Outcome(finding["outcome"]))
        return finding

    def _with_nothing_near(self, number: int, rule: Rule) -> Json:
        layer, cut = self._layer(rule)
        question = question_of(self.case, number, rule, cut, self._standing(layer, cut))
        finding = self.known.get(question)
        if finding is None:
            finding = self._told(number, self._evaluated(self._asked(number)), None)
            self.known.keep(question, finding)
        finding["accuracy_m"] = self._accuracy_near(number, layer)
        return finding

    def _accuracy_near(self, number: int, layer: LayerDefinition) -> int | float | None:
        far = self.around.far
        if number not in far:
            return accuracy_near(self._asked(number).sheet, layer, self.case)
        worst_m = far[number]
        return accuracy_told(accuracy_of(layer, self.case) if worst_m is None else worst_m)

    def _told(self, number: int, found: RuleFindings, remainder: Remainder | None) -> Json:
        if remainder is not None:
            remainder.add(found)
        one = self._asked(number)
        return self._told_as(number, found, self.title(one.rule, one.layer))

    def _told_as(self, number: int, found: RuleFindings, title: Mapping[str, str]) -> Json:
        one = self._asked(number)
        attributes = one.attributes if found.sheet is one.sheet else ()
        finding = RuleFinding(self.case, self.reading.subject, one.layer, one.cut, found, attributes)
        return finding.as_json(title)

    # ── measuring ────────────────────────────────────────────────────────────────────────────────
    def _found(self) -> dict[int, RuleFindings]:
        """What was measured, by number; a rule with nothing near is told from what is known."""
        # numpy's set-up for measuring nothing costs more than all the rest of a finding
        measured = [number for number in range(len(self.case.rules)) if self._is_measured(number)]
        families: dict[str, list[int]] = {}
        for number in measured:
            one = self._asked(number)
            is_together = one.sheet.raster is None and one.sheet.failed is None
            families.setdefault(family_of(one.rule, one.sheet.pieces) if is_together else "", []).append(number)
        found = {number: self._evaluated(self._asked(number)) for number in families.pop("", ())}
        for numbers in families.values():
            found |= self._together(numbers)
        return found

    def _is_measured(self, number: int) -> bool:
        if not self.is_ordinary or number in self.of_plots or number in self.around.near:
            return True
        if number in self.around.far:
            return False
        one = self._asked(number)
        return not is_nothing_near(one.rule, self.subjects, one.sheet)

    def _together(self, numbers: Sequence[int]) -> dict[int, RuleFindings]:
        asked = [self._asked(number) for number in numbers]
        try:
            found = evaluate_together(
                [(one.rule, one.sheet, one.standing) for one in asked], self.subjects, self.case.clock
            )
        except MEASURING_FAILURES:  # one rule's: it costs itself and no other
            found = [self._evaluated(one) for one in asked]
        return dict(zip(numbers, found, strict=True))

    def _evaluated(self, one: _Asked) -> RuleFindings:
        rule = one.rule
        try:
            return evaluate_rule(rule, self.subjects, one.sheet, one.standing, self.case.clock)
        except MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            return evaluate_rule(rule, self.subjects, Sheet.unread(1, "error"), one.standing, self.case.clock)

    # ── groups and subjects ──────────────────────────────────────────────────────────────────────
    def _of_group(self, group: Group) -> Json:
        members = [self._of_rule(rule) for rule in group.members]
        judged = judge_group(group, [Outcome(member["outcome"]) for member in members])
        return self._base(group, "group", *judged) | {"members": members}

    def _of_subject(self, rule: SubjectRule) -> Json:
        if rules_in(rule):
            return self._of_plot(rule)
        alone = Procedure(self.case.definition.id, "", (rule,))
        refused = OUTSIDE_EXTENT if self.reading.subject.is_outside else ""
        (found,) = evaluate(alone, self.subjects, (), {}, self.case.clock, refused=refused)
        base = self._base(rule, "subject", found.outcome[0], found.verdict[0], found.reasons[0])
        low, high = found.area_low_m2, found.area_high_m2
        base["measure"] = {
            **NO_MEASURE,
            "area_m2": told(self.subjects.area_m2[0], 4),
            "area_low_m2": None if low is None else told(low[0], 4),
            "area_high_m2": None if high is None else told(high[0], 4),
            **self._certificate(rule),
        }
        return base

    def _of_plot(self, rule: SubjectRule) -> Json:
        """A finding that stands on layers: like a group it is as good as what may be shown of its members."""
        found, members = [], []
        for _ in rules_in(rule):
            self.number += 1
            one = self.found[self.number]
            found.append(one)
            title = self._asked(self.number).layer.title.message().as_dict()
            members.append(self._told_as(self.number, one, title))
        judged = plot_check(rule, self.subjects, tuple(found))
        plot = plot_told(rule, judged, self.case)
        asked = rule if rule.verified is plot.is_verified else replace(rule, verified=plot.is_verified)
        base = self._base(asked, "subject", judged.outcome[0], judged.verdict[0], judged.reasons[0])
        base["measure"] = {**NO_MEASURE, **plot.measure}
        base["basis"] = [cited(basis, "check", self.case.on_date) for basis in (*plot.basis, *rule.basis)]
        base["reasons"] = plot.reasons + base["reasons"]
        return base | {"members": [as_source(member, rule, base) for member in members]}

    def _certificate(self, rule: SubjectRule) -> Json:
        """Both numbers and what lies between them, of rules about the certificate."""
        if rule.measure not in MEASURES:
            return {}
        registered, area = float(self.subjects.registered_m2[0]), float(self.subjects.area_m2[0])
        return {"registered_area_m2": told(registered, 4), "difference_m2": told(area - registered, 4)}

    def _base(self, check: Check, kind: str, outcome: Outcome, verdict: Verdict, reasons: Sequence[str]) -> Json:
        """Plain values all through, as those of a rule are."""
        office = office_of(check, None)
        return {
            "kind": kind,
            "check": check.id,
            "title": self.title(check, None),
            "layer": None,
            "revision": None,
            "release": None,
            "relation": None,
            "outcome": outcome.value,
            "verdict": verdict.value,
            "required": check.required,
            "verified": check.verified,
            "measure": dict(NO_MEASURE),
            "coverage": dict(NO_COVERAGE),
            "accuracy_m": None,
            "features": [],
            "dropped": [],
            "basis": [cited(basis, "check", self.case.on_date) for basis in check.basis],
            "office": office.as_dict() if office else {},
            "reasons": reasons_of(reasons, check, outcome, office),
        }

    # ── what a rule is evaluated on ──────────────────────────────────────────────────────────────
    def _asked(self, number: int) -> _Asked:
        """Made where it is needed: most rules have nothing near, and need no sheet to say so."""
        if number not in self.asked:
            rule = self.case.rules[number]
            layer, cut = self._layer(rule)
            sheet = self.around.sheet(number, rule, layer, cut)
            self.asked[number] = _Asked(rule, layer, cut, self._standing(layer, cut), *sheet)
        return self.asked[number]

    def _layer(self, rule: Rule) -> tuple[LayerDefinition, CutLayer]:
        return self.layers[rule.layer], self.reading.cut[rule.layer]  # bind refuses rules on unknown layers

    def _standing(self, layer: LayerDefinition, cut: CutLayer) -> Standing:
        return Standing(
            revision=cut.revision,
            state=self.case.standing(cut).state,
            published=cut.content_date,
            max_age_days=layer.max_age_days,
            accuracy_m=accuracy_of(layer, self.case),
            is_early=self.case.is_early(cut),
        )

    def title(self, check: Check, layer: LayerDefinition | None) -> dict[str, str]:
        named = self.titles.get(check.id)
        if named is not None:
            return named.message().as_dict()
        return layer.title.message().as_dict() if layer else _PLAIN_TITLES.get(type(check), _OTHER).as_dict()


_OTHER = Message("Nội dung kiểm tra", "Check")
_PLAIN_TITLES: Mapping[type, Message] = {
    SubjectRule: Message("Diện tích thửa đất", "Area of the subject"),
    Group: Message("Các căn cứ, chỉ cần một", "Grounds, one is enough"),
}


def _numbers_of_plots(checks: Sequence[Check]) -> frozenset[int]:
    """The numbers of rules that a check of the subject is measured with."""
    owners = [check for check in checks for _ in rules_in(check)]
    return frozenset(number for number, check in enumerate(owners) if isinstance(check, SubjectRule))


def reasons_of(codes: Sequence[str], check: Check, outcome: Outcome, office: Message | None) -> list[Json]:
    """The reasons of a group or a subject check."""
    values: dict[str, str | Message] = {"office": office} if office else {}
    return [reason(code, **values) for code in of_whole(codes)] + unverified(check, outcome)
