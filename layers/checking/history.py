"""Recorded checks, read again: each caller sees their own projection, and only of what is within their rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from anyio import to_thread

from layers.access.principal import PUBLIC, Principal
from layers.errors import NotFoundError
from layers.profile.profile import digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, read_cut, record, records
from layers.store.connection import Connection, Database

from .answer import Answer, View, layers_of, project, view_of
from .evidence import opened
from .reading import TIMEOUT_MS, Seeker
from .request import LOCAL_TIME, ParcelQuery
from .reserved import Reader, Right
from .subject import UnknownCommuneError
from .telling import rows_of_subject, shows_shape
from .threads import limiter_of_loop

#: records in a list, and how many times as many are looked at to find those that are for the reader
MOST, PAGES = 200, 10


async def find_answer(
    database: Database,
    catalogue: Catalogue,
    record_id: str,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> Answer:
    """One recorded check. `purposes` are those the caller was given; None: they need none.

    Raises NotFoundError, the same for a record that is not there and one that is not for the caller, and
    TamperedRecordError.
    """
    reader = Reader(catalogue, principal, purposes, _today(now))
    async with database.transaction() as connection:
        stored = await record(connection, record_id)
        shown = _readable(reader, stored) if stored and await reader.may_read(connection, stored) else None
        right = Right(None)
        if stored and shown and shown.view.reserves(layers_of(shown.content)):
            right = await reader.right_to(connection, stored)
        event = _event(reader, stored, [shown] if shown else [])
        # an event that counts a new reader waits for the disk, as what it counts does
        await audit.record(connection, event, is_read=right.bound_by is None)
    if stored is None or shown is None:
        raise NotFoundError
    return shown.answer(right)


async def checks_of(
    database: Database,
    catalogue: Catalogue,
    principal: Principal,
    *,
    dossier: str | None,
    parcel: ParcelQuery | None,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> list[Answer]:
    """The newest checks of a dossier, of a parcel, or of both. Nobody in particular (public) has no list: who asked
    about a parcel is no public matter."""
    if principal.id == PUBLIC.id and not principal.is_operator:
        return []
    reader = Reader(catalogue, principal, purposes, _today(now))
    shown = await _newest(database, reader, dossier, parcel)
    event = _event_of_list(reader, dossier, [readable for readable, _ in shown])
    async with database.connection() as connection:
        await audit.record(connection, event, is_read=True)
    return [answer for _, answer in shown]


async def _newest(
    database: Database, reader: Reader, dossier: str | None, parcel: ParcelQuery | None
) -> list[tuple[_Readable, Answer]]:
    """The newest MOST that are for the reader, so that what others asked pushes out nothing; looked for among the
    newest MOST x PAGES records. They are opened in threads and outside of transactions."""
    shown: list[tuple[_Readable, Answer]] = []
    after: RecordRow | None = None
    fids: list[int] | None = None
    for _ in range(PAGES):
        async with database.transaction() as connection:
            if parcel is not None and fids is None:
                seeker = Seeker(reader.catalogue, reader.principal, None, reader.day)
                fids = await _fids(connection, seeker, parcel)
            layer = reader.catalogue.profile.parcel_layer.id if parcel is not None else None
            page = await records(connection, dossier=dossier, layer=layer, fids=fids or [], after=after, most=MOST)
            given = [stored for stored in page if await reader.may_read(connection, stored)]
            rights = await reader.rights_in_list(connection, given)
        shown += await to_thread.run_sync(_opened_page, reader, given, rights, limiter=limiter_of_loop())
        if len(shown) >= MOST or len(page) < MOST:
            break
        after = page[-1]
    return shown[:MOST]


def _opened_page(
    reader: Reader, given: Sequence[RecordRow], rights: Mapping[str, Right]
) -> list[tuple[_Readable, Answer]]:
    found = ((stored.id, _readable(reader, stored)) for stored in given)
    return [(readable, readable.answer(rights[name])) for name, readable in found if readable is not None]


def _today(now: datetime | None) -> date:
    return (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()


async def _fids(connection: Connection, seeker: Seeker, parcel: ParcelQuery) -> list[int]:
    layer = seeker.catalogue.profile.parcel_layer.id
    cut = await read_cut(connection, {layer: None}, instant=None, timeout_ms=TIMEOUT_MS)
    try:
        return [candidate.fid for _, candidate in await seeker.found(connection, cut, parcel)]
    except UnknownCommuneError:
        return []


@dataclass(frozen=True, slots=True)
class _Readable:
    """A record that the caller may read, with their view of it."""

    content: Mapping[str, Any]
    digest: str
    view: View

    def answer(self, right: Right) -> Answer:
        return project(self.content, self.digest, replace(self.view, untold=right.untold))


async def may_read(connection: Connection, reader: Reader, stored: RecordRow) -> bool:
    """Whether a record is for the reader: nothing of it is told, and nothing counted. Raises TamperedRecordError."""
    return await reader.may_read(connection, stored) and _readable(reader, stored) is not None


def _readable(reader: Reader, stored: RecordRow) -> _Readable | None:
    """None where the record is not the caller's and its subject is outside their rights. Raises TamperedRecordError."""
    content = opened(stored)
    view = view_of(reader.catalogue, reader.principal, purpose=reader.purpose_for(stored), day=reader.day)
    is_own = stored.principal == reader.principal.id
    if not is_own and not _reaches(reader.principal, view, content["subject"]):
        return None
    return _Readable(content, digest(stored.body), view)


def _reaches(principal: Principal, view: View, subject: Mapping[str, Any]) -> bool:
    """Does the caller see every parcel of it as it was measured? A shape that was drawn, pasted or uploaded belongs to
    whoever brought it."""
    if principal.is_operator:
        return True
    if subject["layer"] is None:
        return False
    sight = view.sight(subject["layer"])
    return all(shows_shape(sight, attributes) for attributes in rows_of_subject(subject))


def _event(reader: Reader, stored: RecordRow | None, shown: Sequence[_Readable]) -> audit.Event:
    """The reading of one record; like the check itself it names the layers that were measured."""
    layer = stored.subject_layer if stored else None
    return audit.Event.of(
        reader.principal, "check", "allow" if shown else "deny", layer=layer,
        used=tuple(name for name in _measured(shown) if name != layer), grants=_grants(shown),
        purpose=stored.purpose if stored else None, dossier=stored.dossier if stored else None,
        reason=None if shown else "no_grant", policy=reader.catalogue.policy_digest,
        outcome=stored.digest if stored else None, features=len(shown),
    )  # fmt: skip


def _event_of_list(reader: Reader, dossier: str | None, shown: Sequence[_Readable]) -> audit.Event:
    return audit.Event.of(
        reader.principal, "check", "allow", used=_measured(shown), grants=_grants(shown), dossier=dossier,
        policy=reader.catalogue.policy_digest, features=len(shown),
    )  # fmt: skip


def _measured(shown: Sequence[_Readable]) -> tuple[str, ...]:
    return tuple(sorted({layer for each in shown for layer in each.content["cut"]}))


def _grants(shown: Sequence[_Readable]) -> tuple[str, ...]:
    found = (each.view.sight(layer).grants for each in shown for layer in each.content["cut"])
    return tuple(sorted({grant for grants in found for grant in grants}))
