"""What was read becomes what was found: candidates to sheets, `evaluate`, and findings as the record holds them.

Pure: no database, no caller, no clock of its own. One rule that fails costs its own finding and no other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
import structlog

from gis.candidates import Subjects
from gis.coverage import Ground
from gis.errors import LienthongError, Message
from gis.judge import OUTSIDE_MAPPED_AREA, PARTLY_MAPPED, verdict_of
from gis.procedure import Check, Group, LegalBasis, Outcome, Procedure, Relation, Rule, SubjectRule, Verdict, worst
from layers.profile.grammar import LayerDefinition
from layers.store.checks import MOST_CANDIDATES, CandidateRow, CandidatesError, CutLayer

from .answer import NO_COVERAGE, NO_MEASURE, Json
from .evaluate import CheckFindings, RuleFindings, Sheet, Standing, combined, evaluate, evaluate_rule, exclusions
from .reading import Case, Reading
from .reasons import reason
from .request import LOCAL_TIME

log = structlog.get_logger()

#: a failure of a library on one rule's data: told as not_checked, never as an answer
_MEASURING_FAILURES = (shapely.GEOSException, LienthongError, ArithmeticError, ValueError, TypeError, LookupError)


def findings_of(case: Case, reading: Reading) -> list[Json]:
    """The findings of all checks in the procedure's order."""
    made = _Maker(case, reading)
    return [made.finding(check) for check in case.bound.procedure.checks]


def verdict_of_findings(findings: Sequence[Mapping[str, Any]]) -> Verdict:
    """The worst of the required ones; `refer` where none is."""
    return worst([Verdict(finding["verdict"]) for finding in findings if finding["required"]])


class _Maker:
    """One subject's findings; rules are taken in the order of their numbers."""

    def __init__(self, case: Case, reading: Reading) -> None:
        self.case, self.reading = case, reading
        subject = reading.subject
        shapes = np.empty(1, dtype=object)
        shapes[0] = subject.geometry
        self.subjects = Subjects.of(shapes, np.array([subject.accuracy_m]))
        self.titles = {check.id: check.title for check in case.definition.checks}
        self.number = -1

    def finding(self, check: Check) -> Json:
        if isinstance(check, SubjectRule):
            return self._of_subject(check)
        if isinstance(check, Group):
            return self._of_group(check)
        return self._of_rule(check)[1]

    # ── the three kinds ──────────────────────────────────────────────────────────────────────────
    def _of_rule(self, rule: Rule) -> tuple[RuleFindings, Json]:
        self.number += 1
        layer, cut = self._definition(rule), self.reading.cut[rule.layer]
        sheet, attributes = self._sheet(rule, layer, cut)
        standing = self._standing(layer, cut)
        try:
            found = evaluate_rule(rule, self.subjects, sheet, standing, self.case.clock)
        except _MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            sheet, attributes = Sheet.unread(1, "error"), []
            found = evaluate_rule(rule, self.subjects, sheet, standing, self.case.clock)
        return found, _RuleFinding(self, rule, layer, cut, found, attributes).as_json()

    def _of_group(self, group: Group) -> Json:
        members = [self._of_rule(rule) for rule in group.members]
        found = combined(group, tuple(one for one, _ in members))
        base = self._base(group, found, "group", None)
        return base | {"members": [json for _, json in members]}

    def _of_subject(self, rule: SubjectRule) -> Json:
        alone = Procedure(self.case.definition.id, "", (rule,))
        (found,) = evaluate(alone, self.subjects, (), {}, self.case.clock)
        base = self._base(rule, found, "subject", None)
        low, high = found.area_low_m2, found.area_high_m2
        base["measure"] = {
            **NO_MEASURE,
            "area_m2": _rounded(float(self.subjects.area_m2[0]), 4),
            "area_low_m2": None if low is None else _rounded(float(low[0]), 4),
            "area_high_m2": None if high is None else _rounded(float(high[0]), 4),
        }
        return base

    def _base(self, check: Check, found: CheckFindings, kind: str, relation: str | None) -> Json:
        office = office_of(check, None)
        return {
            "kind": kind,
            "check": check.id,
            "title": self.title(check, None),
            "layer": None,
            "revision": None,
            "release": None,
            "relation": relation,
            "outcome": found.outcome[0],
            "verdict": found.verdict[0],
            "required": check.required,
            "verified": check.verified,
            "measure": dict(NO_MEASURE),
            "coverage": dict(NO_COVERAGE),
            "accuracy_m": None,
            "features": [],
            "dropped": [],
            "basis": [_cited(basis, "check") for basis in check.basis],
            "office": office.as_dict() if office else {},
            "reasons": reasons_of(found.reasons[0], check, found.outcome[0], office),
        }

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
        rows = self.reading.candidates.get(self.number, ())
        if isinstance(rows, CandidatesError):
            return Sheet.unread(1, rows.reason), []
        if len(rows) > MOST_CANDIDATES:
            return Sheet.unread(1, "too_many_candidates"), []
        if any(row.fid is not None and row.attributes is None for row in rows):
            log.error("check.piece_without_fact", layer=rule.layer, revision=cut.revision)
            return Sheet.unread(1, "error"), []
        try:
            return sheet_of(rule, layer, rows, self.case)
        except _MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            return Sheet.unread(1, "error"), []

    def _unreadable(self, rule: Rule) -> str | None:
        if rule.relation is Relation.RASTER_CLASS:
            return "raster"
        if rule.relation is Relation.SAME_PARCEL and not self.reading.subject.refs:
            return "needs_parcel" if self.reading.subject.kind == "geometry" else "no_numbers"
        return None

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


def sheet_of(
    rule: Rule, layer: LayerDefinition, rows: Sequence[CandidateRow], case: Case
) -> tuple[Sheet, list[Mapping[str, object]]]:
    """Candidates of one rule as columns; features in the order of their fids."""
    met = [row for row in rows if row.fid is not None]
    first = {row.fid: row for row in reversed(met)}
    fids = sorted(fid for fid in first if fid is not None)
    place = {fid: position for position, fid in enumerate(fids)}
    attributes: list[Mapping[str, object]] = [first[fid].attributes or {} for fid in fids]
    geometry = np.empty(len(met), dtype=object)
    geometry[:] = [None if row.geometry is None else shapely.from_wkb(row.geometry) for row in met]
    sheet = Sheet(
        fid=np.array(fids, dtype=np.int64),
        accuracy_m=np.array([first[fid].accuracy_m or 0.0 for fid in fids], dtype=np.float64),
        excluded=exclusions(rule, layer, attributes, case.on_date),
        subject=np.zeros(len(met), dtype=np.int64),
        feature=np.array([place[row.fid] for row in met if row.fid is not None], dtype=np.int64),
        geometry=geometry,
        everywhere=any(row.kind == "everywhere" for row in rows),
        areas=_ground(rows, "area"),
        refused=_ground(rows, "refused"),
    )
    return sheet, [{**values, _KEY: first[fid].key} for fid, values in zip(fids, attributes, strict=True)]


_KEY = "\0key"  #: no column has this name


def _ground(rows: Sequence[CandidateRow], kind: str) -> Ground:
    shapes = [shapely.from_wkb(row.geometry) for row in rows if row.kind == kind and row.geometry is not None]
    geometry = np.empty(len(shapes), dtype=object)
    geometry[:] = shapes
    return Ground(np.zeros(len(shapes), dtype=np.int64), geometry)


def accuracy_of(layer: LayerDefinition, case: Case) -> float:
    """Positional accuracy of a layer as a whole in metres; 0 where none is declared."""
    if layer.accuracy_m is not None:
        return layer.accuracy_m
    of_scale = case.profile.header.accuracy_of_scale_m(layer.scale) if layer.scale is not None else None
    return of_scale or 0.0


def office_of(check: Check, layer: LayerDefinition | None) -> Message | None:
    """Whom to ask: the office of the check, else the custodian of the layer."""
    if check.office is not None:
        return check.office
    return layer.custodian.message() if layer and layer.custodian else None


# ── one rule's finding ───────────────────────────────────────────────────────────────────────────


class _RuleFinding:
    """A finding against one layer as the record holds it."""

    def __init__(
        self,
        maker: _Maker,
        rule: Rule,
        layer: LayerDefinition,
        cut: CutLayer,
        found: RuleFindings,
        attributes: Sequence[Mapping[str, object]],
    ) -> None:
        self.maker, self.rule, self.layer, self.cut, self.found = maker, rule, layer, cut, found
        self.attributes = attributes
        self.office = office_of(rule, layer)

    def as_json(self) -> Json:
        features, dropped = self._pairs()
        return {
            "kind": "layer",
            "check": self.rule.id,
            "title": self.maker.title(self.rule, self.layer),
            "layer": self.rule.layer,
            "revision": self.cut.revision or None,
            "release": self.cut.release,
            "relation": self.rule.relation,
            "outcome": self.found.outcome[0],
            "verdict": self.found.verdict[0],
            "required": self.rule.required,
            "verified": self.rule.verified,
            "measure": self._measure(),
            "coverage": {
                "mapped_share": None if self.found.sheet.failed is not None else _rounded(self.found.mapped[0], 6),
                "published": self.cut.published,
                "max_age_days": self.layer.max_age_days,
            },
            "accuracy_m": self._accuracy_m(),
            "features": features,
            "dropped": dropped,
            "basis": self._basis(features),
            "office": self.office.as_dict() if self.office else {},
            "reasons": self._reasons(features),
        }

    def _measure(self) -> Json:
        if self.found.sheet.failed is not None:
            return dict(NO_MEASURE)
        theme = self.found.measures.theme
        return {
            "area_m2": _rounded(theme.area_m2[0], 4),
            "area_low_m2": _rounded(theme.area_low_m2[0], 4),
            "area_high_m2": _rounded(theme.area_high_m2[0], 4),
            "share": _rounded(self.found.measures.share[0], 6),
            "length_m": _rounded(theme.length_m[0], 4),
            "count": int(self.found.hit_count[0]),
            "nearest_m": _rounded(self._nearest_m(), 4),
        }

    def _nearest_m(self) -> float:
        """Of the features that count; NaN where there is none near."""
        theme, measures = self.found.measures.theme, self.found.measures
        known = measures.nearest_m[measures.counts & ~np.isnan(measures.nearest_m)]
        return float(known.min()) if np.isnan(theme.nearest_m[0]) and len(known) else float(theme.nearest_m[0])

    def _pairs(self) -> tuple[list[Json], list[Json]]:
        features: list[Json] = []
        dropped: list[Json] = []
        for pair, is_hit in enumerate(self.found.judgement.hit):
            made = self._pair(pair)
            (features if is_hit else dropped).append(made)
        return features, dropped

    def _pair(self, pair: int) -> Json:
        measures = self.found.measures
        values = dict(self.attributes[int(measures.feature[pair])])
        return {
            "fid": str(int(self.found.pair_fid[pair])),
            "key": values.pop(_KEY),
            "key_columns": list(self.layer.key_columns),
            "relation": measures.relation[pair],
            "reason": self.found.judgement.reason[pair] or None,
            "area_m2": _rounded(measures.area_m2[pair], 4),
            "area_high_m2": _rounded(measures.area_high_m2[pair], 4),
            "length_m": _rounded(measures.length_m[pair], 4),
            "nearest_m": _rounded(measures.nearest_m[pair], 4),
            "attributes": values,
        }

    def _accuracy_m(self) -> float | None:
        """The least accurate of the features near, else the layer's."""
        of_features = self.found.sheet.accuracy_m
        worst_m = float(of_features.max()) if len(of_features) else accuracy_of(self.layer, self.maker.case)
        return _rounded(worst_m, 3) if worst_m > 0 else None

    def _basis(self, features: Sequence[Json]) -> list[Json]:
        """The decision behind each feature, then the release, then layer and check (design 4)."""
        cited = [basis for feature in features for basis in self._decisions(feature)]
        if self.cut.release is not None and self.cut.published is not None:
            day = self.cut.published.astimezone(LOCAL_TIME).date()
            name = f"Phiên bản công bố số {self.cut.release}"
            cited.append(_cited(LegalBasis(name, self.cut.release_note or "", effective_from=day), "release"))
        cited += [
            _cited(LegalBasis(b.number, b.title, b.effective_from, b.effective_to, b.verified), "layer")
            for b in self.layer.legal_basis
        ]
        cited += [_cited(basis, "check") for basis in self.rule.basis]
        told: dict[object, Json] = {}
        for basis in cited:
            told.setdefault(basis["number"], basis)
        return list(told.values())

    def _decisions(self, feature: Json) -> list[Json]:
        source = self.layer.basis_from
        number = feature["attributes"].get(source.number) if source else None
        if source is None or number is None:
            return []
        day = feature["attributes"].get(source.date) if source.date else None
        return [{"number": str(number), "title": "", "effective_from": day, "effective_to": None, "verified": True,
                 "source": "feature"}]  # fmt: skip

    # ── reasons ──────────────────────────────────────────────────────────────────────────────────
    def _reasons(self, features: Sequence[Json]) -> list[Json]:
        codes = [self._specific(code) for code in self.found.reasons[0]]
        if any(feature["reason"] == "sum" for feature in features):
            codes.append("sum")
        if self._lies_on_refused():
            codes.append("refused_row")
        values = self._values()
        told = [reason(code, **values) for code in dict.fromkeys(codes)]
        return told + _unverified(self.rule, self.found.outcome[0])

    def _specific(self, code: str) -> str:
        """A layer that had nothing yet at the instant asked for is told apart from one that never had."""
        as_of, first = self.maker.case.as_of, self.cut.first_created
        is_early = as_of is not None and first is not None and first > as_of
        return "before_first_revision" if code == "layer_empty" and is_early else code

    def _lies_on_refused(self) -> bool:
        refused = self.found.sheet.refused.geometry
        if self.found.outcome[0] not in (Outcome.NOT_MAPPED, Outcome.PARTLY_MAPPED) or not len(refused):
            return False
        reach = self.rule.reach_m + self.maker.reading.subject.accuracy_m
        return bool(np.any(shapely.distance(refused, self.maker.reading.subject.geometry) <= reach))

    def _values(self) -> dict[str, str | Message]:
        published = self.cut.published.astimezone(LOCAL_TIME).strftime("%d/%m/%Y") if self.cut.published else "-"
        share = float(self.found.mapped[0])
        values: dict[str, str | Message] = {
            "why": self.maker.case.standing(self.cut).reason or "-",
            "published": published,
            "days": str(self.layer.max_age_days or "-"),
            "share": Message(f"{100 * share:.1f} %".replace(".", ","), f"{100 * share:.1f} %"),
        }
        return values | ({"office": self.office} if self.office else {})


def reasons_of(codes: Sequence[str], check: Check, outcome: Outcome, office: Message | None) -> list[Json]:
    """The reasons of a group or a subject check."""
    values: dict[str, str | Message] = {"office": office} if office else {}
    shown = [code for code in codes if code not in (OUTSIDE_MAPPED_AREA, PARTLY_MAPPED)]
    shown += ["grounds_not_mapped"] if len(shown) < len(codes) else []
    return [reason(code, **values) for code in shown] + _unverified(check, outcome)


def _unverified(check: Check, outcome: Outcome) -> list[Json]:
    """Told where it changes the verdict: a rule nobody compared with the law can at best refer."""
    is_capped = not check.verified and outcome is Outcome.CLEAR and verdict_of(check, outcome) is not Verdict.PASS
    return [reason("unverified_rule")] if is_capped else []


def _cited(basis: LegalBasis, source: str) -> Json:
    return {
        "number": basis.number,
        "title": basis.title,
        "effective_from": basis.effective_from,
        "effective_to": basis.effective_to,
        "verified": basis.verified,
        "source": source,
    }


def _rounded(value: float, digits: int) -> float | None:
    """None for what was not measured; a tenth of a millimetre is beyond every accuracy there is."""
    number = float(value)
    return round(number, digits) + 0.0 if math.isfinite(number) else None
