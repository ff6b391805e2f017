"""The service over a small filled database, seen by several identities."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.service_fixtures import filled_template, own_service, reading
from tests.support.shared_layers import Service

from .visitor import Visitor

__all__ = ["filled_template", "own_service", "reading"]


@pytest.fixture(scope="session")
def visitors(reading: Service) -> Iterator[dict[str, Visitor]]:
    made = {name: Visitor(name, reading.base, caller.token) for name, caller in reading.callers.items()
            if name != "reviewer"}  # fmt: skip
    yield made
    for visitor in made.values():
        visitor.http.close()


@pytest.fixture(params=["public", "officer"])
def visitor(request: pytest.FixtureRequest, visitors: dict[str, Visitor]) -> Visitor:
    """Each identity in turn: public sees a polygon and an empty layer, the officer points, lines and no shapes too."""
    return visitors[request.param]


@pytest.fixture
def officer(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["officer"]


@pytest.fixture
def public(visitors: dict[str, Visitor]) -> Visitor:
    return visitors["public"]
