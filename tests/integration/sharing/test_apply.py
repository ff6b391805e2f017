"""Applying a policy: compared and set, tested first, effective in every process, atomic, and never out of one's own."""

from __future__ import annotations

from datetime import date

import anyio
import psycopg
import pytest
from anyio.lowlevel import checkpoint

from layers.access.decide import decide
from layers.access.grammar import Grant
from layers.access.principal import PUBLIC
from layers.errors import ConflictError, ForbiddenError, GrantsError, NotFoundError, RefusedError
from layers.sharing.agreement import set_agreement
from layers.sharing.apply import apply_proposal
from layers.sharing.proposal import rebase
from layers.store.agreements import State
from layers.store.catalogue import Catalogue, LiveCatalogue, load_catalogue
from layers.store.connection import Database
from layers.store.policy import history, open_proposal
from tests.support import policies
from tests.support.policies import OPERATOR, OWNERS_GRANT, REVIEWERS, altered, put, with_fields
from tests.support.shared_layers import COMMUNES

pytestmark = pytest.mark.anyio
GRANTS = policies.first_grants()
WIDER = altered(GRANTS, REVIEWERS, with_fields(columns={"tags": ["public", "personal"]}))


async def _catalogue(database: Database) -> Catalogue:
    async with database.connection() as connection:
        return await load_catalogue(connection)


async def test_what_is_applied_is_in_force_and_in_the_history(database: Database) -> None:
    before = (await _catalogue(database)).policy_digest
    found = await put(database, WIDER)
    after = await _catalogue(database)
    assert (found.previous, found.digest) == (before, after.policy_digest)
    assert [change.id for change in found.changes] == [REVIEWERS]
    assert set(after.grants) == set(WIDER)
    async with database.connection() as connection:
        newest = (await history(connection))[0]
        assert (newest.digest, newest.previous, newest.by, newest.os_user) == (
            found.digest, before, "operator", "tester",
        )  # fmt: skip
        assert await open_proposal(connection, OPERATOR) is None


async def test_the_seed_of_the_profile_is_the_first_entry_of_the_history(database: Database) -> None:
    async with database.connection() as connection:
        first = (await history(connection))[-1]
    assert (first.previous, first.os_user) == (None, "test")


async def test_each_layer_has_its_event_with_the_policy_and_the_grants(database: Database, url: str) -> None:
    found = await put(database, altered(WIDER, "lines_on_maps", with_fields(actions=["tile", "map"])))
    with psycopg.connect(url) as connection:
        asked = "SELECT principal, decision, layer, grants FROM access.event WHERE policy = %s ORDER BY layer"
        events = connection.execute(asked, [found.digest]).fetchall()
    assert events == [
        ("operator", "allow", "line", ["lines_on_maps"]), ("operator", "allow", "parcel", [REVIEWERS])
    ]  # fmt: skip


async def test_of_two_proposals_on_one_base_the_second_is_refused_and_can_be_made_anew(database: Database) -> None:
    officer = policies.owner()
    hers = altered((OWNERS_GRANT, _reviewers()), REVIEWERS, with_fields(geometry="centroid"))
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel" and grant.id not in (REVIEWERS, OWNERS_GRANT.id))
    await policies.proposed(database, (*own, *hers), officer)
    await put(database, altered(GRANTS, "lines_on_maps", with_fields(actions=["tile", "map"])))
    with pytest.raises(ConflictError):
        await apply_proposal(database, officer)
    assert (await rebase(database, officer)).is_current
    await apply_proposal(database, officer)
    grants = {grant.id: grant for grant in (await _catalogue(database)).grants}
    assert grants["lines_on_maps"].actions == ("tile", "map") and grants[REVIEWERS].geometry == "centroid"


async def test_two_changes_of_one_grant_are_not_put_together(database: Database) -> None:
    await policies.proposed(database, WIDER)
    owner = policies.owner()
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel")
    await put(database, altered(own, REVIEWERS, with_fields(geometry="none")), owner)
    with pytest.raises(ConflictError) as told:
        await rebase(database, OPERATOR)
    assert told.value.details["grants"] == [REVIEWERS]


def _reviewers() -> Grant:
    return next(grant for grant in GRANTS if grant.id == REVIEWERS)


async def test_two_applications_at_once_leave_one_policy(database: Database) -> None:
    """Both were made on one base by two people; whoever comes second finds another base."""
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel")
    await policies.proposed(database, altered(own, REVIEWERS, with_fields(geometry="none")), policies.owner())
    await policies.proposed(database, WIDER)
    told: list[str] = []

    async def apply(principal: policies.Principal) -> None:
        try:
            await apply_proposal(database, principal)
            told.append("applied")
        except ConflictError:
            told.append("conflict")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(apply, OPERATOR)
        tasks.start_soon(apply, policies.owner())
    assert sorted(told) == ["applied", "conflict"]


async def test_what_was_confirmed_is_what_is_applied(database: Database) -> None:
    confirmed = (await policies.proposed(database, WIDER)).digest
    await policies.proposed(database, GRANTS[1:])
    with pytest.raises(ConflictError):
        await apply_proposal(database, OPERATOR, expected=confirmed)


async def test_without_a_proposal_there_is_nothing_to_apply(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await apply_proposal(database, OPERATOR)


async def test_an_expectation_that_does_not_hold_keeps_the_whole_policy_out(database: Database) -> None:
    expect = [{"as": "reviewer", "action": "items", "is": "deny"}]
    before = (await _catalogue(database)).policy_digest
    await policies.proposed(database, altered(GRANTS, REVIEWERS, with_fields(expect=expect)))
    with pytest.raises(GrantsError) as told:
        await apply_proposal(database, OPERATOR)
    assert [error.field for error in told.value.fields] == [f"{REVIEWERS}.expect[0]"]
    assert (await _catalogue(database)).policy_digest == before


async def test_an_expectation_of_an_untouched_grant_counts_too(database: Database) -> None:
    """A new grant may break what another one promises."""
    expect = [{"as": "public", "layer": "register", "action": "items", "is": "deny"}]
    await put(database, altered(GRANTS, "officer_register", with_fields(expect=expect)))
    current = (await _catalogue(database)).grants
    opened = Grant.model_validate({"id": "all", "to": {"anyone": True}, "layer": "register", "actions": ["items"]})
    await policies.proposed(database, (*current, opened))
    with pytest.raises(GrantsError):
        await apply_proposal(database, OPERATOR)


@pytest.mark.parametrize(
    "fields",
    [{"layer": "nowhere"}, {"columns": {"names": ["khong_co"]}}, {"rows": "khong_co = 1"}, {"rows": "ma = "},
     {"geometry": {"precision_m": 7}}],
    ids=["layer", "column", "property", "syntax", "precision"],
)  # fmt: skip
async def test_a_grant_that_leads_nowhere_is_no_proposal(database: Database, fields: dict[str, object]) -> None:
    with pytest.raises(GrantsError) as told:
        await policies.proposed(database, altered(GRANTS, REVIEWERS, with_fields(**fields)))
    assert all(error.field.startswith(REVIEWERS) for error in told.value.fields)


async def test_whoever_manages_nothing_moves_nothing_and_leaves_an_event(database: Database, url: str) -> None:
    before = await _catalogue(database)
    for attempt in (
        policies.proposed(database, (), PUBLIC), rebase(database, PUBLIC), apply_proposal(database, PUBLIC)
    ):  # fmt: skip
        with pytest.raises(ForbiddenError):
            await attempt
    with psycopg.connect(url) as connection:
        asked = "SELECT reason FROM access.event WHERE principal = 'public' AND action = 'policy' AND decision = 'deny'"
        assert connection.execute(asked).fetchall() == [("not_owner",)] * 3
    assert (await _catalogue(database)).policy_digest == before.policy_digest


async def test_a_proposal_that_changes_nothing_is_not_applied(database: Database) -> None:
    async with database.connection() as connection:
        known = len(await history(connection))
    await policies.proposed(database, GRANTS)
    with pytest.raises(RefusedError):
        await apply_proposal(database, OPERATOR)
    async with database.connection() as connection:
        assert len(await history(connection)) == known


# ── owners ───────────────────────────────────────────────────────────────────────────────────────
async def test_an_owner_changes_grants_of_their_own_layers_only(database: Database, url: str) -> None:
    owner = policies.owner()
    stranger = Grant.model_validate({"id": "x", "to": {"anyone": True}, "layer": "register", "actions": ["items"]})
    nowhere = stranger.model_copy(update={"layer": "nowhere"})
    told = []
    for foreign in (stranger, nowhere):
        with pytest.raises(ForbiddenError) as refused:
            await policies.proposed(database, (OWNERS_GRANT, foreign), owner)
        told.append(str(refused.value.message))
    assert told[0] == told[1], "a layer of somebody else and one that is not there are told alike"
    wide = Grant.model_validate(
        {"id": "wide", "to": {"anyone": True}, "layer": {"sharing": "shared"}, "actions": ["items"]}
    )
    with pytest.raises(ForbiddenError):
        await policies.proposed(database, (OWNERS_GRANT, wide), owner)
    with psycopg.connect(url) as connection:
        asked = "SELECT principal, reason, grants FROM access.event WHERE action = 'policy' AND decision = 'deny'"
        assert connection.execute(asked).fetchall()[-1] == ("owner", "not_owner", ["wide"]), "refusals leave events too"


@pytest.mark.parametrize("answer", ["allow", "deny"])
async def test_tests_that_travel_with_a_grant_ask_nothing_about_layers_of_others(
    database: Database, answer: str
) -> None:
    own, told = tuple(grant for grant in GRANTS if grant.layer == "parcel"), set()
    for layer in ("secret", "nowhere"):
        expect = [{"as": "officer", "action": "items", "is": answer, "layer": layer}]
        with pytest.raises(ForbiddenError) as refused:
            await policies.proposed(database, altered(own, REVIEWERS, with_fields(expect=expect)), policies.owner())
        told.add(str(refused.value.message))
    assert len(told) == 1, "a layer of somebody else and one that is not there are told alike"


async def test_an_owner_gives_only_their_own_grants_and_the_others_stay(database: Database) -> None:
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel")
    await put(database, altered(own, REVIEWERS, with_fields(geometry="none")), policies.owner())
    after = {grant.id: grant for grant in (await _catalogue(database)).grants}
    assert after.keys() == {grant.id for grant in GRANTS} and after[REVIEWERS].geometry == "none"


async def test_an_owner_of_some_rows_manages_no_grant_of_the_layer(database: Database) -> None:
    await put(database, altered(GRANTS, OWNERS_GRANT.id, with_fields(rows=f"ma_xa = '{COMMUNES[0]}'")))
    own = tuple(grant for grant in (await _catalogue(database)).grants if grant.layer == "parcel")
    with pytest.raises(ForbiddenError) as told:
        await policies.proposed(database, altered(own, REVIEWERS, with_fields(geometry="none")), policies.owner())
    assert told.value.details["reason"] == "not_owner"


@pytest.mark.parametrize("kind", ["removed", "widened", "added"])
async def test_grants_to_publish_are_the_operators_alone(database: Database, kind: str) -> None:
    """Nobody takes away, widens or hands on the right that lets them do so."""
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel")
    friend = OWNERS_GRANT.model_copy(update={"id": "friend"})
    wanted = {
        "removed": (_reviewers(),),
        "widened": altered(own, OWNERS_GRANT.id, with_fields(actions=["items", "edit", "publish", "export"])),
        "added": (*own, friend),
    }[kind]
    with pytest.raises(ForbiddenError) as told:
        await policies.proposed(database, wanted, policies.owner())
    assert told.value.details["reason"] == "operator"


async def test_a_right_to_publish_that_was_taken_away_meanwhile_applies_nothing(database: Database) -> None:
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel")
    await policies.proposed(database, altered(own, REVIEWERS, with_fields(geometry="none")), policies.owner())
    await put(database, tuple(grant for grant in GRANTS if grant.id != OWNERS_GRANT.id))
    with pytest.raises(ForbiddenError):
        await apply_proposal(database, policies.owner())
    with pytest.raises(ForbiddenError):
        await rebase(database, policies.owner())


# ── at once, everywhere ──────────────────────────────────────────────────────────────────────────
async def _until(live: LiveCatalogue, digest: str) -> None:
    with anyio.fail_after(20):
        while (await live.current()).policy_digest != digest:
            await checkpoint()


async def test_two_processes_take_the_new_policy_without_being_asked(database: Database, url: str) -> None:
    async with Database.open(url, size=2) as other, LiveCatalogue(database) as first, LiveCatalogue(other) as second:
        for live in (first, second):
            with anyio.fail_after(20):
                while not live.is_listening:
                    await checkpoint()
            await live.current()
        applied = await put(other, WIDER)
        for live in (first, second):
            await _until(live, applied.digest)


async def test_an_agreement_that_is_suspended_ends_its_grants_at_once(database: Database) -> None:
    await put(database, altered(GRANTS, REVIEWERS, with_fields(agreement="AGR-1")))
    async with LiveCatalogue(database) as live:
        with anyio.fail_after(20):
            while not live.is_listening:
                await checkpoint()
        seen = []
        states: tuple[State, ...] = ("draft", "active", "suspended")
        for state in states:
            await set_agreement(database, OPERATOR, "AGR-1", state, {})
            wanted = frozenset({"AGR-1"} if state == "active" else ())
            with anyio.fail_after(20):
                while (catalogue := await live.current()).active_agreements != wanted:
                    await checkpoint()
            seen.append(_reads(catalogue))
    with pytest.raises(ForbiddenError):
        await set_agreement(database, policies.owner(), "AGR-1", "active", {})
    assert seen == [False, True, False]


def _reads(catalogue: Catalogue, day: date = date(2026, 1, 15)) -> bool:
    reviewer = next(one for one in catalogue.profile.identities if one.id == "reviewer")
    return decide(
        policies.known_as(reviewer), catalogue.layer("parcel").definition, "items", catalogue.grants,
        purpose="construction_permit", day=day, active_agreements=catalogue.active_agreements,
    ).is_allowed  # fmt: skip


async def test_a_grant_runs_out_on_its_day_without_anybody_doing_anything(database: Database) -> None:
    await put(database, altered(GRANTS, REVIEWERS, policies.until(date(2026, 1, 15))))
    catalogue = await _catalogue(database)
    assert _reads(catalogue, date(2026, 1, 15)) and not _reads(catalogue, date(2026, 1, 16))
