"""The kernel against plain shapely on whole shapes; its two routes against each other; and what must not matter."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.candidates import Measures, Pieces, Subjects
from gis.measure import measure
from gis.procedure import Relation
from tests.unit.gis.shapes import blob, near, rule, shapes, subjects

OVERLAPS = rule(Relation.OVERLAPS_AREA, min_area_m2=1.0)
FAR_AWAY = np.array([512_000.0, 1_024_000.0])
seeds = st.lists(st.integers(0, 10**6), min_size=1, max_size=6)


def town(seeds: list[int]) -> tuple[Subjects, list[shapely.Geometry]]:
    """Some parcels, and features over and beside them."""
    parcels = [blob(seed + 1, 60.0 * (seed % 4), 0.0, 25, 9) for seed in range(4)]
    features = [blob(seed, seed % 240 - 30.0, seed % 37 - 18.0, 10.0 + seed % 60, 5 + seed % 90) for seed in seeds]
    return subjects(*parcels, accuracy_m=0.1), features


def by_pair(measures: Measures, column: str) -> dict[tuple[int, int], float]:
    keys = zip(measures.subject.tolist(), measures.feature.tolist(), strict=True)
    return dict(zip(keys, getattr(measures, column).tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_areas_and_distances_are_those_of_the_whole_shapes(chosen: list[int]) -> None:
    parcels, features = town(chosen)
    measures = measure(OVERLAPS, parcels, near(parcels, features, accuracy_m=0.3, max_vertices=16))
    for (subject, feature), area in by_pair(measures, "area_m2").items():
        expected = shapely.intersection(parcels.geometry[subject], features[feature]).area
        assert area == pytest.approx(expected, abs=1e-6)
    for (subject, feature), distance in by_pair(measures, "nearest_m").items():
        assert distance == pytest.approx(shapely.distance(parcels.geometry[subject], features[feature]), abs=1e-6)
    for subject, shape in enumerate(parcels.geometry):
        united = shapely.intersection(shape, shapely.union_all(features)).area
        assert measures.theme.area_m2[subject] == pytest.approx(united, abs=1e-5)
    assert not measures.theme.broken.any()


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_every_pair_that_intersects_is_there(chosen: list[int]) -> None:
    parcels, features = town(chosen)
    measures = measure(OVERLAPS, parcels, near(parcels, features, max_vertices=16))
    found = set(by_pair(measures, "area_m2"))
    for subject, shape in enumerate(parcels.geometry):
        for feature, other in enumerate(features):
            if shapely.intersects(shape, other):
                assert (subject, feature) in found


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.3, 2.0]))
def test_both_area_routes_agree(chosen: list[int], accuracy_m: float) -> None:
    parcels, features = town(chosen)
    rows = near(parcels, features, accuracy_m=accuracy_m, max_vertices=16)
    overlay, edges = (measure(OVERLAPS, parcels, rows, area_route=route) for route in ("overlay", "edges"))
    assert by_pair(overlay, "area_m2") == pytest.approx(by_pair(edges, "area_m2"), abs=1e-6)
    for column in fields(overlay.theme):
        first, second = getattr(overlay.theme, column.name), getattr(edges.theme, column.name)
        assert first == pytest.approx(second, abs=1e-6, nan_ok=True), column.name


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([6, 12, 1000]), st.randoms(use_true_random=False))
def test_how_shapes_are_cut_and_in_which_order_rows_come_does_not_matter(
    chosen: list[int], max_vertices: int, random: object
) -> None:
    parcels, features = town(chosen)
    rows = near(parcels, features, accuracy_m=0.5, max_vertices=max_vertices)
    order = np.arange(len(rows.subject))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert rows.piece is not None
    shuffled = Pieces(
        rows.subject[order], rows.feature[order], rows.geometry[order], rows.accuracy_m, None, rows.piece[order]
    )
    first = measure(OVERLAPS, parcels, near(parcels, features, accuracy_m=0.5))
    second = measure(OVERLAPS, parcels, shuffled)
    assert by_pair(first, "area_m2") == pytest.approx(by_pair(second, "area_m2"), abs=1e-6)
    assert first.theme.area_m2 == pytest.approx(second.theme.area_m2, abs=1e-5)
    assert list(first.relation) == list(second.relation)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_shifting_everything_changes_nothing(chosen: list[int]) -> None:
    parcels, features = town(chosen)
    moved = Subjects.of(shapely.transform(parcels.geometry, lambda xy: xy + FAR_AWAY), parcels.accuracy_m)
    elsewhere = list(shapely.transform(shapes(*features), lambda xy: xy + FAR_AWAY))
    first = measure(OVERLAPS, parcels, near(parcels, features, accuracy_m=0.3))
    second = measure(OVERLAPS, moved, near(moved, elsewhere, accuracy_m=0.3))
    assert first.theme.area_m2 == pytest.approx(second.theme.area_m2, abs=1e-4)
    assert by_pair(first, "area_m2") == pytest.approx(by_pair(second, "area_m2"), abs=1e-4)


def test_splitting_a_subject_splits_its_area() -> None:
    feature = [blob(3, 10, 10, 40, 60)]
    whole, halves = (
        subjects("POLYGON ((0 0, 20 0, 20 20, 0 20, 0 0))"),
        subjects("POLYGON ((0 0, 13 0, 7 20, 0 20, 0 0))", "POLYGON ((13 0, 20 0, 20 20, 7 20, 13 0))"),
    )
    areas = [measure(OVERLAPS, given, near(given, feature)).theme.area_m2.sum() for given in (whole, halves)]
    assert areas[0] == pytest.approx(areas[1], abs=1e-8)


@pytest.mark.real
@pytest.mark.parametrize("route", ["overlay", "edges"])
@pytest.mark.parametrize("is_one_feature", [True, False])
@pytest.mark.parametrize("accuracy_m", [0.0, 0.6])
def test_the_case_on_which_geos_fails_in_silence(
    shared: Path, route: str, is_one_feature: bool, accuracy_m: float
) -> None:
    case = json.loads((shared / "geos_union_case.json").read_text())
    parcel = Subjects.of(shapes(shapely.from_wkb(case["subject"])), np.array([accuracy_m]))
    pieces = shapes(*(shapely.from_wkb(piece) for piece in case["pieces"]))
    rows = np.arange(len(pieces))
    feature = rows * 0 if is_one_feature else rows
    found = Pieces(rows * 0, feature, pieces, np.full(len(pieces), accuracy_m))
    theme = measure(rule(Relation.OVERLAPS_AREA, min_area_m2=2854.0), parcel, found, area_route=route).theme
    assert theme.broken[0] or theme.area_m2[0] == pytest.approx(2854.497, abs=0.001)
    assert not theme.area_low_m2[0] < 2854.0


def test_overlapping_features_are_not_counted_twice() -> None:
    parcel = subjects("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))")
    features = ["POLYGON ((-5 -5, 6 -5, 6 15, -5 15, -5 -5))", "POLYGON ((4 -5, 15 -5, 15 15, 4 15, 4 -5))"]
    for route in ("overlay", "edges"):
        measures = measure(OVERLAPS, parcel, near(parcel, features), area_route=route)  # type: ignore[arg-type]
        assert measures.area_m2.tolist() == pytest.approx([60.0, 60.0])
        assert measures.theme.area_m2[0] == pytest.approx(100.0)
        assert measures.share[0] == pytest.approx(1.0)


# ── accuracy ─────────────────────────────────────────────────────────────────────────────────────

PARCEL = "POLYGON ((0 0, 20 0, 20 20, 0 20, 0 0))"


def theme_with(feature: str, *, accuracy_m: float = 0.5, min_area_m2: float = 1.0) -> tuple[float, float, float]:
    parcel = subjects(PARCEL)
    theme = measure(
        rule(Relation.OVERLAPS_AREA, min_area_m2=min_area_m2), parcel, near(parcel, [feature], accuracy_m=accuracy_m)
    ).theme
    return float(theme.area_low_m2[0]), float(theme.area_m2[0]), float(theme.area_high_m2[0])


def test_a_boundary_inside_the_parcel_may_move_by_the_error_to_both_sides() -> None:
    low, area, high = theme_with("POLYGON ((-9 -9, 10 -9, 10 29, -9 29, -9 -9))", min_area_m2=199.0)
    assert area == pytest.approx(200.0)
    assert low == pytest.approx(190.0, abs=0.1)
    assert high == pytest.approx(210.0, abs=0.1)


def test_a_shared_boundary_does_not_move() -> None:
    low, area, high = theme_with("POLYGON ((20 0, 40 0, 40 20, 20 20, 20 0))")
    assert (low, area, high) == (0.0, 0.0, 0.0)


def test_a_boundary_a_hand_away_may_be_inside() -> None:
    low, area, high = theme_with("POLYGON ((20.2 0, 40 0, 40 20, 20.2 20, 20.2 0))")
    assert area == 0.0
    assert high == pytest.approx(0.3 * 20, rel=0.05)
    assert low == 0.0


def test_a_shared_boundary_and_a_free_one_are_told_apart() -> None:
    low, _, high = theme_with("POLYGON ((0 0, 20 0, 20 0.1, 0 0.1, 0 0))", min_area_m2=3.0)
    assert high == pytest.approx(0.6 * 20, rel=0.05)
    assert low == pytest.approx(0.0, abs=0.1)


def test_bounds_are_not_taken_where_no_decision_can_flip() -> None:
    low, area, high = theme_with("POLYGON ((-9 -9, 10 -9, 10 29, -9 29, -9 -9))", min_area_m2=1.0)
    assert area == pytest.approx(200.0)
    assert np.isnan(low)
    assert np.isnan(high)


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([0.3, 2.0]), st.floats(1.0, 900.0))
def test_no_flip_is_missed_by_the_cheap_look(chosen: list[int], accuracy_m: float, threshold: float) -> None:
    """Where bounds were not taken, eroding and dilating the whole theme does not pass the threshold either."""
    parcels, features = town(chosen)
    wanted = rule(Relation.OVERLAPS_AREA, min_area_m2=threshold)
    measures = measure(wanted, parcels, near(parcels, features, accuracy_m=accuracy_m))
    united, error = shapely.union_all(features), float(np.hypot(accuracy_m, 0.1))
    grown, shrunk = (shapely.buffer(united, distance, join_style="bevel") for distance in (error, -error))
    for place in np.flatnonzero(np.isnan(measures.theme.area_low_m2)):
        shape = parcels.geometry[place]
        passes = measures.theme.area_m2[place] >= threshold
        assert (shapely.intersection(shape, shrunk).area >= threshold - 1e-6) == passes or not passes
        assert (shapely.intersection(shape, grown).area >= threshold + 1e-6) == passes or passes


# ── lines, points, distances, entries ────────────────────────────────────────────────────────────


def length_of(*lines: str, accuracy_m: float = 0.0) -> Measures:
    parcel = subjects(PARCEL)
    return measure(rule(Relation.CROSSES_LINE), parcel, near(parcel, list(lines), accuracy_m=accuracy_m))


def test_a_line_through_the_parcel_is_measured_inside_it() -> None:
    measures = length_of("LINESTRING (-10 5, 30 5)")
    assert measures.length_m.tolist() == pytest.approx([20.0])
    assert measures.relation.tolist() == ["crosses_line"]


def test_length_on_the_boundary_counts_but_a_line_only_on_it_touches() -> None:
    both = length_of("LINESTRING (0 0, 20 0, 20 20, 10 10)", "LINESTRING (-5 20, 25 20)")
    assert both.length_m.tolist() == pytest.approx([40 + 10 * np.sqrt(2), 20.0])
    assert both.relation.tolist() == ["crosses_line", "touches_only"]
    assert both.theme.length_m[0] == pytest.approx(40 + 10 * np.sqrt(2))


def test_what_lines_share_is_counted_once() -> None:
    measures = length_of("LINESTRING (-5 5, 25 5)", "LINESTRING (-5 5, 10 5, 10 25)", "LINESTRING (1 5, 3 5, 1 5)")
    assert measures.length_m.tolist() == pytest.approx([20.0, 25.0, 2.0])
    assert measures.theme.length_m[0] == pytest.approx(35.0)


def test_a_line_on_a_slanted_boundary_keeps_its_length_however_long_it_is() -> None:
    """Cut anywhere but at its own vertices it would lie beside the boundary by the last digit of a coordinate."""
    parcel = subjects("POLYGON ((0 0, 17.3 5.1, 14.9 19.7, -1.2 13.4, 0 0))")
    east = np.arange(18.3, 300.0, 1.7)
    tail = np.column_stack([east, 5.1 + np.sin(east)])
    line = shapely.LineString([(0, 0), (17.3, 5.1), *tail])
    measures = measure(rule(Relation.CROSSES_LINE), parcel, near(parcel, [line]))
    assert measures.length_m[0] == pytest.approx(float(np.hypot(17.3, 5.1)), abs=1e-9)
    assert measures.relation[0] == "touches_only"


def test_a_line_just_outside_may_be_inside_and_one_along_the_boundary_may_not() -> None:
    beside, along = (
        length_of("LINESTRING (20.1 -9, 20.1 29)", accuracy_m=0.3),
        length_of("LINESTRING (20 -9, 20 29)", accuracy_m=0.3),
    )
    assert beside.theme.length_high_m[0] == pytest.approx(20.0, abs=1.0)
    assert along.theme.length_high_m[0] == 0.0


def test_points_count_inside_and_touch_on_the_boundary() -> None:
    parcel = subjects(PARCEL)
    points = ["POINT (5 5)", "POINT (20 5)", "POINT (20.2 5)", "MULTIPOINT (19.9 1, 90 90)"]
    measures = measure(rule(Relation.CONTAINS_POINT), parcel, near(parcel, points, accuracy_m=0.3))
    assert measures.relation.tolist() == ["contains_point", "touches_only", "near", "contains_point"]
    assert (measures.theme.count_low[0], measures.theme.count[0], measures.theme.count_high[0]) == (1, 2, 4)


@pytest.mark.parametrize(("accuracy_m", "most"), [(0.005, 0), (2.0, 1)])
def test_a_point_on_the_boundary_is_in_doubt_where_it_is_known_to_no_more_than_a_centimetre(
    accuracy_m: float, most: int
) -> None:
    parcel = subjects(PARCEL)
    measures = measure(rule(Relation.CONTAINS_POINT), parcel, near(parcel, ["POINT (20.004 5)"], accuracy_m=accuracy_m))
    assert (measures.theme.count[0], measures.theme.count_high[0]) == (0, most)


def test_distances_reach_as_far_as_the_rule_and_the_accuracy() -> None:
    parcel = subjects(PARCEL)
    features = ["POINT (29 10)", "LINESTRING (30.2 0, 30.2 20)", "POINT (31 10)", "POLYGON ((5 5, 6 5, 6 6, 5 5))"]
    wanted = rule(Relation.WITHIN_DISTANCE, distance_m=10.0)
    measures = measure(wanted, parcel, near(parcel, features, accuracy_m=0.3, within_m=15))
    assert by_pair(measures, "nearest_m") == pytest.approx({(0, 0): 9.0, (0, 1): 10.2, (0, 3): 0.0})
    assert measures.relation.tolist() == ["within_distance", "near", "within_distance"]
    assert measures.theme.nearest_m[0] == 0.0


def test_entries_of_a_register_need_no_shape() -> None:
    parcels = subjects(PARCEL, PARCEL)
    nothing = np.array([None, None], dtype=object)
    rows = Pieces(
        np.array([1, 1]), np.array([0, 1]), nothing, np.zeros(2), np.array(["", "not_in_force"], dtype=object)
    )
    measures = measure(rule(Relation.SAME_PARCEL), parcels, rows)
    assert measures.theme.count.tolist() == [0, 1]
    assert len(measures.subject) == 2


# ── what cannot be measured is broken, never nothing ─────────────────────────────────────────────


@pytest.mark.parametrize(
    ("relation", "feature"),
    [
        (Relation.OVERLAPS_AREA, "LINESTRING (-5 5, 25 5)"),
        (Relation.CROSSES_LINE, "POLYGON ((5 5, 6 5, 6 6, 5 5))"),
        (Relation.CONTAINS_POINT, "LINESTRING (-5 5, 25 5)"),
    ],
)
def test_a_feature_of_the_wrong_kind_breaks_the_measure(relation: Relation, feature: str) -> None:
    parcel = subjects(PARCEL)
    assert measure(rule(relation), parcel, near(parcel, [feature])).theme.broken.all()


def test_an_invalid_subject_and_a_raster_rule_break_the_measure() -> None:
    bow_tie = subjects("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))", PARCEL)
    rows = near(bow_tie, ["POLYGON ((5 5, 6 5, 6 6, 5 5))"])
    assert measure(OVERLAPS, bow_tie, rows).theme.broken.tolist() == [True, False]
    assert measure(rule(Relation.RASTER_CLASS), bow_tie, rows).theme.broken.all()


def test_an_excluded_feature_is_measured_and_never_counts() -> None:
    parcel = subjects(PARCEL)
    features = ["POLYGON ((0 0, 10 0, 10 20, 0 20, 0 0))", "POLYGON ((15 0, 20 0, 20 20, 15 20, 15 0))"]
    measures = measure(OVERLAPS, parcel, near(parcel, features, excluded=["not_in_force", ""]))
    assert measures.area_m2.tolist() == pytest.approx([200.0, 100.0])
    assert measures.theme.area_m2[0] == pytest.approx(100.0)


def test_inside_takes_a_shared_boundary_for_covered() -> None:
    parcel = subjects(PARCEL, accuracy_m=0.1)
    wanted = rule(Relation.INSIDE)
    wobbling = "POLYGON ((0.004 -9, 29 -9, 29 29, 0.004 29, 0.004 -9))"
    assert measure(wanted, parcel, near(parcel, [wobbling])).theme.area_m2[0] == pytest.approx(400.0)
    short = "POLYGON ((0.5 -9, 29 -9, 29 29, 0.5 29, 0.5 -9))"
    assert measure(wanted, parcel, near(parcel, [short])).theme.area_m2[0] == pytest.approx(390.0)
