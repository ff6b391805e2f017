"""Low zooms of a coverage: one row stands for a cell, chosen by itself alone; full tiles; earlier revisions."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
import shapely
from shapely.geometry import shape

from gis.zoom import HALF_WORLD_M, anchor, cell_m, coverage_min_zoom
from layers.store import tiles
from layers.store.connection import Connection, Database
from layers.store.tile_sql import CELL, IS_CELL
from tests.support.layers import STORAGE_SRID, Layer, create, decision, definition, grant, insert, to_wgs84

pytestmark = pytest.mark.anyio

PLOT = definition(
    "plot",
    [
        {"name": "ma", "tag": "public", "indexed": True},
        {"name": "xa", "tag": "public", "indexed": True},
        {"name": "loai", "tag": "public", "enum": ["lua", "o"]},
    ],
    label="Thửa {ma}",
    precisions_m=(100,),
    style={"coverage": True},
)
SERVED = Layer(PLOT, revision=2)
SIDE_M, ACROSS = 45.0, 24
ORIGIN = (600_000.0, 1_210_000.0)
LARGE = 90_000
CLOSED = 80_000
ALL = decision(PLOT, grant("a", "plot"), action="tile")
SOME = decision(PLOT, grant("a", "plot", rows="xa = '25747'"), action="tile")


def plots() -> list[dict[str, Any]]:
    """Squares side by side, and a large one beside them."""
    found = []
    for number in range(ACROSS * ACROSS):
        row, column = divmod(number, ACROSS)
        west, south = ORIGIN[0] + column * SIDE_M, ORIGIN[1] + row * SIDE_M
        kind = {"xa": "25747" if column < 9 else "25750", "loai": "lua" if row % 2 else "o"}
        geom = shapely.box(west, south, west + SIDE_M, south + SIDE_M)
        found.append({"fid": 1 + (number * 577) % 7919, "ma": f"P{number}", **kind, "geom": geom})
    large = shapely.box(ORIGIN[0] - 900, ORIGIN[1], ORIGIN[0], ORIGIN[1] + 900)
    return [*found, {"fid": LARGE, "ma": "LON", "xa": "25747", "loai": "o", "geom": large}]


def fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA IF NOT EXISTS data")
        create(connection, PLOT)
        insert(connection, PLOT, plots())
        before = shapely.box(ORIGIN[0] - 900, ORIGIN[1] - 900, ORIGIN[0], ORIGIN[1])
        insert(connection, PLOT, [{"fid": CLOSED, "ma": "CU", "xa": "25747", "loai": "o", "geom": before}], until=2)
        stored = connection.execute("SELECT fid, ST_AsBinary(geom_3857) FROM data.plot").fetchall()
        ranks = coverage_min_zoom(shapely.from_wkb([row[1] for row in stored]))
        ranked = [(int(rank), row[0]) for row, rank in zip(stored, ranks, strict=True)]
        connection.cursor().executemany("UPDATE data.plot SET min_zoom = %s WHERE fid = %s", ranked)


@pytest.fixture
async def connection(
    make_template: Callable[[str, Callable[[str], None]], str], server: Any
) -> AsyncIterator[Connection]:
    url = server.url(make_template("plots", fill))
    async with Database.open(url, size=1) as database, database.connection() as opened:
        yield opened


def place(zoom: int) -> tuple[int, int, int]:
    lon, lat = to_wgs84(shapely.Point(ORIGIN[0] + 500, ORIGIN[1] + 500)).coords[0]
    x = int((lon + 180) / 360 * 2**zoom)
    return zoom, x, int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom)


async def drawn(connection: Connection, of: Any, zoom: int, revision: int | None = None) -> dict[int, dict[str, Any]]:
    found = await tiles.drawn(connection, SERVED, STORAGE_SRID, of, *place(zoom), revision)
    return features(found.body)


def features(body: bytes) -> dict[int, dict[str, Any]]:
    layers = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True}) if body else {}
    return {feature["id"]: feature for layer in layers.values() for feature in layer["features"]}


def cells_of(found: dict[int, dict[str, Any]]) -> dict[int, Any]:
    return {fid: shape(each["geometry"]) for fid, each in found.items() if IS_CELL in each["properties"]}


@pytest.mark.parametrize("zoom", [10, 11, 12])
async def test_each_cell_is_drawn_once_by_the_row_that_holds_its_anchor(connection: Connection, zoom: int) -> None:
    found = await drawn(connection, ALL, zoom)
    cells = cells_of(found)
    assert cells and LARGE in found and LARGE not in cells
    corners = [(cell.bounds[0], cell.bounds[1]) for cell in cells.values()]
    assert len(set(corners)) == len(corners)
    cursor = await connection.execute("SELECT fid, ST_AsBinary(geom_3857) AS shape FROM data.plot WHERE until IS NULL")
    stored = {row["fid"]: shapely.from_wkb(row["shape"]) for row in await cursor.fetchall()}
    z, x, y = place(zoom)
    for fid, cell in cells.items():
        west, north = cell.bounds[0] / CELL, cell.bounds[1] / CELL
        assert cell.equals(shapely.box(west * CELL, north * CELL, (west + 1) * CELL, (north + 1) * CELL))
        held = shapely.Point(
            (x * 64 + west + anchor(z)) * cell_m(z) - HALF_WORLD_M,
            HALF_WORLD_M - (y * 64 + north + anchor(z)) * cell_m(z),
        )
        assert stored[fid].contains(held)


async def test_a_ground_that_is_covered_has_no_hole(connection: Connection) -> None:
    cells = shapely.union_all(list(cells_of(await drawn(connection, ALL, 12)).values()))
    covered = (ACROSS * SIDE_M) ** 2 / (cell_m(12) * math.cos(math.radians(10.94))) ** 2
    assert cells.area / CELL**2 == pytest.approx(covered, rel=0.2)
    assert cells.geom_type == "Polygon" and shapely.get_num_interior_rings(cells) == 0


@pytest.mark.parametrize("zoom", [9, 11, 12, 13])
async def test_hidden_rows_decide_nothing_about_those_that_are_shown(connection: Connection, zoom: int) -> None:
    everything, some = await drawn(connection, ALL, zoom), await drawn(connection, SOME, zoom)
    mine = {row["fid"] for row in plots() if row["xa"] == "25747"}
    assert some == {fid: each for fid, each in everything.items() if fid in mine} and some


async def test_a_cell_has_a_colour_and_no_name(connection: Connection) -> None:
    found = await drawn(connection, ALL, 12)
    for fid, each in found.items():
        assert set(each["properties"]) == ({"ma", "xa", "loai"} if fid == LARGE else {"loai", IS_CELL})
    assert not cells_of(await drawn(connection, ALL, 13))


@pytest.mark.parametrize(("limit", "value", "zoom"), [
    ("MAX_FEATURES_LOW", 5, 12), ("MAX_BYTES_LOW", 600, 12), ("MAX_FEATURES", 5, 14), ("MAX_BYTES", 900, 14),
])  # fmt: skip
async def test_a_full_tile_leaves_out_the_last_ranks_and_says_so(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, zoom: int
) -> None:
    whole = await tiles.drawn(connection, SERVED, STORAGE_SRID, SOME, *place(zoom))
    assert not whole.is_capped
    monkeypatch.setattr(tiles, limit, value)
    full = await tiles.drawn(connection, SERVED, STORAGE_SRID, SOME, *place(zoom))
    assert full.is_capped and 0 < full.features < whole.features
    assert len(full.body) <= value if "BYTES" in limit else full.features == value
    kept, known = features(full.body), features(whole.body)
    assert list(kept) == list(known)[: len(kept)] and all(kept[fid] == known[fid] for fid in kept)
    again = await tiles.drawn(connection, SERVED, STORAGE_SRID, SOME, *place(zoom))
    assert again.body == full.body


async def test_coarse_shapes_share_cells_and_show_no_exact_one(connection: Connection) -> None:
    coarse = decision(PLOT, grant("a", "plot", geometry={"precision_m": 100}), action="tile")
    cells = cells_of(await drawn(connection, coarse, 12))
    corners = {cell.bounds for cell in cells.values()}
    assert cells and len(corners) == len(cells)


@pytest.mark.parametrize("zoom", [4, 10, 14])
async def test_an_earlier_revision_is_drawn_as_it_stood(connection: Connection, zoom: int) -> None:
    now, before = await drawn(connection, ALL, zoom), await drawn(connection, ALL, zoom, 1)
    assert CLOSED not in now
    assert before.keys() - now.keys() == ({CLOSED} if CLOSED in before else set())
    assert (CLOSED in before) == (zoom == 10)  # too small at 4, beside the tile at 14
    assert {fid: each for fid, each in before.items() if fid != CLOSED} == now


def test_a_row_that_is_drawn_stays_drawn_further_in() -> None:
    """Anchors of a zoom are anchors of the next."""
    for zoom in range(12):
        doubled = 2 * anchor(zoom)
        assert doubled % 1 == pytest.approx(anchor(zoom + 1))
    shapes = np.array([shapely.box(x, 20.0, x + 3.0, 23.0) for x in range(0, 3_000, 3)], dtype=object)
    ranks = coverage_min_zoom(shapes)
    assert set(ranks.tolist()) <= set(range(15))
    share = np.mean(ranks <= 12)
    assert share == pytest.approx(3_000 / cell_m(12) / 1_000, abs=0.02)  # one a column of cells, or none
