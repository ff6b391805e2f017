"""What one caller may be shown of one record: their sight of each layer, and whether what is reserved is told."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from layers.access.principal import Principal
from layers.profile.facts import fact_columns, outcome_columns
from layers.profile.procedures import relations_of
from layers.profile.profile import Profile
from layers.store.catalogue import Catalogue

from .sight import UNKNOWN, Sight, sight_of
from .telling import rows_of_subject


@dataclass(frozen=True, slots=True)
class View:
    """What the caller may see: the sight of each layer, and the layers taken back since.

    `untold` is the code of the reason why nothing reserved is told; None: it is told, as outcomes without measures.
    """

    sights: Mapping[str, Sight]
    withdrawn: frozenset[str]
    policy: str
    untold: str | None = "needs_dossier"
    applied: Applied | None = None

    def sight(self, layer: str) -> Sight:
        return self.sights.get(layer, UNKNOWN)

    def reserves(self, layers: Iterable[str]) -> bool:
        """Whether something of these layers is told only for a dossier."""
        return any(self.sight(layer).is_reserved and self.sight(layer).may_check for layer in layers)

    def guards(self, layers: Iterable[str]) -> bool:
        """Whether an answer on these layers is worked out from what the caller may not see: its length and the moment
        it leaves must then tell nothing."""
        return any(not self.sight(layer).is_open for layer in layers)

    def sees_record(self, content: Mapping[str, Any]) -> bool:
        """Whether all that the record holds may be seen: a digest over anything else would be a way to test guesses."""
        subject = content["subject"]
        measured = {part["layer"] for one in content["findings"] for part in (one, *one.get("members", ()))}
        # the parcel layer lends the record its subject only, which is looked at by itself, unless a rule measures it
        facts = (layer for layer in content["cut"] if layer != subject["layer"] or layer in measured)
        if self.applied is None or not all(self._sees_facts(layer) for layer in facts):
            return False
        if subject["layer"] is None:
            return True
        sight = self.sight(subject["layer"])
        return all((sight.columns(row) or frozenset()).issuperset(row) for row in rows_of_subject(subject))

    def _sees_facts(self, layer: str) -> bool:
        if layer not in self.sights:
            return False
        sight = self.sights[layer]
        columns = frozenset(column for box in sight.boxes for column in box.columns)
        facts = _facts(self.applied)[layer] if self.applied else frozenset()
        return sight.sees_all_rows and columns >= facts

    def naming_columns(self) -> tuple[frozenset[str], frozenset[str]]:
        """The columns that a parcel's key and its label are made of."""
        if self.applied is None:
            return frozenset(), frozenset()
        parcel = self.applied.profile.parcel_layer
        roles = (parcel.by_role(role) for role in ("sheet", "parcel_number", "commune"))
        by_role = frozenset(column.name for column in roles if column is not None)
        return frozenset(parcel.key_columns), frozenset(parcel.label_columns) | by_role

    def basis_column(self, layer: str) -> str | None:
        """The column that names the decision behind a feature; None where the layer has none."""
        definition = self.applied.profile.layer(layer) if self.applied else None
        return definition.basis_from.number if definition and definition.basis_from else None

    def is_secret_check(self, procedure: str, check: str) -> bool:
        """Whether a check of the procedure would name a layer that is not to be known; one that is gone might."""
        definition = self.applied.profile.procedure(procedure) if self.applied else None
        found = next((one for one in definition.checks if one.id == check), None) if definition else None
        return found is None or any(self.sight(one.layer).is_secret for one in relations_of(found))


@dataclass(frozen=True, slots=True)
class Applied:
    """A profile under its digest: equal digests are equal profiles, and quickly told to be."""

    digest: str
    profile: Profile = field(compare=False)


@lru_cache(maxsize=8)
def _outcomes(applied: Applied) -> Mapping[str, frozenset[str]]:
    """The columns of each layer on which outcomes depend."""
    return {layer.id: outcome_columns(applied.profile, layer) for layer in applied.profile.layers}


@lru_cache(maxsize=8)
def _facts(applied: Applied) -> Mapping[str, frozenset[str]]:
    """The columns of each layer that a record may hold."""
    profile = applied.profile
    return {layer.id: frozenset(fact_columns(profile, layer)) for layer in profile.layers}


def view_of(
    catalogue: Catalogue, principal: Principal, *, purpose: str | None, day: date, layers: Container[str] | None = None
) -> View:
    """The caller's sight of every layer, or of these. A layer the profile no longer has is seen by nobody."""
    applied = Applied(catalogue.profile_digest, catalogue.profile)
    asked = _Asked(_key(catalogue, principal, purpose, day), catalogue, principal, purpose, day)
    sights = {name: _sight(asked, name) for name in catalogue.layers if layers is None or name in layers}
    withdrawn = frozenset(name for name, state in catalogue.layers.items() if state.state == "withdrawn")
    return View(sights, withdrawn, catalogue.policy_digest, applied=applied)


def sight_of_parcels(catalogue: Catalogue, principal: Principal, *, purpose: str | None, day: date) -> Sight:
    """What the caller may see of the parcel layer, whatever a check of it depends on: what look-ups go by."""
    return _of_parcels(_Asked(_key(catalogue, principal, purpose, day), catalogue, principal, purpose, day))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose sight it is and what it follows from; `key` names all of that."""

    key: tuple[object, ...]
    catalogue: Catalogue = field(compare=False)
    principal: Principal = field(compare=False)
    purpose: str | None = field(compare=False)
    day: date = field(compare=False)


def _key(catalogue: Catalogue, principal: Principal, purpose: str | None, day: date) -> tuple[object, ...]:
    who = (principal.id, principal.roles, principal.office, principal.sector, principal.is_operator)
    claims = tuple(sorted((name, tuple(values)) for name, values in principal.claims.items()))
    rules = (catalogue.policy_digest, catalogue.profile_digest, catalogue.active_agreements)
    return (*who, claims, *rules, purpose, day)


@lru_cache(maxsize=1024)
def _of_parcels(asked: _Asked) -> Sight:
    """Every look-up comes by here, twice: as `_sight`."""
    catalogue = asked.catalogue
    return sight_of(
        asked.principal, catalogue.profile.parcel_layer, catalogue.grants, purpose=asked.purpose, day=asked.day,
        active_agreements=catalogue.active_agreements,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _sight(asked: _Asked, layer: str) -> Sight:
    """Every check comes by here: what one policy says of one caller is worked out once a day."""
    catalogue = asked.catalogue
    return sight_of(
        asked.principal,
        catalogue.layers[layer].definition,
        catalogue.grants,
        purpose=asked.purpose,
        day=asked.day,
        active_agreements=catalogue.active_agreements,
        outcome_columns=_outcomes(Applied(catalogue.profile_digest, catalogue.profile))[layer],
    )
