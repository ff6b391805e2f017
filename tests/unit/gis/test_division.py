"""Split and merge: areas are conserved, and what does not add up is named with its area and its place."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.division import FlawKind, divide, merge, shares
from gis.procedure import Outcome

from .shapes import shapes

PARCEL = shapely.box(600000, 1220000, 600040, 1220030)
ACCURACY_M = 0.3


def piece(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return shapely.box(600000 + west, 1220000 + south, 600000 + east, 1220000 + north)


def test_a_clean_cut_conserves_the_area_and_shares_the_new_edge() -> None:
    found = divide(PARCEL, shapes(piece(0, 0, 15, 30), piece(15, 0, 40, 30)), ACCURACY_M, with_remainder=False)
    assert found.outcome is Outcome.CLEAR and not found.flaws
    assert found.difference_m2 == pytest.approx(0, abs=1e-6)
    (edge,) = found.shared
    assert edge.parts == (0, 1) and edge.length_m == pytest.approx(30, abs=0.05)


def test_a_planted_gap_is_named_with_its_area_and_place() -> None:
    found = divide(PARCEL, shapes(piece(0, 0, 15, 30), piece(16, 0, 40, 30)), ACCURACY_M, with_remainder=False)
    (flaw,) = found.flaws
    assert (flaw.kind, flaw.outcome) == (FlawKind.GAP, Outcome.AFFECTED)
    assert flaw.area_m2 == pytest.approx(30.0) and 600015 < shapely.get_x(flaw.place) < 600016
    assert found.difference_m2 == pytest.approx(-30.0)


def test_a_planted_overlap_and_ground_outside_are_named_apart() -> None:
    found = divide(PARCEL, shapes(piece(0, 0, 15, 30), piece(14, 0, 42, 30)), ACCURACY_M, with_remainder=False)
    assert [(flaw.kind, flaw.parts, round(flaw.area_m2, 3)) for flaw in found.flaws] == [
        (FlawKind.OUTSIDE, (1,), 60.0),
        (FlawKind.OVERLAP, (0, 1), 30.0),
    ]
    assert found.outcome is Outcome.AFFECTED


def test_ground_nobody_takes_is_the_remainder_where_one_is_declared() -> None:
    found = divide(PARCEL, shapes(piece(0, 0, 15, 30)), ACCURACY_M, with_remainder=True)
    assert found.outcome is Outcome.CLEAR and found.remainder_m2 == pytest.approx(750.0)
    assert found.difference_m2 == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("with_remainder", [True, False])
def test_strips_within_the_accuracy_that_come_to_much_ground_are_in_doubt(with_remainder: bool) -> None:
    found = divide(PARCEL, shapes(piece(0, 0, 37, 30)), 3.0, with_remainder=with_remainder)
    assert [(flaw.kind, round(flaw.area_m2)) for flaw in found.flaws] == [(FlawKind.GAP, 90)]
    assert found.outcome is Outcome.BORDERLINE


def test_a_strip_along_the_old_boundary_within_its_accuracy_is_measured_and_not_held_against_the_split() -> None:
    children = shapes(piece(0.2, 0, 15, 30), piece(15, 0, 40.2, 30))
    found = divide(PARCEL, children, ACCURACY_M, with_remainder=False)
    assert found.outcome is Outcome.CLEAR
    assert {flaw.kind: round(flaw.area_m2, 2) for flaw in found.flaws} == {FlawKind.GAP: 6.0, FlawKind.OUTSIDE: 6.0}


def test_a_strip_between_two_new_parcels_is_not_excused_by_the_accuracy_of_the_old_one() -> None:
    found = divide(PARCEL, shapes(piece(0, 0, 15, 30), piece(15.2, 0, 40, 30)), ACCURACY_M, with_remainder=False)
    (flaw,) = found.flaws
    assert (flaw.kind, flaw.outcome, round(flaw.area_m2, 2)) == (FlawKind.GAP, Outcome.BORDERLINE, 6.0)


def test_nothing_but_the_whole_parcel_left_over_is_no_strip() -> None:
    found = divide(PARCEL, shapes(piece(60, 0, 70, 30)), 5.0, with_remainder=False)
    assert found.outcome is Outcome.AFFECTED
    assert {flaw.kind for flaw in found.flaws} == {FlawKind.GAP, FlawKind.OUTSIDE}


def cut(parcel: shapely.Geometry, angle: float, share: float) -> list[shapely.Geometry]:
    """The parcel cut by a line across it."""
    x, y = shapely.get_x(parcel.centroid), shapely.get_y(parcel.centroid)
    dx, dy = math.cos(angle), math.sin(angle)
    x, y = x - dy * share * 10, y + dx * share * 10
    line = shapely.LineString([(x - 500 * dx, y - 500 * dy), (x + 500 * dx, y + 500 * dy)])
    return [part for part in shapely.ops.split(parcel, line).geoms if part.area > 1.0]


@st.composite
def parcels(draw: st.DrawFn) -> shapely.Geometry:
    """Stars around a point: valid, mostly not convex."""
    corners = draw(st.integers(4, 12))
    radii = draw(st.lists(st.floats(8, 40), min_size=corners, max_size=corners))
    angles = np.arange(corners) * 2 * np.pi / corners
    return shapely.Polygon(
        [(600000 + r * math.cos(a), 1220000 + r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]
    )


@settings(max_examples=60, deadline=None)
@given(parcels(), st.lists(st.tuples(st.floats(0, 3.1), st.floats(-0.5, 0.5)), min_size=1, max_size=3))
def test_random_cuts_conserve_the_area(parcel: shapely.Geometry, cuts: list[tuple[float, float]]) -> None:
    pieces = [parcel]
    for angle, share in cuts:
        pieces = [part for one in pieces for part in (cut(one, angle, share) or [one])]
    found = divide(parcel, shapes(*pieces), 0.1, with_remainder=True)
    assert not found.is_broken
    assert abs(found.difference_m2) <= found.rounding_m2 + sum(flaw.area_m2 for flaw in found.flaws) + 1e-4
    assert found.outcome in (Outcome.CLEAR, Outcome.BORDERLINE)


@settings(max_examples=60, deadline=None)
@given(parcels(), st.floats(0, 3.1), st.floats(0.5, 3.0))
def test_a_gap_planted_in_a_random_cut_is_found_with_its_area(
    parcel: shapely.Geometry, angle: float, width: float
) -> None:
    pieces = cut(parcel, angle, 0.0)
    lane = shapely.buffer(shapely.boundary(pieces[0]), width / 2, cap_style="flat")
    kept = [shapely.difference(one, lane) for one in pieces]
    kept = [one for one in kept if one.area > 1]
    if not kept:
        return
    found = divide(parcel, shapes(*kept), 0.05, with_remainder=False)
    planted = parcel.area - sum(one.area for one in kept)
    gaps = sum(flaw.area_m2 for flaw in found.flaws if flaw.kind is FlawKind.GAP)
    assert gaps == pytest.approx(planted, abs=0.05) and found.outcome is not Outcome.CLEAR


def test_the_certificate_is_distributed_by_what_was_measured_and_adds_up() -> None:
    found = shares(1195.0, [450.0, 750.0])
    assert found == pytest.approx([448.125, 746.875]) and sum(found) == pytest.approx(1195.0)


# ── merge ────────────────────────────────────────────────────────────────────────────────────────


def test_parcels_with_a_common_edge_merge() -> None:
    found = merge(shapes(piece(0, 0, 15, 30), piece(15, 0, 40, 30)), ACCURACY_M)
    assert found.outcome is Outcome.CLEAR and found.area_m2 == pytest.approx(1200) and not found.apart


def test_parcels_that_touch_in_a_corner_do_not_merge() -> None:
    found = merge(shapes(piece(0, 0, 15, 15), piece(15, 15, 40, 30)), ACCURACY_M)
    assert found.outcome is Outcome.AFFECTED and found.apart == (1,)


def test_parcels_apart_by_less_than_the_accuracy_are_in_doubt() -> None:
    found = merge(shapes(piece(0, 0, 15, 30), piece(15.2, 0, 40, 30)), ACCURACY_M)
    assert found.outcome is Outcome.BORDERLINE


def test_ground_that_a_merged_parcel_would_surround_is_named() -> None:
    ring = shapely.difference(PARCEL, piece(10, 10, 20, 20))
    west, east = (shapely.intersection(ring, piece(*half)) for half in ((0, 0, 15, 30), (15, 0, 40, 30)))
    found = merge(shapes(west, east), ACCURACY_M)
    assert [(flaw.kind, flaw.area_m2) for flaw in found.flaws] == [(FlawKind.HOLE, pytest.approx(100.0))]
    assert found.outcome is Outcome.CLEAR


def test_parcels_that_overlap_are_named_with_the_area() -> None:
    found = merge(shapes(piece(0, 0, 16, 30), piece(15, 0, 40, 30)), ACCURACY_M)
    (flaw,) = found.flaws
    assert (flaw.kind, flaw.parts, round(flaw.area_m2, 3)) == (FlawKind.OVERLAP, (0, 1), 30.0)
    assert found.difference_m2 == pytest.approx(-30.0) and found.outcome is Outcome.AFFECTED
