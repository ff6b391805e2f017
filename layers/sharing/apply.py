"""Apply a proposal: checked anew, compared and set on its base, in one transaction with the wall, history and event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from layers.access.principal import Principal
from layers.errors import ConflictError, NotFoundError, RefusedError
from layers.profile.grants import require_sound, unplaced
from layers.store import audit
from layers.store import policy as store
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Connection, Database, execute
from layers.store.policy import Proposal
from layers.store.statements import blocks
from layers.store.wall import enforce

from .changes import Change, changes, require_manager, require_own
from .proposal import day_of, refusals_recorded, require_expectations

#: in order; all but the last stand before the commit
STEPS = ("checked", "switched", "enforced", "recorded", "committed")


@dataclass(frozen=True, slots=True)
class AppliedPolicy:
    """What is in force now."""

    digest: str
    previous: str
    changes: tuple[Change, ...]

    def as_dict(self) -> dict[str, object]:
        return {
            "digest": self.digest, "previous": self.previous, "applied": True,
            "changes": [change.as_dict() for change in self.changes],
        }  # fmt: skip


def _no_step(_name: str) -> None:
    """For a caller who does not follow the steps."""


async def apply_proposal(
    database: Database,
    principal: Principal,
    *,
    expected: str | None = None,
    now: datetime | None = None,
    on_step: Callable[[str], None] = _no_step,
) -> AppliedPolicy:
    """All or nothing, and effective everywhere with the commit. `expected` is the digest somebody confirmed.

    Raises NotFoundError without a proposal, ConflictError when it or the policy has moved, GrantsError for grants or
    expectations that do not hold, ForbiddenError, RefusedError.
    """
    async with refusals_recorded(database, principal), database.governing() as connection:
        await execute(connection, blocks("catalogue")["lock"])
        catalogue = await load_catalogue(connection)
        require_manager(catalogue, principal, day_of(now))
        proposal = await _confirmed(connection, catalogue, principal, expected)
        found = _checked(catalogue, principal, proposal, day_of(now))
        on_step("checked")
        await store.switch(connection, proposal, principal)
        on_step("switched")
        await enforce(connection, proposal.grants, catalogue.profile.layers, catalogue.profile.identities)
        on_step("enforced")
        for event in _events(principal, proposal, found):
            await audit.record(connection, event)
        await execute(connection, blocks("catalogue")["notify"])
        on_step("recorded")
    on_step("committed")
    return AppliedPolicy(proposal.digest, proposal.base, found)


async def _confirmed(
    connection: Connection, catalogue: Catalogue, principal: Principal, expected: str | None
) -> Proposal:
    proposal = await store.open_proposal(connection, principal)
    if proposal is None:
        raise NotFoundError("Không có đề xuất nào để áp dụng.", "There is no open proposal to apply.")
    if expected is not None and expected != proposal.digest:
        raise ConflictError(
            "Đề xuất đã được thay bằng một đề xuất khác sau khi bạn xem. Xem lại khác biệt rồi xác nhận.",
            "The proposal was replaced after you looked at it. Look at the difference again, then confirm.",
        )
    if proposal.base != catalogue.policy_digest:
        raise store.moved_on()
    return proposal


def _checked(catalogue: Catalogue, principal: Principal, proposal: Proposal, day: date) -> tuple[Change, ...]:
    """The changes, which hold against the profile of this moment, and are the principal's to make."""
    found = changes(catalogue.grants, proposal.grants)
    if not found:
        raise RefusedError("Đề xuất không thay đổi quyền nào.", "The proposal changes no grant.")
    require_own(catalogue, principal, found, day)
    require_sound(catalogue.profile, unplaced(proposal.grants))
    require_expectations(catalogue, principal, proposal.grants, day)
    return found


def _events(principal: Principal, proposal: Proposal, found: tuple[Change, ...]) -> Iterator[audit.Event]:
    """One a layer, for those who answer for it, and one for what is about whole sharing levels."""
    by_layer: dict[str | None, list[str]] = {}
    for change in found:
        for layer in {grant.layer if isinstance(grant.layer, str) else None for grant in change.subjects}:
            by_layer.setdefault(layer, []).append(change.id)
    for layer, names in by_layer.items():
        yield audit.Event.of(
            principal, "policy", "allow", layer=layer, policy=proposal.digest, grants=tuple(names),
            request=proposal.base,
        )  # fmt: skip
