"""What the tests of coverage ask of the three wards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
from shapely.geometry.base import BaseGeometry

from layers.access.principal import Principal, known_as, operator
from layers.checking.answer import Answer
from layers.checking.coverage import Asked, Coverage, coverage_of
from layers.checking.ground import KnownGrounds
from layers.checking.request import ByGeometry, CheckRequest
from layers.checking.run import check
from layers.profile.profile import Profile
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from tests.security.worlds.content import worlds_profile
from tests.support.checked import geojson
from tests.support.published import Publisher

A, B, C = "25747", "25750", "25753"
OPERATOR = operator("tester")
INPUTS = {"target_use": "ODT", "target_area_m2": 50}


def land_profile() -> Profile:
    """The profile of the two worlds with the checks that these tests count on: none of a raster."""
    profile = worlds_profile()
    procedures = [
        one.model_copy(update={"checks": tuple(check for check in one.checks if check.id != "wet")})
        for one in profile.procedures
    ]
    return profile.model_copy(update={"procedures": tuple(procedures)})


def somebody(name: str) -> Principal:
    """An identity of the profile."""
    return known_as(next(one for one in worlds_profile().identities if one.id == name))


@dataclass
class Land:
    url: str
    publisher: Publisher

    @classmethod
    def at(cls, url: str) -> Land:
        return cls(url, Publisher(url, land_profile()))

    def run(self, body: Callable[[Database, Catalogue], Any]) -> Any:
        async def run() -> Any:
            async with Database.open(self.url, size=3) as database:
                async with database.connection() as connection:
                    catalogue = await load_catalogue(connection)
                return await body(database, catalogue)

        return anyio.run(run)

    def coverage(self, who: Principal = OPERATOR, asked: Asked = Asked(), **more: Any) -> Coverage:
        found: Coverage = self.run(
            lambda database, catalogue: coverage_of(database, catalogue, who, KnownGrounds(), asked, **more)
        )
        return found

    def states(self, layer: str, who: Principal = OPERATOR) -> dict[str, str]:
        found = self.coverage(who)
        return {commune: cell.state for (name, commune), cell in found.cells.items() if name == layer}

    def check_all(self, shapes: list[BaseGeometry]) -> list[Answer]:
        """One check after the other over one connection."""

        async def body(database: Database, catalogue: Catalogue) -> list[Answer]:
            return [
                await check(
                    database, catalogue, CheckRequest("land_use_change", ByGeometry(geojson(shape)), INPUTS), OPERATOR
                )
                for shape in shapes
            ]

        found: list[Answer] = self.run(body)
        return found
