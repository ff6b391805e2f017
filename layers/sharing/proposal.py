"""A proposal: what somebody wants the policy to be, kept until it is applied, replaced or withdrawn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.errors import FieldError, ForbiddenError, GrantsError, NotFoundError
from layers.plain_text import require_note
from layers.profile.grants import require_sound
from layers.profile.placed import Placed
from layers.store import audit
from layers.store import policy as store
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Connection, Database
from layers.store.policy import Proposal

from .changes import Grants, changes, managed, owned_layers, rebased, require_manager, require_own
from .difference import Difference, difference, unmet_of

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
Given = Sequence[Placed[Grant]]


def day_of(now: datetime | None) -> date:
    """The day on which a policy is judged: that of the province."""
    return (now or datetime.now(LOCAL_TIME)).astimezone(LOCAL_TIME).date()


@asynccontextmanager
async def refusals_recorded(database: Database, principal: Principal) -> AsyncIterator[None]:
    """What was not the principal's to change leaves its event, outside the transaction that is given up."""
    try:
        yield
    except ForbiddenError as refused:
        named = refused.details.get("grants")
        grants = tuple(map(str, named)) if isinstance(named, list) else ()
        event = audit.Event.of(principal, "policy", "deny", reason=str(refused.details.get("reason")), grants=grants)
        async with database.connection() as connection:
            await audit.record(connection, event)
        raise


async def propose(
    database: Database,
    principal: Principal,
    given: Given,
    *,
    note: str = "",
    is_merged: bool = False,
    expected: str | None = None,
    now: datetime | None = None,
) -> Proposal:
    """Store what is given as the principal's one open proposal.

    The operator gives the whole policy, an owner all grants on the layers they answer for; with `is_merged` only the
    grants given are added or replaced. `expected` is the digest of the policy they were made from.

    Raises GrantsError, InvalidInputsError, ForbiddenError; ConflictError when another policy than the expected one is
    in force.
    """
    async with refusals_recorded(database, principal), database.governing() as connection:
        catalogue = await load_catalogue(connection)
        if expected not in (None, catalogue.policy_digest):
            raise store.moved_on()
        require_note(note, "note")
        grants = composed(catalogue, principal, given, is_merged=is_merged, day=day_of(now))
        await _keep(connection, catalogue, principal, grants, note, now)
        return await _required(connection, principal)


async def _keep(
    connection: Connection, catalogue: Catalogue, principal: Principal, grants: Grants, note: str, now: datetime | None
) -> None:
    await store.propose(connection, grants, catalogue.grants, principal, note, now or datetime.now(UTC))


def composed(catalogue: Catalogue, principal: Principal, given: Given, *, is_merged: bool, day: date) -> Grants:
    """The whole policy as it would stand. Raises GrantsError, ForbiddenError."""
    require_manager(catalogue, principal, day)
    named = {placed.value.id for placed in given}
    replaced = catalogue.grants if principal.is_operator else _own(catalogue, principal, day)
    gone = {grant.id for grant in replaced} if not is_merged else named.intersection(g.id for g in replaced)
    kept = tuple(grant for grant in catalogue.grants if grant.id not in gone)
    grants = (*kept, *(placed.value for placed in given))
    require_own(catalogue, principal, changes(catalogue.grants, grants), day, [placed.value for placed in given])
    require_sound(catalogue.profile, given)
    _require_own_names(kept, given)
    return grants


def _own(catalogue: Catalogue, principal: Principal, day: date) -> Grants:
    return managed(catalogue.grants, owned_layers(catalogue, principal, day))


def _require_own_names(kept: Iterable[Grant], given: Given) -> None:
    taken = {grant.id for grant in kept}
    errors = [
        placed.error(("id",), f"mã '{placed.value.id}' đã dùng cho quyền khác", f"'{placed.value.id}' is taken")
        for placed in given
        if placed.value.id in taken
    ]
    if errors:
        raise GrantsError(errors)


async def _required(connection: Connection, principal: Principal) -> Proposal:
    found = await store.open_proposal(connection, principal)
    if found is None:
        raise NotFoundError(
            "Chưa có đề xuất nào. Lập đề xuất trước ('lienthong policy import' hoặc trang Quyền truy cập).",
            "There is no open proposal. Make one first ('lienthong policy import' or the page Access).",
        )
    return found


async def rebase(database: Database, principal: Principal, *, now: datetime | None = None) -> Proposal:
    """The same changes on top of the policy in force. Raises ConflictError where a grant was changed by both."""
    async with refusals_recorded(database, principal), database.governing() as connection:
        catalogue = await load_catalogue(connection)
        require_manager(catalogue, principal, day_of(now))
        found = await _required(connection, principal)
        grants = rebased(found.base_grants, found.grants, catalogue.grants)
        require_own(catalogue, principal, changes(catalogue.grants, grants), day_of(now))
        await _keep(connection, catalogue, principal, grants, found.note, now)
        return await _required(connection, principal)


async def withdraw(database: Database, principal: Principal) -> bool:
    """Whether there was an open proposal."""
    async with database.governing() as connection:
        return await store.withdraw(connection, principal)


async def proposal_difference(
    database: Database, principal: Principal, *, now: datetime | None = None
) -> tuple[Proposal, Difference]:
    """The open proposal and what applying it would change now. Raises NotFoundError when there is none."""
    async with database.governing(snapshot=True) as connection:
        catalogue = await load_catalogue(connection)
        found = await _required(connection, principal)
        return found, await _counted(connection, catalogue, principal, found.grants, day_of(now))


async def difference_of(
    database: Database, principal: Principal, given: Given, *, is_merged: bool = False, now: datetime | None = None
) -> Difference:
    """What applying these grants would change now; nothing is stored."""
    async with database.governing(snapshot=True) as connection:
        catalogue, on = await load_catalogue(connection), day_of(now)
        grants = composed(catalogue, principal, given, is_merged=is_merged, day=on)
        return await _counted(connection, catalogue, principal, grants, on)


async def _counted(
    connection: Connection, catalogue: Catalogue, principal: Principal, grants: Grants, day: date
) -> Difference:
    """The difference, and an event for each layer whose rows were counted for it: counts by a rule that nobody applies
    would otherwise leave no trace."""
    found = await difference(connection, catalogue, principal, grants, day)
    for layer in sorted({effect.layer for effect in found.effects}):
        named = tuple(change.id for change in found.changes if any(grant.layer == layer for grant in change.subjects))
        event = audit.Event.of(
            principal, "policy", "allow", layer=layer, reason="diff", policy=catalogue.policy_digest, grants=named,
            request=found.digest,
        )  # fmt: skip
        await audit.record(connection, event)
    return found


def require_expectations(catalogue: Catalogue, principal: Principal, grants: Grants, day: date) -> None:
    """Raises GrantsError naming every `expect:` of the whole policy that does not hold."""
    found = unmet_of(catalogue, principal, grants, day)
    if found:
        raise GrantsError([FieldError(f"{each.grant}.expect[{each.number}]", each.message, "grants") for each in found])
