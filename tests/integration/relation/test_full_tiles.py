"""What takes a place in a full tile is what the tile shows, not a box over it; and a tile that is full says so."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
import shapely
from shapely.affinity import translate

from layers.store import tiles
from layers.store.connection import Connection, Database
from layers.store.tiles import Drawn
from tests.support.layers import STORAGE_SRID, Layer, create, decision, definition, grant, insert, to_wgs84

pytestmark = pytest.mark.anyio

ATTRIBUTES: list[dict[str, Any]] = [{"name": "ma", "tag": "public", "indexed": True}]
FIELD = definition("field", ATTRIBUTES, precisions_m=(100,))
COVERED = definition("field", ATTRIBUTES, precisions_m=(100,), style={"coverage": True})
MIDDLE = (600_000.0, 1_210_000.0)
#: far from the middle of the squares on two sides, and their box around it
CORNERED = shapely.Polygon([(0, 0), (60_000, 0), (60_000, 10), (10, 10), (10, 60_000), (0, 60_000)])
SQUARES, BESIDE = 20, 30


def fields() -> list[dict[str, Any]]:
    """Squares in one place, and shapes that rank before them whose boxes lie over it."""
    found = []
    for number in range(SQUARES):
        west, south = MIDDLE[0] + number % 5 * 60, MIDDLE[1] + number // 5 * 60
        found.append(
            {"fid": 1_000 + number, "ma": f"S{number}", "geom": shapely.box(west, south, west + 50, south + 50)}
        )
    for number in range(BESIDE):
        geom = translate(CORNERED, MIDDLE[0] - 30_000 - number, MIDDLE[1] - 30_000 - number)
        found.append({"fid": 1 + number, "ma": f"L{number}", "geom": geom})
    return found


def fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA IF NOT EXISTS data")
        create(connection, FIELD)
        insert(connection, FIELD, fields())
        connection.execute("UPDATE data.field SET min_zoom = CASE WHEN fid >= 1000 THEN 11 ELSE 5 END")


@pytest.fixture
async def connection(
    make_template: Callable[[str, Callable[[str], None]], str], server: Any
) -> AsyncIterator[Connection]:
    url = server.url(make_template("fields", fill))
    async with Database.open(url, size=1) as database, database.connection() as opened:
        yield opened


async def drawn(connection: Connection, layer: Any, zoom: int, **level: Any) -> Drawn:
    lon, lat = to_wgs84(shapely.Point(MIDDLE[0] + 150, MIDDLE[1] + 120)).coords[0]
    x = int((lon + 180) / 360 * 2**zoom)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom)
    seen = decision(layer, grant("a", "field", **level), action="tile")
    return await tiles.drawn(connection, Layer(layer, revision=2), STORAGE_SRID, seen, zoom, x, y)


def fids(found: Drawn) -> set[int]:
    (layer,) = mapbox_vector_tile.decode(found.body).values()
    return {feature["id"] for feature in layer["features"]}


@pytest.mark.parametrize(("layer", "zoom", "cap"), [
    (FIELD, 14, "MAX_FEATURES"), (FIELD, 12, "MAX_FEATURES_LOW"), (COVERED, 12, "MAX_FEATURES_LOW"),
], ids=["near", "far", "cells"])  # fmt: skip
async def test_shapes_whose_boxes_alone_lie_over_a_tile_take_no_place_in_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, layer: Any, zoom: int, cap: str
) -> None:
    whole = await drawn(connection, layer, zoom)
    assert not whole.is_capped and whole.features > 1 and min(fids(whole)) >= 1_000
    monkeypatch.setattr(tiles, cap, whole.features + 1)
    assert await drawn(connection, layer, zoom) == whole
    monkeypatch.setattr(tiles, cap, whole.features - 1)
    full = await drawn(connection, layer, zoom)
    assert full.is_capped and fids(full) < fids(whole) and full.features == whole.features - 1


async def test_what_lies_beside_a_tile_on_the_grid_of_a_coarse_shape_takes_no_place_in_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await drawn(connection, FIELD, 14, geometry={"precision_m": 100})
    monkeypatch.setattr(tiles, "MAX_FEATURES", SQUARES + 1)
    assert await drawn(connection, FIELD, 14, geometry={"precision_m": 100}) == whole
    assert not whole.is_capped and whole.features


@pytest.mark.parametrize(("layer", "zoom"), [(FIELD, 14), (FIELD, 12), (COVERED, 12)], ids=["near", "far", "cells"])
@pytest.mark.parametrize("looked_at", [BESIDE, BESIDE + 3])
async def test_more_candidates_than_are_looked_at_are_told_of(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, layer: Any, zoom: int, looked_at: int
) -> None:
    monkeypatch.setattr(tiles, "MAX_CANDIDATES", looked_at)
    found = await drawn(connection, layer, zoom)
    assert found.is_capped
    assert found.features <= looked_at - BESIDE
    assert found.features == 0 or min(fids(found)) >= 1_000
