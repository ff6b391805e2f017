"""A proposal: what somebody wants the policy to be, kept until it is applied, replaced or withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from layers.access.expect import unmet
from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.errors import FieldError, GrantsError, NotFoundError
from layers.profile.grants import require_sound
from layers.profile.placed import Placed
from layers.store import policy as store
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Connection, Database
from layers.store.policy import Proposal

from .changes import Change, Grants, changes, managed, owned_layers, rebased, require_own
from .difference import Difference, difference

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
Given = Sequence[Placed[Grant]]


def today() -> date:
    return datetime.now(LOCAL_TIME).date()


@dataclass(frozen=True, slots=True)
class Proposed:
    """An open proposal beside the policy in force. It can be applied only while that is still its base."""

    proposal: Proposal
    is_current: bool

    def as_dict(self) -> dict[str, object]:
        return {**self.proposal.as_dict(), "is_current": self.is_current}


async def propose(
    database: Database,
    principal: Principal,
    given: Given,
    *,
    note: str = "",
    is_merged: bool = False,
    day: date | None = None,
) -> Proposed:
    """Store what is given as the principal's one open proposal.

    The operator gives the whole policy, an owner all grants on the layers they answer for; with `is_merged` only the
    grants given are added or replaced. Raises GrantsError, ForbiddenError.
    """
    async with database.transaction() as connection:
        catalogue = await load_catalogue(connection)
        grants = composed(catalogue, principal, given, is_merged=is_merged, day=day or today())
        await store.propose(connection, grants, catalogue.grants, principal, note)
        return await _required(connection, catalogue, principal)


def composed(catalogue: Catalogue, principal: Principal, given: Given, *, is_merged: bool, day: date) -> Grants:
    """The whole policy as it would stand. Raises GrantsError, ForbiddenError."""
    named = {placed.value.id for placed in given}
    replaced = catalogue.grants if principal.is_operator else _own(catalogue, principal, day)
    gone = {grant.id for grant in replaced} if not is_merged else named.intersection(g.id for g in replaced)
    kept = tuple(grant for grant in catalogue.grants if grant.id not in gone)
    grants = (*kept, *(placed.value for placed in given))
    asked = [Change(placed.value.id, None, placed.value) for placed in given]
    require_own(catalogue, principal, [*changes(catalogue.grants, grants), *asked], day)
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


async def open_proposal(connection: Connection, catalogue: Catalogue, principal: Principal) -> Proposed | None:
    found = await store.open_proposal(connection, principal)
    return None if found is None else Proposed(found, found.base == catalogue.policy_digest)


async def _required(connection: Connection, catalogue: Catalogue, principal: Principal) -> Proposed:
    found = await open_proposal(connection, catalogue, principal)
    if found is None:
        raise NotFoundError(
            "Chưa có đề xuất nào. Lập đề xuất trước ('lienthong policy import' hoặc trang Quyền truy cập).",
            "There is no open proposal. Make one first ('lienthong policy import' or the page Access).",
        )
    return found


async def rebase(database: Database, principal: Principal, *, day: date | None = None) -> Proposed:
    """The same changes on top of the policy in force. Raises ConflictError where a grant was changed by both."""
    async with database.transaction() as connection:
        catalogue = await load_catalogue(connection)
        found = (await _required(connection, catalogue, principal)).proposal
        grants = rebased(found.base_grants, found.grants, catalogue.grants)
        require_own(catalogue, principal, changes(catalogue.grants, grants), day or today())
        await store.propose(connection, grants, catalogue.grants, principal, found.note)
        return await _required(connection, catalogue, principal)


async def withdraw(database: Database, principal: Principal) -> bool:
    """Whether there was an open proposal."""
    async with database.transaction() as connection:
        return await store.withdraw(connection, principal)


async def proposal_difference(
    database: Database, principal: Principal, *, day: date | None = None
) -> tuple[Proposed, Difference]:
    """The open proposal and what applying it would change now. Raises NotFoundError when there is none."""
    async with database.transaction(snapshot=True) as connection:
        catalogue = await load_catalogue(connection)
        found = await _required(connection, catalogue, principal)
        grants = found.proposal.grants
        return found, await difference(connection, catalogue, principal, grants, day or today())


async def difference_of(
    database: Database, principal: Principal, given: Given, *, is_merged: bool = False, day: date | None = None
) -> Difference:
    """What applying these grants would change now; nothing is stored."""
    async with database.transaction(snapshot=True) as connection:
        catalogue, on = await load_catalogue(connection), day or today()
        grants = composed(catalogue, principal, given, is_merged=is_merged, day=on)
        return await difference(connection, catalogue, principal, grants, on)


def require_expectations(catalogue: Catalogue, grants: Grants, day: date) -> None:
    """Raises GrantsError naming every `expect:` of the whole policy that does not hold."""
    found = unmet(grants, catalogue.profile.identities, catalogue.profile.layers, day=day)
    if found:
        raise GrantsError([FieldError(f"{each.grant}.expect[{each.number}]", each.message, "grants") for each in found])
