"""Proposals and the policy in force: one pointer, moved by compare-and-set, with a history of every move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.errors import ConflictError
from layers.profile.texts import StoredText, grants_from, policy_text

from .connection import Connection, execute, row, rows
from .statements import blocks

Grants = tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy as somebody wants it, and the one it was made from."""

    id: int
    digest: str
    base: str  #: digest of the policy it can be applied on
    by: str
    os_user: str | None
    note: str
    created: datetime
    grants: Grants
    base_grants: Grants
    is_current: bool  #: its base is in force, as this transaction sees it

    def as_dict(self) -> dict[str, object]:
        return {
            "digest": self.digest, "base": self.base, "by": self.by, "note": self.note,
            "created": self.created.isoformat(), "is_current": self.is_current,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One move of the pointer."""

    digest: str
    previous: str | None
    by: str
    os_user: str | None
    note: str
    applied: datetime

    def as_dict(self) -> dict[str, object]:
        return {
            "digest": self.digest, "previous": self.previous, "by": self.by, "os_user": self.os_user,
            "note": self.note, "applied": self.applied.isoformat(),
        }  # fmt: skip


async def in_force(connection: Connection) -> tuple[str, Grants]:
    """The policy this transaction sees: its digest and its grants; of a database without one, the empty policy."""
    found = await row(connection, blocks("policy")["in_force"])
    if found is None:
        return policy_text(()).digest, ()
    return str(found["digest"]), grants_from(found["body"])


async def propose(
    connection: Connection, grants: Grants, base: Grants, principal: Principal, note: str, now: datetime
) -> None:
    """Store a proposal; the one that this principal had open is withdrawn. Two at once of one person take turns."""
    sql, text, base_text = blocks("policy"), policy_text(grants), policy_text(base)
    await rows(connection, sql["one_at_a_time"], _who(principal))
    for each in (text, base_text):
        await _store(connection, each)
    await withdraw(connection, principal)
    values = {**_who(principal), "digest": text.digest, "base": base_text.digest, "note": note, "created": now}
    await execute(connection, sql["propose"], values)


def _who(principal: Principal) -> dict[str, object]:
    return {"by": principal.id, "is_operator": principal.is_operator, "os_user": principal.os_user}


async def _store(connection: Connection, text: StoredText) -> None:
    values = {"digest": text.digest, "kind": text.kind, "body": text.body}
    await execute(connection, blocks("catalogue")["store_text"], values)


async def withdraw(connection: Connection, principal: Principal) -> bool:
    """Whether there was an open proposal to withdraw."""
    return bool(await execute(connection, blocks("policy")["withdraw"], _who(principal)))


async def open_proposal(connection: Connection, principal: Principal) -> Proposal | None:
    """The proposal of this principal that was neither applied nor withdrawn."""
    found = await row(connection, blocks("policy")["open_proposal"], _who(principal))
    if found is None:
        return None
    named = {name: found[name] for name in ("id", "digest", "base", "by", "os_user", "note", "created")}
    base, in_force = grants_from(found["base_body"]), found["in_force"]
    is_current = found["base"] == in_force if in_force is not None else not base
    return Proposal(**named, grants=grants_from(found["body"]), base_grants=base, is_current=is_current)


async def switch(connection: Connection, proposal: Proposal, principal: Principal) -> None:
    """Move the pointer and write the history, in the caller's transaction. Raises ConflictError when it has moved."""
    sql = blocks("policy")
    values = {**_who(principal), "digest": proposal.digest, "base": proposal.base}
    is_first = await row(connection, sql["in_force"]) is None and not proposal.base_grants
    moved = await execute(connection, sql["first" if is_first else "switch"], values)
    if not moved or not await execute(connection, sql["applied"], {"proposal": proposal.id}):
        raise moved_on()
    previous = None if is_first else proposal.base
    record = {**values, "previous": previous, "proposal": proposal.id, "note": proposal.note}
    await execute(connection, sql["record"], record)


def moved_on() -> ConflictError:
    return ConflictError(
        "Chính sách đã thay đổi sau khi lập đề xuất này. Xem lại khác biệt rồi lập lại trên chính sách hiện hành.",
        "The policy has changed since this proposal was made. Look at the difference and propose again on top of it.",
    )


async def history(connection: Connection, limit: int = 50) -> Sequence[Change]:
    """The newest moves of the pointer, newest first."""
    return [Change(**found) for found in await rows(connection, blocks("policy")["history"], {"limit": limit})]
