"""Layers as somebody named knows them: those they may know of, the columns they may read, and all for their owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from layers.access.decide import Decision, decide
from layers.access.principal import Principal
from layers.errors import ForbiddenError, NotFoundError
from layers.profile.grammar import LayerDefinition
from layers.store.catalogue import Catalogue, LayerState

from .changes import owned_layers

#: of a definition, and of a release: what a reader is told of it
_OF_DEFINITION = ("id", "sector", "title", "geometry", "sharing")
_OF_RELEASE = ("release", "revision", "created", "note")


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """One layer. `is_managed`: the reader answers for every row of it, and is told everything."""

    state: LayerState
    decision: Decision
    is_managed: bool

    @property
    def tells_activity(self) -> bool:
        """That and when it was revised is for whoever may read it, and not where the layer hides it."""
        return self.is_managed or (self.decision.is_allowed and not self.decision.hides_activity)

    def listed(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What stands in the database about it, as far as it is told."""
        told = {**stored, "state_reason": stored["state_reason"] if self.is_managed else None}
        return told if self.tells_activity else {**told, "revision": None, "release": None, "changed": None}

    def newest(self, release: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if self.is_managed or release is None:
            return release
        return {name: release[name] for name in _OF_RELEASE if name in release} if self.tells_activity else None

    def definition(self) -> dict[str, Any]:
        whole = self.state.definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if self.is_managed:
            return whole
        shown = [one for one in whole.get("attributes", ()) if one["name"] in self.decision.columns]
        return {name: whole[name] for name in _OF_DEFINITION if name in whole} | {"attributes": shown}


def known_layers(catalogue: Catalogue, principal: Principal, day: date) -> dict[str, KnownLayer]:
    """Those they may know of, in the order of the catalogue; of withdrawn ones only their own."""
    own = {definition.id for definition in owned_layers(catalogue, principal, day)}
    found = {}
    for name, state in catalogue.layers.items():
        decision = _decided(catalogue, principal, state.definition, day)
        found[name] = KnownLayer(state, decision, principal.is_operator or name in own)
    return {name: one for name, one in found.items() if one.is_managed or _is_seen(one)}


def _is_seen(known: KnownLayer) -> bool:
    return known.decision.is_visible and known.state.state != "withdrawn"


def _decided(catalogue: Catalogue, principal: Principal, definition: LayerDefinition, day: date) -> Decision:
    """With the first of the purposes they are given, as it is explained to them."""
    identity = next((one for one in catalogue.profile.identities if one.id == principal.id), None)
    return decide(
        principal, definition, "items", catalogue.grants, day=day, active_agreements=catalogue.active_agreements,
        purpose=identity.purposes[0] if identity and identity.purposes else None,
    )  # fmt: skip


def known_layer(catalogue: Catalogue, principal: Principal, layer: str, day: date) -> KnownLayer:
    """Raises NotFoundError, the same for a layer that is hidden and one that is not there."""
    found = known_layers(catalogue, principal, day)
    if layer not in found:
        listed = ", ".join(sorted(found)) or "–"
        raise NotFoundError(f"Không có lớp '{layer}'. Các lớp: {listed}.", f"No layer '{layer}'. Layers: {listed}.")
    return found[layer]


def require_managed(catalogue: Catalogue, principal: Principal, layer: str, day: date) -> None:
    """Every revision with its keys is for whoever answers for all rows. Raises NotFoundError, ForbiddenError."""
    if not known_layer(catalogue, principal, layer, day).is_managed:
        raise ForbiddenError(
            f"Lịch sử đầy đủ của lớp '{layer}' chỉ dành cho cơ quan chủ quản lớp; các bản công bố mà '{principal.id}' "
            f"được xem: GET /collections/{layer}/releases.",
            f"The full history of the layer '{layer}' is for the office that answers for it; the releases that "
            f"'{principal.id}' may see: GET /collections/{layer}/releases.",
        )
