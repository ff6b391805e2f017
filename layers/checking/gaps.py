"""The best verdict a procedure can reach in a commune on today's data, what holds it down, and what to close next.

The same truth tables as a check's (`gis.judge`), fed with the best outcome each layer can still give. It is an upper
bound: conditions on features and on inputs are left aside, and checks under a condition are named and do not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from gis.judge import judge_group, verdict_of
from gis.procedure import Group, Outcome, Relation, Rule, Verdict, worst
from layers.profile.distances import largest_reach_m
from layers.profile.procedures import AnyCheck, GroupCheck, LayerCheck, ProcedureDefinition, RelationCheck

from .shown import RESTRICTED
from .view import View

if TYPE_CHECKING:
    from .coverage import Row
    from .ground import LayerGround

#: what can be done about by publishing, declaring, confirming or resuming a layer
CLOSABLE = ("not_published", "not_mapped", "partly_mapped", "stale", "suspended", "withdrawn")


@dataclass(frozen=True, slots=True)
class Held:
    """A check that can at best refer there, or only on a part of the ground. `is_sure`: it is asked in every case."""

    check: str
    title: Mapping[str, str]
    layer: str | None
    why: str
    share: float  #: of the commune on which the check can be clear
    is_sure: bool = True
    passes: bool = False  #: on some of the ground

    def as_dict(self) -> dict[str, Any]:
        return {"check": self.check, "title": self.title, "layer": self.layer, "why": self.why,
                "conditional": not self.is_sure, "passes": self.passes}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProcedureCell:
    """One procedure in one commune. `share` is an upper bound of the ground on which the best can be reached."""

    procedure: str
    commune: str
    best: Verdict
    share: float
    held_by: tuple[Held, ...]

    def as_dict(self) -> dict[str, Any]:
        from .coverage import rounded_down

        return {"commune": self.commune, "best": self.best.value, "share": rounded_down(self.share),
                "held_by": [held.as_dict() for held in self.held_by]}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """One layer to close in some communes: it holds these procedures down, and alone those that it `completes`."""

    layer: str
    title: Mapping[str, str]
    why: str
    communes: tuple[str, ...]
    procedures: tuple[str, ...]
    completes: tuple[str, ...]
    parcels: int | None

    def as_dict(self) -> dict[str, Any]:
        return {"layer": self.layer, "title": self.title, "why": self.why, "communes": list(self.communes),
                "procedures": list(self.procedures), "completes": list(self.completes),
                "parcels": self.parcels}  # fmt: skip


# ── the best a check can give ────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class _Best:
    """The best outcome of one rule in one commune; `why` is empty where it is clear on all the ground."""

    outcome: Outcome
    why: str
    share: float
    layer: str | None


def procedure_cells(
    definition: ProcedureDefinition, communes: Sequence[str], rows: Mapping[str, Row],
    grounds: Mapping[str, LayerGround], view: View, day: date,
) -> tuple[ProcedureCell, ...]:  # fmt: skip
    asked = [check for check in definition.checks if check.valid is None or check.valid.holds_on(day)]
    return tuple(_cell(definition, asked, commune, _Layers(rows, grounds, view, commune)) for commune in communes)


def _cell(
    definition: ProcedureDefinition, asked: Sequence[AnyCheck], commune: str, layers: _Layers
) -> ProcedureCell:  # fmt: skip
    required = [check for check in asked if check.required]
    judged = [(check, *_judged(check, layers)) for check in required]
    sure = [(verdict, held) for check, verdict, held in judged if check.applies_when is None]
    held = tuple(one for _, _, one in judged if one is not None)
    share = min((one.share for verdict, one in sure if one is not None and verdict is Verdict.PASS), default=1.0)
    best = worst([verdict for verdict, _ in sure]) if sure else worst([verdict for _, verdict, _ in judged])
    return ProcedureCell(definition.id, commune, best, share, _numbered(held))


def _numbered(held: Sequence[Held]) -> tuple[Held, ...]:
    """Checks that must not be named are told apart by a number."""
    number, told = 0, []
    for one in held:
        number += one.check == ""
        told.append(one if one.check else replace(one, check=f"restricted_{number}"))
    return tuple(told)


def _judged(check: AnyCheck, layers: _Layers) -> tuple[Verdict, Held | None]:
    """The best verdict of one check, and what holds it down."""
    if isinstance(check, GroupCheck):
        return _group(check, layers)
    if isinstance(check, LayerCheck):
        best = layers.best(check)
        verdict = verdict_of(_rule(check, check), best.outcome)
    else:  # about the subject itself: all that is needed is there
        best = _Best(Outcome.CLEAR, "", 1.0, None)
        verdict = verdict_of(Rule(check.id, "", Relation.INSIDE, verdicts=check.verdict, verified=check.verified),
                             Outcome.CLEAR)  # fmt: skip
    return verdict, _held(check, best, verdict, layers)


def _group(check: GroupCheck, layers: _Layers) -> tuple[Verdict, Held | None]:
    """One sufficient ground is enough; a withheld member withholds the whole, as in an answer."""
    members = [layers.best(member) for member in check.any_of]
    least = max(members, key=lambda best: (best.outcome is Outcome.CLEAR, best.share))
    withheld = next((best for best in members if best.outcome is Outcome.WITHHELD), None)
    if withheld is not None:
        return Verdict.REFER, _held(check, withheld, Verdict.REFER, layers)
    rules = tuple(_rule(check, member) for member in check.any_of)
    group = Group(check.id, rules, check.on_conflict, check.none, check.nothing_mapped, verified=check.verified)
    outcomes = [best.outcome for best in members]
    _, verdict, _ = judge_group(group, outcomes)
    unread = next((best for best in members if best.outcome is Outcome.NOT_CHECKED), None)
    holds_down = unread if unread is not None and verdict is not Verdict.PASS else least
    return verdict, _held(check, holds_down, verdict, layers)


def _rule(check: LayerCheck | GroupCheck, relation: RelationCheck) -> Rule:
    return Rule(check.id, relation.layer, relation.relation, verdicts=check.verdict, verified=check.verified)


def _held(check: AnyCheck, best: _Best, verdict: Verdict, layers: _Layers) -> Held | None:
    why = best.why or ("" if verdict is Verdict.PASS else "unverified" if not check.verified else "rule")
    if not why:
        return None
    is_secret = any(layers.is_secret(layer) for layer in _layers_of(check))
    title = RESTRICTED if is_secret or check.title is None else check.title.message()
    if not is_secret and check.title is None:
        title = layers.title(best.layer) or RESTRICTED
    share = best.share if best.outcome is Outcome.CLEAR else 0.0
    layer = best.layer if best.layer is not None and layers.is_known(best.layer) else None
    is_sure, passes = check.applies_when is None, verdict is Verdict.PASS
    return Held("" if is_secret else check.id, title.as_dict(), layer, why, share, is_sure, passes)


def _layers_of(check: AnyCheck) -> tuple[str, ...]:
    if isinstance(check, GroupCheck):
        return tuple(member.layer for member in check.any_of)
    return (check.layer,) if isinstance(check, LayerCheck) else ()


class _Layers:
    """What each layer can give in one commune, as the caller may know it."""

    def __init__(self, rows: Mapping[str, Row], grounds: Mapping[str, LayerGround], view: View, commune: str) -> None:
        self.rows, self.grounds, self.view, self.commune = rows, grounds, view, commune

    def is_known(self, layer: str) -> bool:
        return layer in self.rows

    def is_secret(self, layer: str) -> bool:
        return self.view.sight(layer).is_secret

    def title(self, layer: str | None) -> Any:
        row = self.rows.get(layer) if layer else None
        return row.definition.title.message() if row else None

    def best(self, relation: RelationCheck) -> _Best:
        row = self.rows.get(relation.layer)
        if row is None or row.shown == "withheld":
            return _Best(Outcome.WITHHELD, "withheld", 0.0, relation.layer)
        ground = self.grounds.get(relation.layer)
        if ground is None:
            return _Best(Outcome.NOT_MAPPED, "not_published", 0.0, relation.layer)
        if row.standing.state in ("suspended", "withdrawn"):
            return _Best(Outcome.NOT_CHECKED, row.standing.state, 0.0, relation.layer)
        if row.is_stale:
            return _Best(Outcome.NOT_CHECKED, "stale", 0.0, relation.layer)
        return self._of_ground(relation, row, ground)

    def _of_ground(self, relation: RelationCheck, row: Row, ground: LayerGround) -> _Best:
        share = self._share(relation, row, ground)
        if relation.relation.is_requirement and not (row.sees_rows and ground.holds.get(self.commune) is False):
            return _Best(Outcome.CLEAR, "", 1.0, relation.layer)  # features prove it, whatever was declared
        if relation.relation.is_requirement and share >= 1:
            return _Best(Outcome.AFFECTED, "nothing_there", 0.0, relation.layer)
        if math.isnan(share) or share <= 0:
            return _Best(Outcome.NOT_MAPPED, "not_mapped", 0.0, relation.layer)
        if relation.relation.is_requirement:
            return _Best(Outcome.PARTLY_MAPPED, "partly_mapped", 0.0, relation.layer)
        return _Best(Outcome.CLEAR, "" if share >= 1 else "partly_mapped", share, relation.layer)

    def _share(self, relation: RelationCheck, row: Row, ground: LayerGround) -> float:
        """Of the commune on which the rule can be clear. What is only declared has no cuts and no reach here."""
        if row.shown != "open":
            return ground.declared[self.commune]
        return ground.clear[self.commune, largest_reach_m(relation, row.definition) or 0.0]


# ── what to close next ───────────────────────────────────────────────────────────────────────────
def gaps_of(
    procedures: Mapping[str, Sequence[ProcedureCell]], rows: Mapping[str, Row], parcels: Mapping[str, int] | None
) -> tuple[Gap, ...]:
    """Layers by what closing them would give, the most first; communes alike in all of it are told together."""
    found: dict[tuple[str, str], dict[str, tuple[set[str], set[str]]]] = {}
    for name, cells in procedures.items():
        for cell in cells:
            holding = [held for held in cell.held_by if held.is_sure]
            for held in cell.held_by:
                if held.layer is None or held.why not in CLOSABLE:
                    continue
                of_gap = found.setdefault((held.layer, held.why), {}).setdefault(cell.commune, (set(), set()))
                of_gap[0].add(name)
                if held.is_sure and all(other.layer == held.layer for other in holding):
                    of_gap[1].add(name)
    gaps = [gap for (layer, why), communes in found.items() for gap in _grouped(rows[layer], why, communes, parcels)]
    return tuple(sorted(gaps, key=_rank))


def _grouped(
    row: Row, why: str, communes: Mapping[str, tuple[set[str], set[str]]], parcels: Mapping[str, int] | None
) -> list[Gap]:
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for commune, (held, completed) in communes.items():
        alike.setdefault((tuple(sorted(held)), tuple(sorted(completed))), []).append(commune)
    return [
        Gap(row.definition.id, row.definition.title.message().as_dict(), why, tuple(codes), held, completed,
            None if parcels is None else sum(parcels.get(code, 0) for code in codes))
        for (held, completed), codes in alike.items()
    ]  # fmt: skip


def _rank(gap: Gap) -> tuple[Any, ...]:
    """Procedures closed for parcels, then procedures helped, then by name, so that the order always holds."""
    weight = len(gap.communes) if gap.parcels is None else gap.parcels
    return (-len(gap.completes) * weight, -len(gap.procedures) * weight, -len(gap.communes), gap.layer, gap.communes)
