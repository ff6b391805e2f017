"""Every access leaves its event: an insert with the rows it read; tiles and 304 are counted and written each minute."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import structlog
from starlette.requests import Request

from gis.errors import LienthongError
from layers.access.grammar import Action
from layers.access.rates import RateLimits
from layers.errors import TooManyError
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection, Database
from ogc.auth import principal_of

from .clock import Clock
from .relation import Decisions, Relation

FLUSH_EVERY_S = 60.0
#: while nothing can be written nothing counted is served, so it is tried again soon
HEALED_EVERY_S = 2.0
#: of one caller from one address: verifications, files opened by a reader process, matrices of coverage
VERIFICATIONS, FILES, MATRICES = "120/min", "30/min", "60/min"
#: papers made or looked at for one caller at one address: each takes up to a second of the one thread that seals
PAPERS = "60/min"
#: what a path names as a layer is kept if it could be one: anything else may be a secret pasted into an address
_LAYER_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")
log = structlog.get_logger("lienthong")


class Accesses:
    """The events of one process, and how often grants were used in it. `key` hides what was asked for."""

    def __init__(self, database: Database, key: bytes, clock: Clock) -> None:
        self._database = database
        self._key = key
        self._counter = audit.Counter()
        self._limits = RateLimits(lambda: clock().timestamp())

    async def record(
        self, connection: Connection, relation: Relation, *, asked: str, features: int, size_bytes: int
    ) -> None:
        """The event of a read, written before its answer leaves; when it cannot be written, nothing leaves."""
        event = relation.event.with_result(request=self._digest(asked), features=features, bytes=size_bytes)
        await audit.record(connection, event, is_read=True)

    @asynccontextmanager
    async def exporting(self, relation: Relation, asked: str) -> AsyncIterator[Export]:
        """An export: its opening before the first byte, its closing with what has left, whatever ended it."""
        event = relation.event.with_result(request=self._digest(asked))
        async with audit.opened(self._database, event) as access:
            yield Export(self._database, access)

    def counted(self, relation: Relation) -> None:
        """One tile or one 304 more. Raises StoreError when earlier ones could not be written."""
        self._counter.count(relation.event)

    async def refused(self, request: Request, relation: Relation | None, layer_id: str, action: Action) -> None:
        """The event of a refusal. A missing and a hidden layer leave the same one, by the same way."""
        if relation is not None:
            event = relation.event
        else:
            layer = layer_id if _LAYER_ID.fullmatch(layer_id) else None
            event = audit.Event.of(principal_of(request), action, "deny", layer=layer, reason="not_found")
        async with self._database.connection() as connection:
            await audit.record(connection, event, is_read=True)

    async def refused_edit(self, relation: Relation, reason: str) -> None:
        """The event of a change that was refused for what stands in the rows: the owner sees who tries."""
        async with self._database.connection() as connection:
            await audit.record(connection, relation.event.with_result(decision="deny", reason=reason))

    async def refused_check(self, request: Request, dossier: str | None, reason: str) -> None:
        """The event of a check that was refused before it was opened."""
        event = audit.Event.of(principal_of(request), "check", "deny", dossier=dossier, reason=reason)
        async with self._database.connection() as connection:
            await audit.record(connection, event, is_read=True)

    def limit(self, relation: Relation) -> None:
        """One use of the grants behind the relation. Raises TooManyError, which leaves its event too, counted: who asks
        too often must not make the service write as often."""
        wait_s = self._limits.take(relation.principal.id, relation.decision.rates)
        if wait_s:
            self._counter.count(relation.event.with_result(decision="deny", reason="rate"))
            raise TooManyError(wait_s)

    def limit_check(self, request: Request, catalogue: Catalogue, procedure: str, purpose: str | None) -> None:
        """One check by the grants on the layers it measures, each grant counted once. Raises TooManyError."""
        definition, who = catalogue.profile.procedure(procedure), principal_of(request)
        decisions: Decisions = request.app.state.decisions
        meant = purpose or (definition.purpose if definition else None)
        names = sorted(definition.layers() if definition else ())
        decided = [decisions.of(catalogue, catalogue.layers[name], who, "check", meant) for name in names]
        for rates in dict.fromkeys(decision.rates for decision in decided):
            wait_s = self._limits.take(who.id, rates)
            if wait_s:
                denied = audit.Event.of(
                    who, "check", "deny", reason="rate", purpose=meant, policy=catalogue.policy_digest,
                    used=tuple(decision.layer for decision in decided if decision.rates == rates),
                )  # fmt: skip
                self._counter.count(denied)
                raise TooManyError(wait_s)

    def limit_verification(self, request: Request) -> None:
        """One verification of an extract, from one place. Raises TooManyError."""
        self._limit_place(request, "verify", VERIFICATIONS)

    def limit_paper(self, request: Request) -> None:
        """One paper made of a check, or one handed back, for one place. Raises TooManyError."""
        self._limit_place(request, "paper", PAPERS)

    def limit_file(self, request: Request) -> None:
        """One file to be opened, from one place. Raises TooManyError."""
        self._limit_place(request, "file", FILES)

    def limit_matrix(self, request: Request) -> None:
        """One matrix of coverage, for one place. Raises TooManyError."""
        self._limit_place(request, "matrix", MATRICES)

    def _limit_place(self, request: Request, what: str, rate: str) -> None:
        who = f"{principal_of(request).id} {request.client.host if request.client else ''}"
        wait_s = self._limits.take(who, ((what, rate),))
        if wait_s:
            raise TooManyError(wait_s)

    async def flush(self) -> None:
        """Write what was counted. Raises StoreError, whatever keeps the database from being reached."""
        await self._counter.flush(self._database)

    async def flush_forever(self) -> None:
        """A failure is logged and tried again: until then nothing counted is served."""
        pause_s = FLUSH_EVERY_S
        while True:
            await anyio.sleep(pause_s)
            try:
                await self.flush()
            except LienthongError:
                log.exception("events_not_written")
                pause_s = min(HEALED_EVERY_S, FLUSH_EVERY_S)
            else:
                pause_s = FLUSH_EVERY_S

    def _digest(self, asked: str) -> str:
        """Keyed: whoever reads the events cannot try out which filter or number was asked for."""
        return hashlib.blake2b(asked.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).hexdigest()


class Export:
    """One export under way."""

    def __init__(self, database: Database, access: audit.Access) -> None:
        self._database, self._access = database, access

    async def close(self, *, features: int, size_bytes: int, reason: str | None = None) -> None:
        """Raises psycopg errors: what cannot be recorded must not leave."""
        more: dict[str, Any] = {} if reason is None else {"reason": reason}
        with anyio.CancelScope(shield=True):
            async with self._database.connection() as connection:
                closing = self._access.closing(features=features, bytes=size_bytes, **more)
                await audit.record(connection, closing)
