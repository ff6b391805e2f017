"""Who asks. Roles and claims come from a checked token, from the demo's identities, or from the operating system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


#: everybody who says nothing of themselves: there in every profile, also where it names no such identity
_EVERYBODY = Identity.model_validate({"id": "public", "title": {"vi": "Người dân", "en": "Public"}})


def with_public(identities: Iterable[Identity]) -> tuple[Identity, ...]:
    """The identities of a profile, and the public."""
    known = tuple(identities)
    return known if any(one.id == _EVERYBODY.id for one in known) else (*known, _EVERYBODY)


def known_as(identity: Identity, *, os_user: str | None = None) -> Principal:
    """The caller that a demo identity stands for."""
    return Principal(
        identity.id, frozenset(identity.roles), identity.office, identity.sector, dict(identity.claims), os_user=os_user
    )


PUBLIC = Principal(_EVERYBODY.id)


def operator(os_user: str) -> Principal:
    return Principal("operator", is_operator=True, os_user=os_user)
