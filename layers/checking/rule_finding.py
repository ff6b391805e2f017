"""What one rule found for one subject, as the record holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import shapely

from gis.errors import Message
from gis.judge import verdict_of
from gis.procedure import Check, LegalBasis, Outcome, Verdict
from layers.profile.grammar import LayerDefinition
from layers.store.checks import CutLayer

from .answer import NO_MEASURE, Json
from .evaluate import RuleFindings, Sheet
from .reading import Case
from .reasons import reason
from .request import LOCAL_TIME
from .subject import Subject

KEY = "\0key"  #: of a feature's attributes: its key; no column has this name


class RuleFinding:
    """A finding against one layer as the record holds it."""

    def __init__(
        self,
        case: Case,
        subject: Subject,
        layer: LayerDefinition,
        cut: CutLayer,
        found: RuleFindings,
        attributes: Sequence[Mapping[str, object]],
    ) -> None:
        self.case, self.subject, self.layer, self.cut, self.found = case, subject, layer, cut, found
        self.attributes = attributes
        self.rule = found.rule
        self.office = office_of(self.rule, layer)

    def as_json(self, title: Mapping[str, str]) -> Json:
        features, dropped = self._pairs()
        return {
            "kind": "layer",
            "check": self.rule.id,
            "title": title,
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
                "mapped_share": None if self.found.sheet.failed is not None else rounded(self.found.mapped[0], 6),
                "published": self.cut.published,
                "max_age_days": self.layer.max_age_days,
            },
            "accuracy_m": accuracy_near(self.found.sheet, self.layer, self.case),
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
            "area_m2": rounded(theme.area_m2[0], 4),
            "area_low_m2": rounded(theme.area_low_m2[0], 4),
            "area_high_m2": rounded(theme.area_high_m2[0], 4),
            "share": rounded(self.found.measures.share[0], 6),
            "length_m": rounded(theme.length_m[0], 4),
            "count": int(self.found.hit_count[0]),
            "nearest_m": rounded(self._nearest_m(), 4),
        }

    def _nearest_m(self) -> float:
        """Of the features that count; NaN where there is none near."""
        theme, measures = self.found.measures.theme, self.found.measures
        known = measures.nearest_m[measures.counts & ~np.isnan(measures.nearest_m)]
        return float(known.min()) if np.isnan(theme.nearest_m[0]) and len(known) else float(theme.nearest_m[0])

    def _pairs(self) -> tuple[list[Json], list[Json]]:
        measures, judgement = self.found.measures, self.found.judgement
        columns = (
            judgement.hit, measures.feature, self.found.pair_fid, measures.relation, judgement.reason,
            measures.area_m2, measures.area_high_m2, measures.length_m, measures.nearest_m,
        )  # fmt: skip
        features: list[Json] = []
        dropped: list[Json] = []
        for is_hit, *pair in zip(*(column.tolist() for column in columns), strict=True):
            (features if is_hit else dropped).append(self._pair(*pair))
        return features, dropped

    def _pair(
        self, feature: int, fid: int, relation: str, reason: str,
        area_m2: float, area_high_m2: float, length_m: float, nearest_m: float,
    ) -> Json:  # fmt: skip
        values = dict(self.attributes[feature])
        return {
            "fid": str(fid),
            "key": values.pop(KEY),
            "key_columns": list(self.layer.key_columns),
            "relation": relation,
            "reason": reason or None,
            "area_m2": rounded(area_m2, 4),
            "area_high_m2": rounded(area_high_m2, 4),
            "length_m": rounded(length_m, 4),
            "nearest_m": rounded(nearest_m, 4),
            "attributes": values,
        }

    def _basis(self, features: Sequence[Json]) -> list[Json]:
        """The decision behind each feature, then the release, then layer and check (design 4)."""
        named = [basis for feature in features for basis in self._decisions(feature)]
        if self.cut.release is not None and self.cut.published is not None:
            day = self.cut.published.astimezone(LOCAL_TIME).date()
            name = f"Phiên bản công bố số {self.cut.release}"
            named.append(cited(LegalBasis(name, self.cut.release_note or "", effective_from=day), "release"))
        named += [
            cited(LegalBasis(b.number, b.title, b.effective_from, b.effective_to, b.verified), "layer")
            for b in self.layer.legal_basis
        ]
        named += [cited(basis, "check") for basis in self.rule.basis]
        told: dict[object, Json] = {}
        for basis in named:
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
        values = self._values() if codes else {}
        told = [reason(code, **values) for code in dict.fromkeys(codes)]
        return told + unverified(self.rule, self.found.outcome[0])

    def _specific(self, code: str) -> str:
        """A layer that had nothing yet at the instant asked for is told apart from one that never had."""
        as_of, first = self.case.as_of, self.cut.first_created
        is_early = as_of is not None and first is not None and first > as_of
        return "before_first_revision" if code == "layer_empty" and is_early else code

    def _lies_on_refused(self) -> bool:
        refused = self.found.sheet.refused.geometry
        if self.found.outcome[0] not in (Outcome.NOT_MAPPED, Outcome.PARTLY_MAPPED) or not len(refused):
            return False
        reach = self.rule.reach_m + self.subject.accuracy_m
        return bool(np.any(shapely.distance(refused, self.subject.geometry) <= reach))

    def _values(self) -> dict[str, str | Message]:
        published = self.cut.published.astimezone(LOCAL_TIME).strftime("%d/%m/%Y") if self.cut.published else "-"
        share = float(self.found.mapped[0])
        values: dict[str, str | Message] = {
            "why": self.case.standing(self.cut).reason or "-",
            "published": published,
            "days": str(self.layer.max_age_days or "-"),
            "share": Message(f"{100 * share:.1f} %".replace(".", ","), f"{100 * share:.1f} %"),
        }
        return values | ({"office": self.office} if self.office else {})


def unverified(check: Check, outcome: Outcome) -> list[Json]:
    """Told where it changes the verdict: a rule nobody compared with the law can at best refer."""
    is_capped = not check.verified and outcome is Outcome.CLEAR and verdict_of(check, outcome) is not Verdict.PASS
    return [reason("unverified_rule")] if is_capped else []


def cited(basis: LegalBasis, source: str) -> Json:
    return {
        "number": basis.number,
        "title": basis.title,
        "effective_from": basis.effective_from,
        "effective_to": basis.effective_to,
        "verified": basis.verified,
        "source": source,
    }


def rounded(value: float, digits: int) -> float | None:
    """None for what was not measured; a tenth of a millimetre is beyond every accuracy there is."""
    number = float(value)
    return round(number, digits) + 0.0 if math.isfinite(number) else None


def accuracy_of(layer: LayerDefinition, case: Case) -> float:
    """Positional accuracy of a layer as a whole in metres; 0 where none is declared."""
    if layer.accuracy_m is not None:
        return layer.accuracy_m
    of_scale = case.profile.header.accuracy_of_scale_m(layer.scale) if layer.scale is not None else None
    return of_scale or 0.0


def accuracy_near(sheet: Sheet, layer: LayerDefinition, case: Case) -> float | None:
    """The least accurate of the features near, else the layer's."""
    worst_m = float(sheet.accuracy_m.max()) if len(sheet.accuracy_m) else accuracy_of(layer, case)
    return rounded(worst_m, 3) if worst_m > 0 else None


def office_of(check: Check, layer: LayerDefinition | None) -> Message | None:
    """Whom to ask: the office of the check, else the custodian of the layer."""
    if check.office is not None:
        return check.office
    return layer.custodian.message() if layer and layer.custodian else None
