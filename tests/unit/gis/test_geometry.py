"""Shapes are snapped, repaired within the limit or refused, promoted and put in a spatial order."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.geometry import hilbert_order, promote, repair, snap


def shapes(*wkt: str | None) -> np.ndarray:
    return np.array([None if text is None else shapely.from_wkt(text) for text in wkt], dtype=object)


def test_snapping_puts_every_coordinate_on_the_tenth_of_a_millimetre() -> None:
    snapped = snap(shapes("POLYGON ((0.00004 0.00006, 10.123456 0, 10 10.99999, 0.00004 0.00006))"))
    assert shapely.get_coordinates(snapped[0])[:3].tolist() == [[0.0, 0.0001], [10.1235, 0.0], [10.0, 11.0]]
    assert shapely.get_precision(snapped[0]) == 0


def test_snapping_never_breaks_a_valid_ring() -> None:
    needle = shapes("POLYGON ((0 0, 10 0.00004, 10 10, 5 0.00003, 0 10, 0 0))")
    assert shapely.is_valid(needle).all()
    assert shapely.is_valid(snap(needle)).all()


def test_a_small_spike_is_repaired_and_a_bow_tie_is_refused() -> None:
    spike = "POLYGON ((0 0, 100 0, 100 100, 50 100, 50 150, 50 100, 0 100, 0 0))"
    bow_tie = "POLYGON ((0 0, 100 100, 100 0, 0 100, 0 0))"
    result = repair(shapes(spike, bow_tie, "POLYGON ((0 0, 1 0, 1 1, 0 0))", None))
    assert result.repaired.tolist() == [True, False, False, False]
    assert result.refused.tolist() == [False, True, False, False]
    assert shapely.is_valid(result.geometry[0])
    assert result.geometry[0].area == pytest.approx(10_000)
    assert not shapely.is_valid(result.geometry[1])


def test_a_ring_without_area_is_refused() -> None:
    assert repair(shapes("POLYGON ((0 0, 10 10, 20 20, 0 0))")).refused.all()


@pytest.mark.parametrize(
    ("stored", "wkt", "expected"),
    [
        ("MultiPolygon", "POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))"),
        ("MultiLineString", "LINESTRING (0 0, 1 1)", "MULTILINESTRING ((0 0, 1 1))"),
        ("MultiPoint", "POINT (0 1)", "MULTIPOINT (0 1)"),
        (
            "MultiPolygon",
            "GEOMETRYCOLLECTION (LINESTRING (0 0, 5 5), POLYGON ((0 0, 1 0, 1 1, 0 0)))",
            "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
        ),
        ("Geometry", "POINT Z (0 1 2)", "POINT (0 1)"),
    ],
)
def test_single_shapes_are_promoted_and_flattened(stored: str, wkt: str, expected: str) -> None:
    promoted = promote(shapes(wkt), stored)[0]
    assert promoted.geom_type == shapely.from_wkt(expected).geom_type
    assert promoted.equals(shapely.from_wkt(expected))


def test_another_type_is_promoted_to_nothing() -> None:
    assert promote(shapes("POINT (0 0)", None, "POLYGON EMPTY"), "MultiPolygon").tolist() == [None, None, None]


def test_neighbours_on_the_curve_are_neighbours_on_the_ground() -> None:
    x, y = np.meshgrid(np.arange(16.0), np.arange(16.0))
    points = shapely.points(x.ravel(), y.ravel())
    order = hilbert_order(points)
    steps = np.abs(np.diff(shapely.get_coordinates(points[order]), axis=0)).sum(axis=1)
    assert sorted(order.tolist()) == list(range(256))
    assert (steps == 1).mean() > 0.95


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=30))
def test_the_order_is_a_permutation_whatever_comes(points: list[tuple[float, float]]) -> None:
    made = shapely.points(np.array(points, dtype=float).reshape(-1, 2))
    assert sorted(hilbert_order(made).tolist()) == list(range(len(points)))
