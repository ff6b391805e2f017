"""Divisions as stored: what binds the records of a split or a merge together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from .connection import Connection, execute, row
from .statements import blocks


@dataclass(frozen=True, slots=True)
class DivisionRow:
    """A sealed division: never updated. `body` is canonical JSON, `digest` its SHA-256; `records` are of its parts."""

    id: str
    created: datetime
    kind: str
    procedure: str
    dossier: str | None
    purpose: str | None
    principal: str
    records: list[str]
    digest: str
    body: str


async def insert_division(connection: Connection, division: DivisionRow) -> None:
    """In the transaction of its records. Raises psycopg errors: the answer must then not leave."""
    await execute(connection, blocks("divisions")["insert_division"], asdict(division))


async def division(connection: Connection, division_id: str) -> DivisionRow | None:
    found = await row(connection, blocks("divisions")["division"], {"id": division_id})
    return DivisionRow(**found) if found else None
