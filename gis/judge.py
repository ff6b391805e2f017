"""From measures to outcomes and verdicts: truth tables without geometry (design, section 6).

Precedence: not_checked > affected > borderline > partly_mapped, not_mapped > clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from .asked import AREA, Asked
from .bounds import strip_limit_m2
from .candidates import COUNTS, WITHIN_ACCURACY, Booleans, Floats, Measures, Subjects, Theme
from .procedure import Check, Group, Outcome, Relation, Rule, SubjectRule, Verdict, worst

BELOW_THRESHOLD = "below_threshold"
SUM = "sum"  #: a hit only together with others

#: reasons of a finding
BROKEN_MEASURE = "broken_measure"  #: a measure did not hold its guards
OUTSIDE_MAPPED_AREA = "outside_mapped_area"
PARTLY_MAPPED = "partly_mapped"
CONFLICT = "conflict"
MEMBER_NOT_CHECKED = "member_not_checked"

_AREA = (*AREA, Relation.RASTER_CLASS)
#: so many subjects, or rules about one, are told their reasons one by one
_FEW = 8
_DEFAULT_VERDICT = {Outcome.CLEAR: Verdict.PASS}
_REASONS = {
    Outcome.BORDERLINE: (WITHIN_ACCURACY,),
    Outcome.NOT_MAPPED: (OUTSIDE_MAPPED_AREA,),
    Outcome.PARTLY_MAPPED: (PARTLY_MAPPED,),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One outcome and its reasons a subject; one hit and reason a pair (reason empty for a hit of its own right)."""

    outcome: NDArray[np.object_]
    reasons: NDArray[np.object_]  #: tuples of words
    hit: Booleans
    reason: NDArray[np.object_]


def judge(rule: Rule, measures: Measures, mapped: Floats, blocked: NDArray[np.object_] | None = None) -> Judgement:
    """Outcomes of one rule. `mapped` is the mapped share of each grown subject; `blocked` says for each subject why the
    layer cannot be relied on (stale, suspended …; empty: it can): hits are reported all the same, nothing is concluded.
    """
    return judge_asked(Asked.one(rule, measures.subject_area_m2), measures, mapped, blocked)


def judge_asked(
    asked: Asked, measures: Measures, mapped: Floats, blocked: NDArray[np.object_] | None = None
) -> Judgement:
    """`judge`, with what is asked of each subject by itself."""
    holds, surely, possibly = (_holds(asked, measures, which) for which in ("measured", "least", "most"))
    hit, reason = _pairs(asked, measures, holds)
    outcome = _outcomes(asked, holds, surely, possibly, mapped)
    reasons = reasons_of(outcome, _REASONS)
    if measures.doubt is not None:
        _tell_doubts(measures, outcome, reasons)
    broken = measures.theme.broken | np.isnan(mapped) | _unaccounted(measures, hit, reason)
    for place in broken.nonzero()[0].tolist():
        outcome[place], reasons[place] = Outcome.NOT_CHECKED, (BROKEN_MEASURE,)
    if blocked is not None:
        for place in (blocked != "").nonzero()[0].tolist():
            outcome[place], reasons[place] = Outcome.NOT_CHECKED, (blocked[place],)
    return Judgement(outcome, reasons, hit, reason)


def _tell_doubts(measures: Measures, outcome: NDArray[np.object_], reasons: NDArray[np.object_]) -> None:
    """A subject in doubt is told why its features are."""
    assert measures.doubt is not None
    for place in (outcome == Outcome.BORDERLINE).nonzero()[0].tolist():
        of_pairs = measures.doubt[(measures.subject == place) & measures.counts]
        reasons[place] = tuple(sorted({why for why in of_pairs.tolist() if why})) or (WITHIN_ACCURACY,)


def _unaccounted(measures: Measures, hit: Booleans, reason: NDArray[np.object_]) -> Booleans:
    """Subjects with a candidate that is neither a hit nor a drop with a reason: there must be none."""
    lost = ~hit & (reason == "")
    return np.bincount(measures.subject[lost], minlength=len(measures.subject_area_m2)) > 0


def reasons_of(outcome: NDArray[np.object_], known: Mapping[Outcome, tuple[str, ...]]) -> NDArray[np.object_]:
    """A tuple of words for each outcome, mostly empty."""
    if len(outcome) <= _FEW:  # one by one: a mask for each word would cost more
        return np.fromiter((known.get(word, ()) for word in outcome.tolist()), dtype=object, count=len(outcome))
    reasons = np.fromiter(repeat((), len(outcome)), dtype=object, count=len(outcome))
    for word, told in known.items():
        for place in np.flatnonzero(outcome == word).tolist():
            reasons[place] = told
    return reasons


def _outcomes(
    asked: Asked, holds: Booleans, surely: Booleans, possibly: Booleans, mapped: Floats
) -> NDArray[np.object_]:
    """The truth table. A prohibition is affected where the relation holds, a requirement where it does not."""
    doubtful = (holds & ~surely) | (~holds & possibly)
    outcome = np.empty(len(holds), dtype=object)
    outcome[:] = Outcome.CLEAR
    outcome[asked.is_requirement] = Outcome.AFFECTED
    outcome[mapped < 1] = Outcome.PARTLY_MAPPED
    outcome[mapped <= 0] = Outcome.NOT_MAPPED
    outcome[holds & asked.is_requirement] = Outcome.CLEAR
    outcome[holds & ~asked.is_requirement] = Outcome.AFFECTED
    outcome[doubtful] = Outcome.BORDERLINE
    return outcome


def _holds(asked: Asked, measures: Measures, which: Literal["measured", "least", "most"]) -> Booleans:
    """Does the relation hold for the theme as measured, at the least, at the most the accuracy allows?"""
    theme = measures.theme
    if asked.relation in _AREA:
        value = _of(which, theme.area_m2, theme.area_low_m2, theme.area_high_m2)
        return np.asarray(value >= asked.area_m2, dtype=bool)
    if asked.relation is Relation.CROSSES_LINE:
        value = _of(which, theme.length_m, theme.length_low_m, theme.length_high_m)
        return np.asarray(value >= asked.length_m, dtype=bool)
    if asked.relation is Relation.WITHIN_DISTANCE and measures.distances is None:
        value = _of(which, theme.nearest_m, theme.nearest_high_m, theme.nearest_low_m)
        return np.asarray(value <= asked.distance_m, dtype=bool)  # NaN, nothing near, does not hold
    return _of_counts(which, theme) > 0


def _of(which: str, measured: Floats, least: Floats, most: Floats) -> Floats:
    if which == "measured":
        return measured
    bound = least if which == "least" else most
    return np.where(np.isnan(bound), measured, bound)


def _of_counts(which: str, theme: Theme) -> NDArray[np.int64]:
    return {"measured": theme.count, "least": theme.count_low, "most": theme.count_high}[which]


def _pairs(asked: Asked, measures: Measures, holds: Booleans) -> tuple[Booleans, NDArray[np.object_]]:
    """Hits, and for the others why not. If the theme passes the threshold and no feature alone does, all are hits."""
    counts = measures.counts
    meets = np.asarray(measures.relation == asked.word[measures.subject], dtype=bool)
    reason = measures.relation.copy()
    reason[meets] = BELOW_THRESHOLD
    hit = np.asarray(counts & meets & _alone(asked, measures), dtype=bool)
    reason[hit] = ""
    if asked.adds_up.any():
        has_hit = np.bincount(measures.subject[hit], minlength=len(measures.subject_area_m2)) > 0
        together = holds & ~has_hit & asked.adds_up
        by_sum = counts & meets & together[measures.subject]
        hit = hit | by_sum
        reason[by_sum] = SUM
    if measures.doubt is not None:
        doubtful = ~hit & (measures.doubt != "")
        reason[doubtful] = measures.doubt[doubtful]
    excluded = measures.excluded != COUNTS
    reason[excluded] = measures.excluded[excluded]
    return hit, reason


def _alone(asked: Asked, measures: Measures) -> Booleans:
    """Does the pair pass the rule's threshold by itself?"""
    subject = measures.subject
    if asked.relation in _AREA:
        return np.asarray(measures.area_m2 >= asked.feature_m2[subject], dtype=bool)
    if asked.relation is Relation.CROSSES_LINE:
        return np.asarray(measures.length_m >= asked.length_m[subject], dtype=bool)
    if asked.relation is Relation.WITHIN_DISTANCE and measures.distances is None:
        return np.asarray(measures.nearest_m <= asked.distance_m[subject], dtype=bool)
    return np.ones(len(measures.subject), dtype=bool)


def judge_subject(rule: SubjectRule, subjects: Subjects) -> tuple[NDArray[np.object_], Floats, Floats]:
    """Outcomes of a question about the subject itself, with its area at the least and at the most, in m²; NaN where the
    accuracy cannot change the answer."""
    low, high = np.full((2, len(subjects)), np.nan)
    strip = strip_limit_m2(subjects.perimeter_m, subjects.vertices.astype(np.float64), subjects.accuracy_m)
    near = [bound for bound in (rule.at_least, rule.at_most) if bound is not None]
    could_flip = np.zeros(len(subjects), dtype=bool)
    for bound in near:
        could_flip |= np.abs(subjects.area_m2 - bound) <= strip
    asked = (could_flip & subjects.is_valid & (subjects.accuracy_m > 0)).nonzero()[0]
    outcome = np.empty(len(subjects), dtype=object)
    outcome[:] = Outcome.AFFECTED
    met = _within(rule, subjects.area_m2)
    outcome[met] = Outcome.CLEAR
    if len(asked):  # of one subject mostly nobody
        shapes, error = subjects.geometry[asked], subjects.accuracy_m[asked]
        low[asked], high[asked] = shapely.area(shapely.buffer(shapes, np.array([-error, error])))
        flips = (_within(rule, low[asked]) != met[asked]) | (_within(rule, high[asked]) != met[asked])
        outcome[asked[flips]] = Outcome.BORDERLINE
    outcome[~subjects.is_valid] = Outcome.NOT_CHECKED
    return outcome, low, high


def _within(rule: SubjectRule, area_m2: Floats) -> Booleans:
    enough = area_m2 >= (-np.inf if rule.at_least is None else rule.at_least)
    return np.asarray(enough & (area_m2 <= (np.inf if rule.at_most is None else rule.at_most)), dtype=bool)


def judge_group(group: Group, members: Sequence[Outcome]) -> tuple[Outcome, Verdict, tuple[str, ...]]:
    """One sufficient ground is enough. A ground that is met while another member is not met is a conflict; a member
    that was not checked, or that the accuracy leaves open, may hide one."""
    found = set(members)
    if Outcome.CLEAR in found:
        if Outcome.AFFECTED in found:
            return Outcome.CLEAR, _capped(group, group.on_conflict), (CONFLICT,)
        if Outcome.NOT_CHECKED in found:
            return Outcome.CLEAR, _capped(group, worst([Verdict.REFER, group.on_conflict])), (MEMBER_NOT_CHECKED,)
        if Outcome.BORDERLINE in found:
            return Outcome.CLEAR, Verdict.REFER, (WITHIN_ACCURACY,)
        return Outcome.CLEAR, _capped(group, Verdict.PASS), ()
    if Outcome.NOT_CHECKED in found:
        return Outcome.NOT_CHECKED, Verdict.REFER, (MEMBER_NOT_CHECKED,)
    if Outcome.BORDERLINE in found:
        return Outcome.BORDERLINE, Verdict.REFER, (WITHIN_ACCURACY,)
    if found <= {Outcome.AFFECTED}:
        return Outcome.AFFECTED, worst([Verdict.REFER, group.none]), ()
    if found <= {Outcome.NOT_MAPPED}:
        return Outcome.NOT_MAPPED, worst([Verdict.REFER, group.nothing_mapped]), (OUTSIDE_MAPPED_AREA,)
    return Outcome.PARTLY_MAPPED, Verdict.REFER, (PARTLY_MAPPED,)


def verdict_of(check: Check, outcome: Outcome) -> Verdict:
    """What an outcome means for the procedure. Only `clear` may pass, and no rule that was not verified does.

    Of a group the verdict comes with its outcome from `judge_group`.
    """
    mapping: Mapping[Outcome, Verdict] = {} if isinstance(check, Group) else check.verdicts
    verdict = mapping.get(outcome, _DEFAULT_VERDICT.get(outcome, Verdict.REFER))
    if outcome is not Outcome.CLEAR:
        verdict = worst([verdict, Verdict.REFER])
    return _capped(check, verdict)


def is_capped(check: Check, outcome: Outcome) -> bool:
    """Whether a clear subject refers only because nobody has compared the rule with the law."""
    return not check.verified and outcome is Outcome.CLEAR and verdict_of(check, outcome) is not Verdict.PASS


def _capped(check: Check, verdict: Verdict) -> Verdict:
    """A rule that is not verified can at best refer."""
    return verdict if check.verified else worst([verdict, Verdict.REFER])
