"""The log of a layer tells its reader of no grant that is not theirs to know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from layers.sharing.accesses import LOCAL_TIME, Period, readers_of
from layers.store import audit
from layers.store.audit import Event
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from tests.support import policies
from tests.support.policies import OPERATOR, REVIEWERS

pytestmark = pytest.mark.anyio


async def test_a_check_names_to_an_owner_only_the_grants_about_their_layer(database: Database) -> None:
    event = Event(
        "reviewer", "check", "allow", layer="secret", used=("parcel",), grants=(REVIEWERS, "officer_secret", "gone")
    )
    async with database.connection() as connection:
        await audit.record(connection, event)
        catalogue = await load_catalogue(connection)
    today, told = datetime.now(UTC).astimezone(LOCAL_TIME).date(), []
    for reader in (policies.owner(), OPERATOR):
        found = await readers_of(
            database, catalogue, reader, "parcel", Period.of(None, None, today), today=today, action="check"
        )
        told.append([each.grants for each in found.events])
    assert told == [[[REVIEWERS]], [[REVIEWERS, "officer_secret", "gone"]]]
