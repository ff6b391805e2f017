"""Tiles by the fast route against ST_AsMVTGeom, decoded."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from gis.zoom import min_zoom
from layers.errors import InvalidRequestError, UnavailableError
from layers.store import connection as database
from layers.store import tiles
from layers.store.connection import Connection
from layers.store.relation_sql import tile_bounds
from tests.support.layers import STORAGE_SRID, Layer, decision, grant, to_wgs84
from tests.support.sites import SITE, rows

pytestmark = pytest.mark.anyio

SERVED = Layer(SITE, revision=2)
OPEN = decision(SITE, grant("a", "site"), action="tile")
PLAIN = """
SELECT ST_AsMVT(t, 'site', 4096, 'g', 'fid') AS tile FROM (
  SELECT fid, ma, xa, so, ST_AsMVTGeom(geom_3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS g FROM data.site
  WHERE until IS NULL AND geom_3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625)) AS t
"""


def tile_over_the_land(zoom: int) -> tuple[int, int, int]:
    lon, lat = to_wgs84(shapely.Point(600_600, 1_210_500)).coords[0]
    x = int((lon + 180) / 360 * 2**zoom)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom)
    return zoom, x, y


def decoded(tile: bytes) -> dict[int, dict[str, Any]]:
    """Features by id; y grows downward, as in the tile."""
    layers = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}) if tile else {}
    return {feature["id"]: feature for feature in layers.get("site", {"features": []})["features"]}


def polygons(feature: dict[str, Any]) -> list[Any]:
    found = shape(feature["geometry"])
    return list(getattr(found, "geoms", [found]))


@pytest.mark.parametrize("zoom", [10, 12, 13, 14, 15, 16, 18])
async def test_a_tile_holds_the_shapes_that_st_asmvtgeom_draws(connection: Connection, zoom: int) -> None:
    z, x, y = tile_over_the_land(zoom)
    drawn = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, z, x, y))
    found = await database.row(connection, PLAIN, {"z": z, "x": x, "y": y})
    assert found is not None
    plain = decoded(bytes(found["tile"]))
    assert drawn.keys() == plain.keys() and drawn
    for fid, feature in drawn.items():
        own, other = shape(feature["geometry"]), shape(plain[fid]["geometry"])
        assert own.is_valid
        assert own.hausdorff_distance(other) <= 1.5  # rounding to the grid, in 1/16 of a pixel
        assert feature["properties"] == plain[fid]["properties"]


@pytest.mark.parametrize("zoom", [13, 14, 16, 18])
async def test_a_tile_is_the_same_whether_shapes_are_known_to_clear_its_grid(connection: Connection, zoom: int) -> None:
    place = tile_over_the_land(zoom)
    known = await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, *place)
    async with connection.transaction(force_rollback=True):
        await database.execute(connection, "UPDATE data.site SET clearance_m = 0")
        tested = await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, *place)
    assert known == tested and known


@pytest.mark.parametrize("zoom", [12, 14, 16])
async def test_outer_rings_are_clockwise_on_the_screen(connection: Connection, zoom: int) -> None:
    drawn = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, *tile_over_the_land(zoom)))
    for feature in drawn.values():
        for polygon in polygons(feature):
            assert polygon.exterior.is_ccw  # with y downward, counterclockwise numbers are clockwise on the screen
            assert not any(ring.is_ccw for ring in polygon.interiors)


async def test_a_tile_carries_only_what_the_map_needs_and_the_caller_may_see(connection: Connection) -> None:
    drawn = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, *tile_over_the_land(15)))
    assert {name for feature in drawn.values() for name in feature["properties"]} == {"ma", "xa", "so"}


async def test_a_tile_holds_only_allowed_rows(connection: Connection) -> None:
    some = decision(SITE, grant("a", "site", rows="xa = '25747'"), action="tile")
    drawn = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, some, *tile_over_the_land(14)))
    assert set(drawn) <= {row["fid"] for row in rows() if row["xa"] == "25747"}
    assert drawn


async def test_degraded_shapes_lie_on_their_grid_and_centroids_are_points(connection: Connection) -> None:
    coarse = decision(SITE, grant("a", "site", geometry={"precision_m": 100}), action="tile")
    whole = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, *tile_over_the_land(15)))
    drawn = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, coarse, *tile_over_the_land(15)))
    places = {str(feature["geometry"]["coordinates"]) for feature in drawn.values()}
    assert len(places) < len(drawn) / 2  # several parcels fall onto one grid point
    assert all(drawn[fid]["geometry"] != whole[fid]["geometry"] for fid in drawn.keys() & whole.keys())
    centred = decision(SITE, grant("a", "site", geometry="centroid"), action="tile")
    points = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, centred, *tile_over_the_land(15)))
    assert {feature["geometry"]["type"] for feature in points.values()} == {"Point"}


async def test_without_a_shape_there_is_an_empty_tile_as_where_nothing_lies(connection: Connection) -> None:
    shapeless = decision(SITE, grant("a", "site", geometry="none"), action="tile")
    assert await tiles.tile(connection, SERVED, STORAGE_SRID, shapeless, *tile_over_the_land(15)) == b""
    assert await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, 15, 0, 0) == b""


async def test_rows_whose_shape_is_hidden_take_no_place_in_a_full_tile(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "MAX_FEATURES", 5)
    shown = grant("a", "site", rows="xa = '25747'")
    some = decision(SITE, shown, grant("b", "site", rows="xa <> '25747'", geometry="none"), action="tile")
    place = tile_over_the_land(14)
    drawn = decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, some, *place))
    alone = decision(SITE, shown, action="tile")
    assert drawn == decoded(await tiles.tile(connection, SERVED, STORAGE_SRID, alone, *place))
    assert len(drawn) == 5


@pytest.mark.parametrize("place", [(3, 8, 0), (3, 0, -1), (23, 0, 0), (-1, 0, 0)])
async def test_a_tile_that_does_not_exist_is_an_error(connection: Connection, place: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidRequestError):
        await tiles.tile(connection, SERVED, STORAGE_SRID, OPEN, *place)


async def test_a_suspended_layer_has_no_tiles(connection: Connection) -> None:
    with pytest.raises(UnavailableError):
        await tiles.tile(connection, Layer(SITE, "suspended"), STORAGE_SRID, OPEN, 0, 0, 0)


def test_a_shape_is_seen_from_the_zoom_where_it_is_half_a_pixel() -> None:
    bounds = tile_bounds(10, 800, 480)
    pixel = (bounds[2] - bounds[0]) / 256
    made = [shapely.box(0, 0, size, 1) for size in (pixel / 2, pixel / 2 * 0.99, pixel)] + [shapely.Point(1, 1)]
    assert min_zoom(np.array(made, dtype=object)).tolist() == [10, 11, 9, 0]
    assert min_zoom(np.array([shapely.box(0, 0, 0.1, 0.1)], dtype=object)).tolist() == [14]
