"""Non-interference over HTTP: whatever differs in what a caller may not see, every answer is the same to the byte.

Each pair of worlds has its own seed, its own audience and its own differences (`worlds.differences`); the requests are
drawn from the OpenAPI document of the running service (`worlds.drawing`). What is disclosed by declaration is listed in
DESIGN.md and kept equal between the worlds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from tests.security.worlds.asking import Asked, World, running
from tests.security.worlds.comparing import differences
from tests.security.worlds.differences import Differences
from tests.security.worlds.drawing import Drawing, drawing_of
from tests.security.worlds.routes import Route
from tests.security.worlds.sight import IDENTITIES, Audience
from tests.security.worlds.vocabulary import Vocabulary

pytestmark = [pytest.mark.xdist_group("two_worlds"), pytest.mark.anyio]

#: who is under test: alone, together, the owners of layers, one who may only check
AUDIENCES = (
    ("public",), ("public", "reviewer"), ("warden",), ("officer",), ("clerk", "public"), ("reviewer",),
    ("public", "reviewer", "warden"), ("public", "clerk", "officer"), ("reviewer", "clerk"), IDENTITIES,
)  # fmt: skip
PAIRS = tuple((seed, AUDIENCES[seed % len(AUDIENCES)]) for seed in range(20))
REQUESTS, MANY_REQUESTS = 100, 1_000
#: requests, after which the accesses that are only counted are written, and show in the owners' logs
WRITTEN_EVERY = 20

Clone = Callable[[str], str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder, so that a token holds in every world."""
    return tmp_path_factory.mktemp("worlds")


def second_world(url: str, audience: Audience, seed: int) -> str:
    with psycopg.connect(url) as connection:
        Differences(connection, audience, seed).make()
    return url


@asynccontextmanager
async def two_services(urls: tuple[str, str], data: Path) -> AsyncIterator[tuple[World, World]]:
    async with running(urls[0], data, IDENTITIES) as one, running(urls[1], data, IDENTITIES) as other:
        yield one, other


async def told_apart(one: World, other: World, drawing: Drawing, count: int) -> list[str]:
    """Ask both worlds the same; what tells them apart, with the request that did."""
    found: list[str] = []
    asked_of_each = list(drawing.one_of_each()) if count >= MANY_REQUESTS else []
    for number in range(count):
        asked = asked_of_each[number] if number < len(asked_of_each) else drawing.draw()
        first, second = await asyncio.gather(one.ask(asked), other.ask(asked))
        what = differences(asked, first, second)
        if first.status == 500:
            what.append(f"an unknown error: {first.body[:300]!r}")
        if what:
            found.append(f"{asked}\n  " + "\n  ".join(what))
        drawing.memory.note(asked, first)
        for world in (one, other):
            world.clock.advance(1)
            if number % WRITTEN_EVERY == 0:
                await world.flush()
    return found


async def run_pair(
    urls: tuple[str, str], words: Vocabulary, data: Path, seed: int, who: tuple[str, ...], count: int
) -> None:
    second_world(urls[1], Audience(who), seed)
    async with two_services(urls, data) as (one, other):
        found = await told_apart(one, other, await drawing_of((one, other), words, seed, who), count)
    listed = "\n".join(found[:5])
    assert not found, f"{len(found)} of {count} answers tell the worlds of seed {seed} apart:\n{listed}"


@pytest.mark.parametrize(("seed", "who"), PAIRS, ids=lambda value: value if isinstance(value, int) else "+".join(value))
async def test_nobody_can_tell_two_worlds_apart_by_what_they_may_not_see(
    first_world: str, words: Vocabulary, data: Path, clone: Clone, seed: int, who: tuple[str, ...]
) -> None:
    await run_pair((clone(first_world), clone(first_world)), words, data, seed, who, REQUESTS)


@pytest.mark.long
@pytest.mark.parametrize(("seed", "who"), PAIRS, ids=lambda value: value if isinstance(value, int) else "+".join(value))
async def test_nobody_can_tell_two_worlds_apart_in_a_thousand_requests(
    first_world: str, words: Vocabulary, data: Path, clone: Clone, seed: int, who: tuple[str, ...]
) -> None:
    await run_pair((clone(first_world), clone(first_world)), words, data, 1_000 + seed, who, MANY_REQUESTS)


async def test_every_route_and_parameter_is_drawn_and_every_route_is_asked(
    first_world: str, words: Vocabulary, data: Path, clone: Clone
) -> None:
    """A new route or parameter fails here, by name, until `worlds.drawing` knows it; then both worlds are asked."""
    who = ("public", "officer")
    urls = (clone(first_world), second_world(clone(first_world), Audience(who), 99))
    async with two_services(urls, data) as (one, other):
        drawing = await drawing_of((one, other), words, 99, who)
        assert drawing.unknown() == []
        for asked in drawing.one_of_each():
            first, second = await asyncio.gather(one.ask(asked), other.ask(asked))
            assert differences(asked, first, second) == [], asked


async def test_a_route_that_nobody_draws_is_named(
    first_world: str, words: Vocabulary, data: Path, clone: Clone
) -> None:
    async with running(clone(first_world), data, IDENTITIES) as world:
        drawing = await drawing_of([world], words, 1, ("public",))
    drawing.routes += [Route("GET", "/new", ()), Route("DELETE", "/checks", ()), Route("GET", "/map", ("colour",))]
    assert drawing.unknown() == ["GET /new", "DELETE /checks", "GET /map ?colour"]


@pytest.mark.parametrize(
    ("who", "sees", "address"),
    [
        (("public",), "officer", "/collections/parcel/items"),
        (("public", "reviewer"), "warden", "/collections/site/items"),
        (("officer",), "warden", "/collections/hidden_place/items"),
        (("warden",), "officer", "/collections/register/items"),
    ],
)  # fmt: skip
async def test_who_may_see_what_differs_does_see_it(
    first_world: str, data: Path, clone: Clone, who: tuple[str, ...], sees: str, address: str
) -> None:
    """The pairs are not the same world twice: the same comparison finds the difference for the right eyes."""
    urls = (clone(first_world), second_world(clone(first_world), Audience(who), 5))
    async with two_services(urls, data) as (one, other):
        asked = Asked("items", address, sees, query=(("limit", "1000"),))
        first, second = await one.ask(asked), await other.ask(asked)
        own = [Asked("items", address, identity, query=(("limit", "1000"),)) for identity in who]
        mine = [(await one.ask(each), await other.ask(each)) for each in own]
    assert first.status == 200 and differences(asked, first, second)
    assert [differences(asked, *pair) for asked, pair in zip(own, mine, strict=True)] == [[] for _ in who]


#: what the second world of a public audience has otherwise, and what both have alike
DIFFERENT = (
    "data.parcel", "data.site", "data.well", "data.register", "data.inspection", "data.quiet", "data.hidden_place",
    "data.draft", "catalogue.raster", "checks.piece", "checks.fact", "checks.record", "catalogue.revision",
    "catalogue.release", "access.event", "access.dossier",
)  # fmt: skip
ALIKE = ("data.commune", "access.policy", "catalogue.applied", "catalogue.commune", "access.agreement")


def test_the_second_world_is_another_one_in_every_table_that_may_be(first_world: str, clone: Clone) -> None:
    urls = (clone(first_world), second_world(clone(first_world), Audience(("public",)), 3))
    first, second = ({table: contents(url, table) for table in DIFFERENT + ALIKE} for url in urls)
    assert {table for table in DIFFERENT if first[table] == second[table]} == set()
    assert {table for table in ALIKE if first[table] != second[table]} == set()
    assert first["data.parcel"].keys() - second["data.parcel"].keys(), "rows that are gone"
    assert second["data.parcel"].keys() - first["data.parcel"].keys(), "rows that are new"


def contents(url: str, table: str) -> Counter[str]:
    """The rows of a table as texts."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(f"SELECT one::text FROM {table} AS one").fetchall()  # type: ignore[arg-type]
    return Counter(text for (text,) in rows)
