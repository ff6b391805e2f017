"""Who asks. Roles and claims come from a checked token, from the demo's identities, or from the operating system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from layers.profile.grammar import Identity


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. `claims` bind `:claims.x` in row rules; a missing claim binds to nothing and allows nothing."""

    id: str
    roles: frozenset[str] = frozenset()
    office: str | None = None
    sector: str | None = None
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_operator: bool = False  #: the command line on the machine itself: all rights, and the event names the OS user
    os_user: str | None = None


def known_as(identity: Identity, *, os_user: str | None = None) -> Principal:
    """The caller that a demo identity stands for."""
    return Principal(
        identity.id, frozenset(identity.roles), identity.office, identity.sector, dict(identity.claims), os_user=os_user
    )


PUBLIC = Principal("public")


def operator(os_user: str) -> Principal:
    return Principal("operator", is_operator=True, os_user=os_user)
