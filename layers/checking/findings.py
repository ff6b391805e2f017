"""What was read becomes what was found: candidates to sheets, `evaluate`, and findings as the record holds them.

Pure: no database, no caller, no clock of its own. One rule that fails costs its own finding and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
import structlog
from numpy.typing import NDArray

from gis.candidates import COUNTS, SUBJECT_ITSELF, Subjects
from gis.certificates import MEASURES
from gis.coverage import Ground
from gis.errors import LienthongError, Message
from gis.judge import OUTSIDE_MAPPED_AREA, PARTLY_MAPPED, judge_group
from gis.procedure import Check, Group, Outcome, Procedure, Relation, Rule, SubjectRule, Verdict, rules_in, worst
from layers.canonical import plain
from layers.profile.grammar import LayerDefinition
from layers.store.checks import MOST_CANDIDATES, CandidateRow, CandidatesError, CutLayer

from .answer import NO_COVERAGE, NO_MEASURE, Json
from .distances import distances_of
from .evaluate import RuleFindings, Sheet, Standing, evaluate, evaluate_rule, exclusions, plot_check
from .nothing_near import NothingNear, is_nothing_near, question_of
from .plot_finding import as_source, plot_told
from .raster_cells import RasterError
from .raster_sheet import single_sheet
from .reading import Case, Reading
from .reasons import reason
from .remainders import Remainder
from .rule_finding import KEY, RuleFinding, accuracy_near, accuracy_of, cited, office_of, rounded, unverified
from .subject import Subject

log = structlog.get_logger()

#: a failure of a library on one rule's data: told as not_checked, never as an answer
_MEASURING_FAILURES = (shapely.GEOSException, LienthongError, ArithmeticError, ValueError, TypeError, LookupError)


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


class _Maker:
    """One subject's findings; rules are taken in the order of their numbers."""

    def __init__(self, case: Case, reading: Reading, known: NothingNear) -> None:
        self.case, self.reading, self.known = case, reading, known
        subject = reading.subject
        shapes = np.empty(1, dtype=object)
        shapes[0] = subject.geometry
        registered = np.array([subject.registered_area_m2 or np.nan])
        self.subjects = Subjects.of(shapes, np.array([subject.accuracy_m]), registered)
        self.titles = {check.id: check.title for check in case.definition.checks}
        self.remainder = Remainder(subject.geometry)
        self.number = -1

    def finding(self, check: Check) -> Json:
        if isinstance(check, SubjectRule):
            return self._of_subject(check)
        if isinstance(check, Group):
            return self._of_group(check)
        return self._of_rule(check, self.remainder)

    # ── the three kinds ──────────────────────────────────────────────────────────────────────────
    def _of_rule(self, rule: Rule, remainder: Remainder | None = None) -> Json:
        self.number += 1
        layer, cut = self._definition(rule), self.reading.cut[rule.layer]
        standing = self._standing(layer, cut)
        sheet, attributes = self._sheet(rule, layer, cut)
        # numpy's set-up for measuring nothing costs more than all the rest of a finding
        if not is_nothing_near(rule, self.subjects, sheet):
            return self._measured(rule, layer, cut, standing, sheet, attributes, remainder)
        question = question_of(self.case, self.number, rule, cut, standing)
        told = self.known.get(question)
        if told is None:
            told = self._measured(rule, layer, cut, standing, sheet, attributes, None)
            self.known.keep(question, told)
        told["accuracy_m"] = plain(accuracy_near(sheet, layer, self.case))
        if told["measure"]["remainder_m2"] is not None:
            told["measure"]["remainder_m2"] = rounded(float(self.subjects.area_m2[0]), 4)
        if remainder is not None:
            remainder.add_clear(rule, Outcome(told["outcome"]))
        return told

    def _measured(
        self, rule: Rule, layer: LayerDefinition, cut: CutLayer, standing: Standing,
        sheet: Sheet, attributes: Sequence[Mapping[str, object]], remainder: Remainder | None,
    ) -> Json:  # fmt: skip
        try:
            found = evaluate_rule(rule, self.subjects, sheet, standing, self.case.clock)
        except _MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            found = evaluate_rule(rule, self.subjects, Sheet.unread(1, "error"), standing, self.case.clock)
            attributes = ()
        if remainder is not None:
            remainder.add(found)
        one = RuleFinding(self.case, self.reading.subject, layer, cut, found, attributes)
        told: Json = plain(one.as_json(self.title(rule, layer)))
        return told

    def _of_group(self, group: Group) -> Json:
        members = [self._of_rule(rule) for rule in group.members]
        judged = judge_group(group, [Outcome(member["outcome"]) for member in members])
        return self._base(group, "group", *judged) | {"members": members}

    def _of_subject(self, rule: SubjectRule) -> Json:
        if rules_in(rule):
            return self._of_plot(rule)
        alone = Procedure(self.case.definition.id, "", (rule,))
        (found,) = evaluate(alone, self.subjects, (), {}, self.case.clock)
        base = self._base(rule, "subject", found.outcome[0], found.verdict[0], found.reasons[0])
        low, high = found.area_low_m2, found.area_high_m2
        base["measure"] = plain({
            **NO_MEASURE,
            "area_m2": rounded(float(self.subjects.area_m2[0]), 4),
            "area_low_m2": None if low is None else rounded(float(low[0]), 4),
            "area_high_m2": None if high is None else rounded(float(high[0]), 4),
            **self._certificate(rule),
        })  # fmt: skip
        return base

    def _of_plot(self, rule: SubjectRule) -> Json:
        """A finding that stands on layers: like a group it is as good as what may be shown of its members."""
        found, members = [], []
        for source in rules_in(rule):
            self.number += 1
            layer, cut = self._definition(source), self.reading.cut[source.layer]
            sheet, attributes = self._sheet(source, layer, cut)
            one = self._evaluated(source, sheet, self._standing(layer, cut))
            found.append(one)
            attributes = attributes if one.sheet is sheet else []
            members.append(plain(RuleFinding(self.case, self.reading.subject, layer, cut, one, attributes).as_json(
                layer.title.message().as_dict())))  # fmt: skip
        judged = plot_check(rule, self.subjects, tuple(found))
        told = plot_told(rule, judged, self.case)
        asked = replace(rule, verified=told.is_verified)
        base = self._base(asked, "subject", judged.outcome[0], judged.verdict[0], judged.reasons[0])
        base["measure"] = plain({**NO_MEASURE, **told.measure})
        base["basis"] = plain([cited(basis, "check", self.case.on_date) for basis in (*told.basis, *rule.basis)])
        base["reasons"] = told.reasons + base["reasons"]
        return base | {"members": [as_source(member, rule, base) for member in members]}

    def _evaluated(self, rule: Rule, sheet: Sheet, standing: Standing) -> RuleFindings:
        try:
            return evaluate_rule(rule, self.subjects, sheet, standing, self.case.clock)
        except _MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            return evaluate_rule(rule, self.subjects, Sheet.unread(1, "error"), standing, self.case.clock)

    def _certificate(self, rule: SubjectRule) -> Json:
        """Both numbers and what lies between them, of rules about the certificate."""
        if rule.measure not in MEASURES:
            return {}
        registered, area = float(self.subjects.registered_m2[0]), float(self.subjects.area_m2[0])
        return {"registered_area_m2": rounded(registered, 4), "difference_m2": rounded(area - registered, 4)}

    def _base(self, check: Check, kind: str, outcome: Outcome, verdict: Verdict, reasons: Sequence[str]) -> Json:
        office = office_of(check, None)
        base: Json = plain({
            "kind": kind,
            "check": check.id,
            "title": self.title(check, None),
            "layer": None,
            "revision": None,
            "release": None,
            "relation": None,
            "outcome": outcome,
            "verdict": verdict,
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
        })  # fmt: skip
        return base

    # ── what a rule is evaluated on ──────────────────────────────────────────────────────────────
    def _definition(self, rule: Rule) -> LayerDefinition:
        layer = self.case.profile.layer(rule.layer)
        assert layer is not None  # bind refuses rules on unknown layers
        return layer

    def _standing(self, layer: LayerDefinition, cut: CutLayer) -> Standing:
        return Standing(
            revision=cut.revision,
            state=self.case.standing(cut).state,
            published=cut.published,
            max_age_days=layer.max_age_days,
            accuracy_m=accuracy_of(layer, self.case),
        )

    def _sheet(self, rule: Rule, layer: LayerDefinition, cut: CutLayer) -> tuple[Sheet, list[Mapping[str, object]]]:
        """The sheet of a rule with the attributes of its features, in the order of the sheet."""
        why = self._unreadable(rule)
        if why:
            return Sheet.unread(1, why), []
        sheet, attributes = self._read_sheet(rule, layer, cut)
        if rule.relation is Relation.SAME_PARCEL and not self.reading.subject.is_named and sheet.failed is None:
            sheet = without_names(sheet)
        return sheet, attributes

    def _read_sheet(
        self, rule: Rule, layer: LayerDefinition, cut: CutLayer
    ) -> tuple[Sheet, list[Mapping[str, object]]]:
        rows = self.reading.candidates.get(self.number, ())
        if isinstance(rows, CandidatesError):
            return Sheet.unread(1, rows.reason), []
        if any(row.kind == "damaged" for row in rows):
            log.error("check.layer_damaged", layer=rule.layer, revision=cut.revision)
            return Sheet.unread(1, "damaged"), []
        if len(rows) > MOST_CANDIDATES:
            return Sheet.unread(1, "too_many_candidates"), []
        if any(row.fid is not None and row.attributes is None for row in rows):
            log.error("check.piece_without_fact", layer=rule.layer, revision=cut.revision)
            return Sheet.unread(1, "error"), []
        if all(row.kind == "everywhere" for row in rows) and rows and rule.relation is not Relation.RASTER_CLASS:
            return _NOTHING, []
        try:
            return self._made_sheet(rule, layer, cut, rows)
        except RasterError as error:
            log.warning("check.raster_unread", rule=rule.id, layer=rule.layer, reason=error.reason)
            return Sheet.unread(1, error.reason), []
        except _MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            return Sheet.unread(1, "error"), []

    def _made_sheet(
        self, rule: Rule, layer: LayerDefinition, cut: CutLayer, rows: Sequence[CandidateRow]
    ) -> tuple[Sheet, list[Mapping[str, object]]]:
        if rule.relation is not Relation.RASTER_CLASS:
            return sheet_of(rule, layer, rows, self.case, self._own(rule))
        mapped = replace(
            _NOTHING, everywhere=any(row.kind == "everywhere" for row in rows), areas=_ground(rows, "area"),
            refused=_ground(rows, "refused"),
        )  # fmt: skip
        zone = self.reading.subject.zone
        return single_sheet(rule, layer, cut, self.case, self.subjects, zone, self.reading.rasters, mapped)

    def _unreadable(self, rule: Rule) -> str | None:
        if rule.relation is Relation.SAME_PARCEL and not self.reading.subject.refs:
            is_parcel = self.reading.subject.rows or self.reading.subject.cut_from
            return "no_numbers" if is_parcel else "needs_parcel"
        return None

    def _own(self, rule: Rule) -> frozenset[int]:
        return own_fids(self.reading.subject, rule, self.case.profile.parcel_layer.id)

    def title(self, check: Check, layer: LayerDefinition | None) -> dict[str, str]:
        named = self.titles.get(check.id)
        if named is not None:
            return named.message().as_dict()
        return layer.title.message().as_dict() if layer else _PLAIN_TITLES.get(type(check), _OTHER).as_dict()


#: of a layer that is mapped everywhere and has nothing near
_NOTHING = replace(Sheet.empty(), everywhere=True)
_OTHER = Message("Nội dung kiểm tra", "Check")
_PLAIN_TITLES: Mapping[type, Message] = {
    SubjectRule: Message("Diện tích thửa đất", "Area of the subject"),
    Group: Message("Các căn cứ, chỉ cần một", "Grounds, one is enough"),
}


def sheet_of(
    rule: Rule, layer: LayerDefinition, rows: Sequence[CandidateRow], case: Case, own: frozenset[int] = frozenset()
) -> tuple[Sheet, list[Mapping[str, object]]]:
    """Candidates of one rule as columns; features in the order of their fids. `own` are the subject itself."""
    met = [row for row in rows if row.fid is not None]
    first = {row.fid: row for row in reversed(met)}
    fids = sorted(fid for fid in first if fid is not None)
    place = {fid: position for position, fid in enumerate(fids)}
    attributes: list[Mapping[str, object]] = [first[fid].attributes or {} for fid in fids]
    excluded = exclusions(rule, layer, attributes, case.on_date)
    for fid in own & place.keys():
        excluded[place[fid]] = SUBJECT_ITSELF
    sheet = Sheet(
        fid=np.array(fids, dtype=np.int64),
        accuracy_m=np.array([first[fid].accuracy_m or 0.0 for fid in fids], dtype=np.float64),
        excluded=excluded,
        subject=np.zeros(len(met), dtype=np.int64),
        feature=np.array([place[row.fid] for row in met if row.fid is not None], dtype=np.int64),
        geometry=_shapes([row.geometry for row in met]),
        distances=distances_of(rule, attributes),
        names=np.array([first[fid].key for fid in fids], dtype=object),
        everywhere=any(row.kind == "everywhere" for row in rows),
        areas=_ground(rows, "area"),
        refused=_ground(rows, "refused"),
    )
    return sheet, [{**values, KEY: first[fid].key} for fid, values in zip(fids, attributes, strict=True)]


def without_names(sheet: Sheet) -> Sheet:
    """Of several parcels of which one has no number: an entry that was found stands, that there is none does not."""
    if len(sheet.subject) and (sheet.excluded[sheet.feature] == COUNTS).any():
        return sheet
    return replace(sheet, failed=np.full(1, "no_numbers", dtype=object))


def own_fids(subject: Subject, rule: Rule, parcels: str) -> frozenset[int]:
    """The rows of the rule's layer that are the subject itself, or that it is cut out of: a parcel does not lie across
    itself."""
    if subject.cut_from and rule.layer == parcels:
        return frozenset(subject.cut_from)
    if subject.layer != rule.layer:
        return frozenset()
    parts = frozenset(part.fid for part in subject.parts)
    return parts if subject.fid is None else parts | {subject.fid}


def _ground(rows: Sequence[CandidateRow], kind: str) -> Ground:
    wkb = [row.geometry for row in rows if row.kind == kind and row.geometry is not None]
    return Ground(np.zeros(len(wkb), dtype=np.int64), _shapes(wkb)) if wkb else Ground.none()


def _shapes(wkb: list[bytes | None] | list[bytes]) -> NDArray[np.object_]:
    """All in one call; None stays None."""
    return np.asarray(shapely.from_wkb(np.array(wkb, dtype=object)), dtype=object)


def reasons_of(codes: Sequence[str], check: Check, outcome: Outcome, office: Message | None) -> list[Json]:
    """The reasons of a group or a subject check."""
    values: dict[str, str | Message] = {"office": office} if office else {}
    shown = [code for code in codes if code not in (OUTSIDE_MAPPED_AREA, PARTLY_MAPPED)]
    shown += ["grounds_not_mapped"] if len(shown) < len(codes) else []
    return [reason(code, **values) for code in shown] + unverified(check, outcome)
