"""The releases of a layer: revisions that an officer named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .connection import Connection, row, rows
from .differences import Kind
from .statements import blocks

_SQL = "releases"


@dataclass(frozen=True, slots=True)
class Release:
    """`before` is the revision of the release before it, 0 where there is none.

    `added`, `changed` and `removed` are what its own revision did to the whole layer.
    """

    release: int
    revision: int
    note: str
    created: datetime
    before: int
    added: int
    changed: int
    removed: int

    @property
    def counts(self) -> dict[Kind, int]:
        return {"added": self.added, "changed": self.changed, "removed": self.removed}


async def releases(connection: Connection, layer: str, *, before: int | None, limit: int) -> list[Release]:
    """Newest first; `before`: only older ones than this number."""
    values = {"layer": layer, "before": before, "limit": limit}
    return [Release(**found) for found in await rows(connection, blocks(_SQL)["page"], values)]


async def release(connection: Connection, layer: str, number: int) -> Release | None:
    found = await row(connection, blocks(_SQL)["one"], {"layer": layer, "release": number})
    return None if found is None else Release(**found)
