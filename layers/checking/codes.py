"""Codes of reasons that a finding has beside those of its outcome: one record tells them, and a column of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.judge import OUTSIDE_MAPPED_AREA, PARTLY_MAPPED, is_capped
from gis.procedure import Outcome, PlotBound, Rule, SubjectRule

from .evaluate import CheckFindings, RuleFindings
from .plots import PlotJudgement

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

UNVERIFIED_RULE = "unverified_rule"
SUM = "sum"
PLOT_RULE, NO_ROW = "plot_rule", "no_row"
REFUSED_ROW = "refused_row"
GROUNDS_NOT_MAPPED = "grounds_not_mapped"


def of_whole(codes: Sequence[str]) -> list[str]:
    """Of a group or a subject check: it is the grounds that are not mapped, not the check."""
    told = [code for code in codes if code not in (OUTSIDE_MAPPED_AREA, PARTLY_MAPPED)]
    return [*told, GROUNDS_NOT_MAPPED] if len(told) < len(codes) else told


# ── of one plot ──────────────────────────────────────────────────────────────────────────────────
def places_of(judged: PlotJudgement, place: int) -> list[tuple[str, PlotBound | None]]:
    """Each commune a subject lies in, with the row of the table that was applied there."""
    row, others = judged.row[place], judged.others[place] or ()
    return [(judged.commune[place], row), *others] if row or others else []


def code_of_row(row: PlotBound | None) -> str:
    return NO_ROW if row is None else PLOT_RULE


def is_verified(rule: SubjectRule, row: PlotBound | None) -> bool:
    return rule.verified and (row is None or row.verified)


# ── of one layer ─────────────────────────────────────────────────────────────────────────────────
def on_refused(found: RuleFindings, shapes: Objects, accuracy_m: Floats) -> Integers:
    """Subjects that count as not mapped where a row refused at publication lies within their reach."""
    refused = found.sheet.refused
    if not len(refused.geometry):
        return refused.subject
    unmapped = np.isin(found.outcome.astype(str), (Outcome.NOT_MAPPED, Outcome.PARTLY_MAPPED))
    rows = np.flatnonzero(unmapped[refused.subject])
    subject = refused.subject[rows]
    reach = found.rule.reach_m + accuracy_m[subject]
    return np.unique(subject[shapely.distance(refused.geometry[rows], shapes[subject]) <= reach])


# ── of many subjects ─────────────────────────────────────────────────────────────────────────────
def column_of(found: CheckFindings, subjects: Subjects) -> Objects:
    """The codes of every subject in one text, None where there is none."""
    column = np.full(len(found.outcome), None, dtype=object)
    if found.plots is not None:
        _of_rows(column, found.plots)
    is_of_layer = isinstance(found.check, Rule)
    for place in np.flatnonzero(np.fromiter(map(len, found.reasons), dtype=np.int64, count=len(column))):
        codes = found.reasons[place]
        _append(column, np.array([place]), ";".join(dict.fromkeys(codes if is_of_layer else of_whole(codes))))
    if is_of_layer:
        _append(column, _summed(found.rules[0]), SUM)
        _append(column, on_refused(found.rules[0], subjects.geometry, subjects.accuracy_m), REFUSED_ROW)
    _append(column, _capped(found), UNVERIFIED_RULE)
    return column


def _of_rows(column: Objects, judged: PlotJudgement) -> None:
    column[np.fromiter((row is not None for row in judged.row), dtype=bool)] = PLOT_RULE
    for place in np.flatnonzero(np.fromiter(map(bool, judged.others), dtype=bool, count=len(column))).tolist():
        column[place] = ";".join(dict.fromkeys(code_of_row(row) for _, row in places_of(judged, place)))


def _summed(found: RuleFindings) -> Integers:
    """Subjects of which a feature counts only together with others."""
    judgement = found.judgement
    return np.unique(found.measures.subject[judgement.hit & (judgement.reason == SUM)])


def _capped(found: CheckFindings) -> Integers:
    """Subjects that are clear and refer, since nobody compared the rule, or the row that was applied, with the law."""
    check = found.check
    if found.plots is not None and isinstance(check, SubjectRule):
        known = np.fromiter((is_verified(check, row) for row in found.plots.row), dtype=bool)
        check = replace(check, verified=False)
    else:
        known = np.full(len(found.outcome), check.verified)
    return np.flatnonzero((found.outcome == Outcome.CLEAR) & ~known & is_capped(check, Outcome.CLEAR))


def _append(column: Objects, places: Integers, code: str) -> None:
    is_free = np.fromiter((one is None for one in column[places]), dtype=bool)
    column[places[is_free]] = code
    for place in places[~is_free].tolist():
        column[place] = f"{column[place]};{code}"
