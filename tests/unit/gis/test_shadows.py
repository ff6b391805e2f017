"""What is left out by its shadow alone is what a distance would have left out."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.candidates import Distances, Pieces, Subjects, shadows_of
from gis.measure import Measures, measure
from gis.procedure import DistanceTerms, Relation, Rule
from tests.unit.gis.shapes import blob, near, rule, shapes

AREAS = (Relation.OVERLAPS_AREA, Relation.COVERS_AREA, Relation.INSIDE)
FEATURES = {
    **dict.fromkeys(AREAS, lambda seed, x, y: blob(seed, x, y, 30, 20)),
    Relation.CROSSES_LINE: lambda seed, x, y: shapely.LineString([(x, y), (x + 40 * (-1) ** seed, y + 55)]),
    Relation.CONTAINS_POINT: lambda seed, x, y: shapely.Point(x, y),
    Relation.WITHIN_DISTANCE: lambda seed, x, y: shapely.LineString([(x, y), (x + 50, y + 40 * (-1) ** seed)]),
}


def world(relation: Relation, seed: int) -> tuple[Subjects, Pieces]:
    """Subjects on a grid and features strewn among them, some accurate and some not."""
    random = np.random.default_rng(seed)
    east, north = 2_690_000.0, 1_280_000.0
    places = [(east + 25 * (k % 6), north + 25 * (k // 6)) for k in range(36)]
    found = Subjects.of(
        shapes(*(blob(seed + k, x, y, 12, 9) for k, (x, y) in enumerate(places))), random.uniform(0, 1, 36)
    )
    strewn = random.uniform(0, 150, (30, 2)) + np.array([east, north])
    features = [FEATURES[relation](seed + k, x, y) for k, (x, y) in enumerate(strewn.tolist())]
    return found, near(found, features, accuracy_m=0.4, within_m=30.0, max_vertices=8)


def both_ways(asked: Rule, found: Subjects, pieces: Pieces, monkeypatch: pytest.MonkeyPatch) -> tuple[Measures, ...]:
    made = []
    for rows in (0, 10**9):
        with monkeypatch.context() as patched:
            patched.setattr("gis.shadows._MANY_ROWS", rows)
            made.append(measure(asked, found, pieces))
    return tuple(made)


def require_equal(one: object, other: object, columns: tuple[str, ...]) -> None:
    for column in columns:
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("relation", list(FEATURES))
def test_measures_are_the_same_with_and_without_shadows(
    relation: Relation, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, pieces = world(relation, seed)
    asked = rule(relation, distance_m=8.0 if relation is Relation.WITHIN_DISTANCE else 0.0)
    quick, slow = both_ways(asked, found, pieces, monkeypatch)
    assert 0 < len(quick.subject) < len(pieces.subject)
    columns = ("subject", "feature", "area_m2", "area_low_m2", "area_high_m2", "length_m", "nearest_m", "relation")
    require_equal(quick, slow, columns)
    require_equal(quick.theme, slow.theme, tuple(slow.theme.__slots__))


@pytest.mark.parametrize("seed", range(2))
def test_features_that_reach_differently_far_are_kept_by_their_own_reach(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, pieces = world(Relation.WITHIN_DISTANCE, seed)
    each = [(2.0 + k % 7, k % 3, k % 2, k % 5, k % 4 > 0, None) for k in range(30)]
    pieces = Pieces(
        pieces.subject, pieces.feature, pieces.geometry, pieces.accuracy_m, piece=pieces.piece,
        distances=Distances.of(each),
    )  # fmt: skip
    asked = Rule("r", "l", Relation.WITHIN_DISTANCE, distance_m=30.0, terms=DistanceTerms(otherwise_m=10.0))
    quick, slow = both_ways(asked, found, pieces, monkeypatch)
    assert 0 < len(quick.subject) < len(pieces.subject)
    require_equal(quick, slow, ("subject", "feature", "nearest_m", "relation", "doubt"))
    require_equal(quick.theme, slow.theme, tuple(slow.theme.__slots__))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-80, 80), st.floats(-80, 80))
def test_shapes_are_at_least_as_far_apart_as_their_shadows(a: int, b: int, dx: float, dy: float) -> None:
    pair = shapes(blob(a, 2_690_000.0, 1_280_000.0, 20), blob(b, 2_690_000.0 + dx, 1_280_000.0 + dy, 20))
    low, high = shadows_of(pair)
    apart = np.maximum(low[0] - high[1], low[1] - high[0]).max()
    assert apart <= shapely.distance(pair[0], pair[1]) + 1e-8


def test_nothing_casts_no_shadow() -> None:
    low, high = shadows_of(shapes("POLYGON EMPTY", "POINT (3 4)", "POLYGON EMPTY"))
    assert np.isinf(low[[0, 2]]).all()
    assert (low[1] == high[1]).all()
