"""What one caller may know of the policy: the grants that are for them, and all grants on layers they answer for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from layers.access.grammar import Grant
from layers.access.matching import Circumstances, columns_of, is_about, is_for
from layers.access.principal import Principal
from layers.errors import InvalidRequestError
from layers.filters import bind_claims, parse_bound, property_names
from layers.store.catalogue import Catalogue

from .changes import Grants, managed, owned_layers

State = Literal["in_force", "not_yet", "expired", "suspended"]


@dataclass(frozen=True, slots=True)
class OwnGrant:
    """A grant as the one it is for may read it: without its tests, and its row rule only as far as it names columns
    that the grant shows."""

    grant: Grant
    state: State
    shows_rule: bool

    def as_dict(self) -> dict[str, Any]:
        plain = plain_grant(self.grant)
        plain.pop("expect")
        rule = self.grant.rows if self.shows_rule else None
        return {**plain, "rows": rule, "is_row_limited": self.grant.rows is not None, "state": self.state}


def plain_grant(grant: Grant) -> dict[str, Any]:
    """Every key of the grammar, as JSON has it."""
    return grant.model_dump(mode="json", by_alias=True)


def own_grants(catalogue: Catalogue, principal: Principal, day: date) -> tuple[OwnGrant, ...]:
    """The caller's grants, in force or not, in the order of their ids."""
    when = Circumstances(day, None, catalogue.active_agreements)
    found = (grant for grant in catalogue.grants if is_for(grant, principal))
    return tuple(
        OwnGrant(grant, state_of(grant, when), _shows_rule(catalogue, grant))
        for grant in sorted(found, key=lambda grant: grant.id)
    )


def managed_grants(catalogue: Catalogue, principal: Principal, day: date, grants: Grants | None = None) -> Grants:
    """All grants on the layers the caller answers for, of the policy in force or of another one."""
    listed = catalogue.grants if grants is None else grants
    found = managed(listed, owned_layers(catalogue, principal, day))
    return tuple(sorted(found, key=lambda grant: (str(grant.layer), grant.id)))


def state_of(grant: Grant, when: Circumstances) -> State:
    if grant.valid.from_ is not None and when.day < grant.valid.from_:
        return "not_yet"
    if not grant.valid.holds_on(when.day):
        return "expired"
    return "in_force" if when.hold(grant) else "suspended"


def _shows_rule(catalogue: Catalogue, grant: Grant) -> bool:
    if grant.rows is None:
        return True
    try:
        read = property_names(parse_bound(bind_claims(grant.rows, {})))
    except InvalidRequestError:
        return False
    return all(read <= shown for shown in _shown(catalogue, grant))


def _shown(catalogue: Catalogue, grant: Grant) -> Iterator[frozenset[str]]:
    return (
        frozenset(columns_of(grant, definition))
        for definition in catalogue.profile.layers
        if is_about(grant, definition)
    )
