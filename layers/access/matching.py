"""One grant beside one caller and one layer: is it theirs, does it hold, and which box does it allow.

A grant that cannot be read grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from layers.errors import InvalidRequestError
from layers.filters import GEOMETRY, Expression, bind_claims, check, parse_bound, references
from layers.filters.kinds import LIST
from layers.filters.tree import within_edges
from layers.profile.grammar import Attribute, LayerDefinition

from .box import NONE, Box, GeometryLevel
from .decision import Reason
from .grammar import Grant, Precision, SharingRef
from .principal import Principal

CLAIM = ":claims."


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a grant depends on besides the caller and the layer."""

    day: date
    purpose: str | None = None
    active_agreements: frozenset[str] = frozenset()

    def hold(self, grant: Grant) -> bool:
        """Whether the grant is in force, whatever the purpose."""
        return grant.valid.holds_on(self.day) and (grant.agreement is None or grant.agreement in self.active_agreements)


def own_grants(principal: Principal, definition: LayerDefinition, grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """The caller's grants about a layer, in force or not, whatever the action."""
    return tuple(grant for grant in grants if is_for(grant, principal) and is_about(grant, definition))


def is_for(grant: Grant, principal: Principal) -> bool:
    to = grant.to
    return (
        to.anyone
        or (to.role is not None and to.role in principal.roles)
        or (to.identity is not None and to.identity == principal.id)
        or (to.office is not None and to.office == principal.office)
    )


def is_about(grant: Grant, definition: LayerDefinition) -> bool:
    """A secret layer is meant only by a grant that names it."""
    if isinstance(grant.layer, SharingRef):
        return grant.layer.sharing == definition.sharing and definition.existence != "secret"
    return grant.layer == definition.id


def box_of(grant: Grant, principal: Principal, definition: LayerDefinition, when: Circumstances) -> Box | Reason:
    """What a grant for this caller and layer allows, or why it does not hold."""
    if not grant.valid.holds_on(when.day):
        return "expired"
    if not when.hold(grant):
        return "suspended"
    if not {"any", when.purpose} & set(purposes_of(grant)):
        return "purpose"
    if missing_claims(grant, principal):
        return "claim"
    try:
        return Box(columns_of(grant, definition), geometry_of(grant, definition), _rows(grant, principal, definition))
    except InvalidRequestError:
        return "broken"


def purposes_of(grant: Grant) -> tuple[str, ...]:
    return (grant.purpose,) if isinstance(grant.purpose, str) else grant.purpose


def missing_claims(grant: Grant, principal: Principal) -> tuple[str, ...]:
    """A rule may refer to claims only; anything else counts as absent, so that the grant allows nothing."""
    return tuple(name for name in references(grant.rows or "") if not _has_claim(principal, name))


def _has_claim(principal: Principal, reference: str) -> bool:
    return bool(reference.startswith(CLAIM) and principal.claims.get(reference.removeprefix(CLAIM)))


def _rows(grant: Grant, principal: Principal, definition: LayerDefinition) -> Expression | None:
    if grant.rows is None:
        return None
    return _rule(bind_claims(grant.rows, principal.claims), grant.edge, definition)


@lru_cache(maxsize=4096)
def _rule(text: str, edge: str, definition: LayerDefinition) -> Expression:
    """A bound row rule, checked against the definition; the same text is parsed once."""
    rule = check(parse_bound(text), all_properties(definition))
    return within_edges(rule) if edge == "within" else rule


def all_properties(definition: LayerDefinition) -> dict[str, str]:
    """What a row rule of ours may read: every column, the values in lists and the geometry, shown or not."""
    return filterable(definition.attributes) | ({GEOMETRY: "geometry"} if definition.has_geometry else {})


def filterable(attributes: Iterable[Attribute]) -> dict[str, str]:
    """Name → type of what a filter may name: scalar columns, and `list.item` for what the entries of a list hold."""
    found: dict[str, str] = {}
    for attribute in attributes:
        if attribute.is_scalar:
            found[attribute.name] = attribute.type
        found |= {f"{attribute.name}.{item.name}": LIST + item.type for item in attribute.items if item.is_scalar}
    return found


def columns_of(grant: Grant, definition: LayerDefinition) -> tuple[str, ...]:
    """A column without a tag is nobody's, however it is named."""
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.tag is not None and (attribute.tag in grant.columns.tags or attribute.name in grant.columns.names)
    )


def geometry_of(grant: Grant, definition: LayerDefinition) -> GeometryLevel:
    """Raises InvalidRequestError for a grid the definition does not declare: any other could be laid against it."""
    if not (definition.has_geometry or definition.is_raster):
        return NONE
    if not isinstance(grant.geometry, Precision):
        return GeometryLevel(grant.geometry)
    asked_m = grant.geometry.precision_m
    if asked_m not in definition.precisions_m:
        raise InvalidRequestError(
            f"Lớp {definition.id} không khai báo precisions_m {asked_m:g}; chọn một mức đã khai báo.",
            f"The layer {definition.id} does not declare precisions_m {asked_m:g}; choose one that it declares.",
        )
    return GeometryLevel("grid", asked_m)
