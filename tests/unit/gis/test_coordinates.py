"""Pasted tables of vertices: read back to the millimetre however they were typed, and never repaired in silence."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gis.coordinate_place import Ground, MisplacedError, in_crs84, moved, other_meridians, placed
from gis.coordinates import CoordinatesError, edge_warnings, edges_of, polygon_of, table_of, table_of_points
from gis.crs import WGS84, Projection, family_of

VN = Projection("EPSG:9210", "EPSG:6960")
PROVINCE = Ground(VN, ("EPSG:9210",), (106.32, 10.86, 106.97, 11.50))
SQUARE = [(1214391.25, 598162.86), (1214401.25, 598162.86), (1214401.25, 598182.86), (1214391.25, 598182.86)]
Points = list[tuple[float, float]]


def tabbed(points: Points, first: int = 1) -> str:
    return "\n".join(f"{n}\t{x:.3f}\t{y:.3f}" for n, (x, y) in enumerate(points, first))


def ground(text: str, **how: object) -> BaseGeometry:
    return polygon_of(table_of(text), **how)  # type: ignore[arg-type]


# ── every way of writing ─────────────────────────────────────────────────────────────────────────


def plain(value: float) -> str:
    return f"{value:.3f}"


def comma(value: float) -> str:
    return f"{value:.3f}".replace(".", ",")


def points_and_comma(value: float) -> str:
    return f"{value:,.3f}".translate(str.maketrans(",.", ".,"))


def blanks_and_comma(value: float) -> str:
    return f"{value:,.3f}".translate(str.maketrans(",.", " ,"))


def hard_blanks(value: float) -> str:
    return blanks_and_comma(value).replace(" ", "\u00a0")


def commas_and_point(value: float) -> str:
    return f"{value:,.3f}"


NUMBERS = (plain, comma, points_and_comma, blanks_and_comma, hard_blanks, commas_and_point)
SEPARATORS = ("\t", ";", " ; ", "   ", " | ", " ")
LABELS: tuple[Callable[[int], str], ...] = (
    str, lambda n: f"M{n}", lambda n: f"{n}'", lambda n: f"R-{n}", lambda n: f"{n:03d}",
)  # fmt: skip
HEADINGS = (
    "", "STT{0}X (m){0}Y (m)", "Số hiệu đỉnh{0}X(m){0}Y(m)", "BẢNG KÊ TỌA ĐỘ GÓC RANH\nĐiểm{0}X{0}Y",
    "Hệ tọa độ VN-2000, kinh tuyến trục 105°45', múi chiếu 3°\nSố hiệu\nđiểm\nX (m)\nY (m)",
)  # fmt: skip


@st.composite
def parcels(draw: st.DrawFn) -> Points:
    """Star-shaped ground around a centre in the province, corners on whole millimetres."""
    north, east = draw(st.floats(1_205_000, 1_268_000)), draw(st.floats(565_000, 630_000))
    corners = draw(st.integers(3, 14))
    radii = draw(st.lists(st.floats(4, 400), min_size=corners, max_size=corners))
    turns = [2 * math.pi * place / corners for place in range(corners)]
    return [
        (round(north + r * math.sin(t), 3), round(east + r * math.cos(t), 3)) for r, t in zip(radii, turns, strict=True)
    ]


@st.composite
def written(draw: st.DrawFn) -> tuple[Points, str]:
    points = draw(parcels())
    number, separator = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(SEPARATORS))
    label, heading = draw(st.sampled_from(LABELS)), draw(st.sampled_from(HEADINGS))
    with_lengths, is_closed = draw(st.booleans()), draw(st.booleans())
    ends = [*points[1:], points[0]]
    rows = [
        separator.join([label(n), number(x), number(y), *([number(math.dist(p, q))] if with_lengths else [])])
        for n, (p, q) in enumerate(zip(points, ends, strict=True), 1)
        for x, y in (p,)
    ]
    if is_closed:
        rows.append(separator.join([label(1), number(points[0][0]), number(points[0][1])]))
    return points, "\n".join([*([heading.format(separator)] if heading else []), *rows])


@settings(max_examples=300, deadline=None)
@given(written())
def test_any_parcel_in_any_writing_is_read_back_to_the_millimetre(case: tuple[Points, str]) -> None:
    points, text = case
    (ring,) = table_of(text).rings
    assert np.abs(ring.xy - np.array(points)).max() < 0.0005
    assert edge_warnings(edges_of(table_of(text))) == ()


@settings(max_examples=60, deadline=None)
@given(parcels(), st.sampled_from(family_of("EPSG:9210")))
def test_a_wrong_meridian_is_always_diagnosed(points: Points, name: str) -> None:
    """The same ground in any other system of the datum: refused with that system proposed, or told that it fits too."""
    stored = shapely.Polygon([(y, x) for x, y in points])
    other = VN.to_crs(np.array([stored]), "EPSG:9210", name)[0]
    text = tabbed([(y, x) for x, y in shapely.get_coordinates(other)])
    try:
        found = placed(table_of(text), None, None, PROVINCE)
    except MisplacedError as error:
        crs = [proposal.placed.crs for proposal in error.proposals]
        repaired = error.proposals[crs.index(name)].placed
        assert shapely.hausdorff_distance(moved(repaired, "EPSG:9210", PROVINCE), stored) < 0.002
        return
    assert name == found.crs or name in other_meridians(found, PROVINCE)


@settings(max_examples=60, deadline=None)
@given(parcels())
def test_swapped_axes_are_always_diagnosed_and_the_proposal_is_the_ground(points: Points) -> None:
    with pytest.raises(MisplacedError) as refused:
        placed(table_of(tabbed([(y, x) for x, y in points])), None, None, PROVINCE)
    (proposal,) = refused.value.proposals
    assert proposal.kinds == ("swapped_axes",)
    again = table_of_points(proposal.coordinates()["points"])  # type: ignore[arg-type]
    assert polygon_of(again).normalize().equals_exact(shapely.Polygon([(y, x) for x, y in points]).normalize(), 1e-3)
    assert placed(again, str(proposal.coordinates()["crs"]), "north_east", PROVINCE).crs == "EPSG:9210"


# ── rings ────────────────────────────────────────────────────────────────────────────────────────


def inset(points: Points, by: float) -> Points:
    (low_x, low_y), (high_x, high_y) = points[0], points[2]
    return [(low_x + by, low_y + by), (high_x - by, low_y + by), (high_x - by, high_y - by), (low_x + by, high_y - by)]


def test_a_second_ring_inside_is_a_hole_and_one_outside_a_second_part() -> None:
    hole = ground(tabbed(SQUARE) + "\n\n" + tabbed(inset(SQUARE, 2), first=5))
    assert hole.geom_type == "Polygon" and hole.area == pytest.approx(200 - 6 * 16)
    beside = ground(tabbed([*SQUARE, SQUARE[0]]) + "\n" + tabbed([(x, y + 50) for x, y in SQUARE]))
    assert beside.geom_type == "MultiPolygon" and beside.area == pytest.approx(400)
    island = ground("\n\n".join(tabbed(inset(SQUARE, by)) for by in (0, 1, 3)))
    assert island.geom_type == "MultiPolygon" and island.area == pytest.approx(200 - 8 * 18 + 4 * 14)


def test_empty_lines_between_all_lines_make_no_rings() -> None:
    assert ground(tabbed(SQUARE).replace("\n", "\n\n")).area == pytest.approx(200)


def test_a_number_that_comes_again_elsewhere_begins_a_ring() -> None:
    beside = ground(tabbed(SQUARE) + "\n" + tabbed([(x, y + 50) for x, y in SQUARE]))
    assert beside.area == pytest.approx(400)


def test_rings_that_cross_are_refused() -> None:
    with pytest.raises(CoordinatesError) as refused:
        ground(tabbed(SQUARE) + "\n\n" + tabbed([(x + 5, y + 5) for x, y in SQUARE]))
    assert refused.value.kind == "crossing_rings"


def test_a_closing_point_that_lies_elsewhere_is_named() -> None:
    with pytest.raises(CoordinatesError, match=r"Điểm 1 \(dòng 5\)"):
        table_of(tabbed(SQUARE) + "\n1\t1214391.250\t598172.860")


def test_a_closing_point_a_few_millimetres_off_closes_and_is_told() -> None:
    found = table_of(tabbed(SQUARE) + "\n1\t1214391.257\t598162.860")
    assert [warned.code for warned in found.warnings] == ["closing_point"] and found.count == 4


def test_a_point_written_twice_counts_once_and_is_told() -> None:
    found = table_of(tabbed([SQUARE[0], *SQUARE]))
    assert [warned.code for warned in found.warnings] == ["duplicate_point"]
    assert polygon_of(found).area == pytest.approx(200)


# ── lengths ──────────────────────────────────────────────────────────────────────────────────────


def test_a_length_that_is_not_the_edges_is_told_with_the_edges_name() -> None:
    lengths = ("10,00", "20,03", "10,00", "25,00")
    rows = tabbed(SQUARE).replace(".", ",").split("\n")
    text = "\n".join(f"{row}\t{length}" for row, length in zip(rows, lengths, strict=True))
    (warned,) = edge_warnings(edges_of(table_of(text)))
    assert warned.code == "edge_length" and "4–1" in warned.message.vi and "25,00" in warned.message.vi


def test_lengths_on_lines_of_their_own_belong_between_the_points() -> None:
    rows = tabbed(SQUARE).split("\n")
    text = "\n".join(f"{row}\n\t\t{s}" for row, s in zip(rows, ("10.00", "20.00", "10.00", "20.00"), strict=True))
    assert [edge.written_m for edge in edges_of(table_of(text))] == [10.0, 20.0, 10.0, 20.0]


def test_lengths_at_the_ends_of_edges_belong_to_the_edge_before() -> None:
    lengths = ("", "10.00", "20.00", "10.00", "20.00")
    rows = zip(tabbed([*SQUARE, SQUARE[0]]).split("\n"), lengths, strict=True)
    found = edges_of(table_of("\n".join(f"{row}\t{length}" for row, length in rows)))
    assert [edge.written_m for edge in found[:3]] == [10.0, 20.0, 10.0] and edge_warnings(found) == ()


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────


def corners_in(name: str) -> Points:
    """The square's corners, north first, in another system."""
    stored = np.array([shapely.Polygon([(y, x) for x, y in SQUARE])])
    return [(y, x) for x, y in shapely.get_coordinates(VN.to_crs(stored, "EPSG:9210", name)[0])]


def refused(text: str, **how: object) -> MisplacedError:
    with pytest.raises(MisplacedError) as found:
        placed(table_of(text), how.get("crs"), None, PROVINCE)  # type: ignore[arg-type]
    return found.value


def test_headings_decide_which_column_is_north() -> None:
    text = "STT Y(m) X(m)\n" + "\n".join(f"{n} {y} {x}" for n, (x, y) in enumerate(SQUARE, 1))
    assert placed(table_of(text), None, None, PROVINCE).axes == "north_east"


def test_the_meridian_named_in_the_text_is_taken() -> None:
    found = placed(table_of("Kinh tuyến trục 107°45'\n" + tabbed(corners_in("EPSG:5899"))), None, None, PROVINCE)
    assert found.crs == "EPSG:5899"


def test_millimetres_are_diagnosed() -> None:
    error = refused(tabbed([(x * 1000, y * 1000) for x, y in SQUARE]))
    assert error.proposals[0].kinds == ("millimetres",)
    assert polygon_of(error.proposals[0].placed.table).area == pytest.approx(200)


def test_universal_coordinates_are_diagnosed() -> None:
    error = refused(tabbed(corners_in("EPSG:3405")))
    assert ("utm",) in [proposal.kinds for proposal in error.proposals]


@pytest.mark.parametrize("text", [
    "10°58'48.3\"N\t106°39'12.5\"E\n10°58'49.3\"N\t106°39'12.5\"E\n10°58'49.3\"N\t106°39'13.5\"E",
    "1 10°58'48,3'' 106°39'12,5''\n2 10°58'49,3'' 106°39'12,5''\n3 10°58'49,3'' 106°39'13,5''",
    "106,653472\t10,980083\n106,654472\t10,980083\n106,654472\t10,981083",
    "10.980083;106.653472\n10.981083;106.653472\n10.981083;106.654472",
])  # fmt: skip
def test_degrees_need_their_system(text: str) -> None:
    error = refused(text)
    assert {proposal.placed.crs for proposal in error.proposals} == {"EPSG:4756", "EPSG:4326"}
    assert {proposal.kinds[0] for proposal in error.proposals} == {"degrees"}
    lon, lat = shapely.get_coordinates(in_crs84(error.proposals[0].placed, PROVINCE))[0]
    assert (lon, lat) == pytest.approx((106.6535, 10.98), abs=0.003)


def test_cut_digits_are_named_and_nothing_is_proposed() -> None:
    error = refused(tabbed([(x - 1_200_000, y - 500_000) for x, y in SQUARE]))
    assert error.proposals == () and "thiếu chữ số" in error.message.vi


def test_points_out_of_order_are_proposed_in_the_order_of_their_numbers() -> None:
    rows = tabbed(SQUARE).split("\n")
    error = refused("\n".join(rows[place] for place in (0, 2, 1, 3)))
    assert error.kind == "crossing" and error.proposals[0].kinds == ("point_order",)
    assert polygon_of(error.proposals[0].placed.table).area == pytest.approx(200)


def test_a_boundary_that_crosses_itself_names_the_edge() -> None:
    with pytest.raises(CoordinatesError) as found:
        ground(tabbed([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]))
    assert found.value.kind == "crossing" and "–" in found.value.message.vi


@pytest.mark.parametrize(("text", "kind"), [
    ("", "no_points"),
    ("xin chào", "no_points"),
    ("1\t1214391.25\t598162.86", "unreadable"),
    (tabbed(SQUARE[:2]), "unreadable"),
    (tabbed(SQUARE).replace("598182.860", "598i82.860", 1), "unreadable"),
    (tabbed(SQUARE) + "\n5\t1214381.25O\t598182.860", "unreadable"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_and_never_left_out(text: str, kind: str) -> None:
    with pytest.raises(CoordinatesError) as found:
        table_of(text)
    assert found.value.kind == kind


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_ends_in_anything_but_a_table_or_words(text: str) -> None:
    try:
        table_of(text)
    except CoordinatesError as error:
        assert error.message.vi and error.message.en


def test_a_projection_to_degrees_and_back_changes_nothing() -> None:
    found = placed(table_of(tabbed(SQUARE)), None, None, PROVINCE)
    degrees = in_crs84(found, PROVINCE)
    back = VN.to_crs(np.array([degrees]), WGS84, "EPSG:9210")[0]
    assert shapely.hausdorff_distance(back, polygon_of(found.table)) < 1e-4


# ── what a table says itself ─────────────────────────────────────────────────────────────────────

SEVEN = [(1214400.0, 598100.0), (1214410.0, 598150.0), (1214400.0, 598200.0), (1214350.0, 598210.0),
         (1214300.0, 598200.0), (1214290.0, 598150.0), (1214300.0, 598100.0)]  # fmt: skip


def test_a_ring_that_an_empty_line_cuts_is_not_made_two_parts() -> None:
    error = refused(tabbed(SEVEN[:4]) + "\n\n" + tabbed(SEVEN[4:], first=5))
    assert [proposal.kinds for proposal in error.proposals] == [("one_ring",), ("parts",)]
    areas = [polygon_of(table_of_points(each.coordinates()["points"])).area for each in error.proposals]  # type: ignore[arg-type]
    assert areas == pytest.approx([11_500, 3_500])


@pytest.mark.parametrize("first", [1, 5])
def test_blocks_that_are_closed_or_begin_anew_are_rings(first: int) -> None:
    closed = [*SQUARE, SQUARE[0]] if first == 5 else SQUARE
    text = tabbed(closed) + "\n\n" + tabbed([(x, y + 50) for x, y in SQUARE], first=first + (first == 5))
    assert moved(placed(table_of(text), None, None, PROVINCE), "EPSG:9210", PROVINCE).area == pytest.approx(400)


@pytest.mark.parametrize(("words", "crs"), [
    ("kinh tuyến trục 105°, múi chiếu 6°", "EPSG:3405"), ("kinh tuyến trục 105°, múi 3 độ", "EPSG:5897"),
    ("VN-2000/UTM zone 48N", "EPSG:3405"), ("Kinh tuyến trục 105°00', k0 = 0,9996", "EPSG:3405"),
    ("Kinh tuyến trục 105°00'00\", hệ số 0,9999", "EPSG:5897"), ("Kinh tuyến trục 105", "EPSG:5897"),
])  # fmt: skip
def test_the_width_of_the_zone_is_read_like_the_meridian(words: str, crs: str) -> None:
    found = placed(table_of(f"{words}\n" + tabbed(corners_in("EPSG:3405"))), None, None, PROVINCE)
    assert found.crs == crs
    assert other_meridians(found, PROVINCE) == (("EPSG:3405",) if words == "Kinh tuyến trục 105" else ())


@pytest.mark.parametrize("words", ["105.75", "105,75", "105-45", "105 45", "105°45'00\""])
def test_decimals_and_a_dash_are_minutes(words: str) -> None:
    assert placed(table_of(f"Kinh tuyến trục {words}\n" + tabbed(SQUARE)), None, None, PROVINCE).crs == "EPSG:9210"


@pytest.mark.parametrize("words", ["Kinh tuyến trục 105°50'", "KTT 106°10'", "Kinh tuyến trục 105°45', múi 6°"])
def test_a_meridian_that_is_none_is_told_with_proposals(words: str) -> None:
    error = refused(f"{words}\n" + tabbed(SQUARE))
    assert error.kind == "meridian" and "EPSG:9210" in [proposal.placed.crs for proposal in error.proposals]


def test_a_meridian_that_contradicts_the_system_asked_for_is_told() -> None:
    error = refused("Kinh tuyến trục 105°45'\n" + tabbed(corners_in("EPSG:5897")), crs="EPSG:5897")
    assert error.kind == "meridian" and error.proposals[0].placed.crs == "EPSG:5897"
