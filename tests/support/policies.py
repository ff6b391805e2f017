"""The shared layers with somebody who answers for them: identity `owner` of the sector land may publish `parcel`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import anyio

from layers.access.grammar import Grant
from layers.access.principal import Principal, known_as, operator
from layers.profile.apply import apply
from layers.profile.grammar import Identity
from layers.profile.grants import unplaced
from layers.profile.profile import Profile
from layers.sharing.apply import AppliedPolicy, apply_proposal
from layers.sharing.proposal import propose
from layers.store.connection import Database
from layers.store.policy import Proposal
from tests.support import shared_layers

OPERATOR = operator("tester")
OWNER = Identity.model_validate(
    {"id": "owner", "title": {"vi": "Văn phòng đất đai", "en": "Land office"}, "roles": ["land.owner"],
     "sector": "land"}
)  # fmt: skip
OWNERS_GRANT = Grant.model_validate(
    {"id": "owner_parcel", "to": {"role": "land.owner"}, "layer": "parcel", "actions": ["items", "edit", "publish"],
     "columns": {"tags": ["public", "internal", "personal"]}}
)  # fmt: skip
REVIEWERS = "parcels_of_communes"


def profile() -> Profile:
    found = shared_layers.profile()
    return found.model_copy(update={"identities": (*found.identities, OWNER)})


def first_grants() -> tuple[Grant, ...]:
    return (*shared_layers.profile().grants, OWNERS_GRANT)


def fill(url: str) -> None:
    shared_layers.fill(url)
    anyio.run(_with_owner, url)


async def _with_owner(url: str) -> None:
    async with Database.open(url, size=2) as database:
        await apply(database, profile(), "test")
        await put(database, first_grants())


def owner() -> Principal:
    return known_as(OWNER)


async def proposed(
    database: Database, grants: tuple[Grant, ...], principal: Principal = OPERATOR, **more: Any
) -> Proposal:
    return await propose(database, principal, unplaced(grants), **more)


async def put(
    database: Database, grants: tuple[Grant, ...], principal: Principal = OPERATOR, **more: Any
) -> AppliedPolicy:
    """Propose and apply."""
    await proposed(database, grants, principal)
    return await apply_proposal(database, principal, **more)


def altered(grants: tuple[Grant, ...], name: str, change: Callable[[Grant], Grant]) -> tuple[Grant, ...]:
    """The grants with one of them changed."""
    return tuple(change(grant) if grant.id == name else grant for grant in grants)


def with_fields(**fields: Any) -> Callable[[Grant], Grant]:
    """A change of some keys, written as in YAML."""

    def change(grant: Grant) -> Grant:
        return Grant.model_validate({**grant.model_dump(mode="json", by_alias=True), **fields})

    return change


def until(day: date) -> Callable[[Grant], Grant]:
    return with_fields(valid={"until": day.isoformat()})
