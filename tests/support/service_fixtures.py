"""One service for all tests that only read; a fresh one for those that change something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Server
from tests.support.shared_layers import Service, fill, service

MakeTemplate = Callable[[str, Callable[[str], None]], str]


@pytest.fixture(scope="session")
def filled_template(make_template: MakeTemplate) -> str:
    return make_template("shared_layers", fill)


@pytest.fixture(scope="session")
def reading(filled_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Read only: shared by every test of a session."""
    with server.copied(filled_template) as url, service(url, tmp_path_factory.mktemp("reading")) as running:
        yield running


@pytest.fixture
def own_service(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> Callable[..., AbstractContextManager[Service]]:
    """`with own_service() as running:` over a database of the test's own."""

    def make(**options: Any) -> AbstractContextManager[Service]:
        return service(clone(filled_template), tmp_path, **options)

    return make
