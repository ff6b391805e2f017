"""What people say of findings: appended to one chain a record, read by record, by layer, by person and by feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .audit import Event, record
from .checks import RecordRow
from .connection import Connection, execute, row, rows
from .statements import blocks

_SQL = "reviews"
Kind = Literal["confirm", "dispute", "answer"]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One opinion as stored: never updated. `body` is canonical JSON, `digest` its SHA-256, `previous` the digest of
    the one before; of the first, of the record."""

    id: str
    record: str
    number: int
    created: datetime
    kind: Kind
    about: str | None
    layer: str | None
    fid: int | None
    principal: str
    previous: str
    digest: str
    body: str


@dataclass(frozen=True, slots=True)
class Said:
    """How much somebody has said lately; `first` is the oldest of it."""

    count: int
    first: datetime | None


async def hold(connection: Connection, record_id: str, principal: str) -> None:
    """Until the transaction ends nobody else appends to the record, and the person says nothing else."""
    await execute(connection, blocks(_SQL)["hold"], {"record": record_id, "principal": principal})


async def said_since(connection: Connection, principal: str, since: datetime) -> Said:
    found = await row(connection, blocks(_SQL)["recent"], {"principal": principal, "since": since})
    assert found is not None
    return Said(found["said"], found["first"])


async def reviews_of(connection: Connection, record_id: str) -> list[ReviewRow]:
    """The chain of a record, from its beginning."""
    return _rows(await rows(connection, blocks(_SQL)["of_record"], {"record": record_id}))


async def review(connection: Connection, review_id: str) -> ReviewRow | None:
    found = await row(connection, blocks(_SQL)["one"], {"id": review_id})
    return ReviewRow(**found) if found else None


async def append(connection: Connection, made: ReviewRow, event: Event) -> None:
    """An opinion and its event; to be called after `hold`, in the same transaction. Raises psycopg errors."""
    await execute(connection, blocks(_SQL)["insert"], {name: getattr(made, name) for name in made.__slots__})
    await record(connection, event)


async def disputes(
    connection: Connection, *, layers: Sequence[str], principal: str, is_answered: bool | None, most: int
) -> list[ReviewRow]:
    """Disputes about these layers or by this person, the newest first."""
    values = {"layers": list(layers), "principal": principal, "is_answered": is_answered, "most": most}
    return _rows(await rows(connection, blocks(_SQL)["disputes"], values))


async def answers_to(connection: Connection, disputed: Sequence[str]) -> dict[str, ReviewRow]:
    """The answer to each dispute that has one."""
    found = await rows(connection, blocks(_SQL)["answers"], {"disputes": list(disputed)})
    return {each["about"]: ReviewRow(**each) for each in found}


async def disputes_about(
    connection: Connection, record_id: str, features: Sequence[tuple[str, int]], most: int
) -> list[ReviewRow]:
    """Disputes in other records about the same features (layer, fid)."""
    values = {"record": record_id, "layers": [layer for layer, _ in features], "fids": [fid for _, fid in features],
              "most": most}  # fmt: skip
    return _rows(await rows(connection, blocks(_SQL)["about_features"], values))


async def records_of(connection: Connection, ids: Sequence[str]) -> dict[str, RecordRow]:
    found = await rows(connection, blocks(_SQL)["records"], {"ids": list(ids)})
    return {each["id"]: RecordRow(**each) for each in found}


async def has_revision(connection: Connection, layer: str, revision: int) -> bool:
    found = await row(connection, blocks(_SQL)["has_revision"], {"layer": layer, "revision": revision})
    return bool(found and found["found"])


def _rows(found: Sequence[Mapping[str, object]]) -> list[ReviewRow]:
    return [ReviewRow(**each) for each in found]  # type: ignore[arg-type]
