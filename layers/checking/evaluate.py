"""One cut, a bound procedure and arrays in; judgements out. Pure: the single check calls it for one subject, the batch
for a partition, so that both give the same answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gis import certificates
from gis.candidates import COUNTS, WITHIN_ACCURACY, Distances, Measures, Pieces, Subjects
from gis.coverage import Ground, mapped_share
from gis.judge import Judgement, judge, judge_group, judge_subject, reasons_of, verdict_of
from gis.measure import AreaRoute, measure
from gis.procedure import Check, Group, Outcome, Procedure, Rule, SubjectRule, Verdict, rules_in, worst
from gis.rasters import RasterGround, measure_classes
from gis.together import Question, judged_together
from layers.filters import Expression, parse_bound
from layers.filters import check as checked
from layers.filters import evaluate as holds
from layers.profile.conditions import properties_of
from layers.profile.grammar import LayerDefinition

from .plots import PlotJudgement, judge_plots

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NOT_APPLICABLE = "not_applicable"
NOT_IN_FORCE = "not_in_force"
STALE = "stale"
LAYER_EMPTY = "layer_empty"
BEFORE_FIRST_REVISION = "before_first_revision"


@dataclass(frozen=True, slots=True)
class Standing:
    """A layer as the cut found it."""

    revision: int  #: 0: nothing published by then
    state: str = "served"
    published: datetime | None = None  #: of its oldest content, which a release may have brought back or kept
    max_age_days: int | None = None
    accuracy_m: float = 0.0  #: of the layer as a whole, for the edge of its mapped area
    is_early: bool = False  #: nothing published by then, and something since

    def blocked(self, clock: datetime) -> str:
        """Why nothing may be concluded from the layer; empty when it may."""
        if self.state in ("suspended", "withdrawn"):
            return f"layer_{self.state}"
        return STALE if self._is_stale(clock) else ""

    def _is_stale(self, clock: datetime) -> bool:
        if self.max_age_days is None or self.published is None:
            return False
        return clock - self.published > timedelta(days=self.max_age_days)


def _nothing() -> Integers:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that one rule needs of its layer around the subjects.

    Features are columns of their own (fid, accuracy_m, excluded); rows refer to them and to subjects by position. Of
    entries without a shape the row's geometry is None. `failed` says for single subjects why nothing could be read.
    """

    fid: Integers
    accuracy_m: Floats
    excluded: Objects
    subject: Integers = field(default_factory=_nothing)
    feature: Integers = field(default_factory=_nothing)
    geometry: Objects = field(default_factory=lambda: np.zeros(0, dtype=object))
    piece: Integers | None = None
    distances: Distances | None = None  #: one entry a feature, of rules with terms
    is_subject: NDArray[np.bool_] | None = None  #: rows whose feature is the subject itself
    everywhere: bool = False
    areas: Ground = field(default_factory=Ground.none)
    refused: Ground = field(default_factory=Ground.none)
    failed: Objects | None = None
    raster: RasterGround | None = None  #: of rules about a raster; features are then its classes
    names: Objects | None = None  #: keys of the features, where a rule looks for one
    distance_m: Floats | None = None  #: of each row, where it was taken already

    @property
    def pieces(self) -> Pieces:
        return Pieces(
            self.subject, self.feature, self.geometry, self.accuracy_m, self.excluded, self.piece, self.distances,
            self.is_subject, self.distance_m,
        )  # fmt: skip

    @classmethod
    def unread(cls, subjects: int, reason: str) -> Sheet:
        """A layer of which nothing could be read, with the reason (error, timeout …)."""
        failed = np.full(subjects, reason, dtype=object)
        return cls(_nothing(), np.zeros(0), np.zeros(0, dtype=object), failed=failed)

    @classmethod
    def empty(cls) -> Sheet:
        """A layer without features near and without mapped ground."""
        return cls(_nothing(), np.zeros(0), np.zeros(0, dtype=object))


def without_subjects(sheet: Sheet, left_out: NDArray[np.bool_], reason: str) -> Sheet:
    """Nothing is read of these subjects, and the reason stands for it; what failed already keeps its own."""
    failed = np.full(len(left_out), "", dtype=object) if sheet.failed is None else sheet.failed.copy()
    failed[left_out & (failed == "")] = reason
    keep = ~left_out[sheet.subject]
    return replace(
        sheet, subject=sheet.subject[keep], feature=sheet.feature[keep], geometry=sheet.geometry[keep],
        piece=None if sheet.piece is None else sheet.piece[keep],
        is_subject=None if sheet.is_subject is None else sheet.is_subject[keep], failed=failed,
        distance_m=None if sheet.distance_m is None else sheet.distance_m[keep],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """What one rule found for every subject. Pairs are those of `measures`, judged in `judgement`."""

    rule: Rule
    sheet: Sheet
    measures: Measures
    judgement: Judgement
    mapped: Floats
    verdict: Objects

    @property
    def outcome(self) -> Objects:
        return self.judgement.outcome

    @property
    def reasons(self) -> Objects:
        return self.judgement.reasons

    @property
    def pair_fid(self) -> Integers:
        """The fid of each pair's feature."""
        return self.sheet.fid[self.measures.feature]

    @property
    def hit_count(self) -> Integers:
        """Hits of each subject."""
        hits = self.measures.subject[self.judgement.hit]
        return np.bincount(hits, minlength=len(self.outcome)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class CheckFindings:
    """What a top-level check found: `rules` holds its own rule, a group's members, or nothing for a subject check."""

    check: Check
    outcome: Objects
    verdict: Objects
    reasons: Objects  #: tuples of codes, one tuple a subject
    rules: tuple[RuleFindings, ...] = ()
    area_m2: Floats | None = None  #: of subject checks, with its bounds
    area_low_m2: Floats | None = None
    area_high_m2: Floats | None = None
    length_m: Floats | None = None  #: of subject checks about frontage and depth
    plots: PlotJudgement | None = None  #: of subject checks that stand on layers


def rules_of(procedure: Procedure) -> tuple[Rule, ...]:
    """Every rule against a layer, members of groups included; its position is its number."""
    return tuple(rule for check in procedure.checks for rule in rules_in(check))


def exclusions(
    rule: Rule, definition: LayerDefinition, attributes: Sequence[Mapping[str, object]], on_date: date
) -> Objects:
    """Why a feature does not count: not in force on the day, or not what the rule asks for; empty where it counts.

    What is unknown counts against the subject: for a prohibition as applying, for a requirement as not applying.
    Raises InvalidRequestError for a condition that does not fit the layer.
    """
    found = np.full(len(attributes), COUNTS, dtype=object)
    condition = _condition(rule.when, definition) if rule.when and attributes else None
    begins, ends = definition.by_role("effective_from"), definition.by_role("effective_to")
    for place, row in enumerate(attributes):
        if (begins and _is_after(row.get(begins.name), on_date)) or (ends and _is_before(row.get(ends.name), on_date)):
            found[place] = NOT_IN_FORCE
        elif condition is not None and not _applies(holds(condition, row), rule):
            found[place] = NOT_APPLICABLE
    return found


@lru_cache(maxsize=1024)
def _condition(text: str, definition: LayerDefinition) -> Expression:
    """A bound condition, parsed and checked once: parsing costs as much as measuring."""
    return checked(parse_bound(text), properties_of(definition))


def _applies(truth: bool | None, rule: Rule) -> bool:
    return truth if truth is not None else not rule.relation.is_requirement


def _is_after(value: object, day: date) -> bool:
    return value is not None and str(value)[:10] > day.isoformat()


def _is_before(value: object, day: date) -> bool:
    return value is not None and str(value)[:10] < day.isoformat()


def evaluate_rule(
    rule: Rule,
    subjects: Subjects,
    sheet: Sheet,
    standing: Standing,
    clock: datetime,
    *,
    area_route: AreaRoute | None = None,
    pair_bounds: bool = True,
) -> RuleFindings:
    """One rule for all subjects."""
    if sheet.raster is not None:
        measures = measure_classes(rule, subjects, sheet.raster)
    else:
        measures = measure(rule, subjects, sheet.pieces, area_route=area_route, pair_bounds=pair_bounds)
    mapped = _mapped(rule, subjects, sheet, standing)
    judgement = judge(rule, measures, mapped, _blocked(subjects, sheet, standing, clock))
    return _concluded(rule, sheet, standing, measures, mapped, judgement)


def evaluate_together(
    asked: Sequence[tuple[Rule, Sheet, Standing]], subject: Subjects, clock: datetime
) -> list[RuleFindings]:
    """Several rules of one family (`family_of`) for one subject, each with what `evaluate_rule` gives for it. Raises
    what GEOS raises for any of them."""
    mapped = [_mapped(rule, subject, sheet, standing) for rule, sheet, standing in asked]
    judged = judged_together(
        subject,
        [Question(rule, sheet.pieces, share, _blocked(subject, sheet, standing, clock))
         for (rule, sheet, standing), share in zip(asked, mapped, strict=True)],
    )  # fmt: skip
    return [
        _concluded(rule, sheet, standing, measures, share, judgement)
        for (rule, sheet, standing), share, (measures, judgement) in zip(asked, mapped, judged, strict=True)
    ]


def _blocked(subjects: Subjects, sheet: Sheet, standing: Standing, clock: datetime) -> Objects:
    """Why nothing may be concluded of each subject; empty where it may."""
    blocked = np.full(len(subjects), standing.blocked(clock), dtype=object)
    return blocked if sheet.failed is None else np.where(sheet.failed != "", sheet.failed, blocked)


def _concluded(
    rule: Rule, sheet: Sheet, standing: Standing, measures: Measures, mapped: Floats, judgement: Judgement
) -> RuleFindings:
    if standing.revision == 0:
        for place in (judgement.outcome == Outcome.NOT_MAPPED).nonzero()[0].tolist():
            judgement.reasons[place] = (BEFORE_FIRST_REVISION if standing.is_early else LAYER_EMPTY,)
    verdict = _verdicts(rule, judgement.outcome)
    if measures.doubt is not None:
        _refer_what_nobody_stated(judgement, verdict)
    return RuleFindings(rule, sheet, measures, judgement, mapped, verdict)


def _refer_what_nobody_stated(judgement: Judgement, verdict: Objects) -> None:
    """An origin or a width that is not known refers: it never fails a subject, whatever the procedure says of doubt."""
    for place in (judgement.outcome == Outcome.BORDERLINE).nonzero()[0].tolist():
        if WITHIN_ACCURACY not in judgement.reasons[place]:
            verdict[place] = Verdict.REFER


def _mapped(rule: Rule, subjects: Subjects, sheet: Sheet, standing: Standing) -> Floats:
    """How much of the grown subjects the layer claims to have mapped."""
    declared = mapped_share(
        subjects.geometry,
        rule.reach_m,
        np.hypot(subjects.accuracy_m, standing.accuracy_m),
        everywhere=sheet.everywhere,
        areas=sheet.areas,
        refused=sheet.refused,
    )
    if sheet.raster is None:
        return declared
    # as if all that has no value lay where something was declared
    share = np.clip(declared + sheet.raster.areas.mapped_share - 1.0, 0.0, 1.0)
    return np.where(share < 1e-9, 0.0, share)


def _verdicts(check: Check, outcomes: Objects) -> Objects:
    if len(outcomes) == 1:  # all masks would be made for one word
        return np.array([verdict_of(check, outcomes[0])], dtype=object)
    verdicts = np.empty(len(outcomes), dtype=object)
    for outcome in Outcome:
        verdicts[outcomes == outcome] = verdict_of(check, outcome)
    return verdicts


def evaluate(
    procedure: Procedure,
    subjects: Subjects,
    sheets: Sequence[Sheet],
    standings: Mapping[str, Standing],
    clock: datetime,
    *,
    area_route: AreaRoute | None = None,
    pair_bounds: bool = True,
    refused: str = "",
) -> tuple[CheckFindings, ...]:
    """All checks of a bound procedure, in its order; `sheets` has one entry a rule, in the order of `rules_of`.

    `refused`: why nothing is concluded of any of the subjects; their sheets are then `Sheet.unread` for that reason.
    """
    numbered = zip(rules_of(procedure), sheets, strict=True)
    found = [
        evaluate_rule(
            rule, subjects, sheet, standings[rule.layer], clock, area_route=area_route, pair_bounds=pair_bounds
        )
        for rule, sheet in numbered
    ]
    left = iter(found)
    return tuple(_check(check, subjects, left, refused) for check in procedure.checks)


def _check(check: Check, subjects: Subjects, found: Iterator[RuleFindings], refused: str) -> CheckFindings:
    if isinstance(check, SubjectRule):
        of_layers = tuple(next(found) for _ in rules_in(check))
        return plot_check(check, subjects, of_layers) if of_layers else _subject_check(check, subjects, refused)
    if isinstance(check, Group):
        return combined(check, tuple(next(found) for _ in check.members))
    own = next(found)
    return CheckFindings(check, own.outcome, own.verdict, own.reasons, (own,))


def plot_check(check: SubjectRule, subjects: Subjects, of_layers: tuple[RuleFindings, ...]) -> CheckFindings:
    """What a subject is as a plot, by the layers it is measured with and the commune it lies in."""
    judged = judge_plots(check, subjects, of_layers)
    area = subjects.area_m2 if check.measure == "area_m2" else None
    is_area = check.measure == "net_area_m2"
    return CheckFindings(
        check, judged.outcome, judged.verdict, judged.reasons, of_layers,
        judged.measured if is_area else area, judged.low if is_area else None, judged.high if is_area else None,
        length_m=None if is_area or area is not None else judged.measured, plots=judged,
    )  # fmt: skip


def _subject_check(check: SubjectRule, subjects: Subjects, refused: str) -> CheckFindings:
    is_certificate = check.measure in certificates.MEASURES
    judged = certificates.judge_certificate if is_certificate else judge_subject
    outcome, low, high = judged(check, subjects)
    reasons = reasons_of(outcome, _SUBJECT_REASONS)
    if is_certificate:
        for place in ((outcome == Outcome.NOT_CHECKED) & subjects.is_valid).nonzero()[0].tolist():
            reasons[place] = ("no_registered_area",)
    if refused:
        outcome[:] = Outcome.NOT_CHECKED
        reasons = reasons_of(outcome, {Outcome.NOT_CHECKED: (refused,)})
    verdict = _verdicts(check, outcome)
    return CheckFindings(check, outcome, verdict, reasons, (), subjects.area_m2, low, high)


_SUBJECT_REASONS = {Outcome.BORDERLINE: ("within_accuracy",), Outcome.NOT_CHECKED: ("broken_measure",)}


def combined(group: Group, members: tuple[RuleFindings, ...]) -> CheckFindings:
    """A group's findings from those of its members: each combination of outcomes is judged once."""
    codes = np.stack([_codes(member.outcome) for member in members])
    combinations, which = np.unique(codes, axis=1, return_inverse=True)
    judged = [judge_group(group, [_OUTCOMES[code] for code in codes_of_one]) for codes_of_one in combinations.T]
    outcome, verdict, reasons = (np.empty(len(judged), dtype=object) for _ in range(3))
    for place, (found, meaning, why) in enumerate(judged):
        outcome[place], verdict[place], reasons[place] = found, meaning, why
    back = which.ravel()
    return CheckFindings(group, outcome[back], verdict[back], reasons[back], members)


_OUTCOMES = tuple(Outcome)


def _codes(outcomes: Objects) -> Integers:
    codes = np.zeros(len(outcomes), dtype=np.int64)
    for code, outcome in enumerate(_OUTCOMES):
        codes[outcomes == outcome] = code
    return codes


def overall(found: Sequence[CheckFindings], subjects: int) -> Objects:
    """The verdict of each subject: the worst of the required checks; `refer` where none is."""
    required = [check for check in found if check.check.required]
    verdicts = (worst([check.verdict[place] for check in required]) for place in range(subjects))
    return np.fromiter(verdicts, dtype=object, count=subjects)


__all__ = [
    "CheckFindings", "RuleFindings", "Sheet", "Standing", "Verdict",
    "combined", "evaluate", "evaluate_rule", "exclusions", "overall", "rules_of",
]  # fmt: skip
