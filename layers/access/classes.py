"""Role classes: whom the second wall tells apart.

A class is the set of grantees of a policy that one caller answers to. It knows nothing of purposes, days, agreements or
precision: those the relation decides. So a class reaches at least what any of its callers may read, and the database
holds it to that whatever SQL is run in its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .grammar import Grant, Grantee
from .principal import Principal

ANYONE = "anyone"
_OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class RoleClass:
    """Grantees in order, as `anyone`, `role:…`, `office:…`, `identity:…`."""

    grantees: tuple[str, ...]

    @property
    def database_role(self) -> str:
        """The role of the database, the same in every database of a cluster."""
        return _database_role(self.grantees)

    @property
    def is_operator(self) -> bool:
        """The command line on the machine itself, which no wall stands before."""
        return self.grantees == (_OPERATOR,)


@lru_cache(maxsize=1024)
def _database_role(grantees: tuple[str, ...]) -> str:
    named = json.dumps(grantees)  # no name can be read as two
    return "lt_class_" + hashlib.sha256(named.encode()).hexdigest()[:16]


EVERYBODY = RoleClass((ANYONE,))
OPERATOR = RoleClass((_OPERATOR,))


def class_of(principal: Principal, grants: Iterable[Grant]) -> RoleClass:
    """Anyone, and every grantee of the policy that the caller answers to, whatever the layer, action or day."""
    if principal.is_operator:
        return OPERATOR
    own = _names_of(principal)
    return RoleClass(tuple(sorted({ANYONE} | {name for grant in grants if (name := name_of(grant.to)) in own})))


def classes_of(grants: Sequence[Grant], principals: Iterable[Principal]) -> tuple[RoleClass, ...]:
    """Every class that is known: anyone, each grantee beside anyone, and that of each known identity."""
    found = {EVERYBODY, *(RoleClass(tuple(sorted({ANYONE, name_of(grant.to)}))) for grant in grants)}
    found |= {class_of(principal, grants) for principal in principals}
    return tuple(sorted(found - {OPERATOR}, key=lambda each: each.grantees))


def name_of(to: Grantee) -> str:
    """The grantee in one word."""
    if to.anyone:
        return ANYONE
    kind, value = next((kind, value) for kind in ("role", "office", "identity") if (value := getattr(to, kind)))
    return f"{kind}:{value}"


def _names_of(principal: Principal) -> frozenset[str]:
    own = {f"identity:{principal.id}", *(f"role:{role}" for role in principal.roles)}
    return frozenset(own | ({f"office:{principal.office}"} if principal.office else set()))
