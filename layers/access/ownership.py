"""Who answers for a layer: they learn who reads it, and may ask what others may do with it. Who manages its grants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from layers.profile.grammar import LayerDefinition

from .box import Box
from .grammar import Grant
from .matching import Circumstances, box_of, own_grants, purposes_of
from .principal import Principal


def is_owner(
    principal: Principal,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    *,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> bool:
    """The operator, or somebody of the layer's sector who may publish it on that day, for whichever purpose."""
    if principal.is_operator:
        return True
    if principal.sector != definition.sector:
        return False
    return any(
        _may_publish(grant, principal, definition, day, active_agreements)
        for grant in own_grants(principal, definition, tuple(grants))
        if "publish" in grant.actions
    )


def may_manage(
    principal: Principal,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    *,
    day: date,
    purposes: Iterable[str] = (),
    active_agreements: frozenset[str] = frozenset(),
) -> bool:
    """The operator, or an owner who may publish every row for one of their `purposes`: a grant reaches all rows, so
    whoever answers for some could otherwise give themselves the others."""
    if principal.is_operator:
        return True
    stated = {"any", *purposes}
    whole = [grant for grant in grants if grant.rows is None and not stated.isdisjoint(purposes_of(grant))]
    return is_owner(principal, definition, whole, day=day, active_agreements=active_agreements)


def _may_publish(
    grant: Grant, principal: Principal, definition: LayerDefinition, day: date, active_agreements: frozenset[str]
) -> bool:
    when = Circumstances(day, purposes_of(grant)[0] if purposes_of(grant) else None, active_agreements)
    return isinstance(box_of(grant, principal, definition, when), Box)
