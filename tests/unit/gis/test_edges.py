"""Sums over edge pairs give the area of overlay, where overlay is right."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.edges import Edges, pair_areas
from tests.unit.gis.shapes import blob, shapes


def area(first: shapely.Geometry | str, second: shapely.Geometry | str) -> float:
    one = np.zeros(1, dtype=np.int64)
    return float(pair_areas(Edges.of(shapes(first)), one, Edges.of(shapes(second)), one)[0])


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-30, 30), st.floats(-30, 30), st.integers(3, 40))
def test_it_equals_overlay_for_any_two_polygons(a: int, b: int, dx: float, dy: float, vertices: int) -> None:
    first = blob(a, 2_690_000.0, 1_280_000.0, 20, vertices)
    second = blob(b, 2_690_000.0 + dx, 1_280_000.0 + dy, 25, vertices)
    assert area(first, second) == pytest.approx(shapely.intersection(first, second).area, abs=1e-6)
    assert area(first, second) == pytest.approx(area(second, first), abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", 100.0),
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", "POLYGON ((10 0, 20 0, 20 10, 10 10, 10 0))", 0.0),
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", "POLYGON ((2 -5, 4 -5, 4 50, 2 50, 2 -5))", 20.0),
        ("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", "POLYGON ((2 2, 2 4, 4 4, 4 2, 2 2))", 4.0),
        ("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 6 3, 6 6, 3 6, 3 3))", "POLYGON ((3 3, 6 3, 6 6, 3 6, 3 3))", 0.0),
        (
            "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((5 0, 6 0, 6 1, 5 1, 5 0)))",
            "POLYGON ((-1 -1, 9 -1, 9 0.5, -1 0.5, -1 -1))",
            1.0,
        ),
        ("POLYGON ((0 0, 10 0, 5 10, 0 0))", "POLYGON ((0 10, 10 10, 5 0, 0 10))", 25.0),
        ("POLYGON ((0 0, 1e-320 10, 10 10, 10 0, 0 0))", "POLYGON ((-5 -5, 5 -5, 5 5, -5 5, -5 -5))", 25.0),
    ],
)
def test_where_edges_coincide_nothing_degenerates(first: str, second: str, expected: float) -> None:
    assert area(first, second) == pytest.approx(expected, abs=1e-9)


def test_many_pairs_are_worked_on_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    polygons = shapes(*(blob(seed, seed % 7 * 8.0, seed // 7 * 8.0, 12) for seed in range(49)))
    p, q = (pairs.ravel() for pairs in np.meshgrid(np.arange(49), np.arange(49)))
    edges = Edges.of(polygons)
    at_once = pair_areas(edges, p, edges, q)
    monkeypatch.setattr("gis.edges._EDGE_PAIRS_AT_ONCE", 700)
    assert pair_areas(edges, p, edges, q) == pytest.approx(at_once, abs=1e-9)
    assert at_once == pytest.approx(shapely.area(shapely.intersection(polygons[p], polygons[q])), abs=1e-8)
