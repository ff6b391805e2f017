"""What a caller may do with a layer: the matching grants as boxes of rows × columns × geometry, and why not otherwise.

Allow-only, deny by default, union per cell. A grant that cannot be read grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache

from layers.filters import GEOMETRY, references
from layers.profile.grammar import LayerDefinition

from .box import FULL, NONE, Box, GeometryLevel, normal_form
from .decision import TOLD_FIRST, Decision, Reason
from .grammar import Action, Grant
from .matching import Circumstances, all_properties, box_of, filterable, own_grants
from .ownership import is_owner
from .principal import Principal

__all__ = [
    "FULL", "NONE", "Box", "Decision", "GeometryLevel", "Reason",
    "all_properties", "decide", "is_check_only", "queryables", "visible_layers",
]  # fmt: skip

#: the actions that show a layer itself
SHOWING: tuple[Action, ...] = ("items", "tile", "map", "export")


def decide(
    principal: Principal,
    definition: LayerDefinition,
    action: Action,
    grants: Sequence[Grant],
    *,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> Decision:
    """The decision on one day. A grant under an agreement that is not among the active ones does not hold."""
    if principal.is_operator:
        return _everything(definition, action)
    when = Circumstances(day, purpose, active_agreements)
    own = own_grants(principal, definition, tuple(grants))
    found = [(grant, box_of(grant, principal, definition, when)) for grant in own if action in grant.actions]
    matching = [(grant, box) for grant, box in found if isinstance(box, Box)]
    refusals = tuple((grant.id, reason) for grant, reason in found if not isinstance(reason, Box))
    hides_activity = definition.hide_activity and not is_owner(
        principal, definition, grants, day=day, active_agreements=active_agreements
    )
    if not matching:
        is_visible = _is_discoverable(definition) or any(map(when.hold, own))
        return Decision(
            definition.id, action, False, is_visible, _told(refusals), refusals=refusals, hides_activity=hides_activity
        )
    return _allowed(definition, action, matching, refusals, hides_activity)


def is_check_only(
    principal: Principal,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    *,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> bool:
    """Whether the layer may be used in the caller's checks, and nothing of it may be seen."""

    def may(action: Action) -> bool:
        return decide(
            principal, definition, action, grants, purpose=purpose, day=day, active_agreements=active_agreements
        ).is_allowed

    return may("check") and not any(map(may, SHOWING))


def visible_layers(
    principal: Principal,
    definitions: Iterable[LayerDefinition],
    grants: Sequence[Grant],
    *,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> tuple[LayerDefinition, ...]:
    """The layers a caller may know of: any grant on any action, or discoverable. The others do not exist for them."""
    return tuple(
        definition
        for definition in definitions
        if decide(
            principal, definition, "items", grants, purpose=None, day=day, active_agreements=active_agreements
        ).is_visible
    )


def queryables(definition: LayerDefinition, decision: Decision) -> dict[str, str]:
    """What a caller may filter by: name → type. A hidden column is not in it."""
    return dict(_queryables(definition, decision.columns, decision.has_geometry))


@lru_cache(maxsize=512)
def _queryables(definition: LayerDefinition, columns: tuple[str, ...], has_geometry: bool) -> dict[str, str]:
    found = filterable(attribute for attribute in definition.attributes if attribute.name in columns)
    return found | ({GEOMETRY: "geometry"} if has_geometry else {})


def sortables(definition: LayerDefinition, decision: Decision) -> tuple[str, ...]:
    """What a caller may sort by: indexed for it, and shown by every box, so that an order tells of no masked cell."""
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.sortable and attribute.is_scalar and all(attribute.name in box.columns for box in decision.boxes)
    )


def _is_discoverable(definition: LayerDefinition) -> bool:
    return definition.discoverable and definition.existence != "secret"


def _told(refusals: Sequence[tuple[str, Reason]]) -> Reason:
    reasons = {reason for _, reason in refusals}
    return next((reason for reason in TOLD_FIRST if reason in reasons), "no_grant")


def _everything(definition: LayerDefinition, action: Action) -> Decision:
    """The operator's relation: all rows, all columns, tagged or not."""
    columns = tuple(attribute.name for attribute in definition.attributes)
    box = Box(columns, FULL if definition.has_geometry or definition.is_raster else NONE)
    return Decision(
        definition.id, action, True, True, "granted", (box,), ("operator",), columns, definition.has_geometry
    )


def _allowed(
    definition: LayerDefinition,
    action: Action,
    matching: Sequence[tuple[Grant, Box]],
    refusals: tuple[tuple[str, Reason], ...],
    hides_activity: bool,
) -> Decision:
    boxes = normal_form([box for _, box in matching])
    shown = {column for box in boxes for column in box.columns}
    return Decision(
        definition.id, action, True, True, "granted", boxes,
        grants=tuple(grant.id for grant, _ in matching),
        columns=tuple(attribute.name for attribute in definition.attributes if attribute.name in shown),
        has_geometry=definition.has_geometry and any(box.geometry.kind != "none" for box in boxes),
        is_public=all(grant.to.anyone for grant, _ in matching),
        uses_claims=any(references(grant.rows or "") for grant, _ in matching),
        refusals=refusals,
        hides_activity=hides_activity,
        rates=_rates([grant for grant, _ in matching]),
    )  # fmt: skip


def _rates(grants: Sequence[Grant]) -> tuple[tuple[str, str], ...]:
    """A grant without a rate is unlimited, and so is the caller beside it."""
    found = tuple((grant.id, grant.rate) for grant in grants if grant.rate is not None)
    return found if len(found) == len(grants) else ()
