"""Ledgers: one that tests tamper with and put right again, and empty ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server

ROUNDS, EVENTS = 3, 5


@pytest.fixture
def ledger(empty_database: str, tmp_path: Path) -> Ledger:
    return Ledger(empty_database, tmp_path)


@pytest.fixture(scope="module")
def sealed(
    server: Server, make_template: Callable[[str, Callable[[str], None]], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """Three seals of five events, numbered 1 to 15; whoever changes it puts it right again (`kept`)."""
    with server.copied(make_template("empty", lambda url: None)) as url:
        made = Ledger(url, tmp_path_factory.mktemp("sealed"))
        for _ in range(ROUNDS):
            made.add(EVENTS)
            made.seal()
        yield made
