"""Shapes in other systems: what is shown coarsely is as coarse in every one of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from gis.crs import Projection
from layers.access.decide import Decision
from layers.filters import parse_text
from layers.store import features
from layers.store.connection import Connection
from layers.store.features import ItemsQuery
from layers.store.shape_form import Form
from tests.support.layers import STORAGE_SRID, Layer, decision, grant
from tests.support.sites import SITE, rows

pytestmark = pytest.mark.anyio

SERVED = Layer(SITE, revision=2)
OPEN = decision(SITE, grant("a", "site"))
GRID = decision(SITE, grant("a", "site", geometry={"precision_m": 50}))
MIDDLE = decision(SITE, grant("a", "site", geometry="centroid"))
NONE = decision(SITE, grant("a", "site", geometry="none"))
MIXED = decision(
    SITE, grant("a", "site", geometry={"precision_m": 50}), grant("b", "site", rows="xa = '25747'", geometry="full")
)
SYSTEMS = (STORAGE_SRID, 3405, 3857)
PROJECTION = Projection(f"EPSG:{STORAGE_SRID}", "EPSG:6960")


async def shapes(connection: Connection, decided: Decision, form: Form, **query: Any) -> dict[int, Any]:
    page = await features.page(connection, SERVED, STORAGE_SRID, decided, ItemsQuery(limit=2000, form=form, **query))
    found = (json.loads(feature) for feature in page.features)
    return {one["id"]: shape(one["geometry"]) if one["geometry"] else None for one in found}


def form(srid: int) -> Form:
    return Form(srid, digits=4)


def moved(shown: list[Any], srid: int) -> np.ndarray[Any, Any]:
    """Corners in the storage system."""
    back = PROJECTION.to_crs(np.array(shown, dtype=object), f"EPSG:{srid}", f"EPSG:{STORAGE_SRID}")
    return shapely.get_coordinates(back)


@pytest.mark.parametrize("srid", [STORAGE_SRID, 3405])
async def test_corners_on_a_grid_stay_on_it(connection: Connection, srid: int) -> None:
    shown = await shapes(connection, GRID, form(srid))
    corners = moved(list(shown.values()), srid)
    assert len(shown) == 1200 and np.abs(corners / 50 - np.round(corners / 50)).max() < 1e-5


@pytest.mark.parametrize("srid", SYSTEMS)
async def test_a_middle_is_the_one_that_is_shown_in_crs84(connection: Connection, srid: int) -> None:
    in_degrees = await shapes(connection, MIDDLE, Form(digits=12))
    shown = await shapes(connection, MIDDLE, form(srid))
    assert {one.geom_type for one in shown.values()} == {"Point"}
    points = np.array(list(in_degrees.values()), dtype=object)
    expected = PROJECTION.to_crs(points, "EPSG:4326", f"EPSG:{srid}")
    found = shapely.get_coordinates(np.array(list(shown.values()), dtype=object))
    assert np.abs(found - shapely.get_coordinates(expected)).max() < 0.002


@pytest.mark.parametrize("srid", [*SYSTEMS, 4326])
async def test_no_shape_is_none_in_any_system(connection: Connection, srid: int) -> None:
    assert set((await shapes(connection, NONE, form(srid))).values()) == {None}


async def test_the_stored_shape_leaves_as_it_is_stored_where_it_may(connection: Connection) -> None:
    exact = {row["fid"]: row for row in rows()}
    shown = await shapes(connection, MIXED, form(STORAGE_SRID))
    for fid, one in shown.items():
        is_exact = exact[fid]["xa"] == "25747"
        stored = shapely.set_precision(exact[fid]["geom"], 1e-4)
        assert (one.hausdorff_distance(stored) < 2e-4) == is_exact


@pytest.mark.parametrize("decided", [OPEN, GRID, MIDDLE, MIXED])
async def test_filters_and_boxes_select_the_same_whatever_system_leaves(
    connection: Connection, decided: Decision
) -> None:
    (west, south, east, north) = shapely.total_bounds(
        list((await shapes(connection, GRID, Form(), bbox=None)).values())
    )
    middle = ((west + east) / 2, (south + north) / 2)
    asked: dict[str, Any] = {
        "bbox": (west, south, *middle),
        "filter": parse_text(f"S_INTERSECTS(geometry, BBOX({middle[0] - 0.003}, {south}, {east}, {north}))"),
    }
    expected = set(await shapes(connection, decided, Form(), **asked))
    assert 0 < len(expected) < 1200
    for srid in SYSTEMS:
        assert set(await shapes(connection, decided, form(srid), **asked)) == expected


@pytest.mark.parametrize("srid", [*SYSTEMS, 4326])
async def test_a_simplified_shape_comes_from_the_shown_one(connection: Connection, srid: int) -> None:
    """A grid point remains a grid point, whatever detail the stored shape has."""
    simplified = Form(srid, digits=4 if srid != 4326 else 8, is_simplified=True)
    plain = await shapes(connection, GRID, Form(srid, simplified.digits))
    coarse = await shapes(connection, GRID, simplified, tolerance=500.0 if srid != 4326 else 0.005)
    given = {tuple(point) for point in shapely.get_coordinates(list(plain.values()))}
    left = shapely.get_coordinates(list(coarse.values()))
    assert {tuple(point) for point in left} <= given
    assert shapely.is_valid(np.array(list(coarse.values()), dtype=object)).all()


async def test_rings_are_wound_to_the_left_in_every_system(connection: Connection) -> None:
    for srid in SYSTEMS:
        shown = await shapes(connection, OPEN, form(srid))
        assert all(part.exterior.is_ccw for one in shown.values() for part in one.geoms)
