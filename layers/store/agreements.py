"""Agreements between sectors: versions that are only ever added; the latest one counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from .connection import Connection, row, rows
from .statements import blocks

State = Literal["draft", "requested", "approved", "active", "suspended", "expired", "terminated"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The latest version of one agreement. Grants under it hold while it is active."""

    id: str
    version: int
    state: State
    body: Mapping[str, Any]
    created: datetime

    def as_dict(self) -> dict[str, object]:
        return {
            "id": self.id, "version": self.version, "state": self.state, "body": dict(self.body),
            "created": self.created.isoformat(),
        }  # fmt: skip


async def agreements(connection: Connection) -> Sequence[Agreement]:
    """By id."""
    return [Agreement(**found) for found in await rows(connection, blocks("policy")["agreements"])]


async def add_version(connection: Connection, agreement: str, state: State, body: Mapping[str, Any]) -> Agreement:
    """One version more, with what is said anew. Every process hears of it with the commit (trigger)."""
    values = {"id": agreement, "state": state, "body": json.dumps(body, ensure_ascii=False)}
    found = await row(connection, blocks("policy")["agree"], values)
    assert found is not None  # an aggregate without GROUP BY has one row
    return Agreement(**found)
