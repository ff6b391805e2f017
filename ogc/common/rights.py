"""What one caller may do with which layers, by policy alone: what the descriptions of the service are made for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request

from layers.access.decide import Decision, sortables
from layers.access.grammar import Action
from layers.store.catalogue import Catalogue, LayerState
from ogc.auth import principal_of, purpose_of

from .clock import now_of
from .relation import LOCAL_TIME, visible, with_action

#: what an operation may need; to know of a layer needs none of them
ACTIONS: tuple[Action, ...] = ("items", "tile", "export", "edit", "check")


@dataclass(frozen=True, slots=True)
class LayerRights:
    """One layer the caller may know of."""

    state: LayerState
    decisions: Mapping[Action, Decision]

    @property
    def id(self) -> str:
        return self.state.definition.id

    def may(self, action: Action) -> bool:
        return self.decisions[action].is_allowed

    def parts(self) -> tuple[object, ...]:
        """All of it that a description may hold."""
        told = [
            (action, decision.columns, decision.has_geometry, sortables(self.state.definition, decision))
            for action, decision in self.decisions.items()
            if decision.is_allowed
        ]
        return self.id, self.state.definition_digest, self.decisions["items"].hides_activity, told


@dataclass(frozen=True, slots=True)
class Rights:
    """`digest` is the same for callers who may do the same, `relations` for those who read the very same."""

    layers: tuple[LayerRights, ...]
    digest: str
    relations: str | None  #: None where something is bound to what a caller is: nothing read for them may be kept

    def layers_with(self, action: Action | None) -> list[LayerRights]:
        return [layer for layer in self.layers if action is None or layer.may(action)]


class KnownRights:
    """Rights of one process; another policy, profile, state of a layer or day gives others."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._known: OrderedDict[tuple[object, ...], tuple[Catalogue, Rights]] = OrderedDict()

    def of(self, request: Request, catalogue: Catalogue) -> Rights:
        key = _key(request, now_of(request).astimezone(LOCAL_TIME).date())
        held = self._known.get(key)
        if held is not None and held[0] is catalogue:
            self._known.move_to_end(key)
            return held[1]
        made = _rights(request, catalogue)
        self._known[key] = (catalogue, made)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return made


def _key(request: Request, day: date) -> tuple[object, ...]:
    who = principal_of(request)
    claims = tuple(sorted(who.claims.items()))
    return who.id, who.roles, who.office, who.sector, who.is_operator, claims, purpose_of(request), day


def _rights(request: Request, catalogue: Catalogue) -> Rights:
    layers = tuple(
        LayerRights(relation.state, {action: with_action(request, relation, action) for action in ACTIONS})
        for relation in visible(request, catalogue)
    )
    digest = _digest(catalogue.profile_digest, [layer.parts() for layer in layers])
    shown = [layer.decisions[action] for layer in layers for action in ("items", "tile")]
    is_bound = any(decision.uses_claims for decision in shown)
    return Rights(layers, digest, None if is_bound else _digest([decision.relation_digest for decision in shown]))


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
