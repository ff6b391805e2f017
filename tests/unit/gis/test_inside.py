"""Parcels in a shape: how much of each, which only touch, which are in doubt, and the ground that none covers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.inside import lying

from .shapes import shapes


def at(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return shapely.box(600000 + west, 1220000 + south, 600000 + east, 1220000 + north)


PROJECT = at(0, 0, 100, 100)


def test_each_parcel_has_a_word_and_two_areas_that_add_up() -> None:
    parcels = shapes(at(10, 10, 20, 20), at(90, 40, 110, 60), at(100, 0, 120, 20), at(300, 0, 310, 10))
    found = lying(PROJECT, parcels, np.full(4, 0.1))
    assert found.lies.tolist() == ["inside", "partly", "touches", "apart"]
    assert found.inside_m2 == pytest.approx([100, 200, 0, 0], abs=1e-6)
    assert found.left_m2 == pytest.approx([0, 200, 400, 100], abs=1e-6)
    assert found.covered_m2 == pytest.approx(300)


def test_a_strip_within_the_accuracy_is_in_doubt_on_either_side() -> None:
    parcels = shapes(at(99.8, 0, 120, 20), at(80, 80, 100.2, 100))
    found = lying(PROJECT, parcels, np.full(2, 0.3))
    assert found.lies.tolist() == ["borderline", "borderline"]
    assert found.inside_m2 == pytest.approx([4, 400], abs=1e-6)


def test_ground_under_two_parcels_is_covered_once() -> None:
    found = lying(PROJECT, shapes(at(0, 0, 50, 100), at(40, 0, 100, 100)), np.zeros(2))
    assert found.covered_m2 == pytest.approx(10_000)


def test_a_parcel_that_is_no_valid_shape_is_named_and_not_measured() -> None:
    bow = shapely.Polygon([(600000, 1220000), (600010, 1220010), (600010, 1220000), (600000, 1220010)])
    assert lying(PROJECT, shapes(bow), np.zeros(1)).lies.tolist() == ["not_measured"]


def test_nothing_there_is_nothing_covered() -> None:
    found = lying(PROJECT, np.zeros(0, dtype=object), np.zeros(0))
    assert len(found.area_m2) == 0 and found.covered_m2 == 0.0


def jagged(corners: int) -> shapely.Geometry:
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = 400 + 20 * np.sin(turns * corners / 40)
    return shapely.Polygon(np.column_stack([600500 + reach * np.cos(turns), 1220500 + reach * np.sin(turns)]))


def plots(side: int, size_m: float) -> np.typing.NDArray[np.object_]:
    """A plan of squares that overlap their neighbours by a strip."""
    west, south = (values.ravel() * size_m for values in np.meshgrid(np.arange(side), np.arange(side)))
    edges = 600000 + west, 1220000 + south, 600000.2 + west + size_m, 1220000 + south + size_m
    return np.asarray(shapely.box(*edges), dtype=object)


@pytest.mark.parametrize(("corners", "side"), [(4, 40), (3_000, 12), (1_200, 40)])
def test_what_a_large_shape_has_covered_is_the_same_in_parts_as_by_an_overlay(corners: int, side: int) -> None:
    project = jagged(corners) if corners > 4 else at(90, 90, 910, 910)
    parcels = plots(side, 1000.0 / side)
    parcels = parcels[np.arange(len(parcels)) % 7 > 0]  # ground that is nobody's
    whole = shapely.intersection(project, shapely.union_all(parcels)).area
    assert lying(project, parcels, np.zeros(len(parcels))).covered_m2 == pytest.approx(whole, abs=1e-3)


def test_twenty_thousand_parcels_in_one_shape_are_measured_in_little_memory() -> None:
    parcels = plots(141, 7.0)
    tracemalloc.start()
    found = lying(at(-10, -10, 1010, 1010), parcels, np.zeros(len(parcels)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.covered_m2 == pytest.approx(987.2 * 987, abs=1)
    assert most < 500_000_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-40, 120), st.floats(-40, 120), st.floats(1, 60), st.floats(1, 60)), max_size=8))
def test_areas_are_those_of_an_overlay(boxes: list[tuple[float, float, float, float]]) -> None:
    parcels = shapes(*(at(x, y, x + w, y + h) for x, y, w, h in boxes))
    found = lying(PROJECT, parcels, np.zeros(len(parcels)))
    overlay = shapely.area(shapely.intersection(parcels, PROJECT)) if len(parcels) else np.zeros(0)
    assert found.inside_m2 == pytest.approx(overlay, abs=0.02)
    assert found.covered_m2 == pytest.approx(shapely.intersection(shapely.union_all(parcels), PROJECT).area, abs=0.2)
