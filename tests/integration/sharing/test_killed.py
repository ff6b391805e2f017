"""Killed anywhere, the old policy stands whole, wall and history with it; the next application works."""

from __future__ import annotations

import signal
from typing import Any

import anyio
import psycopg

from layers.sharing.apply import STEPS, apply_proposal
from layers.store.connection import Database
from tests.support import policies
from tests.support.killed_policy import run
from tests.support.policies import OPERATOR, REVIEWERS, altered, with_fields

GRANTS = policies.first_grants()
SMALLER = altered(GRANTS, REVIEWERS, with_fields(rows="ma_xa = '25747'", columns={"names": ["ma"]}))


def _state(url: str) -> dict[str, Any]:
    """All that a policy stands on."""
    questions = {
        "pointer": "SELECT digest FROM access.policy",
        "history": "SELECT array_agg(digest ORDER BY id) FROM access.policy_change",
        "open": "SELECT count(*) FROM access.proposal WHERE state = 'open'",
        "rows": "SELECT array_agg((role_class, layer, code)::text ORDER BY role_class, layer, code)"
        " FROM access.row_scope",
        "events": "SELECT count(*) FROM access.event WHERE action = 'policy'",
        "grants": "SELECT array_agg((grantee, table_name, column_name)::text ORDER BY grantee, table_name, column_name)"
        " FROM information_schema.column_privileges WHERE table_schema = 'data' AND grantee LIKE 'lt_class_%%'",
    }
    with psycopg.connect(url) as connection:
        return {name: connection.execute(asked).fetchone() for name, asked in questions.items()}  # type: ignore[arg-type]


def test_killed_at_any_step_the_old_policy_stands_and_the_next_application_works(url: str) -> None:
    anyio.run(_propose, url)
    before = _state(url)
    for step in STEPS[:-1]:
        assert run(url, step) == -signal.SIGKILL, step
        assert _state(url) == before, step
    assert run(url, STEPS[-1]) == -signal.SIGKILL
    after = _state(url)
    assert all(after[name] != before[name] for name in before), "what was committed is whole too"
    anyio.run(_put_back, url)
    again = _state(url)
    assert (again["pointer"], again["rows"], again["grants"]) == (before["pointer"], before["rows"], before["grants"])


async def _propose(url: str) -> None:
    async with Database.open(url, size=2) as database:
        await policies.proposed(database, SMALLER)


async def _put_back(url: str) -> None:
    async with Database.open(url, size=2) as database:
        await policies.proposed(database, GRANTS)
        await apply_proposal(database, OPERATOR)
