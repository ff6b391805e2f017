"""Values to classes, and areas of classes to measures: no file, no cell reader."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.judge import judge
from gis.procedure import Outcome, Relation, Rule
from gis.rasters import MISSING, ClassAreas, Grid, RasterGround, ValueClass, classified, measure_classes, shares_of

DRY, SHALLOW, DEEP = ValueClass(0, -np.inf, 0.1), ValueClass(1, 0.1, 0.5), ValueClass(2, 0.5, 5.0)
CLASSES = (DRY, SHALLOW, DEEP)
ASKED = np.array([False, True, True])


def square(side_m: float, accuracy_m: float = 0.0) -> Subjects:
    return Subjects.of(np.array([shapely.box(0, 0, side_m, side_m)], dtype=object), np.array([accuracy_m]))


def ground(measured: list[float], grown: list[float] | None = None, shrunk: list[float] | None = None) -> RasterGround:
    unknown: NDArray[np.float64] = np.full((1, 4), np.nan)
    areas = ClassAreas(
        np.array([measured]), np.array([grown or measured]), unknown if shrunk is None else np.array([shrunk]),
        np.zeros(1, dtype=bool),
    )  # fmt: skip
    return RasterGround(areas, ASKED)


def judged(rule: Rule, subjects: Subjects, found: RasterGround, mapped: float = 1.0) -> tuple[str, list[str]]:
    measures = measure_classes(rule, subjects, found)
    made = judge(rule, measures, np.array([mapped]))
    assert len(made.hit) == len(measures.subject)  # candidates = hits + drops
    return made.outcome[0].value, [reason or "hit" for reason in made.reason.tolist()]


@pytest.mark.parametrize("kind", ["float32", "float64", "int16", "uint8", "int8"])
def test_a_value_belongs_to_the_class_that_holds_it_and_the_upper_bound_to_the_next(kind: str) -> None:
    classes = (ValueClass(0, -np.inf, 1), ValueClass(1, 1, 5), ValueClass(7, 9, 9, is_value=True))
    values = np.array([[0, 1, 4], [5, 9, 10]]).astype(kind)
    assert classified(values, 10, classes).tolist() == [[0, 1, 1], [MISSING, 2, MISSING]]


def test_nodata_goes_before_the_class_that_would_hold_it_and_nan_is_none() -> None:
    values = np.array([0.0, np.nan, 0.3], dtype=np.float32)
    assert classified(values, 0.0, CLASSES).tolist() == [MISSING, MISSING, 1]
    assert classified(values, np.nan, CLASSES).tolist() == [0, MISSING, 1]


def test_bytes_below_nothing_are_looked_up_like_others() -> None:
    classes = (ValueClass(0, -10, 0), ValueClass(1, 0, 10))
    values = np.arange(-12, 12, dtype=np.int8)
    assert (classified(values, None, classes) == classified(values.astype(np.int16), None, classes)).all()


def test_shapes_in_cells_keep_their_place_and_the_grid_knows_its_box() -> None:
    grid = Grid(100.0, 500.0, 10.0, 20.0, 4, 3)
    assert grid.bounds == (100.0, 440.0, 140.0, 500.0)
    (moved,) = grid.to_cells(np.array([shapely.box(110, 460, 120, 500)], dtype=object))
    assert moved.bounds == (1.0, -2.0, 2.0, 0.0)


def test_boxes_in_cells_are_to_the_last_bit_those_of_shapes_in_cells() -> None:
    random = np.random.default_rng(1)
    grid = Grid(587_123.7, 2_323_981.3, 81.993, 30.1, 400, 300)
    points = random.uniform((587_000, 2_310_000), (620_000, 2_330_000), (200, 3, 2))
    triangles = np.asarray(shapely.polygons(points), dtype=object)
    assert (grid.boxes_to_cells(shapely.bounds(triangles)) == shapely.bounds(grid.to_cells(triangles))).all()


def test_parts_that_do_not_make_up_the_whole_break_the_measure() -> None:
    shares, broken = shares_of(np.array([[1.0, 1.0], [1.0, 1.1]]), np.array([2.0, 2.0]))
    assert shares.tolist()[0] == [0.5, 0.5]
    assert broken.tolist() == [False, True]


def test_asked_classes_add_up_and_others_are_dropped_with_the_reason() -> None:
    rule = Rule("flood", "depth", Relation.RASTER_CLASS, min_area_m2=50)
    assert judged(rule, square(20), ground([300, 60, 40, 0])) == (
        "affected",
        ["class_not_asked", "hit", "below_threshold"],
    )


def test_classes_below_the_threshold_that_pass_it_together_are_hits_by_sum() -> None:
    rule = Rule("flood", "depth", Relation.RASTER_CLASS, min_area_m2=90)
    assert judged(rule, square(20), ground([300, 60, 40, 0])) == ("affected", ["class_not_asked", "sum", "sum"])


def test_within_the_accuracy_the_decision_is_borderline_on_both_sides() -> None:
    rule = Rule("flood", "depth", Relation.RASTER_CLASS, min_area_m2=50)
    near = ground([350, 50.5, 0, 0], [380, 80, 0, 0], [320, 20, 0, 0])
    assert judged(rule, square(20, 1.0), near)[0] == "borderline"
    beside = ground([400, 0, 0, 0], [420, 60, 0, 0], [380, 0, 0, 0])
    assert judged(rule, square(20, 1.0), beside) == ("borderline", ["class_not_asked", "near"])
    sure = ground([200, 200, 0, 0], [210, 230, 0, 0], [190, 170, 0, 0])
    assert judged(rule, square(20, 1.0), sure)[0] == "affected"


@pytest.mark.parametrize(("mapped", "outcome"), [(0.0, "not_mapped"), (0.4, "partly_mapped"), (np.nan, "not_checked")])
def test_nothing_is_clear_on_ground_without_a_value(mapped: float, outcome: str) -> None:
    rule = Rule("flood", "depth", Relation.RASTER_CLASS)
    assert judged(rule, square(20), ground([160, 0, 0, 240]), mapped)[0] == outcome


def test_the_mapped_share_is_that_of_the_grown_subject_and_dust_is_rounding() -> None:
    assert ground([400, 0, 0, 0], [400, 0, 0, 100]).areas.mapped_share.tolist() == [0.8]
    assert ground([400, 0, 0, 0], [400, 0, 0, 1e-10]).areas.mapped_share.tolist() == [1.0]
    assert ClassAreas.nothing(1, 3).mapped_share.tolist() == [0.0]


def test_a_broken_measure_is_not_checked() -> None:
    rule = Rule("flood", "depth", Relation.RASTER_CLASS)
    found = ground([400, 0, 0, 0])
    found.areas.broken[0] = True
    made = judge(rule, measure_classes(rule, square(20), found), np.ones(1))
    assert (made.outcome[0], made.reasons[0]) == (Outcome.NOT_CHECKED, ("broken_measure",))
