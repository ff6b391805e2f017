from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import edited
from tests.support.server import Server


@pytest.fixture(scope="session")
def edited_template(
    make_template: Callable[[str, Callable[[str], None]], str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    return make_template("edited", lambda url: edited.fill(url, tmp_path_factory.mktemp("edited")))


@pytest.fixture(scope="session")
def standing(
    edited_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[edited.Service]:
    """One service for the tests that change nothing, or only a feature of their own."""
    with server.copied(edited_template) as url, edited.service(url, tmp_path_factory.mktemp("standing")) as running:
        yield running


@pytest.fixture
def url(edited_template: str, clone: Callable[[str], str]) -> str:
    """A database of the test's own: twenty plots, three spots, two quiet places."""
    return clone(edited_template)


@pytest.fixture
def service(url: str, tmp_path: Path) -> Iterator[edited.Service]:
    with edited.service(url, tmp_path / "served") as running:
        yield running
