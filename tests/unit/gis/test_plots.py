"""Frontage, depth and net area of plots: measured along what is a road, bounded by the accuracy."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.plots import Roads, depth, frontage, net_area

from .shapes import shapes

PLOT = shapely.box(600000, 1220000, 600012, 1220030)


def roads(*given: shapely.Geometry, reach: float = 0.5, doubt: float = 0.0) -> Roads:
    size = len(given)
    return Roads(shapes(*given), np.full(size, reach), np.full(size, doubt), np.full(size, doubt))


ROAD_LAND = shapely.box(599900, 1219990, 600100, 1220000)
MIDDLE = shapely.LineString([(599900, 1219996.5), (600100, 1219996.5)])


def test_the_side_that_borders_road_land_is_the_frontage_and_the_others_are_not() -> None:
    found = frontage(PLOT, roads(ROAD_LAND), 0.0)
    assert found.measured == pytest.approx(12.0, abs=0.01)


def test_a_centreline_with_half_its_width_reaches_as_far_as_the_road_land() -> None:
    found = frontage(PLOT, roads(MIDDLE, reach=3.5 + 0.5), 0.0)
    assert found.measured == pytest.approx(12.0, abs=0.01)


def test_a_plot_at_a_corner_has_both_sides() -> None:
    side = shapely.box(599990, 1219900, 600000, 1220100)
    assert frontage(PLOT, roads(ROAD_LAND, side), 0.0).measured == pytest.approx(42.0, abs=1.1)


def test_a_curve_is_followed_piece_by_piece() -> None:
    road = shapely.Point(600000, 1220000).buffer(50, quad_segs=64)
    ring = shapely.Point(600000, 1220000).buffer(80, quad_segs=64).difference(road)
    plot = shapely.intersection(ring, shapely.box(600000, 1220000, 600100, 1220100))
    assert frontage(plot, roads(road), 0.0).measured == pytest.approx(np.pi * 50 / 2, rel=0.03)


def test_a_road_that_may_lie_farther_leaves_the_frontage_in_doubt() -> None:
    away = shapely.box(599900, 1219980, 600100, 1219999.7)
    found = frontage(PLOT, roads(away, doubt=0.4), 0.1)
    assert found.measured == pytest.approx(12.0, abs=0.01) and found.low == 0.0
    assert found.high == pytest.approx(12.14, abs=0.5)


def test_no_road_near_is_no_frontage_and_no_depth() -> None:
    far = shapely.box(599900, 1219900, 600100, 1219950)
    assert frontage(PLOT, roads(far), 0.1).high == 0.0
    assert np.isnan(depth(PLOT, roads(far), 0.1).measured)


def test_depth_is_what_lies_behind_the_road() -> None:
    found = depth(PLOT, roads(ROAD_LAND), 0.1)
    assert found.measured == pytest.approx(30.0) and found.low == pytest.approx(29.86, abs=0.01)


def test_excluded_ground_counts_once_where_it_overlaps() -> None:
    corridors = shapes(shapely.box(599990, 1219990, 600100, 1220005), shapely.box(599990, 1219990, 600100, 1220003))
    found = net_area(PLOT, corridors, 0.3, 0.0)
    assert found.measured == pytest.approx(300.0)
    assert (found.low, found.high) == (pytest.approx(296.4, abs=0.01), pytest.approx(303.6, abs=0.01))


def test_without_exclusions_the_net_area_is_the_area() -> None:
    assert net_area(PLOT, np.zeros(0, dtype=object), 0.0, 0.0).measured == pytest.approx(360.0)


SOUTH = shapely.LineString([(599950, 1219999), (600050, 1219999)])
WEST = shapely.LineString([(599999, 1219950), (599999, 1220050)])
SHALLOW = [(600000, 1220000), (600000, 1220006), (600020, 1220006), (600020, 1220000)]


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("turn", [1, -1])
def test_the_depth_is_the_same_wherever_the_ring_begins(start: int, turn: int) -> None:
    plot = shapely.Polygon((SHALLOW[start:] + SHALLOW[:start])[::turn])
    assert depth(plot, roads(SOUTH, WEST, reach=1.0), 0.05).measured == pytest.approx(6.0)


def test_a_side_that_begins_in_its_middle_is_one_stretch() -> None:
    plot = shapely.Polygon([(600010, 1220000), *SHALLOW[3:], *SHALLOW[2::-1]])
    assert depth(plot, roads(SOUTH, WEST, reach=1.0), 0.05).measured == pytest.approx(6.0)


def test_of_sides_equally_long_the_depth_is_the_smaller_one_and_in_doubt() -> None:
    bent = shapely.Polygon([(0, 0), (10, 0), (10, 12), (-8, 6)])  # 10 m along each of the two roads
    south, west = shapely.LineString([(0, -1), (10, -1)]), shapely.LineString([(-0.6, -0.8), (-8.6, 5.2)])
    found = depth(bent, roads(south, west, reach=1.1), 0.1)
    assert found.measured == pytest.approx(12.0) and found.high > 15.6
