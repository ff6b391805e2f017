"""Every access leaves its event: an insert with the rows it read; tiles and 304 are counted and written each minute."""

from __future__ import annotations

import anyio
import structlog
from starlette.requests import Request

from gis.errors import LienthongError
from layers.access.grammar import Action
from layers.store import audit
from layers.store.connection import Connection, Database
from ogc.auth import principal_of

from .relation import Relation

FLUSH_EVERY_S = 60.0
log = structlog.get_logger("lienthong")


class Accesses:
    """The events of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counter = audit.Counter()

    async def record(self, connection: Connection, relation: Relation, *, request: str, features: int) -> None:
        """The event of a read, written before its answer leaves; when it cannot be written, nothing leaves."""
        event = _event(relation).with_result(request=request, features=features)
        await audit.record(connection, event, is_read=True)

    def counted(self, relation: Relation) -> None:
        """One tile or one 304 more. Raises StoreError when earlier ones could not be written."""
        self._counter.count(_event(relation))

    async def refused(self, request: Request, relation: Relation | None, layer_id: str, action: Action) -> None:
        """The event of a refusal. A missing and a hidden layer leave the same one, by the same way."""
        if relation is not None:
            event = _event(relation)
        else:
            who = principal_of(request)
            event = audit.Event.of(who, action, "deny", layer=layer_id[:64], reason="not_found")
        async with self._database.transaction() as connection:
            await audit.record(connection, event, is_read=True)

    async def flush(self) -> None:
        async with self._database.connection() as connection:
            await self._counter.flush(connection)

    async def flush_forever(self) -> None:
        """A failure is logged and tried again: until then nothing counted is served."""
        while True:
            await anyio.sleep(FLUSH_EVERY_S)
            try:
                await self.flush()
            except LienthongError:
                log.exception("events_not_written")


def _event(relation: Relation) -> audit.Event:
    return audit.Event.of_decision(
        relation.principal,
        relation.decision,
        purpose=relation.purpose,
        policy=relation.catalogue.policy_digest,
        revision=relation.state.revision,
    )
