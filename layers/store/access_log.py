"""The events of one layer, read again: one by one, and summed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from .connection import Connection, rows
from .statements import blocks


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Accesses to a layer in [since, until), newest first, from before the event `after`."""

    layer: str
    since: datetime
    until: datetime
    zone: str  #: whose days are summed
    action: str | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """One access; `id` is its instant in microseconds since 1970. `is_measured`: a check that used the layer and
    handed out no feature of it."""

    id: int
    at: datetime
    principal: str
    office: str | None
    sector: str | None
    roles: list[str]
    action: str
    purpose: str | None
    dossier: str | None
    decision: str
    reason: str | None
    grants: list[str]
    accesses: int
    is_measured: bool
    features: int | None
    bytes: int | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class LoggedSum:
    """One caller's accesses of a kind on one day."""

    principal: str
    office: str | None
    sector: str | None
    purpose: str | None
    action: str
    decision: str
    day: date
    accesses: int
    features: int


async def read_events(connection: Connection, query: LogQuery, most: int) -> list[LoggedAccess]:
    """`most`, and besides all of the last one's instant."""
    found = await rows(connection, blocks("access_log")["events"], _values(query, most))
    return [LoggedAccess(**each) for each in found]


async def read_sums(connection: Connection, query: LogQuery, most: int) -> list[LoggedSum]:
    found = await rows(connection, blocks("access_log")["sums"], _values(query, most))
    return [LoggedSum(**each) for each in found]


def _values(query: LogQuery, most: int) -> dict[str, object]:
    return {name: getattr(query, name) for name in query.__slots__} | {"most": most}
