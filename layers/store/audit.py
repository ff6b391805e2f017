"""Access events: who asked for what, what was decided, how much went out. No event, no data.

An event is one insert in the caller's transaction. Tiles and 304 answers are too many for that: they are counted in
memory and written once a minute; when that fails, counting refuses and with it the serving of what is counted.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import psycopg

from layers.access.decide import Decision
from layers.access.principal import Principal
from layers.errors import StoreError

from .connection import Connection, execute
from .statements import blocks


@dataclass(frozen=True, slots=True)
class Event:
    """One access. `request` is a digest of the normalised request, never its values; no geometry, token, attribute."""

    principal: str
    action: str
    decision: Literal["allow", "deny"]
    os_user: str | None = None
    roles: tuple[str, ...] = ()
    layer: str | None = None
    purpose: str | None = None
    dossier: str | None = None
    reason: str | None = None
    grants: tuple[str, ...] = ()
    policy: str | None = None
    revision: int | None = None
    request: str | None = None
    features: int | None = None
    accesses: int = 1
    trace: str | None = None

    @classmethod
    def of(cls, principal: Principal, action: str, decision: Literal["allow", "deny"], **more: Any) -> Self:
        """An event of a caller that no layer's decision stands behind."""
        roles = tuple(sorted(principal.roles))
        return cls(principal.id, action, decision, os_user=principal.os_user, roles=roles, **more)

    @classmethod
    def of_decision(cls, principal: Principal, decided: Decision, **more: Any) -> Self:
        """The event of a decision on a layer."""
        return cls.of(
            principal, decided.action, "allow" if decided.is_allowed else "deny",
            layer=decided.layer, reason=decided.reason, grants=decided.grants, **more,
        )  # fmt: skip

    def with_result(self, **more: Any) -> Self:
        """The same access with what is known after the answer was made (request, features, trace)."""
        return replace(self, **more)

    def columns(self) -> dict[str, object]:
        """The row of access.event."""
        return {
            "principal": self.principal, "os_user": self.os_user, "roles": list(self.roles), "action": self.action,
            "layer": self.layer, "purpose": self.purpose, "dossier": self.dossier, "decision": self.decision,
            "reason": self.reason, "grants": list(self.grants), "policy": self.policy, "revision": self.revision,
            "request": self.request, "features": self.features, "accesses": self.accesses, "trace": self.trace,
        }  # fmt: skip


async def record(connection: Connection, event: Event, *, is_read: bool = False) -> None:
    """One insert. Raises psycopg errors: the caller's transaction must not commit, its answer must not leave.

    `is_read` lets the commit return before the log is on disk: a crash of the database server can lose the events of
    the last half second, of reads only. What changes data, a check or an export never takes this way.
    """
    await execute(connection, blocks("audit")["record_read" if is_read else "record"], event.columns())


class Counter:
    """Tiles and 304 answers of one process, by everything but their number."""

    def __init__(self) -> None:
        self._counts: Tally[Event] = Tally()
        self._is_broken = False

    def count(self, event: Event) -> None:
        """One access more. Raises StoreError after a flush that failed: what cannot be recorded is not served."""
        if self._is_broken:
            raise _unrecorded()
        self._counts[replace(event, accesses=1)] += event.accesses

    @property
    def waiting(self) -> int:
        """Accesses that are not written yet."""
        return sum(self._counts.values())

    async def flush(self, connection: Connection) -> int:
        """Write and forget; the number of accesses written. Raises StoreError and keeps all when it fails; a later
        flush that works heals the counter."""
        taken, self._counts = self._counts, Tally()
        try:
            async with connection.transaction():
                await _insert(connection, (replace(event, accesses=number) for event, number in taken.items()))
        except (psycopg.Error, OSError) as error:
            self._counts.update(taken)
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
