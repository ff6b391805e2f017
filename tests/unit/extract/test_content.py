"""What stands in the document: groups, standing of the law, corners, scales, and hostile texts made harmless."""

from __future__ import annotations

import math
import re
from typing import Any

import pypdfium2
import pytest
import shapely

from layers.checking.map_content import HEIGHT_MM, SCALES, WIDTH_MM, MapContent, MapShape, Role, frame_of
from layers.checking.reasons import reason
from ogc.extract import fonts
from ogc.extract.corners import MOST_CORNERS, blocks_of, crs_name, rings_of
from ogc.extract.drawing import drawing_of
from ogc.extract.findings import MOST_ROWS
from ogc.extract.pdf import corners_csv, pdf_of
from ogc.extract.words import Words, drawable, tidy
from tests.support import extracts
from tests.unit.extract.test_pdf import text_in

EVIL = "<script>alert(1)</script><img src='https://example.org/x'>{{7*7}}"


def test_findings_are_grouped_by_outcome_in_the_order_of_the_procedure() -> None:
    made = extracts.document()
    told = {group.id: [part.number for part in group.findings] for group in made.groups}
    assert told == {
        "affected": ["2"],
        "borderline": ["3"],
        "undecided": ["4", "5", "6"],
        "met": ["1", "8"],
        "clear": ["7"],
    }
    assert [part.number for part in made.findings] == [str(number) for number in range(1, 9)]
    assert [member.number for member in made.findings[0].members] == ["1a", "1b"]


def test_grounds_that_contradict_each_other_stand_by_themselves_and_are_counted_so() -> None:
    group, *others = extracts.findings()
    found = [{**group, "verdict": "refer", "reasons": [reason("conflict")]}, *others]
    for language, heading, met in (("vi", "Căn cứ trái nhau", "Đáp ứng yêu cầu"),
                                   ("en", "Conflicting grounds", "Requirements met")):  # fmt: skip
        made = extracts.document(language, extracts.answer(findings=found))
        told = {part.title: [one.number for one in part.findings] for part in made.groups}
        assert told[heading] == ["1"] and told[met] == ["8"]
        assert made.findings[0].outcome.text == heading
        paper = text_in(pdf_of(made))
        assert f"{heading}: 1" in paper and f"{heading} (1)" in paper and f"{met} (1)" in paper
        headings = [*(part.title for part in made.groups), made.words("skipped")]
        assert all(f"{number}. {title}" in paper for number, title in enumerate(headings, 6)), "numbered through"


def test_a_paper_without_such_grounds_has_no_line_about_them() -> None:
    assert "conflict" not in {group.id for group in extracts.document().groups}


def test_a_verdict_never_stands_without_its_bracket() -> None:
    for part in extracts.document().findings:
        assert part.verdict.text in ("Đạt (không phát hiện vướng mắc)", "Cần xem xét", "Không đạt (có vướng mắc)")


@pytest.mark.parametrize(
    ("since", "until", "told", "is_doubtful"),
    [
        ("2024-07-01", None, "có hiệu lực từ 01/07/2024", False),
        ("2026-11-22", None, "có hiệu lực từ 22/11/2026", False),
        ("2026-11-23", None, "chưa có hiệu lực (từ 23/11/2026)", True),
        ("2024-07-01", "2026-11-22", "có hiệu lực từ 01/07/2024", False),
        ("2024-07-01", "2026-11-21", "hết hiệu lực sau ngày 21/11/2026", True),
        (None, None, "chưa rõ thời điểm hiệu lực", False),
    ],
)
def test_a_legal_basis_stands_with_its_status_on_the_day(
    since: str | None, until: str | None, told: str, is_doubtful: bool
) -> None:
    finding = extracts.finding("x", basis=[extracts.basis("1/2024", "", since, until)])
    (part,) = extracts.document(given=extracts.answer(findings=[finding])).findings
    assert (part.basis[0].standing, part.basis[0].is_doubtful) == (told, is_doubtful)


def _flooded() -> dict[str, Any]:
    classes = [(1, "Ngập dưới 0,5 m", "Below 0.5 m", 0.368), (4, "Ngập từ 2 m", "2 m and deeper", 0.0117)]
    features = [
        extracts.feature(str(number), 91.8 * share, **{"class": number, "title": {"vi": vi, "en": en}, "share": share})
        for number, vi, en, share in classes
    ]
    return extracts.finding("flood_depth", "affected", "refer", layer="flood_depth", features=features)


def test_classes_of_cells_are_named_and_the_map_says_that_it_does_not_draw_them() -> None:
    for language, name, share, layer in (
        ("vi", "Ngập dưới 0,5 m", "36,8", "Độ sâu ngập"), ("en", "Below 0.5 m", "36.8", "Flood depth")
    ):  # fmt: skip
        made = extracts.document(language, extracts.answer(findings=[_flooded()]))
        first, _ = made.findings[0].features
        assert first.name == name and name not in first.details
        assert f"{share}\u00a0%" in first.details.replace(" ", "\u00a0")
        assert made.undrawn == (layer,)
        assert f"{made.words('legend_undrawn', layers=layer)}." in text_in(pdf_of(made))
    assert extracts.document().undrawn == ()


@pytest.mark.parametrize(("difference", "told"), [(0.04, "0,0"), (-0.04, "0,0"), (0.06, "+0,1"), (-2.85, "−2,9")])
def test_what_is_written_as_nothing_has_no_sign(difference: float, told: str) -> None:
    assert Words("vi").difference(difference) == f"{told}\u00a0m²"


def test_the_code_of_a_sheet_is_on_one_line_at_its_head_and_its_foot() -> None:
    code = "-".join(["MWMW"] * 6 + ["MW"])  # as long as codes are, in the widest letters
    pdf = pypdfium2.PdfDocument(pdf_of(extracts.document(issue=extracts.issue(code=code))))
    try:
        lines = pdf[0].get_textpage().get_text_range().splitlines()
    finally:
        pdf.close()
    assert sum(code in line for line in lines) == 2


def test_corners_run_clockwise_from_the_north_west_and_edges_close_the_ring() -> None:
    (ring,) = rings_of(extracts.ground())
    assert [corner.number for corner in ring.corners] == [1, 2, 3, 4, 5]
    assert (ring.corners[0].x_m, ring.corners[0].y_m) == (extracts.NORTH + 31, extracts.EAST + 3)
    assert math.isclose(sum(corner.edge_m for corner in ring.corners), extracts.ground().length)
    shoelace = sum(
        a.y_m * b.x_m - b.y_m * a.x_m for a, b in zip(ring.corners, ring.corners[1:] + ring.corners[:1], strict=True)
    )
    assert shoelace < 0
    assert rings_of(shapely.reverse(extracts.ground())) == (ring,)


def test_holes_and_parts_go_on_with_the_numbers() -> None:
    outer, hole = shapely.box(0, 0, 30, 30), shapely.box(10, 10, 20, 20)
    rings = rings_of(shapely.multipolygons([outer.difference(hole), shapely.box(50, 0, 60, 10)]))
    assert [(ring.is_hole, ring.place, ring.corners[0].number) for ring in rings] == [
        (False, 1, 1), (True, 1, 5), (False, 2, 9),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [3, 80, 81, 700])
def test_every_corner_is_in_one_block_or_counted_as_left_out(count: int) -> None:
    rings = rings_of(shapely.Point(0, 0).buffer(1_000, quad_segs=max(1, count // 4 + 1)))
    blocks, more = blocks_of(rings)
    printed = [c.number for block in blocks for half in zip(*block.rows, strict=True) for c in half if c is not None]
    total = len(rings[0].corners)
    assert printed == list(range(1, min(total, MOST_CORNERS) + 1))
    assert more == total - len(printed)


def test_zone_and_meridian_are_named_in_both_languages() -> None:
    assert crs_name("EPSG:9210", Words("vi")) == "VN-2000, kinh tuyến trục 105°45′, múi chiếu 3° (EPSG:9210)"
    assert crs_name("EPSG:5899", Words("en")) == "VN-2000, central meridian 107°45′, 3° zone (EPSG:5899)"
    assert crs_name("EPSG:3405", Words("vi")) == "VN-2000, kinh tuyến trục 105°00′, múi chiếu 6° (EPSG:3405)"
    assert crs_name("EPSG:2056", Words("vi")) == "EPSG:2056"


@pytest.mark.parametrize("size_m", [0.5, 12, 31, 80, 400, 3_000, 60_000])
def test_the_scale_is_the_largest_round_one_that_leaves_room(size_m: float) -> None:
    frame = frame_of(shapely.box(1_000, 2_000, 1_000 + size_m, 2_000 + size_m / 2))
    assert frame.scale in SCALES
    assert math.isclose(frame.east - frame.west, WIDTH_MM / 1000 * frame.scale)
    assert math.isclose(frame.north - frame.south, HEIGHT_MM / 1000 * frame.scale)
    assert size_m < frame.east - frame.west
    smaller = [scale for scale in SCALES if scale < frame.scale]
    assert not smaller or size_m > 0.6 * WIDTH_MM / 1000 * smaller[-1]


def test_a_value_becomes_one_short_line_without_control_characters() -> None:
    assert tidy("a\u202eb\u0000c\nd\ud800\u200f") == "abc d"
    assert tidy("Thu\u031b\u0309a") == "Th\u1eeda"
    assert len(tidy("x" * 10_000)) == 300
    assert tidy("x" * 10_000).endswith("…")


def test_letters_no_font_of_ours_has_are_question_marks() -> None:
    printed = drawable(fonts.covered)
    assert printed("Sông 漢字 🙂 Đồng Nai") == "Sông ?? ? Đồng Nai"
    assert printed(5) == 5


def hostile() -> dict[str, Any]:
    feature = extracts.feature(EVIL, 18.4, ten_nguon_nuoc="A" * 10_000, so_qd="\u202ekho\u0000ng \u0627\u0644 漢字",
                               ghi_chu=EVIL)  # fmt: skip
    found = extracts.finding("water_corridor", "affected", "fail", features=[feature], title={"vi": EVIL, "en": EVIL},
                             office={"vi": EVIL, "en": EVIL}, dropped=[extracts.drop("\n" * 50 + "ok", "near")],
                             basis=[extracts.basis(EVIL, "W" * 3_000)])  # fmt: skip
    subject = {**extracts.answer()["subject"], "label": EVIL + "x" * 5_000, "key": "\u202e" * 20}
    return extracts.answer(findings=[found], subject=subject, dossier="M" * 900, inputs={EVIL: EVIL})


def test_hostile_texts_are_only_texts() -> None:
    shapes = (MapShape("water_corridor", "1", Role.HIT, shapely.box(0, 0, 1, 1), EVIL),)
    content = extracts.content(shapes=(*extracts.content().shapes, *shapes))
    told = text_in(pdf_of(extracts.document(given=hostile(), content=content)))
    assert "<script>alert(1)</script>" in told
    assert "{{7*7}}" in told
    assert "49" not in told.replace("49,", "")
    assert "A" * 2_000 not in told.replace(" ", "")


def test_names_on_the_map_are_escaped() -> None:
    neighbour = extracts.ground((30, 0), (60, 0), (60, 30), (30, 30))
    content = MapContent("EPSG:9210", extracts.ground(), (MapShape("parcel", "1", Role.NEIGHBOUR, neighbour, EVIL),))
    drawn = drawing_of(extracts.document(content=content), drawable(fonts.covered))
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn


def test_many_findings_objects_and_corners_end_on_bounded_paper() -> None:
    features = [extracts.feature(f"K{number}", 1.5) for number in range(500)]
    findings = [extracts.finding(f"c{number}", "affected", "refer") for number in range(198)]
    findings.append(extracts.finding("many", "affected", "fail", features=features))
    round_ground = shapely.Point(extracts.EAST, extracts.NORTH).buffer(400, quad_segs=1_250)
    made = extracts.document(given=extracts.answer(findings=findings), content=extracts.content(round_ground))
    assert len(made.findings[-1].features) == MOST_ROWS
    assert made.findings[-1].more_features == 500 - MOST_ROWS
    assert corners_csv(made).count(b"\r\n") == 1 + 5_000
    assert len(blocks_of(made.rings)[0]) <= MOST_CORNERS / 80 + 1


def test_a_subject_of_a_hundred_thousand_corners_is_drawn_as_finely_as_paper_shows() -> None:
    ragged = shapely.Point(extracts.EAST, extracts.NORTH).buffer(3_000, quad_segs=25_000)
    made = extracts.document(content=MapContent("EPSG:9210", ragged))
    drawn = drawing_of(made, drawable(fonts.covered))
    assert len(drawn) < 100_000
    numbers = re.findall(r">(\d+)</text>", drawn)
    assert len(numbers) > 20
    assert {"1"} <= set(numbers)
