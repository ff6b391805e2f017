"""Who read a layer, how much and for what: told to those who answer for it. Reading the log is an access itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gis.errors import Message
from layers.access.matching import is_about, is_for
from layers.access.ownership import is_owner
from layers.access.principal import Principal
from layers.errors import FieldError, ForbiddenError, InvalidRequestError
from layers.store import audit
from layers.store.access_log import LoggedAccess, LoggedSum, LogQuery, read_events, read_sums
from layers.store.catalogue import Catalogue
from layers.store.connection import Database

from .changes import owned_layers

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
DEFAULT_DAYS = 30
MOST_DAYS = 366
MOST_SUMS = 1_000
#: days of which every clock and database knows the day before and after
YEARS = range(2000, 2201)
#: what an event may be about
ACTIONS = (
    "items", "tile", "map", "export", "check", "edit", "publish", "rollback", "suspend", "resume", "withdraw", "erase",
    "confirm", "log", "policy", "review", "task", "coverage", "replay",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the province, both included."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date | None, last: date | None, today: date) -> Period:
        """The last thirty days where nothing is said. Raises InvalidRequestError."""
        if not all(day is None or day.year in YEARS for day in (first, last)):
            message = Message(f"Năm phải từ {YEARS[0]} đến {YEARS[-1]}.", f"Years from {YEARS[0]} to {YEARS[-1]}.")
            raise _invalid(message)
        last = last or max(today, first or today)
        made = cls(first or last - timedelta(days=DEFAULT_DAYS - 1), last)
        if not 0 <= (made.last - made.first).days < MOST_DAYS:
            message = Message(f"Khoảng thời gian phải từ 1 đến {MOST_DAYS} ngày.", f"From 1 to {MOST_DAYS} days.")
            raise _invalid(message)
        return made

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), LOCAL_TIME)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), LOCAL_TIME)


def _invalid(message: Message) -> InvalidRequestError:
    return InvalidRequestError(message.vi, message.en, [FieldError("from", message), FieldError("until", message)])


@dataclass(frozen=True, slots=True)
class Readers:
    """`next_after`: where the following page of events begins."""

    layer: str
    period: Period
    action: str | None
    sums: tuple[LoggedSum, ...]
    are_all_summed: bool
    events: tuple[LoggedAccess, ...]
    next_after: int | None


def owns(catalogue: Catalogue, principal: Principal, layer: str, day: date) -> bool:
    """Whether the caller answers for the layer; nobody does for one that is not there."""
    state = catalogue.layers.get(layer)
    return state is not None and is_owner(
        principal, state.definition, catalogue.grants, day=day, active_agreements=catalogue.active_agreements
    )


async def readers_of(
    database: Database,
    catalogue: Catalogue,
    principal: Principal,
    layer: str,
    period: Period,
    *,
    today: date,
    action: str | None = None,
    after: int | None = None,
    most: int = 100,
) -> Readers:
    """What was read of a layer. Raises ForbiddenError for whoever does not answer for it; both leave an event."""
    event = audit.Event.of(principal, "log", "allow", layer=layer, policy=catalogue.policy_digest)
    if not owns(catalogue, principal, layer, today):
        async with database.connection() as connection:
            await audit.record(connection, event.with_result(decision="deny", reason="not_owner"), is_read=True)
        raise ForbiddenError(
            "Chỉ cơ quan quản lý lớp dữ liệu được xem nhật ký truy cập của lớp.",
            "Only those who answer for the layer may see who reads it.",
            reason="not_owner", layer=layer,
        )  # fmt: skip
    query = LogQuery(layer, period.since, period.until, LOCAL_TIME.key, action, after)
    async with database.transaction() as connection:
        sums = await read_sums(connection, query, MOST_SUMS + 1)
        events = await read_events(connection, query, most + 1)
        shown = tuple(_told(each, catalogue, principal, layer, today) for each in _whole_instants(events, most))
        await audit.record(connection, event.with_result(features=len(shown)), is_read=True)
    return Readers(
        layer, period, action, tuple(sums[:MOST_SUMS]), len(sums) <= MOST_SUMS, shown,
        next_after=shown[-1].id if len(events) > len(shown) else None,
    )  # fmt: skip


def _told(found: LoggedAccess, catalogue: Catalogue, principal: Principal, layer: str, day: date) -> LoggedAccess:
    """With those grants only that are about the layer and the reader's to know: a check names all that it stood on.

    A grant that is no more is told to who manages the layer, of what was read of the layer itself.
    """
    if principal.is_operator:
        return found
    definition, current = catalogue.layer(layer).definition, {grant.id: grant for grant in catalogue.grants}
    manages = definition in owned_layers(catalogue, principal, day)

    def is_told(name: str) -> bool:
        grant = current.get(name)
        if grant is None:
            return manages and not found.is_measured
        is_known = manages or not isinstance(grant.layer, str) or is_for(grant, principal)
        return is_known and is_about(grant, definition)

    return replace(found, grants=[name for name in found.grants if is_told(name)])


def _whole_instants(events: Sequence[LoggedAccess], most: int) -> tuple[LoggedAccess, ...]:
    """A page of about `most`: what happened at one instant is never cut in two."""
    end = min(most, len(events))
    while 0 < end < len(events) and events[end].id == events[end - 1].id:
        end += 1
    return tuple(events[:end])
