"""Nothing is mapped that was not declared; slivers narrower than the accuracy are left out."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.coverage import Ground, mapped_share
from tests.unit.gis.shapes import shapes

PARCEL = shapes("POLYGON ((0 0, 20 0, 20 20, 0 20, 0 0))")


def ground(*polygons: shapely.Geometry | str) -> Ground:
    return Ground(np.zeros(len(polygons), dtype=np.int64), shapes(*polygons))


def share(
    areas: Ground | None, refused: Ground | None = None, *, reach_m: float = 0.0, accuracy_m: float = 0.3
) -> float:
    found = mapped_share(
        PARCEL,
        reach_m,
        np.array([accuracy_m]),
        everywhere=areas is None,
        areas=areas or Ground.none(),
        refused=refused or Ground.none(),
    )
    return float(found[0])


def test_everywhere_is_everywhere() -> None:
    assert share(None) == 1.0


def test_without_a_declaration_nothing_is_mapped() -> None:
    assert share(Ground.none()) == 0.0
    assert share(ground(shapely.box(30, 30, 40, 40))) == 0.0


def test_half_of_the_parcel_is_partly_mapped() -> None:
    assert share(ground(shapely.box(-50, -50, 10, 50)), accuracy_m=0.0) == pytest.approx(0.5)


def test_a_parcel_at_the_edge_of_the_mapped_area_is_mapped() -> None:
    assert share(ground(shapely.box(0, 0, 500, 500))) == 1.0
    assert share(ground(shapely.box(0.2, 0, 500, 500))) < 1.0


def test_the_reach_of_the_rule_must_be_mapped_too() -> None:
    assert share(ground(shapely.box(0, 0, 500, 500)), reach_m=10.0) < 1.0
    assert share(ground(shapely.box(-11, -11, 500, 500)), reach_m=10.0) == 1.0


def test_two_areas_that_meet_inside_the_parcel_map_it() -> None:
    assert share(ground(shapely.box(-50, -50, 7, 50), shapely.box(7, -50, 50, 50))) == 1.0


def test_refused_rows_are_unmapped_ground() -> None:
    assert share(None, ground(shapely.box(5, 5, 9, 9)), accuracy_m=0.0) == pytest.approx(1 - 16 / 400)
    assert share(None, ground(shapely.box(-50, -50, 50, 50))) == 0.0
    assert share(None, ground(shapely.box(30, 30, 40, 40))) == 1.0


def test_refused_ground_narrower_than_the_accuracy_is_a_hole_all_the_same() -> None:
    assert share(None, ground(shapely.box(-5, 8, 25, 12)), accuracy_m=5.0) < 1.0
    assert share(ground(shapely.box(-50, -50, 50, 50)), ground(shapely.box(5, 5, 9, 5.1))) < 1.0
    assert share(None, ground(shapely.box(5, 5, 9, 5.01))) == 1.0  # what coincides


def test_an_invalid_area_maps_nothing_in_silence() -> None:
    bow_tie = "POLYGON ((-50 -50, 60 60, 60 -50, -50 60, -50 -50))"
    found = share(ground(bow_tie))
    assert np.isnan(found) or found < 1.0


def test_each_subject_is_judged_by_its_own_ground() -> None:
    parcels = shapes(PARCEL[0], shapely.box(100, 0, 120, 20))
    areas = Ground(np.array([1]), shapes(shapely.box(50, -50, 200, 200)))
    found = mapped_share(parcels, 0.0, np.zeros(2), everywhere=False, areas=areas, refused=Ground.none())
    assert found.tolist() == [0.0, 1.0]
