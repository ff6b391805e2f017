"""The rights behind a batch: what its owner is shown of each layer, and which rows they may have checked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from layers.access.decide import Decision, decide
from layers.access.principal import Principal
from layers.errors import ForbiddenError
from layers.profile.grammar import LayerDefinition
from layers.store.catalogue import Catalogue

from .share import RESTRICTED, LayerShare, Share
from .sight import Sight
from .view import View, view_of


def share_of(
    catalogue: Catalogue, principal: Principal, layers: Collection[str], *, purpose: str | None, day: date,
    subjects: Decision | None = None,
) -> Share | None:  # fmt: skip
    """The caller's share of a batch over these layers; None for the operator."""
    if principal.is_operator:
        return None
    view = view_of(catalogue, principal, purpose=purpose, day=day, layers=frozenset(layers))
    found = {name: _layer_share(view, name, catalogue.layers[name].definition)
             for name in sorted(layers) if name in catalogue.layers}  # fmt: skip
    if subjects is None:
        return Share(found)
    definition = catalogue.layers[subjects.layer].definition
    named = all(set(definition.key_columns) <= set(box.columns) for box in subjects.boxes)
    return Share(found, subjects.relation_digest, named)


def _layer_share(view: View, name: str, definition: LayerDefinition) -> LayerShare:
    sight = view.sight(name)
    if sight.is_secret:
        return LayerShare(RESTRICTED)
    if not sight.is_allowed or (sight.is_reserved and not sight.may_check):
        return LayerShare("no_right")
    if sight.is_reserved:
        return LayerShare("needs_dossier")
    columns = _of_every_row(sight)
    if columns is None or name in view.withdrawn:
        return LayerShare("no_right")
    names = set(definition.key_columns) <= columns
    return LayerShare("", names, sight.tells_activity, tuple(sorted(columns)))


def _of_every_row(sight: Sight) -> frozenset[str] | None:
    """The columns shown of every row; None where some row is outside of every grant."""
    whole = [box for box in sight.boxes if box.rows is None]
    return frozenset(column for box in whole for column in box.columns) if whole else None


def subjects_decision(
    catalogue: Catalogue, principal: Principal, layer: str, *, purpose: str | None, day: date
) -> Decision:
    """Whose rows may be subjects: those whose exact shape the caller may read. Raises NotFoundError, ForbiddenError."""
    decision = decide(
        principal, catalogue.layer(layer).definition, "items", catalogue.grants, purpose=purpose, day=day,
        active_agreements=catalogue.active_agreements,
    ).require()  # fmt: skip
    exact = tuple(box for box in decision.boxes if box.geometry.kind == "full")
    if not exact:
        raise ForbiddenError(
            "Bạn không được xem ranh giới chính xác của lớp này nên không kiểm tra hàng loạt được.",
            "You may not see the exact shapes of this layer, so they cannot be checked for you.", reason="precision",
        )  # fmt: skip
    columns = frozenset(column for box in exact for column in box.columns)
    return replace(decision, boxes=exact, columns=tuple(name for name in decision.columns if name in columns))
