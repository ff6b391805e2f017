"""The chain of seals over access events: each names its events, their digests, and the digest of the seal before.

An event cannot be changed, removed or put in between without a seal that no longer fits; a chain cut off at its end, or
written anew, no longer fits what was witnessed (layers/sharing/witness.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, LiteralString

import anyio
import psycopg

from layers.canonical import canonical, digest_of
from layers.errors import StoreError

from .audit import Event
from .connection import Connection, Database, Values, execute, row, rows
from .statements import blocks

#: a seal is one row and is verified in one piece: a longer backlog becomes several
MOST_EVENTS = 2_000
#: what the digest of an event covers: all of its row
_COLUMNS = ("id", "at", "transaction", *(field.name for field in fields(Event)))


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends. `number` 0: nothing was sealed yet."""

    database: str
    cluster: str
    number: int
    digest: str | None
    chain: str | None  #: the digest of the first seal names the whole
    event: int | None  #: the last event in it
    snapshot: str | None  #: every transaction over by then has its events sealed
    now: str


@dataclass(frozen=True, slots=True)
class Seal:
    """One link. `entries` are the events with their digests, in order."""

    number: int
    sealed: datetime
    cluster: str
    snapshot: str
    entries: tuple[tuple[int, bytes], ...]
    previous: str | None

    @property
    def digest(self) -> str:
        return digest_of(
            {
                "number": self.number,
                "sealed": self.sealed.astimezone(UTC).isoformat(),
                "cluster": self.cluster,
                "snapshot": self.snapshot,
                "events": [[event, digest.hex()] for event, digest in self.entries],
                "previous": self.previous,
            }
        )

    def columns(self) -> dict[str, object]:
        """The row of access.seal."""
        return {
            "number": self.number, "sealed": self.sealed, "cluster": self.cluster, "snapshot": self.snapshot,
            "events": [event for event, _ in self.entries], "digests": [digest for _, digest in self.entries],
            "previous": self.previous, "digest": self.digest,
        }  # fmt: skip


def event_digest(event: Mapping[str, Any]) -> bytes:
    """SHA-256 over the event's canonical JSON. Empty columns are left out, so that a later one changes no digest."""
    told = {name: event[name] for name in _COLUMNS if event[name] is not None}
    told["at"] = event["at"].astimezone(UTC).isoformat()
    return hashlib.sha256(canonical(told).encode()).digest()


class Sealing:
    """Puts seals on what was committed. Several may run, in several processes: one at a time does the work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: nothing was unsealed at this snapshot: of use while the chain's own says nothing about this cluster
        self._nothing_at: str | None = None

    async def seal(self) -> Head:
        """Seal everything committed so far; the end of the chain. Raises StoreError when it cannot."""
        try:
            async with self._database.connection() as connection:
                head, since = await self._standing(connection)
                if since is not None and not await _is_anything_new(connection, since):
                    return head
            async with self._database.transaction() as connection:
                locked = await row(connection, blocks("seals")["lock"])
                if locked is None or not locked["is_mine"]:
                    return head
                return await self._seal_all(connection)
        except (psycopg.Error, OSError) as error:
            raise StoreError(
                "Không niêm phong được nhật ký truy cập. Kiểm tra cơ sở dữ liệu.",
                "Access events cannot be sealed. Check the database.",
            ) from error

    async def _standing(self, connection: Connection) -> tuple[Head, str | None]:
        """The head, and the snapshot up to which nothing is left to seal; None when nobody has looked yet."""
        found = await row(connection, blocks("seals")["head"])
        assert found is not None  # one row, whether there is a seal or not
        is_continued = found.pop("is_continued")
        head = Head(**{**found, "number": found["number"] or 0})
        return head, head.snapshot if is_continued else self._nothing_at

    async def _seal_all(self, connection: Connection) -> Head:
        head, since = await self._standing(connection)
        number, previous, event = head.number, head.digest, head.event
        chain = head.chain
        async with aclosing(_unsealed(connection, since)) as unsealed:
            async for events in unsealed:
                number += 1
                seal = Seal(
                    number=number, sealed=datetime.now(UTC), cluster=head.cluster, snapshot=events[0]["snapshot"],
                    entries=tuple((each["id"], event_digest(each)) for each in events), previous=previous,
                )  # fmt: skip
                await insert_seal(connection, seal)
                previous, event = seal.digest, seal.entries[-1][0]
                chain = chain or seal.digest
        if number == head.number:
            self._nothing_at = head.now
        return Head(head.database, head.cluster, number, previous, chain, event, None, head.now)


async def insert_seal(connection: Connection, seal: Seal) -> None:
    await execute(connection, blocks("seals")["seal"], seal.columns())


async def _is_anything_new(connection: Connection, since: str) -> bool:
    return await row(connection, blocks("seals")["is_anything_new"], {"snapshot": since}) is not None


def _unsealed(connection: Connection, since: str | None) -> AsyncGenerator[list[dict[str, Any]]]:
    """Events for one seal after another; in one snapshot, in bounded memory."""
    statement = blocks("seals")["never_sealed" if since is None else "new"]
    return _streamed(connection, statement, {"snapshot": since})


async def _streamed(
    connection: Connection, statement: LiteralString, values: Values | None = None
) -> AsyncGenerator[list[dict[str, Any]]]:
    """Whoever may stop before the end closes it (`aclosing`): the cursor lives as long as its transaction."""
    cursor = connection.cursor(name="events")
    try:
        await cursor.execute(statement, values or None)
        while found := await cursor.fetchmany(MOST_EVENTS):
            yield found
    finally:
        with anyio.CancelScope(shield=True):  # a service that ends in the middle closes it all the same
            await cursor.close()


# ── reading the chain ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Outside:
    """An event that is in no seal. `is_late`: it says it was there when the last seal was made."""

    id: int
    at: datetime
    is_late: bool


class Chain:
    """The chain and its events as of one instant, read in bounded memory."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def of(cls, database: Database) -> AsyncIterator[Chain]:
        async with database.transaction(snapshot=True) as connection:
            await row(connection, blocks("seals")["walking"])
            yield cls(connection)

    async def head(self) -> Head:
        found = await row(self._connection, blocks("seals")["head"])
        assert found is not None  # one row, whether there is a seal or not
        found.pop("is_continued")
        return Head(**{**found, "number": found["number"] or 0})

    async def entries(self) -> AsyncIterator[Mapping[str, Any]]:
        """Every sealed event beside its row as it is now: columns of block `walk`."""
        async for batch in _streamed(self._connection, blocks("seals")["walk"]):
            for entry in batch:
                yield entry

    async def outside(self) -> AsyncIterator[Outside]:
        async for batch in _streamed(self._connection, blocks("seals")["outside"]):
            for found in batch:
                yield Outside(**found)

    async def digests(self, numbers: Sequence[int]) -> dict[int, str]:
        """Digests of those of these seals that are there."""
        found = await rows(self._connection, blocks("seals")["seals_by_number"], {"numbers": list(numbers)})
        return {each["number"]: each["digest"] for each in found}

    async def left_open(self) -> tuple[int, datetime | None]:
        """How many accesses have no end, and since when the earliest is."""
        found = await row(self._connection, blocks("seals")["left_open"])
        assert found is not None  # one row: a count
        return found["number"], found["earliest"]
