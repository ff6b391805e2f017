"""What a tile's grid leaves valid by its clearance is valid: the shapes are drawn at random, the judge is GEOS."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.store.clearance import STEADY, clearances_m

SHAPES = 4_000


def _ring(
    chance: np.random.Generator, corners: int, x: float = 0.0, y: float = 0.0, size: float = 1.0
) -> NDArray[np.float64]:
    """Corners around a middle, near and far in turn: spikes and narrow necks among them."""
    angles = np.sort(chance.uniform(0, 2 * math.pi, corners))
    radii = size * chance.uniform(0.05, 1.0, corners)
    return np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])


def _polygon(chance: np.random.Generator) -> BaseGeometry:
    shell = _ring(chance, int(chance.integers(3, 14)))
    hole = _ring(chance, int(chance.integers(3, 7)), *chance.uniform(-0.1, 0.1, 2), 0.15)
    other = _ring(chance, int(chance.integers(3, 7)), *chance.uniform(0.4, 1.0, 2), 0.5)
    kind = chance.integers(4)
    if kind == 0:
        return shapely.Polygon(shell)
    if kind == 1:
        return shapely.Polygon(shell, [hole])
    if kind == 2:
        return shapely.MultiPolygon([shapely.Polygon(shell), shapely.Polygon(other)])
    return shapely.LineString(shell)


def shapes(seed: int) -> NDArray[np.object_]:
    chance = np.random.default_rng(seed)
    made = np.array([_polygon(chance) for _ in range(SHAPES)], dtype=object)
    return np.asarray(made[shapely.is_valid(made) & (shapely.area(made) + shapely.length(made) > 0)])


def rounded(drawn: NDArray[np.object_], units: float, seed: int) -> NDArray[np.object_]:
    """Each shape as large as makes its clearance so many units, somewhere on the grid, its corners on the grid."""
    chance = np.random.default_rng(seed)
    scale = units / clearances_m(drawn)
    shift = chance.uniform(0, 1, (len(drawn), 2))
    number = np.repeat(np.arange(len(drawn)), shapely.get_num_coordinates(drawn))
    corners = shapely.get_coordinates(drawn) * scale[number, None] + shift[number]
    return np.asarray(shapely.set_coordinates(drawn.copy(), np.rint(corners)))


@pytest.mark.parametrize("seed", range(5))
def test_a_shape_that_clears_the_grid_stays_valid_and_turned_as_it_was(seed: int) -> None:
    drawn = shapes(seed)
    found = rounded(drawn, STEADY, seed)
    assert len(found) > SHAPES / 2
    assert shapely.is_valid(found).all()
    assert (shapely.is_simple(found) == shapely.is_simple(drawn)).all()
    for before, after in zip(_rings(drawn), _rings(found), strict=True):
        assert (shapely.is_ccw(before) == shapely.is_ccw(after)).all()
        assert (shapely.length(after) > 0).all()


def test_a_shape_that_does_not_may_break() -> None:
    """The control: what is asserted above is not true of every shape."""
    assert not shapely.is_valid(rounded(shapes(1), STEADY / 4, 1)).all()


def test_a_point_clears_every_grid_and_a_shape_that_touches_itself_none() -> None:
    touching = shapely.from_wkt("POLYGON((0 0, 4 0, 4 4, 2 0, 0 4, 0 0))")
    assert clearances_m(np.array([shapely.Point(1, 2), touching], dtype=object)).tolist() == [math.inf, 0.0]


def _rings(drawn: NDArray[np.object_]) -> list[NDArray[np.object_]]:
    areas = drawn[shapely.area(drawn) > 0]
    return [shapely.get_rings(areas)]
