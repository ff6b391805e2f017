"""Who asks. Roles and claims come from a checked token, from the demo's identities, or from the operating system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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


PUBLIC = Principal("public")


def operator(os_user: str) -> Principal:
    return Principal("operator", is_operator=True, os_user=os_user)
