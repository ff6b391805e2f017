"""Plots judged by what a commune asks of them: area without corridors, frontage, depth, access. Pure.

The commune is the one the plot's label point lies in, from the layer of communes; where the plot reaches beyond the
accuracy into another one that asks for something else, both are named and a person decides. What is not shown to be met
along a road is never a failure: the access may be a private path the parties agreed on, and a person looks at that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.candidates import COUNTS, WITHIN_ACCURACY, Subjects
from gis.judge import OUTSIDE_MAPPED_AREA, PARTLY_MAPPED, judge_subject, verdict_of
from gis.plots import Interval, Roads, depth, frontage, net_area
from gis.procedure import NEVER_FAIL, Outcome, PlotBound, SubjectRule, Verdict

if TYPE_CHECKING:
    from .evaluate import RuleFindings

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NO_COMMUNE = "no_commune"
NO_PLOT_RULE = "no_plot_rule"
RULES_DIFFER = "rules_differ"
NO_FRONTAGE = "no_frontage"
PRIVATE_PATH = "private_path"


@dataclass(frozen=True, slots=True)
class PlotJudgement:
    """One entry a subject: what was measured, what it was held against, and what follows."""

    outcome: Objects
    verdict: Objects
    reasons: Objects  #: tuples of words
    measured: Floats
    low: Floats
    high: Floats
    bound: Floats
    row: Objects  #: the PlotBound of its commune, or None
    commune: Objects  #: code, or None
    others: Objects  #: tuples of (code, PlotBound or None): other communes it lies in, whose row is another


def judge_plots(check: SubjectRule, subjects: Subjects, of_layers: Sequence[RuleFindings]) -> PlotJudgement:
    """`of_layers` has the findings of the sources, then those of the layer of communes where there is one."""
    size = len(subjects)
    words, numbers = [np.empty(size, dtype=object) for _ in range(6)], np.full((4, size), np.nan)  # of objects: None
    made = PlotJudgement(
        words[0], words[1], words[2], numbers[0], numbers[1], numbers[2], numbers[3], words[3], words[4],
        words[5],
    )  # fmt: skip
    sources = of_layers[: len(check.sources)]
    ground = of_layers[len(check.sources)] if check.ground is not None else None
    made.commune[:] = _communes(subjects, ground) if ground is not None else None
    known = _Known(
        rows={id(one): _counting_rows(one, size) for one in of_layers},
        areas=_areas(check, subjects, made.commune) if check.measure == "area_m2" else {},
    )
    plot = partial(_Plot, check, subjects, sources=sources, ground=ground, known=known)
    alike = _alike(check, subjects, sources, ground, known)
    _judge_alike(made, plot, alike)
    verdicts: dict[tuple[Outcome, bool], Verdict] = {}
    for place in (~alike).nonzero()[0].tolist():
        one = plot(place=place, commune=made.commune[place])
        made.row[place], made.bound[place] = one.row, one.bound if one.bound is not None else np.nan
        outcome, reasons, value = one.judged()
        made.others[place] = one.others
        made.outcome[place], made.reasons[place] = outcome, reasons
        made.measured[place], made.low[place], made.high[place] = value.measured, value.low, value.high
        if (outcome, one.is_verified) not in verdicts:
            verdicts[outcome, one.is_verified] = _verdict(check, outcome, one.is_verified)
        made.verdict[place] = verdicts[outcome, one.is_verified]
    return made


def _alike(
    check: SubjectRule, subjects: Subjects, sources: Sequence[RuleFindings], ground: RuleFindings | None, known: _Known
) -> NDArray[np.bool_]:
    """Subjects of which nothing but their area and their one commune is asked: nearly all of a batch."""
    if check.measure != "area_m2" or len(subjects) == 1:
        return np.zeros(len(subjects), dtype=bool)
    alike = subjects.is_valid.copy()
    for one in (*sources, *((ground,) if ground is not None else ())):
        alike &= one.outcome != Outcome.NOT_CHECKED
    if ground is not None:
        _, start = known.rows[id(ground)]
        alike &= np.diff(start) <= 1
    return alike


def _judge_alike(made: PlotJudgement, plot: Callable[..., _Plot], alike: NDArray[np.bool_]) -> None:
    """By commune, each as its first subject is judged but for what hangs on the area."""
    for commune in set(made.commune[alike].tolist()):
        places = np.flatnonzero(alike & (made.commune == commune))
        first = plot(place=int(places[0]), commune=commune)
        made.row[places], made.bound[places] = first.row, first.bound if first.bound is not None else np.nan
        made.others[places] = _one_tuple(())
        made.measured[places] = first.subjects.area_m2[places]
        outcomes, low, high = first.area_outcomes()
        made.low[places], made.high[places] = low[places], high[places]
        for outcome in set(outcomes[places].tolist()):
            these = places[outcomes[places] == outcome]
            made.outcome[these] = outcome
            made.reasons[these] = _one_tuple(first.area_reasons(outcome))
            made.verdict[these] = _verdict(first.check, outcome, first.is_verified)


def _one_tuple(words: tuple[str, ...]) -> Objects:
    """A tuple as one value, which numpy would take apart."""
    made = np.empty(1, dtype=object)
    made[0] = words
    return made


@dataclass(frozen=True, slots=True)
class _Known:
    """What is taken once for all subjects: of many, each alone would cost more than its measuring."""

    rows: Mapping[
        int, tuple[Integers, Integers]
    ]  #: by identity of findings: rows that count, and where those of a subject begin
    areas: Mapping[float | None, tuple[Objects, Floats, Floats]]  #: by bound: outcomes and bounds of every area


def _counting_rows(one: RuleFindings, size: int) -> tuple[Integers, Integers]:
    sheet = one.sheet
    counts = sheet.excluded[sheet.feature] == COUNTS
    if sheet.is_subject is not None:  # of many subjects; of one it is excluded by its reason
        counts &= ~sheet.is_subject
    rows = counts.nonzero()[0]
    rows = rows[sheet.subject[rows].argsort(kind="stable")]
    return rows, sheet.subject[rows].searchsorted(np.arange(size + 1))


def _areas(
    check: SubjectRule, subjects: Subjects, communes: Objects
) -> dict[float | None, tuple[Objects, Floats, Floats]]:
    """Every area against each bound that some commune asks for."""
    rows = (next((row for row in check.plots if code in row.communes), None) for code in set(communes.tolist()))
    of_rows = {row.at_least for row in rows if row is not None}
    bounds = of_rows if _is_by_plots(check) else {check.at_least}
    asked = {bound: check if bound == check.at_least else replace(check, at_least=bound) for bound in bounds}
    return {bound: judge_subject(one, subjects) for bound, one in asked.items()}


def _verdict(check: SubjectRule, outcome: Outcome, is_verified: bool) -> Verdict:
    """A row nobody compared with its text can at best refer, and no missing road fails anybody."""
    found = verdict_of(check if check.verified is is_verified else replace(check, verified=is_verified), outcome)
    return Verdict.REFER if check.measure in NEVER_FAIL and found is Verdict.FAIL else found


def _communes(subjects: Subjects, ground: RuleFindings) -> Objects:
    """The code of the commune each label point lies in; None where none is known."""
    found, points = np.empty((2, len(subjects)), dtype=object)  # of None
    sheet = ground.sheet
    if sheet.names is None or not len(sheet.subject):
        return found
    valid = subjects.is_valid.nonzero()[0]
    points[valid] = shapely.point_on_surface(subjects.geometry[valid])
    holds = shapely.intersects(sheet.geometry, points[sheet.subject]) & (sheet.excluded[sheet.feature] == COUNTS)
    for row in holds.nonzero()[0][::-1].tolist():
        found[sheet.subject[row]] = str(sheet.names[sheet.feature[row]])
    return found


def _is_by_plots(check: SubjectRule) -> bool:
    """Whether the bound is that of the commune's row; the check's own is then nobody's."""
    return check.is_by_plots or bool(check.plots)


class _Plot:
    """One subject of the check."""

    def __init__(
        self, check: SubjectRule, subjects: Subjects, *, place: int, sources: Sequence[RuleFindings],
        ground: RuleFindings | None, commune: str | None, known: _Known,
    ) -> None:  # fmt: skip
        self.check, self.subjects, self.place, self.ground, self.commune = check, subjects, place, ground, commune
        self.known = known
        self.is_by_plots = _is_by_plots(check)
        self.row = self._row_for(commune)
        self.bound = self.row.at_least if self.row is not None else None if self.is_by_plots else check.at_least
        self.others = self._others() if self.is_by_plots and commune is not None else ()
        excluded = self.row.excludes if self.row is not None and check.measure == "net_area_m2" else None
        self.sources = [one for one in sources if excluded is None or one.rule.layer in excluded]

    @property
    def shape(self) -> Any:
        return self.subjects.geometry[self.place]

    @property
    def accuracy_m(self) -> float:
        return float(self.subjects.accuracy_m[self.place])

    # ── outcome ──────────────────────────────────────────────────────────────────────────────────
    def judged(self) -> tuple[Outcome, tuple[str, ...], Interval]:
        """Precedence: not_checked > what is shown > what is in doubt > what is not mapped."""
        value = self.measured()
        unread = [one for one in (*self.sources, *self._grounds()) if one.outcome[self.place] == Outcome.NOT_CHECKED]
        if not self.subjects.is_valid[self.place]:
            return Outcome.NOT_CHECKED, ("broken_measure",), value
        if unread:
            return Outcome.NOT_CHECKED, tuple(unread[0].reasons[self.place]) or ("member_not_checked",), value
        if self.others:
            return Outcome.BORDERLINE, (RULES_DIFFER,), value
        if self.is_by_plots and self.row is None:
            return Outcome.NOT_MAPPED, self._no_row(), value
        if self.check.measure == "area_m2":
            return self._area()
        outcome, reasons = self._held(value)
        return outcome, reasons, value

    def _row_for(self, commune: str | None) -> PlotBound | None:
        return next((row for row in self.check.plots if commune in row.communes), None)

    def _others(self) -> tuple[tuple[str, PlotBound | None], ...]:
        """Communes of another row into which the plot reaches farther than the accuracy."""
        if self.ground is None or not self.subjects.is_valid[self.place]:
            return ()
        sheet, found = self.ground.sheet, dict[str, PlotBound | None]()
        for row in self._rows(self.ground).tolist():
            code = str(sheet.names[sheet.feature[row]]) if sheet.names is not None else ""
            other = self._row_for(code)
            error = float(np.hypot(sheet.accuracy_m[sheet.feature[row]], self.accuracy_m))
            if other is not self.row and code != self.commune and self._depth_in(sheet.geometry[row]) > error:
                found[code] = other
        return tuple(sorted(found.items(), key=lambda one: one[0]))

    def _depth_in(self, commune: Any) -> float:
        """How far inside a commune the corners of what lies there are."""
        corners = shapely.get_coordinates(shapely.intersection(self.shape, commune))
        if not len(corners):
            return 0.0
        return float(shapely.distance(shapely.points(corners), shapely.boundary(commune)).max())

    def _grounds(self) -> Sequence[RuleFindings]:
        return (self.ground,) if self.ground is not None else ()

    def _held(self, value: Interval) -> tuple[Outcome, tuple[str, ...]]:
        if np.isnan(value.measured):
            if self.check.measure != "depth_m":
                return Outcome.NOT_CHECKED, ("broken_measure",)
            return self._unmapped() or (Outcome.AFFECTED, (NO_FRONTAGE, PRIVATE_PATH))
        met, surely, possibly = (self._is_met(each) for each in (value.measured, value.low, value.high))
        if self.check.measure == "net_area_m2":
            if not possibly:
                return Outcome.AFFECTED, ()
            return (Outcome.BORDERLINE, (WITHIN_ACCURACY,)) if not surely else self._unmapped() or (Outcome.CLEAR, ())
        if met and surely:  # a road that is not mapped can only add to what was found
            return (self._unmapped() if self.check.at_most is not None else None) or (Outcome.CLEAR, ())
        if possibly:
            return Outcome.BORDERLINE, (WITHIN_ACCURACY,)
        return self._unmapped() or (Outcome.AFFECTED, (PRIVATE_PATH,))

    def _is_met(self, value: float) -> bool:
        least = -np.inf if self.bound is None else self.bound
        most = np.inf if self.check.at_most is None else self.check.at_most
        return bool(least <= value <= most)

    def _unmapped(self) -> tuple[Outcome, tuple[str, ...]] | None:
        share = min((float(one.mapped[self.place]) for one in self.sources), default=1.0)
        if share <= 0:
            return Outcome.NOT_MAPPED, (OUTSIDE_MAPPED_AREA,)
        return (Outcome.PARTLY_MAPPED, (PARTLY_MAPPED,)) if share < 1 else None

    def _area(self) -> tuple[Outcome, tuple[str, ...], Interval]:
        outcomes, low, high = self.area_outcomes()
        outcome: Outcome = outcomes[self.place]
        area = float(self.subjects.area_m2[self.place])
        return outcome, self.area_reasons(outcome), Interval(area, float(low[self.place]), float(high[self.place]))

    def area_outcomes(self) -> tuple[Objects, Floats, Floats]:
        """Of every subject by the bound of this one: outcomes and bounds of the area; all not mapped where no row of
        the rules speaks of its commune."""
        if self.is_by_plots and self.row is None:
            unknown = np.full(len(self.subjects), np.nan)
            return np.full(len(self.subjects), Outcome.NOT_MAPPED, dtype=object), unknown, unknown
        return self.known.areas[self.bound]

    def area_reasons(self, outcome: Outcome) -> tuple[str, ...]:
        if outcome is Outcome.NOT_MAPPED:
            return self._no_row()
        return {Outcome.BORDERLINE: (WITHIN_ACCURACY,), Outcome.NOT_CHECKED: ("broken_measure",)}.get(outcome, ())

    def _no_row(self) -> tuple[str, ...]:
        return (NO_COMMUNE if self.commune is None else NO_PLOT_RULE,)

    @property
    def is_verified(self) -> bool:
        return self.check.verified and (self.row is None or self.row.verified)

    # ── measures ─────────────────────────────────────────────────────────────────────────────────
    def measured(self) -> Interval:
        if not self.subjects.is_valid[self.place]:
            return Interval.unknown()
        if self.check.measure == "area_m2":
            area = float(self.subjects.area_m2[self.place])
            return Interval(area, float("nan"), float("nan"))
        if self.check.measure == "net_area_m2":
            shapes, error = self._excluded()
            return net_area(self.shape, shapes, error, self.accuracy_m)
        return (depth if self.check.measure == "depth_m" else frontage)(self.shape, self._roads(), self.accuracy_m)

    def _rows(self, one: RuleFindings) -> Integers:
        """Rows of a source that count for this subject."""
        rows, start = self.known.rows[id(one)]
        return rows[start[self.place] : start[self.place + 1]]

    def _excluded(self) -> tuple[Objects, float]:
        rows = [(one, self._rows(one)) for one in self.sources]
        shapes = [one.sheet.geometry[found] for one, found in rows]
        errors = [float(one.sheet.accuracy_m[one.sheet.feature[found]].max(initial=0.0)) for one, found in rows]
        error = float(np.hypot(max(errors, default=0.0), self.accuracy_m))
        return (np.concatenate(shapes) if shapes else np.zeros(0, dtype=object)), error

    def _roads(self) -> Roads:
        parts = [self._road(one, self._rows(one)) for one in self.sources]
        columns = zip(*parts, strict=True) if parts else ([np.zeros(0)] * 4)
        geometry, reach, nearer, farther = (np.concatenate(list(column)) for column in columns)
        return Roads(np.asarray(geometry, dtype=object), reach, nearer, farther)

    def _road(self, one: RuleFindings, rows: NDArray[np.int64]) -> tuple[Objects, Floats, Floats, Floats]:
        """How far around each shape its land may be taken to reach; an assumed reach may as well be none."""
        sheet = one.sheet
        feature = sheet.feature[rows]
        error = np.hypot(sheet.accuracy_m[feature], self.accuracy_m)
        if sheet.distances is None:
            return sheet.geometry[rows], np.full(len(rows), one.rule.distance_m), error, error
        known = sheet.distances.at(feature)
        reach = known.distance_m + known.offset_m
        farther = np.where(known.is_told, known.farther_m + error, reach)
        return sheet.geometry[rows], reach, known.nearer_m + error, farther
