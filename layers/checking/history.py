"""Recorded checks, read again: each caller sees their own projection, and only of what is within their rights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from layers.access.principal import PUBLIC, Principal
from layers.errors import NotFoundError
from layers.profile.profile import digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, read_cut, record, records
from layers.store.connection import Connection, Database

from .answer import Answer, View, project, view_of
from .evidence import opened
from .reading import TIMEOUT_MS, Seeker
from .request import LOCAL_TIME, ParcelQuery
from .subject import UnknownCommuneError


async def find_answer(
    database: Database, catalogue: Catalogue, record_id: str, principal: Principal, *, now: datetime | None = None
) -> Answer:
    """One recorded check. Raises NotFoundError, the same for a record that is not there and one that is not for the
    caller, and TamperedRecordError."""
    async with database.transaction() as connection:
        stored = await record(connection, record_id)
        answer = _answer(catalogue, principal, stored, now) if stored else None
        await _leave_event(connection, catalogue, principal, stored, is_allowed=answer is not None)
    if answer is None:
        raise NotFoundError
    return answer


async def checks_of(
    database: Database,
    catalogue: Catalogue,
    principal: Principal,
    *,
    dossier: str | None,
    parcel: ParcelQuery | None,
    now: datetime | None = None,
) -> list[Answer]:
    """The newest checks of a dossier, of a parcel, or of both. Nobody in particular (public) has no list: who asked
    about a parcel is no public matter."""
    if principal.id == PUBLIC.id and not principal.is_operator:
        return []
    today = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    layer = catalogue.profile.parcel_layer.id if parcel is not None else None
    async with database.transaction() as connection:
        fids = await _fids(connection, Seeker(catalogue, principal, None, today), parcel) if parcel else []
        found = await records(connection, dossier=dossier, layer=layer, fids=fids) if fids or not parcel else []
        answers = [a for stored in found if (a := _answer(catalogue, principal, stored, now)) is not None]
        await _leave_event(connection, catalogue, principal, None, is_allowed=True, dossier=dossier, count=len(answers))
    return answers


async def _fids(connection: Connection, seeker: Seeker, parcel: ParcelQuery) -> list[int]:
    layer = seeker.catalogue.profile.parcel_layer.id
    cut = await read_cut(connection, {layer: None}, instant=None, timeout_ms=TIMEOUT_MS)
    try:
        return [candidate.fid for _, candidate in await seeker.found(connection, cut, parcel)]
    except UnknownCommuneError:
        return []


def _answer(catalogue: Catalogue, principal: Principal, stored: RecordRow, now: datetime | None) -> Answer | None:
    """The projection, or None where the record is not the caller's and its subject is outside their rights."""
    content = opened(stored)
    today = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    view = view_of(catalogue, principal, purpose=stored.purpose, day=today)
    if stored.principal != principal.id and not _reaches(principal, view, content["subject"]):
        return None
    return project(content, digest(stored.body), view)


def _reaches(principal: Principal, view: View, subject: Mapping[str, Any]) -> bool:
    """Does the caller have a right to the parcel? A drawn shape belongs to whoever drew it."""
    if principal.is_operator:
        return True
    if subject["layer"] is None:
        return False
    return view.sight(subject["layer"]).columns(subject["attributes"]) is not None


async def _leave_event(
    connection: Connection,
    catalogue: Catalogue,
    principal: Principal,
    stored: RecordRow | None,
    *,
    is_allowed: bool,
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
        request=stored.digest if stored else None,
        features=count if is_allowed else 0,
    )
    await audit.record(connection, event, is_read=True)
