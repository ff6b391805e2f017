"""Pieces are small and add up to the whole."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gis.pieces import subdivide


def star(vertices: int, seed: int, x: float = 0.0) -> shapely.Polygon:
    """A valid ring seen from its centre, with a hole."""
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, vertices))
    radius = random.uniform(50, 200, vertices)
    shell = np.column_stack([x + radius * np.cos(angles), radius * np.sin(angles)])
    hole = shapely.Point(x, 0).buffer(1.0, quad_segs=16).exterior
    return shapely.Polygon(shell, [hole])


@settings(max_examples=40)
@given(st.integers(3, 900), st.integers(0, 2**32 - 1))
@example(426, 77091062)  # the rectangle clip of GEOS fails on it
def test_areas_of_pieces_sum_up_and_no_piece_is_large(vertices: int, seed: int) -> None:
    whole = star(vertices, seed)
    if not whole.is_valid:
        return
    pieces, index = subdivide(np.array([whole], dtype=object))
    assert set(index) == {0}
    assert shapely.area(pieces).sum() == pytest.approx(whole.area, rel=1e-9)
    # long needles gain a vertex for each they lose; they may stay somewhat larger
    assert shapely.get_num_coordinates(pieces).max() <= (64 if vertices <= 300 else 128)
    assert shapely.is_valid(pieces).all()


def test_lengths_of_lines_sum_up_also_along_the_axes() -> None:
    steps = np.repeat(np.arange(200.0), 2)
    stairs = shapely.LineString(np.column_stack([steps[1:], steps[:-1]]))
    pieces, _ = subdivide(np.array([stairs], dtype=object))
    assert len(pieces) > 1
    assert shapely.length(pieces).sum() == pytest.approx(stairs.length, rel=1e-12)


def test_points_are_all_kept() -> None:
    points = shapely.MultiPoint(np.random.default_rng(1).uniform(0, 10, (500, 2)))
    pieces, _ = subdivide(np.array([points], dtype=object))
    assert shapely.get_num_coordinates(pieces).sum() == 500
    assert shapely.get_num_coordinates(pieces).max() <= 64


def test_small_shapes_are_their_own_piece_and_nothing_gives_nothing() -> None:
    square = shapely.box(0, 0, 1, 1)
    pieces, index = subdivide(np.array([None, square, shapely.Polygon(), star(500, 3)], dtype=object))
    assert index[0] == 1
    assert pieces[0] is square
    assert set(index) == {1, 3}
    assert (np.diff(index) >= 0).all()


def test_a_shape_that_does_not_sum_up_stays_whole() -> None:
    turning = np.linspace(0, 4 * np.pi, 300)
    twice_round = shapely.Polygon(np.column_stack([np.cos(turning), np.sin(turning) + turning / 50]))
    pieces, _ = subdivide(np.array([twice_round], dtype=object))
    assert pieces.tolist() == [twice_round]


def test_parts_far_apart_are_pieces_of_their_own() -> None:
    both = shapely.MultiPolygon([star(60, 5), star(60, 6, x=100_000.0)])
    pieces, _ = subdivide(np.array([both], dtype=object))
    assert all(bounds[2] - bounds[0] < 1000 for bounds in shapely.bounds(pieces))
