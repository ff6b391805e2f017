"""The matrix of coverage for one caller: each layer in each commune, and the best that each procedure can reach there.

What is told follows DESIGN 6: where a layer is declared complete, to whoever may know of it; what was cut out of that
and what lies in it, to whoever sees the rows as they are measured; refused rows, to whoever answers for the layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from anyio import to_thread

from layers.access.decide import SHOWING, decide
from layers.access.ownership import is_owner
from layers.access.principal import Principal
from layers.errors import NotFoundError
from layers.profile.grammar import LayerDefinition
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import CutLayer, read_cut
from layers.store.connection import Database

from .gaps import Gap, ProcedureCell, gaps_of, procedure_cells
from .ground import Grounds, KnownGrounds, Place, grounds_of
from .reading import LayerStanding, standing_now
from .request import LOCAL_TIME
from .sight import Sight
from .threads import limiter_of_loop
from .view import View, view_of

State = Literal["mapped", "partly", "empty", "stale", "none", "suspended", "withdrawn", "withheld"]
STATES: tuple[State, ...] = ("mapped", "empty", "partly", "stale", "none", "suspended", "withdrawn", "withheld")
#: how much of a layer the caller is told: what is measured, what is declared, nothing
Shown = Literal["open", "declared", "withheld"]
#: communes' shapes and a million parcels' counts take longer than one check may
TIMEOUT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of the matrix; None: all."""

    sector: str | None = None
    layer: str | None = None
    commune: str | None = None
    procedure: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A layer as the caller may know it. `is_told`: that and when it was revised."""

    definition: LayerDefinition
    cut: CutLayer
    standing: LayerStanding
    shown: Shown
    is_told: bool
    is_owned: bool
    sees_rows: bool
    is_stale: bool
    age_days: int | None
    unplaced: int | None  #: refused rows of unknown place, for the owner

    def as_dict(self) -> dict[str, Any]:
        cut = self.cut if self.is_told else None
        return {
            "id": self.definition.id, "title": self.definition.title.message().as_dict(),
            "sector": self.definition.sector, "state": _state_told(self), "shown": self.shown,
            "release": cut.release if cut else None,
            "published": cut.published.isoformat() if cut and cut.published else None,
            "age_days": self.age_days if self.is_told else None, "max_age_days": self.definition.max_age_days,
            "unplaced": self.unplaced,
        }  # fmt: skip


def _state_told(row: Row) -> str:
    return "empty" if row.cut.revision == 0 else row.standing.state


@dataclass(frozen=True, slots=True)
class Cell:
    """One layer in one commune. `share` is what is mapped of it; None: not known, or not told."""

    layer: str
    commune: str
    state: State
    share: float | None
    refused_count: int | None = None  #: to the owner
    refused_m2: float | None = None

    def as_dict(self) -> dict[str, Any]:
        refused = None
        if self.refused_count is not None and self.refused_m2 is not None:
            refused = {"count": self.refused_count, "area_m2": round(self.refused_m2, 1)}
        return {"layer": self.layer, "commune": self.commune, "state": self.state, "share": rounded_down(self.share),
                "refused": refused}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coverage:
    """The matrix as one caller may know it."""

    at: datetime
    policy: str
    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    cells: Mapping[tuple[str, str], Cell]
    procedures: Mapping[str, tuple[ProcedureCell, ...]]
    titles: Mapping[str, Mapping[str, str]]  #: of the procedures
    gaps: tuple[Gap, ...]
    parcels: Mapping[str, int] | None  #: by commune, to whoever sees every parcel

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "policy": self.policy,
            "layers": [row.as_dict() for row in self.rows],
            "communes": [
                {"code": place.code, "name": place.name, "kind": place.kind,
                 "parcels": None if self.parcels is None else self.parcels.get(place.code, 0)}
                for place in self.places
            ],
            "cells": [
                self.cells[row.definition.id, place.code].as_dict() for row in self.rows for place in self.places
            ],
            "procedures": [
                {"id": name, "title": self.titles[name], "communes": [cell.as_dict() for cell in cells]}
                for name, cells in self.procedures.items()
            ],
            "close_next": [gap.as_dict() for gap in self.gaps],
        }  # fmt: skip


def rounded_down(share: float | None) -> float | None:
    """Four digits; what is not whole is never told as 1, and what is not nothing never as 0."""
    if share is None or math.isnan(share):
        return None
    return 1.0 if share >= 1 else 0.0 if share <= 0 else max(math.floor(share * 1e4) / 1e4, 1e-4)


async def coverage_of(
    database: Database,
    catalogue: Catalogue,
    principal: Principal,
    known: KnownGrounds,
    asked: Asked = Asked(),
    *,
    purpose: str | None = None,
    now: datetime | None = None,
) -> Coverage:
    """The matrix of today. Raises NotFoundError, the same for what is not there and what the caller may not know."""
    at = now or datetime.now(UTC)
    view = view_of(catalogue, principal, purpose=purpose, day=at.astimezone(LOCAL_TIME).date())
    maker = _Maker(catalogue, principal, purpose, view, at)
    maker.require(asked)
    async with known.lock, database.transaction(snapshot=True) as connection:
        cut = await read_cut(connection, dict.fromkeys(catalogue.layers), instant=None, timeout_ms=TIMEOUT_MS)
        grounds = await grounds_of(
            connection, catalogue.profile, catalogue.profile_digest, cut, known, database.raster_folder
        )
    made = await to_thread.run_sync(maker.coverage, cut, grounds, asked, limiter=limiter_of_loop())
    told = tuple(row.definition.id for row in made.rows if row.sees_rows)
    event = audit.Event.of(principal, "coverage", "allow", used=told, policy=catalogue.policy_digest)
    async with database.connection() as connection:
        await audit.record(connection, event, is_read=True)
    return made


class _Maker:
    """Makes one caller's matrix of what was measured."""

    def __init__(
        self, catalogue: Catalogue, principal: Principal, purpose: str | None, view: View, at: datetime
    ) -> None:
        self.catalogue, self.principal, self.purpose, self.view, self.at = catalogue, principal, purpose, view, at
        self.day = at.astimezone(LOCAL_TIME).date()
        profile = catalogue.profile
        self.visible = {layer.id: layer for layer in profile.layers if self._is_known(layer)}

    def _is_known(self, layer: LayerDefinition) -> bool:
        return layer.id in self.catalogue.layers and self.view.sight(layer.id).is_visible

    def require(self, asked: Asked) -> None:
        is_layer = asked.layer is None or asked.layer in self.visible
        is_sector = asked.sector is None or any(layer.sector == asked.sector for layer in self.visible.values())
        is_procedure = asked.procedure is None or self.catalogue.profile.procedure(asked.procedure) is not None
        if not (is_layer and is_sector and is_procedure):
            raise NotFoundError

    def coverage(self, cut: Mapping[str, CutLayer], grounds: Grounds, asked: Asked) -> Coverage:
        rows = {name: self._row(layer, cut[name], grounds) for name, layer in self.visible.items()}
        cells = {
            (row.definition.id, place.code): self._cell(row, place.code, grounds)
            for row in rows.values()
            for place in grounds.places
        }
        places = tuple(place for place in grounds.places if asked.commune in (None, place.code))
        if not places:
            raise NotFoundError
        codes = [place.code for place in places]
        definitions = [
            one for one in self.catalogue.profile.procedures
            if one.valid.holds_on(self.day) and asked.procedure in (None, one.id)
        ]  # fmt: skip
        procedures = {
            one.id: procedure_cells(one, codes, rows, grounds.layers, self.view, self.day) for one in definitions
        }
        parcels = grounds.parcels if self._sees_rows(self.catalogue.profile.parcel_layer) else None
        read = {layer for one in definitions for layer in one.layers()}
        shown = [row for row in rows.values() if self._is_asked(row, asked, read)]
        gaps = gaps_of(procedures, rows, parcels)
        kept = {row.definition.id for row in shown}
        return Coverage(
            self.at, self.catalogue.policy_digest, tuple(shown), places, cells, procedures,
            {one.id: one.title.message().as_dict() for one in definitions},
            tuple(gap for gap in gaps if gap.layer in kept), parcels,
        )  # fmt: skip

    def _is_asked(self, row: Row, asked: Asked, read: set[str]) -> bool:
        definition = row.definition
        is_read = asked.procedure is None or definition.id in read
        return is_read and asked.layer in (None, definition.id) and asked.sector in (None, definition.sector)

    def _row(self, layer: LayerDefinition, cut: CutLayer, grounds: Grounds) -> Row:
        sight = self.view.sight(layer.id)
        shown = _shown(sight)
        dated = cut.content_date if cut.revision else None
        age_days = None if dated is None else (self.at - dated).days
        is_told = shown != "withheld" and sight.tells_activity
        is_owned = self._owns(layer)
        ground = grounds.layers.get(layer.id)
        return Row(
            layer, cut, standing_now(cut), shown, is_told, is_owned,
            sees_rows=shown == "open" and self._sees_rows(layer),
            is_stale=(shown == "open" or is_told) and _is_stale(layer, age_days, dated, self.at),
            age_days=age_days, unplaced=ground.unplaced if ground and is_owned else None,
        )  # fmt: skip

    def _owns(self, layer: LayerDefinition) -> bool:
        return is_owner(
            self.principal, layer, self.catalogue.grants, day=self.day,
            active_agreements=self.catalogue.active_agreements,
        )  # fmt: skip

    def _sees_rows(self, layer: LayerDefinition) -> bool:
        """Every row, as it lies: what may only be checked is not seen, and an owner may be bound to some rows."""
        shown = (
            decide(
                self.principal, layer, action, self.catalogue.grants, purpose=self.purpose, day=self.day,
                active_agreements=self.catalogue.active_agreements,
            )
            for action in SHOWING
        )  # fmt: skip
        return any(
            box.rows is None and (box.geometry.kind == "full" or not layer.has_geometry)
            for decision in shown
            for box in decision.boxes
        )

    def _cell(self, row: Row, commune: str, grounds: Grounds) -> Cell:
        name = row.definition.id
        ground = grounds.layers.get(name)
        if row.shown == "withheld":
            return Cell(name, commune, "withheld", None)
        if ground is None:
            return Cell(name, commune, "none", 0.0)
        share = (ground.mapped if row.shown == "open" else ground.declared)[commune]
        holds = ground.holds.get(commune) if row.sees_rows else None
        state = _state(row, share, holds)
        if not row.is_owned:
            return Cell(name, commune, state, share)
        return Cell(name, commune, state, share, ground.refused_count.get(commune, 0),
                    ground.refused_m2.get(commune, 0.0))  # fmt: skip


def _shown(sight: Sight) -> Shown:
    if sight.is_open:
        return "open"
    return "declared" if sight.is_reserved and sight.may_check else "withheld"


def _is_stale(layer: LayerDefinition, age_days: int | None, dated: datetime | None, at: datetime) -> bool:
    """As the engine takes it: to the second."""
    if layer.max_age_days is None or dated is None or age_days is None:
        return False
    return (at - dated).total_seconds() > layer.max_age_days * 86_400


def _state(row: Row, share: float, holds: bool | None) -> State:
    if row.standing.state == "suspended":
        return "suspended"
    if row.standing.state == "withdrawn":
        return "withdrawn"
    if row.is_stale:
        return "stale"
    if share >= 1:
        return "empty" if holds is False else "mapped"
    return "none" if share <= 0 else "partly"
