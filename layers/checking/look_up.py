"""Parcels by number, code or place, for one caller."""

from __future__ import annotations

from datetime import UTC, datetime

from layers.access.principal import Principal
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import read_cut
from layers.store.connection import Database

from .reading import TIMEOUT_MS, Seeker
from .request import LOCAL_TIME, ParcelQuery
from .subject import Candidate, UnknownCommuneError


async def look_up(
    database: Database,
    catalogue: Catalogue,
    query: ParcelQuery,
    principal: Principal,
    *,
    purpose: str | None = None,
    now: datetime | None = None,
) -> list[Candidate]:
    """The candidates within the caller's rights; none where nothing answers. Raises InvalidRequestError,
    UnavailableError while the parcel layer cannot be looked into."""
    today = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    layer = catalogue.profile.parcel_layer.id
    seeker = Seeker(catalogue, principal, purpose, today)
    async with database.transaction() as connection:
        cut = await read_cut(connection, {layer: None}, instant=None, timeout_ms=TIMEOUT_MS)
        try:
            found = [candidate for _, candidate in await seeker.found(connection, cut, query)]
        except UnknownCommuneError:
            found = []
        event = audit.Event.of(
            principal, "items", "allow", layer=layer, purpose=purpose, policy=catalogue.policy_digest,
            revision=cut[layer].revision, features=len(found), grants=seeker.sight().grants,
        )  # fmt: skip
        await audit.record(connection, event, is_read=True)
    return found
