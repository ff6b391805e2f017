"""Dossiers and what was told under them; quotas are counts of rows, so that they survive a restart and hold under
parallel requests: whoever counts holds the dossier's row and the person's day until the transaction ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from .connection import Connection, execute, row, rows
from .statements import blocks

#: how a subject is bound to its dossier: one of its parcels, a shape inside one, or a survey file it names
Binding = Literal["parcel", "inside", "survey"]


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier as registered. `parcels` are fids, `surveys` SHA-256 digests in hexadecimal."""

    id: str
    procedure: str | None
    offices: tuple[str, ...]
    parcels: tuple[int, ...]
    surveys: tuple[str, ...]
    opened: datetime
    opened_by: str
    changed: datetime
    changed_by: str
    closed: datetime | None


@dataclass(frozen=True, slots=True)
class Used:
    """Answers counted so far: under the dossier, and for the person on that day."""

    of_dossier: int
    of_day: int


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One reader who was told what is reserved in one record."""

    record: str
    principal: str
    dossier: str
    bound_by: Binding
    is_first: bool


async def dossier(connection: Connection, dossier_id: str) -> Dossier | None:
    return _dossier(await row(connection, blocks("dossiers")["dossier"], {"id": dossier_id}))


async def put_dossier(
    connection: Connection,
    dossier_id: str,
    *,
    procedure: str | None,
    offices: Sequence[str],
    parcels: Sequence[int],
    surveys: Sequence[str],
    is_closed: bool,
    by: str,
    now: datetime,
) -> Dossier:
    """Register or change; counted answers stay counted."""
    values = {"id": dossier_id, "procedure": procedure, "offices": list(offices), "parcels": list(parcels),
              "surveys": list(surveys), "is_closed": is_closed, "by": by, "now": now}  # fmt: skip
    made = _dossier(await row(connection, blocks("dossiers")["put"], values))
    assert made is not None
    return made


async def locked(connection: Connection, dossier_id: str, principal: str, day: date) -> Dossier | None:
    """The dossier, with it and the person's day held until the transaction ends."""
    found = _dossier(await row(connection, blocks("dossiers")["lock"], {"id": dossier_id}))
    await execute(connection, blocks("dossiers")["lock_day"], {"principal": principal, "day": day})
    return found


async def used(connection: Connection, dossier_id: str, principal: str, day: date) -> Used:
    """To be asked after `locked`, in the same transaction."""
    values = {"dossier": dossier_id, "principal": principal, "day": day}
    found = await row(connection, blocks("dossiers")["used"], values)
    assert found is not None
    return Used(found["of_dossier"], found["of_day"])


async def disclose(connection: Connection, made: Disclosure, day: date) -> None:
    """Count one answer. Raises psycopg errors: the answer must then not leave."""
    values = {name: getattr(made, name) for name in made.__slots__} | {"day": day}
    await execute(connection, blocks("dossiers")["disclose"], values)


async def disclosures(connection: Connection, records: Sequence[str]) -> Mapping[str, tuple[Disclosure, ...]]:
    """What was told of each record; a record that is missing told nothing."""
    found = await rows(connection, blocks("dossiers")["disclosures"], {"records": list(records)})
    told: dict[str, tuple[Disclosure, ...]] = {}
    for each in found:
        told[each["record"]] = (*told.get(each["record"], ()), Disclosure(**each))
    return told


def _dossier(found: Mapping[str, object] | None) -> Dossier | None:
    if found is None:
        return None
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Dossier(**values)  # type: ignore[arg-type]
