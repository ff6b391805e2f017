"""The layers of the abstract tests, published once and only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func

from layers.access.decide import decide, queryables
from layers.access.principal import PUBLIC
from layers.filters import Expression, WrittenIn, check
from layers.profile.load import load_profile
from layers.store.connection import compiled
from layers.store.relation_sql import Wanted, relation
from ogc.common.crs_names import CRS84, known
from ogc.features.filtering import written_in
from tests.support.layers import DAY
from tests.support.natural_earth import PROFILE, publish_all
from tests.support.shared_layers import Service, service

MakeTemplate = Callable[[str, Callable[[str], None]], str]


@pytest.fixture(scope="session")
def world_template(make_template: MakeTemplate, shared: Path) -> str:
    file = shared / "cql2" / "ne110m4cql2.gpkg"
    return make_template("natural_earth", lambda url: publish_all(url, file))


@pytest.fixture(scope="session")
def world_service(world_template: str, server: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with server.copied(world_template) as url, service(url, tmp_path_factory.mktemp("world")) as running:  # type: ignore[attr-defined]
        yield running


@dataclass(frozen=True)
class World:
    """Counts through the authorised relation of whoever comes along."""

    connection: psycopg.Connection[tuple[int]]

    @property
    def written_in(self) -> WrittenIn:
        profile = load_profile(PROFILE)
        return written_in(known(profile)[CRS84], profile)

    def count(self, layer_id: str, expression: Expression) -> int:
        profile = load_profile(PROFILE)
        layer = profile.layer(layer_id)
        assert layer is not None
        decision = decide(PUBLIC, layer, "items", profile.grants, purpose=None, day=DAY)
        checked = check(expression, queryables(layer, decision))
        asked = relation(layer, 4258, decision, Wanted(filter=checked, order="none"))
        text, values = compiled(asked.select(func.count()))
        row = self.connection.execute(text, values).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
def world(world_template: str, server: object) -> Iterator[World]:
    with psycopg.connect(server.url(world_template)) as connection:  # type: ignore[attr-defined]
        yield World(connection)
