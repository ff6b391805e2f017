"""What is said to be out of reach is what measuring drops, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.candidates import Pieces, Subjects
from gis.judge import judge
from gis.measure import are_out_of_reach, is_out_of_reach, measure
from gis.procedure import Relation
from tests.unit.gis.shapes import near, rule, shapes, subjects

PARCEL = shapely.box(0, 0, 20, 30)
FEATURES = {
    Relation.OVERLAPS_AREA: lambda x: shapely.box(x, 5, x + 10, 10),
    Relation.COVERS_AREA: lambda x: shapely.box(x, 5, x + 10, 10),
    Relation.INSIDE: lambda x: shapely.box(x, 5, x + 10, 10),
    Relation.CROSSES_LINE: lambda x: shapely.LineString([(x, -5), (x, 50)]),
    Relation.CONTAINS_POINT: lambda x: shapely.Point(x, 10),
    Relation.WITHIN_DISTANCE: lambda x: shapely.box(x, 5, x + 10, 10),
}


def nothing(found: Subjects) -> Pieces:
    return near(found, [shapely.Point(1e6, 1e6)])


@settings(deadline=None)
@given(
    relation=st.sampled_from(list(FEATURES)),
    gap_m=st.sampled_from([-15.0, -1.0, 0.0, 0.005, 0.01, 0.02, 0.4, 0.6, 1.0, 4.9, 5.0, 5.1, 7.0, 30.0]),
    accuracy_m=st.sampled_from([0.0, 0.5, 2.0]),
    distance_m=st.sampled_from([0.0, 5.0]),
)
def test_out_of_reach_is_what_measuring_drops(
    relation: Relation, gap_m: float, accuracy_m: float, distance_m: float
) -> None:
    asked = rule(relation, distance_m=distance_m if relation is Relation.WITHIN_DISTANCE else 0.0)
    found = subjects(PARCEL, accuracy_m=0.1)
    pieces = near(found, [FEATURES[relation](20 + gap_m)], accuracy_m=accuracy_m, within_m=100)
    measured = measure(asked, found, pieces)
    is_out = is_out_of_reach(asked, found, pieces)
    assert is_out == (len(measured.subject) == 0)
    if is_out:
        same = measure(asked, found, nothing(found))
        assert judge(asked, measured, np.ones(1)).outcome[0] is judge(asked, same, np.ones(1)).outcome[0]
        for column in same.theme.__slots__:
            np.testing.assert_array_equal(getattr(measured.theme, column), getattr(same.theme, column))


@pytest.mark.parametrize("feature", ["POINT (500 500)", "LINESTRING (500 500, 600 600)"])
def test_a_feature_of_the_wrong_kind_is_for_measuring_to_refuse(feature: str) -> None:
    found = subjects(PARCEL)
    pieces = near(found, [feature], within_m=1000)
    asked = rule(Relation.OVERLAPS_AREA)
    assert measure(asked, found, pieces).theme.broken[0]
    assert not is_out_of_reach(asked, found, pieces)


def test_an_entry_without_a_shape_is_not_far_away() -> None:
    entry = Pieces(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), shapes_of_nothing(), np.zeros(1))
    assert not is_out_of_reach(rule(Relation.SAME_PARCEL), subjects(PARCEL), entry)


def shapes_of_nothing() -> np.ndarray:
    made = shapes(PARCEL)
    made[0] = None
    return made


def test_one_feature_within_reach_is_enough() -> None:
    found = subjects(PARCEL)
    pieces = near(found, [shapely.box(25, 0, 30, 5), shapely.box(19, 0, 22, 5)], within_m=100)
    assert not is_out_of_reach(rule(Relation.OVERLAPS_AREA), found, pieces)


_LANDS = st.sampled_from([-3.0, 0.0, 0.005, 0.02, 0.5, 1.0, 4.9, 5.6, 30.0]).map(
    lambda gap: shapely.box(20 + gap, 5, 60, 10)
)
_OTHERS = st.sampled_from([None, shapely.Point(500, 500), shapely.LineString([(30, 0), (30, 9)])])


@settings(deadline=None)
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from([*FEATURES, Relation.SAME_PARCEL]),
            st.lists(st.tuples(_LANDS | _OTHERS, st.sampled_from([0.0, 0.5, 2.0])), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_many_rules_in_one_go_are_told_what_each_is_told_alone(
    asked: list[tuple[Relation, list[tuple[shapely.Geometry | None, float]]]],
) -> None:
    found = subjects(PARCEL, accuracy_m=0.1)
    rules = [rule(relation, distance_m=5.0 if relation is Relation.WITHIN_DISTANCE else 0.0) for relation, _ in asked]
    each = [[_pieces([feature]) for feature in features] for _, features in asked]
    alone = [is_out_of_reach(one, found, piece) for one, pieces in zip(rules, each, strict=True) for piece in pieces]
    flat = _pieces([feature for _, features in asked for feature in features])
    distance = shapely.distance(found.geometry[0], flat.geometry)
    counted = [(one, len(pieces)) for one, pieces in zip(rules, each, strict=True)]
    together = are_out_of_reach(counted, found, flat.geometry, flat.accuracy_m, distance)
    assert together.tolist() == alone


def _pieces(features: list[tuple[shapely.Geometry | None, float]]) -> Pieces:
    geometry = np.empty(len(features), dtype=object)
    geometry[:] = [shape for shape, _ in features]
    zeros = np.zeros(len(features), dtype=np.int64)
    return Pieces(zeros, np.arange(len(features)), geometry, np.array([accuracy for _, accuracy in features]))
