"""Recorded checks, read again: each caller sees their own projection, and only of what is within their rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

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
from .telling import shows_shape


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
        shown = await _readable(connection, reader, stored) if stored else None
        right = Right(None)
        if stored and shown and shown.view.reserves(layers_of(shown.content)):
            right = await reader.right_to(connection, stored)
        # an event that counts a new reader waits for the disk, as what it counts does
        is_read = right.bound_by is None
        await _leave_event(connection, catalogue, principal, stored, is_allowed=shown is not None, is_read=is_read)
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
    layer = catalogue.profile.parcel_layer.id if parcel is not None else None
    async with database.transaction() as connection:
        fids = await _fids(connection, Seeker(catalogue, principal, None, reader.day), parcel) if parcel else []
        found = await records(connection, dossier=dossier, layer=layer, fids=fids) if fids or not parcel else []
        rights = await reader.rights_in_list(connection, found)
        readable = [(rights[stored.id], await _readable(connection, reader, stored)) for stored in found]
        answers = [shown.answer(right) for right, shown in readable if shown is not None]
        await _leave_event(connection, catalogue, principal, None, is_allowed=True, dossier=dossier, count=len(answers))
    return answers


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


async def _readable(connection: Connection, reader: Reader, stored: RecordRow) -> _Readable | None:
    """None where the record is not the caller's and its dossier or its subject is outside their rights."""
    content = opened(stored)
    view = view_of(reader.catalogue, reader.principal, purpose=reader.purpose_for(stored), day=reader.day)
    is_own = stored.principal == reader.principal.id
    if not is_own and not _reaches(reader.principal, view, content["subject"]):
        return None
    return _Readable(content, digest(stored.body), view) if await reader.may_read(connection, stored) else None


def _reaches(principal: Principal, view: View, subject: Mapping[str, Any]) -> bool:
    """Does the caller see the parcel as it was measured? A drawn shape belongs to whoever drew it."""
    if principal.is_operator:
        return True
    if subject["layer"] is None:
        return False
    return shows_shape(view.sight(subject["layer"]), subject["attributes"])


async def _leave_event(
    connection: Connection,
    catalogue: Catalogue,
    principal: Principal,
    stored: RecordRow | None,
    *,
    is_allowed: bool,
    is_read: bool = True,
    dossier: str | None = None,
    count: int = 1,
) -> None:
    event = audit.Event.of(
        principal,
        "check",
        "allow" if is_allowed else "deny",
        layer=stored.subject_layer if stored else None,
        purpose=stored.purpose if stored else None,
        dossier=stored.dossier if stored else dossier,
        reason=None if is_allowed else "no_grant",
        policy=catalogue.policy_digest,
        outcome=stored.digest if stored else None,
        features=count if is_allowed else 0,
    )
    await audit.record(connection, event, is_read=is_read)
