"""A finding about a plot as the record holds it: which row of which table was applied, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gis.errors import Message
from gis.procedure import LegalBasis, Outcome, PlotBound, SubjectRule, Verdict

from .codes import code_of_row, is_verified, places_of
from .evaluate import CheckFindings
from .reading import Case
from .reasons import Reason, reason
from .rule_finding import told

Json = dict[str, Any]

_WHAT: Mapping[str, Message] = {
    "area_m2": Message("diện tích", "an area"),
    "net_area_m2": Message(
        "diện tích sau khi trừ hành lang, đường quy hoạch", "an area less corridors and planned roads"
    ),
    "frontage_m": Message("chiều dài giáp đường", "a frontage"),
    "depth_m": Message("chiều sâu", "a depth"),
    "access": Message("cạnh giáp đường hoặc lối đi", "a side along a road or path"),
}


@dataclass(frozen=True, slots=True)
class PlotTold:
    """What goes into the finding beside its outcome."""

    measure: Json
    reasons: list[Reason]
    basis: tuple[LegalBasis, ...]
    is_verified: bool


def plot_told(rule: SubjectRule, found: CheckFindings, case: Case) -> PlotTold:
    """Of one subject."""
    assert found.plots is not None  # a check without layers is told elsewhere
    judged = found.plots
    row: PlotBound | None = judged.row[0]
    is_area = rule.measure in ("area_m2", "net_area_m2")
    measured, low, high = (told(values[0], 4) for values in (judged.measured, judged.low, judged.high))
    measure = {"area_m2": measured, "area_low_m2": low, "area_high_m2": high} if is_area else {"length_m": measured}
    places = places_of(judged, 0)
    reasons = [_applied(rule, commune, one, float(judged.measured[0]), case) for commune, one in places]
    return PlotTold(measure, reasons, row.basis if row else (), is_verified(rule, row))


def _applied(rule: SubjectRule, commune: str, row: PlotBound | None, measured: float, case: Case) -> Reason:
    unit = "m²" if rule.measure in ("area_m2", "net_area_m2") else "m"
    known = [one for one in case.profile.communes if one.code == commune]
    named = max(known, key=lambda one: one.generation).name if known else commune
    if row is None:
        return reason(code_of_row(row), commune=f"{named} ({commune})")
    return reason(
        code_of_row(row), rule=row.title or Message(row.row, row.row), commune=f"{named} ({commune})",
        what=_WHAT[rule.measure], bound=_number(row.at_least, unit), measured=_number(measured, unit),
    )  # fmt: skip


def _number(value: float, unit: str) -> Message:
    if np.isnan(value):
        return Message("–", "–")
    text = f"{value:,.1f}"
    return Message(f"{text.translate(str.maketrans(',.', '.,'))} {unit}", f"{text} {unit}")


def as_source(member: Json, rule: SubjectRule, whole: Mapping[str, Any]) -> Json:
    """A layer the measure was taken with, told as part of the whole: a road that is there is no obstacle.

    Where it could not be read or is not mapped it says so itself; so does ground that is excluded from an area.
    """
    own = Outcome(member["outcome"])
    is_ground = rule.ground is not None and member["layer"] == rule.ground.layer
    if is_ground and own in (Outcome.AFFECTED, Outcome.BORDERLINE):
        return {**member, "outcome": Outcome.CLEAR.value, "verdict": Verdict.PASS.value, "relation": None}
    if is_ground or rule.measure == "net_area_m2" or own in (Outcome.NOT_CHECKED, Outcome.NOT_MAPPED):
        return member
    return {**member, "outcome": whole["outcome"], "verdict": whole["verdict"], "relation": None}
