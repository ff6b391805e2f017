"""What one rule found for one subject, as the record holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import numpy as np

from gis.errors import Message
from gis.judge import is_capped
from gis.procedure import Check, LegalBasis, Origin, Outcome, Relation
from layers.canonical import plain
from layers.profile.grammar import LayerDefinition
from layers.store.checks import CutLayer

from .answer import NO_MEASURE, Json
from .codes import REFUSED_ROW, SUM, UNVERIFIED_RULE, on_refused
from .evaluate import RuleFindings, Sheet
from .reading import Case
from .reasons import reason
from .remainders import remainder_m2
from .request import LOCAL_TIME
from .subject import Subject
from .zones import many

KEY = "\0key"  #: of a feature's attributes: its key; no column has this name


#: what is measured of each feature, in the order of a record
_OF_PAIRS = ("area_m2", "area_low_m2", "area_high_m2", "length_m", "nearest_m", "distance_m")


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
        """Plain values (`layers.canonical`) all through: to look at each again costs as much as measuring it."""
        features, dropped = self._pairs()
        return {
            "kind": "layer",
            "check": self.rule.id,
            "title": title,
            "layer": self.rule.layer,
            "revision": self.cut.revision or None,
            "release": self.cut.release,
            "relation": self.rule.relation.value,
            "outcome": self.found.outcome[0].value,
            "verdict": self.found.verdict[0].value,
            "required": self.rule.required,
            "verified": self.rule.verified,
            "measure": self._measure(),
            "coverage": {
                "mapped_share": None if self.found.sheet.failed is not None else told(self.found.mapped[0], 6),
                "published": _text_of(self.cut.published),
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
        area = told(theme.area_m2[0], 4)
        return {
            "area_m2": area,
            "area_low_m2": told(theme.area_low_m2[0], 4),
            "area_high_m2": told(theme.area_high_m2[0], 4),
            "share": None if area is None else told(self.found.measures.share[0], 6),
            "length_m": told(theme.length_m[0], 4),
            "count": int(np.count_nonzero(self.found.judgement.hit)),  # all of the one subject
            "nearest_m": told(self._nearest_m(), 4),
            "registered_area_m2": None,  # of the subject's certificate: an answer adds it for those who may see it
            "remainder_m2": told(remainder_m2(self.found, self.subject.geometry), 4),
        }

    def _nearest_m(self) -> float:
        """Of the features that count; NaN where there is none near."""
        measures = self.found.measures
        nearest_m = float(measures.theme.nearest_m[0])
        if not math.isnan(nearest_m) or not len(measures.subject):
            return nearest_m
        known = measures.nearest_m[measures.counts & ~np.isnan(measures.nearest_m)]
        return float(known.min()) if len(known) else nearest_m

    def _pairs(self) -> tuple[list[Json], list[Json]]:
        measures, judgement = self.found.measures, self.found.judgement
        if not len(measures.subject):
            return [], []
        distances_m, origins = self._terms()
        numbers = (measures.area_m2, measures.area_low_m2, measures.area_high_m2, measures.length_m, measures.nearest_m)
        words = (judgement.hit, measures.feature, self.found.pair_fid, measures.relation, judgement.reason)
        measured = zip(*[column.tolist() for column in numbers], distances_m, strict=True)
        features: list[Json] = []
        dropped: list[Json] = []
        each = zip(*[column.tolist() for column in words], origins, strict=True)
        for (is_hit, feature, fid, relation, why, origin), values in zip(each, measured, strict=True):
            pair = self._pair(fid, relation, why, origin, values) | self._named(feature)
            (features if is_hit else dropped).append(pair)
        return features, dropped

    def _pair(self, fid: int, relation: str, why: str, origin: str | None, measured: Sequence[float]) -> Json:
        numbers = {name: told(value, 4) for name, value in zip(_OF_PAIRS, measured, strict=True)}
        return {"fid": str(fid), "relation": str(relation), "reason": why or None, **numbers, "origin": plain(origin)}

    def _named(self, feature: int) -> Json:
        values = dict(self.attributes[feature])
        return {"key": values.pop(KEY), "key_columns": list(self.layer.key_columns), "attributes": plain(values)}

    def _terms(self) -> tuple[list[float], list[str | None]]:
        """How far each pair's feature reaches, and from where its distance is measured; of other relations nothing."""
        measures = self.found.measures
        if measures.distances is not None:
            return measures.distances.distance_m.tolist(), measures.distances.origin.tolist()
        is_distance = self.rule.relation is Relation.WITHIN_DISTANCE
        drawn = self.layer.origin if is_distance and isinstance(self.layer.origin, Origin) else None
        size = len(measures.subject)
        return [self.rule.distance_m if is_distance else math.nan] * size, [drawn] * size

    def _basis(self, features: Sequence[Json]) -> list[Json]:
        """The decision behind each feature, then the release, then layer and check (design 4)."""
        on_date = self.case.on_date
        named = [basis for feature in features for basis in self._decisions(feature)]
        if self.cut.release is not None and self.cut.published is not None:
            day = self.cut.published.astimezone(LOCAL_TIME).date()
            name = f"Phiên bản công bố số {self.cut.release}"
            release = LegalBasis(name, self.cut.release_note or "", effective_from=day)
            named.append(cited(release, "release", on_date))
        named += [
            _cited(b.number, b.title, b.effective_from, b.effective_to, b.verified, "layer", on_date)
            for b in self.layer.legal_basis
        ]
        named += [cited(basis, "check", on_date) for basis in self.rule.basis]
        found: dict[object, Json] = {}
        for basis in named:
            found.setdefault(basis["number"], basis)
        return list(found.values())

    def _decisions(self, feature: Json) -> list[Json]:
        source = self.layer.basis_from
        number = feature["attributes"].get(source.number) if source else None
        if source is None or number is None:
            return []
        day = feature["attributes"].get(source.date) if source.date else None
        found = cited(LegalBasis(str(number), effective_from=_day(day)), "feature", self.case.on_date)
        return [{**found, "effective_from": plain(day)}]

    # ── reasons ──────────────────────────────────────────────────────────────────────────────────
    def _reasons(self, features: Sequence[Json]) -> list[Json]:
        codes = list(self.found.reasons[0])
        if any(feature["reason"] == SUM for feature in features):
            codes.append(SUM)
        if self._is_on_refused():
            codes.append(REFUSED_ROW)
        values = self._values() if codes else {}
        reasons = [reason(code, **values) for code in dict.fromkeys(codes)]
        return reasons + unverified(self.rule, self.found.outcome[0])

    def _is_on_refused(self) -> bool:
        if not len(self.found.sheet.refused.subject):  # mostly; the arrays to ask with would cost more than the answer
            return False
        return bool(len(on_refused(self.found, many(self.subject.geometry), np.array([self.subject.accuracy_m]))))

    def _values(self) -> dict[str, str | Message]:
        dated = self.cut.content_date
        share = float(self.found.mapped[0])
        values: dict[str, str | Message] = {
            "why": self.case.standing(self.cut).reason or "-",
            "published": dated.astimezone(LOCAL_TIME).strftime("%d/%m/%Y") if dated else "-",
            "days": str(self.layer.max_age_days or "-"),
            "share": Message(f"{100 * share:.1f} %".replace(".", ","), f"{100 * share:.1f} %"),
        }
        return values | ({"office": self.office} if self.office else {})


def unverified(check: Check, outcome: Outcome) -> list[Json]:
    """Told where it changes the verdict: a rule nobody compared with the law can at best refer."""
    return [reason(UNVERIFIED_RULE)] if is_capped(check, outcome) else []


def cited(basis: LegalBasis, source: str, on_date: date) -> Json:
    """A document as a finding cites it, in plain values."""
    return _cited(
        basis.number, basis.title, basis.effective_from, basis.effective_to, basis.verified, source, on_date
    )  # fmt: skip


def _cited(
    number: str, title: str, begins: date | None, ends: date | None, verified: bool, source: str, on_date: date
) -> Json:
    status = None if source == "release" else status_of(begins, ends, on_date)
    return {
        "number": number,
        "title": title,
        "effective_from": _text_of(begins),
        "effective_to": _text_of(ends),
        "verified": verified,
        "source": source,
        "status": status,
    }


def status_of(begins: date | None, ends: date | None, on_date: date) -> str | None:
    """In force, not yet, or expired on a day; None where the document carries no date."""
    if begins is not None and on_date < begins:
        return "not_yet"
    if ends is not None and on_date > ends:
        return "expired"
    return None if begins is None and ends is None else "in_force"


def _text_of(when: date | datetime | None) -> str | None:
    return None if when is None else when.isoformat()


def _day(value: object) -> date | None:
    """Of a column of dates; a text that is none says nothing."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def rounded(value: float, digits: int) -> float | None:
    """None for what was not measured; a tenth of a millimetre is beyond every accuracy there is."""
    number = float(value)
    return round(number, digits) + 0.0 if math.isfinite(number) else None


def told(value: float, digits: int) -> int | float | None:
    """`rounded`, as a plain value: a whole number is written as one."""
    number = float(value)
    if not math.isfinite(number):
        return None
    number = round(number, digits) + 0.0
    return plain(number) if number.is_integer() else number


def accuracy_of(layer: LayerDefinition, case: Case) -> float:
    """Positional accuracy of a layer as a whole in metres; 0 where none is declared."""
    if layer.accuracy_m is not None:
        return layer.accuracy_m
    of_scale = case.profile.header.accuracy_of_scale_m(layer.scale) if layer.scale is not None else None
    return of_scale or 0.0


def accuracy_near(sheet: Sheet, layer: LayerDefinition, case: Case) -> int | float | None:
    """The least accurate of the features near, else the layer's."""
    return accuracy_told(float(sheet.accuracy_m.max()) if len(sheet.accuracy_m) else accuracy_of(layer, case))


def accuracy_told(worst_m: float) -> int | float | None:
    """None where it is not known."""
    return told(worst_m, 3) if worst_m > 0 else None


def office_of(check: Check, layer: LayerDefinition | None) -> Message | None:
    """Whom to ask: the office of the check, else the custodian of the layer."""
    if check.office is not None:
        return check.office
    return layer.custodian.message() if layer and layer.custodian else None
