"""What a check says of classes of a raster."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from layers.access.principal import PUBLIC, Principal
from tests.support.checked import codes
from tests.support.published import EAST, NORTH, box
from tests.support.rasters import OPERATOR, RasterPlace, areas, depths


def test_dry_ground_is_clear_and_its_class_is_listed_as_not_asked_for(flooded: RasterPlace) -> None:
    found = flooded.finding(1)
    assert (found["outcome"], found["verdict"], found["features"]) == ("clear", "pass", [])
    assert [(drop["key"], drop["reason"], drop["area_m2"]) for drop in found["dropped"]] == [
        ("0", "class_not_asked", 400.0)
    ]


def test_every_class_that_occurs_is_a_feature_with_its_share_and_title(flooded: RasterPlace) -> None:
    found = flooded.finding(3)
    assert found["outcome"] == "affected"
    assert found["measure"] | {"area_m2": 1200.0, "share": 1.0, "count": 2} == found["measure"]
    first = found["features"][0]
    assert (first["key"], first["area_m2"]) == ("1", 600.0)
    assert first["attributes"] == {"class": 1, "title": {"vi": "Ngập nông", "en": "Shallow"}, "share": 0.5}


def test_a_rule_counts_only_the_classes_it_names_and_its_threshold(flooded: RasterPlace) -> None:
    assert flooded.finding(3, "deep")["verdict"] == "fail"
    small = flooded.finding(box(79, 10, 5, 10), "deep")  # 40 of 50 m² are deep
    assert small["outcome"] == "clear"
    assert {drop["key"]: drop["reason"] for drop in small["dropped"]} == {
        "1": "class_not_asked",
        "2": "below_threshold",
    }


def test_a_subject_smaller_than_a_cell_has_the_class_of_its_cell(flooded: RasterPlace) -> None:
    assert areas(flooded.finding(6)) == {"1": 6.0}


def test_across_the_edge_of_the_raster_what_is_inside_is_reported_and_the_rest_is_not_mapped(
    flooded: RasterPlace,
) -> None:
    found = flooded.finding(4)
    assert (found["outcome"], found["measure"]["area_m2"]) == ("affected", 100.0)
    assert found["coverage"]["mapped_share"] == pytest.approx(1 / 3, abs=1e-6)
    dry = flooded.finding(box(-15, 10, 30, 10))
    assert (dry["outcome"], codes(dry)) == ("partly_mapped", ["partly_mapped"])


def test_outside_the_raster_nothing_is_clear(flooded: RasterPlace) -> None:
    found = flooded.finding(5)
    assert (found["outcome"], found["verdict"], codes(found)) == ("not_mapped", "refer", ["outside_mapped_area"])


def test_a_class_within_the_accuracy_of_the_subject_makes_it_borderline(flooded: RasterPlace) -> None:
    found = flooded.finding(7)  # 0.5 m from the flooded cells, known to 1 m
    assert (found["outcome"], codes(found)) == ("borderline", ["within_accuracy"])
    assert found["measure"]["area_m2"] == found["measure"]["area_low_m2"] == 0.0
    assert 4.9 < found["measure"]["area_high_m2"] < 6.5
    assert [(drop["key"], drop["reason"]) for drop in found["dropped"] if drop["area_m2"] == 0] == [("1", "near")]


def test_a_layer_nobody_published_is_not_mapped(flooded: RasterPlace) -> None:
    found = flooded.finding(1, "acid")
    assert (found["outcome"], codes(found)) == ("not_mapped", ["layer_empty"])


def test_ground_without_a_value_is_not_mapped_though_the_layer_is_declared_complete(place: RasterPlace) -> None:
    cells = depths()
    cells[7:9, 0:2] = -1.0  # two by two cells under the first parcel, which reaches into four
    place.publish_cells(cells, nodata=-1.0)
    found = place.finding(1)
    assert found["outcome"] == "partly_mapped"
    assert sum(areas(found).values()) + (1 - found["coverage"]["mapped_share"]) * 400 == pytest.approx(400, abs=1e-3)


def test_a_value_is_mapped_only_where_the_layer_is_declared_complete(place: RasterPlace) -> None:
    place.publish_cells(depths(), complete_for=None)
    place.publish(place.write("again", depths()), complete_for="25747")
    assert place.finding(1)["outcome"] == "clear"
    assert place.finding(1)["coverage"]["mapped_share"] == 1.0


def test_a_raster_in_another_system_has_the_same_areas(place: RasterPlace) -> None:
    """UTM cells of 10 m under the same ground: shares are exact in the cells, areas are the zone's."""
    cells = np.full((400, 400), 1.0, dtype=np.float32)
    place.publish(place.write("utm", cells, west=EAST + 80_000, north=NORTH + 2_000, crs="EPSG:3405"))
    found = place.finding(3)
    assert areas(found) == {"2": pytest.approx(1200.0, abs=1e-3)}


def test_a_subject_of_many_corners_over_many_cells_is_measured_tile_by_tile(place: RasterPlace) -> None:
    rows, columns = np.mgrid[0:300, 0:300]
    cells = ((rows // 7 + columns // 11) % 2).astype(np.float32)
    place.publish(place.write("large", cells, west=EAST - 1_500, north=NORTH + 1_500))
    circle = shapely.Point(EAST, NORTH).buffer(1_450, quad_segs=1_200)
    found = place.finding(circle)
    grid = shapely.box(*_chess(rows, columns, cells))
    shapely.prepare(circle)
    inside = shapely.contains_properly(circle, grid)
    edge = grid[shapely.intersects(circle, grid) & ~inside]
    expected = 100.0 * inside.sum() + float(shapely.area(shapely.intersection(edge, circle)).sum())
    assert found["measure"]["area_m2"] == pytest.approx(expected, rel=1e-5)


def _chess(rows: np.ndarray, columns: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, ...]:
    """The boxes of the flooded cells."""
    row, column = rows[cells == 1], columns[cells == 1]
    west, north = EAST - 1_500 + 10.0 * column, NORTH + 1_500 - 10.0 * row
    return west, north - 10, west + 10, north


# ── failing closed ───────────────────────────────────────────────────────────────────────────────
def test_a_missing_file_costs_its_own_checks_and_no_other(place: RasterPlace) -> None:
    place.publish_cells(depths())
    place.publish_cells(np.full((10, 10), 9, dtype=np.uint8), "soil")
    place.files_of()[0].unlink()
    answer = {found["check"]: found for found in place.check(1).content["findings"]}
    assert {name: codes(found) for name, found in answer.items()} == {
        "any_depth": ["raster_missing"], "deep": ["raster_missing"], "acid": [],
    }  # fmt: skip
    assert [found["outcome"] for found in answer.values()] == ["not_checked", "not_checked", "clear"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "another"])
def test_a_file_that_is_not_what_was_published_is_not_used(place: RasterPlace, damage: str) -> None:
    place.publish_cells(depths())
    (path,) = place.files_of()
    body = bytearray(path.read_bytes())
    if damage == "flipped":
        body[len(body) // 2] ^= 1
    path.write_bytes({"cut": body[: len(body) // 2], "emptied": b"", "another": b"x" * len(body)}.get(damage, body))
    found = place.finding(1)
    assert (found["outcome"], codes(found)) == ("not_checked", ["raster_damaged"])


def test_without_a_folder_nothing_is_clear(place: RasterPlace) -> None:
    place.publish_cells(depths())
    elsewhere = RasterPlace(place.url, place.files / "elsewhere")
    assert elsewhere.finding(1)["outcome"] == "not_checked"


def test_a_suspended_raster_is_not_checked_and_a_resumed_one_is(place: RasterPlace) -> None:
    place.publish_cells(depths())
    place.change("suspend", "depth", principal=OPERATOR, reason="sai số liệu")
    assert codes(place.finding(1)) == ["layer_suspended"]
    place.change("resume", "depth", principal=OPERATOR)
    assert place.finding(1)["outcome"] == "clear"


# ── replay ───────────────────────────────────────────────────────────────────────────────────────
def test_a_record_is_replayed_from_the_raster_of_its_revision_after_a_new_release(place: RasterPlace) -> None:
    place.publish_cells(depths())
    before = place.check(3)
    place.publish_cells(np.zeros((10, 10), dtype=np.float32))
    assert place.finding(3)["outcome"] == "clear"
    assert place.replay(before.id).is_identical


def test_a_replay_without_its_file_says_where_it_differs(place: RasterPlace) -> None:
    place.publish_cells(depths())
    before = place.check(3)
    place.files_of()[0].unlink()
    again = place.replay(before.id)
    assert not again.is_identical
    assert any("not_checked" in each for each in again.differences)


# ── sight ────────────────────────────────────────────────────────────────────────────────────────
def test_columns_of_a_class_are_shown_by_their_tags(flooded: RasterPlace) -> None:
    officer = Principal("officer", roles=frozenset({"land_officer"}))
    found = flooded.finding(3, principal=officer)
    assert found["features"][0]["attributes"] == {"class": 1, "title": {"vi": "Ngập nông", "en": "Shallow"}}
    assert found["features"][0]["key"] == "1"


def test_who_may_only_check_learns_no_class_and_who_may_not_learns_nothing(flooded: RasterPlace) -> None:
    reviewer = flooded.finding(3, principal=Principal("reviewer", roles=frozenset({"reviewer"})))
    public = flooded.finding(3, principal=PUBLIC)
    assert [found["outcome"] for found in (reviewer, public)] == ["withheld", "withheld"]
    assert codes(public) == ["no_right"]
    assert codes(reviewer) == ["needs_dossier"]
    for found in (reviewer, public):
        assert (found["features"], found["dropped"], found["measure"]["area_m2"]) == ([], [], None)
