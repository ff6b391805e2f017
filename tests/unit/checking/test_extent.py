"""What sticks out of the extent of a profile: by boxes alone for nearly all, and never unlike every corner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from gis.crs import Projection
from layers.checking.extent import extent_of, outside
from layers.profile.load import load_profile

PROFILES = Path(__file__).resolve().parent.parent.parent / "profiles"
VN2000 = Projection("EPSG:9210", "EPSG:6960")
HEADER = load_profile(PROFILES / "rasters").header  # declares 106.32° to 106.97°, 10.86° to 11.50°
WEST, SOUTH, EAST, NORTH = (106.32, 10.86, 106.97, 11.50)


def along_the_border(count: int) -> np.ndarray:
    """Squares of some metres on all four edges and inside, in EPSG:9210."""
    random = np.random.default_rng(7)
    place, side = random.uniform(size=count), random.integers(0, 4, count)
    off = random.normal(scale=3e-4, size=count)
    x = np.choose(side, [WEST + off, EAST + off, WEST + (EAST - WEST) * place, WEST + (EAST - WEST) * place])
    y = np.choose(side, [SOUTH + (NORTH - SOUTH) * place, SOUTH + (NORTH - SOUTH) * place, SOUTH + off, NORTH + off])
    middles = shapely.get_coordinates(VN2000.from_wgs84(np.asarray(shapely.points(x, y), dtype=object)))
    return np.array([shapely.box(e - 10, n - 10, e + 10, n + 10) for e, n in middles], dtype=object)


def test_boxes_say_what_every_corner_says() -> None:
    shapes = along_the_border(4000)
    west, south, east, north = shapely.bounds(VN2000.to_wgs84(shapes)).T
    sticks_out = (west < WEST) | (south < SOUTH) | (east > EAST) | (north > NORTH)
    assert 500 < sticks_out.sum() < 3500
    assert (outside(shapes, "EPSG:9210", HEADER) == sticks_out).all()


def test_degrees_are_compared_as_they_came() -> None:
    inside = shapely.box(WEST, SOUTH, EAST, NORTH)
    beside = shapely.box(WEST, SOUTH, np.nextafter(EAST, 180), NORTH)
    assert outside(np.array([inside, beside], dtype=object), "EPSG:4326", HEADER).tolist() == [False, True]


def test_what_no_system_has_a_place_for_lies_outside_and_nothing_lies_nowhere() -> None:
    shapes = np.array([shapely.box(1e12, 1e12, 2e12, 2e12), None, shapely.from_wkt("POLYGON EMPTY")], dtype=object)
    assert outside(shapes, "EPSG:9210", HEADER).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("profile", "extent"),
    [("rasters", (WEST, SOUTH, EAST, NORTH)), ("checking", (105.26, 9.75, 107.8, 23.12)),
     ("two_zones", (105.26, 8.57, 108.76, 23.12))],
)  # fmt: skip
def test_where_none_is_declared_the_extent_is_what_the_systems_are_made_for(
    profile: str, extent: tuple[float, float, float, float]
) -> None:
    assert extent_of(load_profile(PROFILES / profile).header) == pytest.approx(extent)
