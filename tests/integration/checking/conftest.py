"""The small place, cloned for each test that changes it and shared by those that only ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.checked import Place, fill
from tests.support.server import Server

MakeTemplate = Callable[[str, Callable[[str], None]], str]


@pytest.fixture(scope="session")
def place_template(make_template: MakeTemplate) -> str:
    return make_template("checked", fill)


@pytest.fixture(scope="session")
def shared_place(place_template: str, server: Server) -> Iterator[Place]:
    """Only asked, never published to."""
    with server.copied(place_template) as url:
        yield Place.at(url)


@pytest.fixture
def place(place_template: str, clone: Callable[[str], str]) -> Place:
    """One's own."""
    return Place.at(clone(place_template))
