"""Tiles drawn ahead: for whom, how far, and on from where it was stopped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from layers.access.principal import PUBLIC, Principal, known_as
from layers.profile.grammar import Identity
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from layers.tiling.cache import TileCache
from layers.tiling.seeding import Seeded, Seeding, places_of, seed
from ogc.cli.tiles import app
from tests.support.server import Server
from tests.support.shared_layers import IDENTITIES

pytestmark = pytest.mark.anyio
TODAY = date(2026, 11, 20)
ZOOMS = range(10, 16)


@pytest.fixture(scope="module")
def url(filled_template: str, server: Server) -> Iterator[str]:
    """Only read, but for events."""
    with server.copied(filled_template) as made:
        yield made


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database.open(url, size=4) as opened:
        yield opened


@pytest.fixture
def cache(tmp_path: Path) -> TileCache:
    return TileCache(tmp_path / "tiles", 10_000_000)


def identity(name: str) -> Principal:
    return known_as(Identity.model_validate(next(each for each in IDENTITIES if each["id"] == name)))


async def seeded(database: Database, cache: TileCache, asked: Seeding) -> Seeded:
    async with database.connection() as connection:
        catalogue = await load_catalogue(connection)
    return await seed(database, catalogue, cache, asked, today=TODAY, on_tile=lambda *_: None)


async def test_what_anybody_may_see_is_drawn_once_and_then_found(database: Database, cache: TileCache) -> None:
    first = await seeded(database, cache, Seeding(PUBLIC, ZOOMS))
    assert first.drawn and not first.found and not first.is_full
    assert set(cache.sizes()) == {"zone", "line"}
    assert {"parcel": "no_grant", "register": "no_grant"}.items() <= first.skipped.items()
    again = await seeded(database, cache, Seeding(PUBLIC, ZOOMS, workers=1))
    assert (again.drawn, again.found) == (0, first.drawn)


async def test_it_goes_on_where_it_was_stopped(database: Database, cache: TileCache) -> None:
    first = await seeded(database, cache, Seeding(PUBLIC, ZOOMS, ("zone",)))
    stored = sorted(cache.root.rglob("*.tile"))
    for path in stored[::2]:
        path.unlink()
    again = await seeded(database, cache, Seeding(PUBLIC, ZOOMS, ("zone",)))
    assert (again.drawn, again.found) == (len(stored[::2]), first.drawn - len(stored[::2]))
    assert sorted(cache.root.rglob("*.tile")) == stored


async def test_it_stops_at_the_limit(database: Database, tmp_path: Path) -> None:
    small = TileCache(tmp_path / "small", 300)
    report = await seeded(database, small, Seeding(PUBLIC, ZOOMS))
    assert report.is_full and report.bytes <= 300


async def test_what_hangs_on_claims_is_not_drawn_ahead(database: Database, cache: TileCache) -> None:
    report = await seeded(database, cache, Seeding(identity("reviewer"), ZOOMS, ("parcel",), "construction_permit"))
    assert report.skipped == {"parcel": "not_kept"} and not cache.sizes()


async def test_it_leaves_an_event_for_each_layer(database: Database, cache: TileCache, url: str) -> None:
    who = identity("officer")
    with psycopg.connect(url, autocommit=True) as connection:
        counted = "SELECT count(*) FROM access.event WHERE principal = 'officer' AND action = 'tile' AND phase = %s"
        before = [connection.execute(counted, (phase,)).fetchone() for phase in ("opened", "closed")]
        await seeded(database, cache, Seeding(who, range(12, 13), ("zone", "parcel")))
        after = [connection.execute(counted, (phase,)).fetchone() for phase in ("opened", "closed")]
    assert [b[0] - a[0] for a, b in zip(before, after, strict=True) if a and b] == [2, 2]


def test_the_command_draws_counts_and_clears(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", url)
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path))

    def ran(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    drawn = ran("seed", "--layer", "zone", "--zooms", "12-14")
    assert drawn["drawn"] and drawn["bytes"] and not drawn["full"]
    assert ran("status")["layers"]["zone"]["tiles"] == drawn["drawn"]
    assert ran("clear", "--layer", "zone")["removed_bytes"] > 0
    assert ran("status")["layers"].get("zone", {"tiles": 0})["tiles"] == 0
    assert CliRunner().invoke(app, ["seed", "--zooms", "9-99"]).exit_code == 2


def test_a_box_over_the_edge_of_the_world_has_tiles_of_the_world() -> None:
    assert list(places_of((-180.0, -90.0, 180.0, 90.0), 1)) == [(1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1)]
    assert list(places_of((106.6, 10.9, 106.6, 10.9), 12)) == [(12, 3260, 1923)]
