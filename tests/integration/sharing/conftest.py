"""A database with layers, people and somebody who answers for a layer; each test has its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from layers.store.connection import Database
from tests.support import policies


@pytest.fixture
def url(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> str:
    return clone(make_template("policies", policies.fill))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database.open(url, size=3) as opened:
        yield opened
