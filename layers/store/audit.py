"""Access events: who asked for what, what was decided, how much went out. No event, no data.

What is built whole before it leaves is one insert with its counts, in the caller's transaction. What takes long or is
streamed opens with one event and closes with another (`opened`). Tiles and 304 answers are too many for either: they
are counted in memory and written once a minute; when that fails, counting refuses and with it the serving of what is
counted.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter as Tally
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

import anyio
import psycopg
import structlog

from gis.errors import LienthongError
from layers.access.decide import Decision
from layers.access.principal import Principal
from layers.errors import ForbiddenError, NotFoundError, StoreError

from .connection import Connection, Database, execute, raw, text_array
from .statements import blocks

CLOSING_S = 5
log = structlog.get_logger("lienthong")


@dataclass(frozen=True, slots=True)
class Event:
    """One access. `request` is a digest of the normalised request, never its values; no geometry, token, attribute."""

    principal: str
    action: str
    decision: Literal["allow", "deny"]
    phase: Literal["whole", "opened", "closed"] = "whole"
    access: str | None = None  #: names what an opening and its closing belong to
    os_user: str | None = None
    roles: tuple[str, ...] = ()
    office: str | None = None
    sector: str | None = None
    layer: str | None = None
    used: tuple[str, ...] = ()  #: layers a check measured
    purpose: str | None = None
    dossier: str | None = None
    reason: str | None = None
    grants: tuple[str, ...] = ()
    policy: str | None = None
    revision: int | None = None
    request: str | None = None
    outcome: str | None = None  #: digest of what was answered
    features: int | None = None
    bytes: int | None = None
    accesses: int = 1
    trace: str | None = None

    @classmethod
    def of(cls, principal: Principal, action: str, decision: Literal["allow", "deny"], **more: Any) -> Self:
        """An event of a caller that no layer's decision stands behind."""
        return cls(
            principal.id, action, decision, os_user=principal.os_user, roles=tuple(sorted(principal.roles)),
            office=principal.office, sector=principal.sector, **more,
        )  # fmt: skip

    @classmethod
    def of_decision(cls, principal: Principal, decided: Decision, **more: Any) -> Self:
        """The event of a decision on a layer."""
        found = {"layer": decided.layer, "reason": decided.reason, "grants": decided.grants, **more}
        return cls.of(principal, decided.action, "allow" if decided.is_allowed else "deny", **found)

    def opening(self) -> Self:
        """The event that an access begins with."""
        return replace(self, phase="opened", access=uuid.uuid4().hex)

    def closing(self, **more: Any) -> Self:
        """The event that the access of this opening ends with."""
        if self.phase != "opened":
            raise ValueError("only an access that was opened can be closed")
        return replace(self, phase="closed", **more)

    def with_result(self, **more: Any) -> Self:
        """The same access with what is known after the answer was made (request, features, trace)."""
        return replace(self, **more)

    def columns(self) -> dict[str, object]:
        """The row of access.event."""
        return {name: text_array(value) if type(value) is tuple else value for name, value in self._items()}

    def _items(self) -> Iterable[tuple[str, object]]:
        return ((name, getattr(self, name)) for name in _COLUMNS)


_COLUMNS = tuple(field.name for field in fields(Event))


async def record(connection: Connection, event: Event, *, is_read: bool = False) -> None:
    """One insert. Raises psycopg errors: the caller's transaction must not commit, its answer must not leave.

    `is_read` lets the commit return before the log is on disk: a crash of the database server can lose the events of
    the last half second, of reads only. What changes data, a check or an export never takes this way.
    """
    await raw(connection, blocks("audit")["record_read" if is_read else "record"], event.columns())


class Access:
    """One access under way. What it is closed with is the caller's to write, in the transaction of the result."""

    def __init__(self, event: Event, opening: Awaitable[None] | None = None) -> None:
        self.event = event
        self.is_closed = False
        self._opening = None if opening is None else asyncio.ensure_future(opening)

    async def stands(self) -> None:
        """Its opening is written. Raises psycopg errors when it cannot be: nothing may be concluded then."""
        if self._opening is not None:
            await asyncio.shield(self._opening)

    async def is_standing(self) -> bool:
        """The same for whoever has failed already, whatever ended it; false, too, where it takes too long."""
        with anyio.move_on_after(CLOSING_S, shield=True):
            try:
                await self.stands()
            except (psycopg.Error, OSError) as failure:
                log.warning("access_not_opened", access=self.event.access, error=type(failure).__name__)
            else:
                return True
        return False

    def closing(self, **more: Any) -> Event:
        """The closing event, for the caller to insert with the result."""
        self.is_closed = True
        return self.event.closing(**more)


@asynccontextmanager
async def opened(
    database: Database, event: Event, *, is_read: bool = False, is_beside: bool = False
) -> AsyncIterator[Access]:
    """Write the opening, run the block, and close what fails with the reason. A process that dies leaves it open.

    Raises psycopg errors before the block when the opening cannot be written. `is_read`: nothing leaves before the
    closing is on disk, so the opening need not wait for the disk itself. `is_beside`: the block begins while it is
    being written, and must ask whether it stands (`Access.stands`) before it concludes anything.
    """
    opening = event.opening()
    writing = _write(database, opening, is_read=is_read)
    if not is_beside:
        await writing
    access = Access(opening, writing if is_beside else None)
    try:
        yield access
        await access.stands()
    except BaseException as error:
        if await access.is_standing():
            await _close_failed(database, access.event, error)
        raise


async def _write(database: Database, event: Event, *, is_read: bool) -> None:
    async with database.connection() as connection:
        await record(connection, event, is_read=is_read)


async def _close_failed(database: Database, event: Event, error: BaseException) -> None:
    """What went wrong is told by its code only. An access whose failure cannot be written stays open, and shows so."""
    code = error.code if isinstance(error, LienthongError) else "error"
    reason = code if isinstance(error, Exception) else "cancelled"
    decision = "deny" if isinstance(error, ForbiddenError | NotFoundError) else event.decision
    try:
        with anyio.move_on_after(CLOSING_S, shield=True):
            async with database.connection() as connection:
                await record(connection, event.closing(decision=decision, reason=reason, features=0, bytes=0))
    except (psycopg.Error, OSError) as failure:
        log.warning("access_not_closed", access=event.access, error=type(failure).__name__)


class Counter:
    """Tiles and 304 answers of one process, by everything but their number."""

    def __init__(self) -> None:
        self._counts: Tally[Event] = Tally()
        self._is_broken = False

    def count(self, event: Event) -> None:
        """One access more. Raises StoreError after a flush that failed: what cannot be recorded is not served."""
        if self._is_broken:
            raise _unrecorded()
        one = event if event.accesses == 1 else replace(event, accesses=1)  # a copy costs more than the rest
        self._counts[one] += event.accesses

    @property
    def waiting(self) -> int:
        """Accesses that are not written yet."""
        return sum(self._counts.values())

    async def flush(self, database: Database) -> int:
        """Write and forget; the number of accesses written. Raises StoreError and keeps all when it fails, be it that
        no connection is to be had; a later flush that works heals the counter. One that is cancelled keeps all, too."""
        taken, self._counts = self._counts, Tally()
        try:
            async with database.transaction() as connection:
                await _insert(connection, (replace(event, accesses=number) for event, number in taken.items()))
        except BaseException as error:
            self._counts.update(taken)
            if not isinstance(error, psycopg.Error | OSError):
                raise
            self._is_broken = True
            raise _unrecorded() from error
        self._is_broken = False
        return sum(taken.values())


async def _insert(connection: Connection, events: Iterable[Event]) -> None:
    for event in events:
        await execute(connection, blocks("audit")["record"], event.columns())


def _unrecorded() -> StoreError:
    return StoreError(
        "Không ghi được nhật ký truy cập, nên tạm ngừng cung cấp dữ liệu. Kiểm tra cơ sở dữ liệu.",
        "Accesses cannot be recorded, so data is not served. Check the database.",
    )
