"""Bring an agreement into another state: grants under it begin or stop to hold at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layers.access.principal import Principal
from layers.errors import ForbiddenError
from layers.plain_text import require_line, require_note
from layers.store import audit
from layers.store.agreements import Agreement, State, add_version
from layers.store.connection import Database


async def set_agreement(
    database: Database, principal: Principal, agreement: str, state: State, body: Mapping[str, Any]
) -> Agreement:
    """The new version, with its event. Raises ForbiddenError for anybody but the operator, InvalidInputsError."""
    if not principal.is_operator:
        raise ForbiddenError(
            "Chỉ người vận hành đổi được trạng thái thỏa thuận.", "Only the operator may change an agreement.",
            reason="operator",
        )  # fmt: skip
    require_line(agreement, "agreement")
    require_note(str(body.get("note") or ""), "note")
    async with database.governing() as connection:
        found = await add_version(connection, agreement, state, body)
        event = audit.Event.of(principal, "agreement", "allow", reason=state, request=f"{agreement}@{found.version}")
        await audit.record(connection, event)
    return found
