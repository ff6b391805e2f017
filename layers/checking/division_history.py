"""Recorded divisions, read again and replayed: each part by the rules of its own record, and the ground by its own."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread

from layers.access.principal import Principal
from layers.errors import NotFoundError
from layers.profile.profile import digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, record
from layers.store.connection import Connection, Database
from layers.store.divisions import DivisionRow, division

from .answer import Answer, layers_of, project, view_of
from .division_shown import Shown, answer_of_division
from .evidence import TamperedRecordError, opened
from .replay import Replay, replay
from .request import LOCAL_TIME
from .reserved import Reader, Right
from .telling import shows_shape
from .threads import limiter_of_loop
from .view import View


async def find_division(
    database: Database,
    catalogue: Catalogue,
    division_id: str,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> Answer:
    """One recorded division, for its maker and for whoever sees all of its parcels as they were measured.

    Raises NotFoundError, the same for one that is not there and one that is not for the caller, TamperedRecordError.
    """
    today = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    reader = Reader(catalogue, principal, purposes, today)
    async with database.transaction() as connection:
        found = await _readable(connection, reader, await division(connection, division_id))
        rights = [await _right(connection, reader, found, stored) for stored in found.records] if found else []
        event = _event(reader, found)
        await audit.record(connection, event, is_read=all(right.bound_by is None for right in rights))
    if found is None:
        raise NotFoundError
    return await to_thread.run_sync(found.answer, rights, limiter=limiter_of_loop())


@dataclass(frozen=True, slots=True)
class _Readable:
    """A division that the caller may read, with the records of its parts and their view of them."""

    content: Mapping[str, Any]
    row: DivisionRow
    records: list[RecordRow]
    contents: Sequence[Mapping[str, Any]]
    view: View

    def answer(self, rights: list[Right]) -> Answer:
        shown = [
            Shown(project(content, stored.digest, replace(self.view, untold=right.untold)), content)
            for content, stored, right in zip(self.contents, self.records, rights, strict=True)
        ]
        return answer_of_division(self.content, self.row.digest, self.view, shown)


async def _readable(connection: Connection, reader: Reader, row: DivisionRow | None) -> _Readable | None:
    records = [await record(connection, name) for name in row.records] if row else []
    known = [stored for stored in records if stored is not None]
    if row is None or not known or not await reader.may_read(connection, known[0]):
        return None
    content = opened_division(row, known)
    contents = [opened(stored) for stored in known]
    view = view_of(reader.catalogue, reader.principal, purpose=reader.purpose_for(known[0]), day=reader.day)
    is_own = row.principal == reader.principal.id or reader.principal.is_operator
    parcels = [one["subject"] for one in contents if one["subject"]["layer"] is not None]
    if not is_own and not all(shows_shape(view.sight(one["layer"]), one["attributes"]) for one in parcels):
        return None
    return _Readable(content, row, known, contents, view)


def opened_division(row: DivisionRow, records: list[RecordRow]) -> dict[str, Any]:
    """The content of a stored division. Raises TamperedRecordError where texts, digests or columns do not fit."""
    content: dict[str, Any] = json.loads(row.body) if digest(row.body) == row.digest else {}
    sealed = [(part["record"], part["digest"]) for part in content.get("parts", ())]
    columns = (row.id, row.kind, row.dossier, row.principal)
    told = tuple(content.get(name) for name in ("id", "kind", "dossier", "principal"))
    if not content or columns != told or sealed != [(stored.id, stored.digest) for stored in records]:
        raise TamperedRecordError(
            f"Bản ghi tách, hợp thửa {row.id} đã bị sửa: nội dung không khớp mã băm. Hãy báo quản trị.",
            f"The division {row.id} was altered: its texts do not have their digests. Tell the administrator.",
        )
    return content


async def _right(connection: Connection, reader: Reader, found: _Readable, stored: RecordRow) -> Right:
    if not found.view.reserves(layers_of(opened(stored))):
        return Right(None)
    return await reader.right_to(connection, stored)


def _event(reader: Reader, found: _Readable | None) -> audit.Event:
    layers = tuple(sorted({name for content in found.contents for name in content["cut"]})) if found else ()
    parcels = reader.catalogue.profile.parcel_layer.id
    return audit.Event.of(
        reader.principal, "check", "allow" if found else "deny", layer=parcels if found else None,
        used=tuple(name for name in layers if name != parcels), policy=reader.catalogue.policy_digest,
        purpose=found.row.purpose if found else None, dossier=found.row.dossier if found else None,
        reason=None if found else "no_grant", outcome=found.row.digest if found else None,
        features=len(found.records) if found else 0,
        grants=tuple(sorted({grant for name in layers for grant in found.view.sight(name).grants})) if found else (),
    )  # fmt: skip


async def is_division(database: Database, record_id: str) -> bool:
    """Is this the id of a split or a merge, whoever may read it?"""
    async with database.connection() as connection:
        return await division(connection, record_id) is not None


async def replay_division(database: Database, division_id: str) -> list[Replay]:
    """Every part run again, in their order. Raises NotFoundError, TamperedRecordError, UnavailableError."""
    async with database.connection() as connection:
        row = await division(connection, division_id)
        records = [await record(connection, name) for name in row.records] if row else []
    if row is None:
        raise NotFoundError(f"Không có bản ghi '{division_id}'.", f"No record '{division_id}'.")
    opened_division(row, [stored for stored in records if stored is not None])
    return [await replay(database, name) for name in row.records]
