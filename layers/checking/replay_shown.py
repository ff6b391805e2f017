"""A replay for somebody who may read the record: both answers as they are shown to them, and nothing reserved anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread

from layers.access.principal import Principal
from layers.canonical import canonical
from layers.errors import ForbiddenError, NotFoundError
from layers.profile.profile import digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, record
from layers.store.connection import Database
from layers.store.divisions import division

from .answer import View, layers_of, project, view_of
from .division_history import find_division
from .evidence import opened
from .history import find_answer
from .replay import RECORDED, Moment, Replay, asked_again, compared, event_of, made_between
from .request import LOCAL_TIME
from .reserved import Reader
from .tasks import owned
from .telling import rows_of_subject, shows_shape
from .threads import limiter_of_loop


@dataclass(frozen=True, slots=True)
class ShownReplay:
    """`is_guarded`: it was worked out from what the caller may not see."""

    replay: Replay
    is_guarded: bool


async def replay_for(
    database: Database,
    catalogue: Catalogue,
    record_id: str,
    moment: Moment,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
    limit: Callable[[str, str | None], None] = lambda procedure, purpose: None,
) -> ShownReplay:
    """Raises NotFoundError for a record that is not the caller's, ForbiddenError for a parcel they no longer see as it
    is measured; whatever `replay` and `limit` raise."""
    instant = now or datetime.now(UTC)
    answer = await find_answer(database, catalogue, record_id, principal, purposes=purposes, now=instant)
    async with database.connection() as connection:
        stored = await record(connection, record_id)
    if stored is None:
        raise NotFoundError
    reader = Reader(catalogue, principal, purposes, instant.astimezone(LOCAL_TIME).date())
    limit(answer.content["procedure"]["id"], reader.purpose_for(stored))
    return await _asked_again(database, reader, stored, moment, instant)


async def replay_division_for(
    database: Database,
    catalogue: Catalogue,
    division_id: str,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
    limit: Callable[[str, str | None], None] = lambda procedure, purpose: None,
) -> list[ShownReplay]:
    """Every part of a split or a merge run again on its own cut, in their order, for whoever may read the division:
    each is told as the replay of a check is. Raises what `replay_for` raises."""
    instant = now or datetime.now(UTC)
    await find_division(database, catalogue, division_id, principal, purposes=purposes, now=instant)
    async with database.connection() as connection:
        row = await division(connection, division_id)
        records = [await record(connection, name) for name in row.records] if row else []
    reader = Reader(catalogue, principal, purposes, instant.astimezone(LOCAL_TIME).date())
    known = [stored for stored in records if stored is not None]
    for stored in known:
        limit(opened(stored)["procedure"]["id"], reader.purpose_for(stored))
    return [await _asked_again(database, reader, stored, RECORDED, instant) for stored in known]


async def _asked_again(
    database: Database, reader: Reader, stored: RecordRow, moment: Moment, instant: datetime
) -> ShownReplay:
    """For a reader whose the record is to read."""
    catalogue, principal = reader.catalogue, reader.principal
    view = view_of(catalogue, principal, purpose=reader.purpose_for(stored), day=reader.day)
    content = opened(stored)
    async with audit.opened(database, event_of(principal, content, catalogue)) as access:
        again = await asked_again(database, content, moment, catalogue=catalogue, now=instant)
        _require_shape(view, principal, again["subject"])
        found = await to_thread.run_sync(
            _compared, view, content, again, moment, limiter=limiter_of_loop()
        )  # fmt: skip
        owns = owned(catalogue, principal, reader.day)
        made = tuple(
            each if each.layer in owns else replace(each, note=None)  # free text of whoever published
            for each in await made_between(database, found)
        )
        async with database.connection() as connection:
            await audit.record(connection, access.closing(features=len(found.changes)))
    return ShownReplay(replace(found, made=made), view.guards(layers_of(content)) or view.guards(layers_of(again)))


def _require_shape(view: View, principal: Principal, subject: Mapping[str, Any]) -> None:
    """A parcel may have become another one, and rights may have ended."""
    if principal.is_operator or subject["layer"] is None:
        return
    sight = view.sight(subject["layer"])
    if not all(shows_shape(sight, attributes) for attributes in rows_of_subject(subject)):
        raise ForbiddenError(
            "Bạn không còn được xem ranh giới chính xác của thửa đất này nên không chạy lại được; hãy liên hệ cơ quan "
            "quản lý.",
            "You no longer see the exact boundary of this parcel, so its check cannot be replayed for you; please ask "
            "its office.",
            reason="precision",
        )


def _compared(view: View, old: Mapping[str, Any], new: Mapping[str, Any], moment: Moment) -> Replay:
    """Of the whole records where all they hold may be seen; else of what is shown of each.

    What is told for a dossier only is told once, by the check: a replay would be one question more.
    """
    if view.sees_record(old) and view.sees_record(new):
        return replace(compared(old, new, moment), digest=digest(canonical(old)), replayed=digest(canonical(new)))
    untold = replace(view, untold="needs_dossier")
    shown, again = (_shown(content, untold) for content in (old, new))
    return compared(shown, again, moment)


def _shown(content: Mapping[str, Any], view: View) -> dict[str, Any]:
    """The projection without what only names it."""
    shown = dict(project(content, "", view).content)
    evidence = shown.pop("evidence")
    return {**shown, "engine": evidence["engine"], "rules": evidence["rules"], "cut": evidence["cut"]}
