"""The difference a proposal makes: grants, and who gains or loses what on the data as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from layers.access.box import Box
from layers.access.decide import decide
from layers.access.expect import Unmet, unmet
from layers.access.policy import policy_digest
from layers.access.principal import Principal
from layers.profile.grammar import LayerDefinition
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection

from .changes import Change, Grants, changes, orphans, owned_layers
from .effects import Effect, effects
from .subjects import known_subjects


@dataclass(frozen=True, slots=True)
class Difference:
    """From the policy in force to another one."""

    base: str
    digest: str
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    unmet: tuple[Unmet, ...]
    orphans: tuple[str, ...]  #: layers that nobody but the operator could publish any more

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def as_dict(self) -> dict[str, object]:
        return {
            "base": self.base, "digest": self.digest,
            "changes": [change.as_dict() for change in self.changes],
            "effects": [effect.as_dict() for effect in self.effects],
            "unmet": [
                {"grant": each.grant, "number": each.number, "message": each.message.as_dict()} for each in self.unmet
            ],
            "orphans": list(self.orphans),
        }  # fmt: skip


async def difference(
    connection: Connection, catalogue: Catalogue, principal: Principal, grants: Grants, day: date
) -> Difference:
    """For an owner: of the layers they answer for, counted on the rows they may see themselves."""
    layers = owned_layers(catalogue, principal, day)
    found = await effects(
        connection, catalogue, catalogue.grants, grants, day,
        layers=layers,
        subjects=known_subjects(principal, catalogue.profile, (*catalogue.grants, *grants), layers),
        within=lambda definition: _reach(catalogue, principal, definition, day),
    )  # fmt: skip
    return Difference(
        base=catalogue.policy_digest,
        digest=policy_digest(grants),
        changes=changes(catalogue.grants, grants),
        effects=found,
        unmet=unmet_of(catalogue, principal, grants, day),
        orphans=orphans(catalogue.grants, grants),
    )


def unmet_of(catalogue: Catalogue, principal: Principal, grants: Grants, day: date) -> tuple[Unmet, ...]:
    """Every `expect:` that does not hold; for an owner those about their layers, the only ones they can change."""
    own = None if principal.is_operator else frozenset(each.id for each in owned_layers(catalogue, principal, day))
    return unmet(grants, catalogue.profile.identities, catalogue.profile.layers, day=day, about=own)


def _reach(
    catalogue: Catalogue, principal: Principal, definition: LayerDefinition, day: date
) -> tuple[Box, ...] | None:
    """The rows the one who asks may see of a layer now; None is every row."""
    if principal.is_operator:
        return None
    return decide(
        principal, definition, "items", catalogue.grants, purpose=None, day=day,
        active_agreements=catalogue.active_agreements,
    ).boxes  # fmt: skip
