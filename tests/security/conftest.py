"""One database with a small land of parcels, read by every test, cloned where a test changes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from layers.store.connection import Connection, Database
from tests.security.worlds import template
from tests.security.worlds.vocabulary import Vocabulary, read_vocabulary
from tests.support import sites
from tests.support.server import Server
from tests.support.shared_layers import fill as fill_shared_layers


@pytest.fixture
def sites_database(make_template: Callable[[str, Callable[[str], None]], str], server: object) -> str:
    """Shared by all tests, which only read."""
    name = make_template("sites", _fill)
    return server.url(name)  # type: ignore[attr-defined,no-any-return]


def _fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        sites.fill(connection)


@pytest.fixture
async def connection(sites_database: str) -> AsyncIterator[Connection]:
    async with Database.open(sites_database, size=1) as database, database.connection() as opened:
        yield opened


@pytest.fixture(scope="session")
def first_world(make_template: Callable[[str, Callable[[str], None]], str]) -> str:
    """The template that every world of the two-world tests is cloned from."""
    return make_template("two_worlds", template.fill)


@pytest.fixture(scope="session")
def words(first_world: str, server: Server) -> Vocabulary:
    return read_vocabulary(server.url(first_world))


@pytest.fixture
def two_worlds(
    make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]
) -> tuple[str, str]:
    """Two copies of one land, to be made different where nobody may look."""
    template = make_template("worlds", _fill)
    return clone(template), clone(template)


@pytest.fixture
def walled(make_template: Callable[[str, Callable[[str], None]], str], server: Any) -> str:
    """A small profile behind both walls; only read."""
    return str(server.url(make_template("shared_layers", fill_shared_layers)))


@pytest.fixture
def own(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> str:
    return clone(make_template("shared_layers", fill_shared_layers))


@pytest.fixture
def owner(own: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(own, autocommit=True, row_factory=dict_row) as connection:
        yield connection
