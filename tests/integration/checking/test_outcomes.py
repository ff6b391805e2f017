"""What a check finds: each relation, each outcome, and never clear without proof."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from layers.checking.request import ByGeometry
from layers.errors import InvalidInputsError
from tests.support.checked import PARCEL, PARCELS, Place, codes, corridor, finding
from tests.support.published import box, line, point

NEXT_STEP = "Bước tiếp theo"


def test_nothing_in_the_way_is_clear_for_every_check(shared_place: Place) -> None:
    answer = shared_place.check()
    outcomes = {one["check"]: (one["outcome"], one["verdict"]) for one in answer.content["findings"]}
    assert outcomes.pop("minimum_area") == ("clear", "refer")  # met, by a rule nobody compared with the law
    assert set(outcomes.values()) == {("clear", "pass")}
    assert answer.content["verdict"] == "refer"


def test_a_corridor_over_a_part_affects_with_its_area_and_basis(place: Place) -> None:
    rows = [corridor("SG-03", box(-50, -50, 55, 200), so_qd="12/QĐ-UBND", ngay_qd=date(2025, 3, 1)),
            corridor("SG-04", box(20, 0, 30, 31))]  # fmt: skip
    revision = place.publish("water_corridor", rows)
    found = place.finding("water_corridor")
    assert (found["outcome"], found["verdict"], found["revision"], found["release"]) == (
        "affected",
        "fail",
        revision,
        2,
    )
    assert found["measure"]["area_m2"] == pytest.approx(155.0, abs=0.01)
    assert found["measure"]["share"] == pytest.approx(0.25, abs=1e-4)
    (hit,) = found["features"]
    assert (hit["key"], hit["attributes"]["ten_nguon_nuoc"]) == ("SG-03", "Sông Sài Gòn")
    (drop,) = found["dropped"]
    assert (drop["key"], drop["reason"], drop["area_m2"]) == ("SG-04", "touches_only", 0.0)
    assert [basis["number"] for basis in found["basis"]] == ["12/QĐ-UBND", "Phiên bản công bố số 2", "53/2024/NĐ-CP"]
    assert found["office"]["vi"] == "Phòng Tài nguyên nước"


@pytest.mark.parametrize(
    ("layer", "row", "check", "measure"),
    [
        ("power_line", {"ma": "L2", "geom": line((-10, 10), (50, 10))}, "power_line", ("length_m", 20.0)),
        ("station", {"ma": "S2", "geom": point(10, 10)}, "station", ("count", 1)),
        ("waste_site", {"ma": "W2", "geom": box(220, 0, 10, 10)}, "waste_distance", ("nearest_m", 200.0)),
        ("parcel_block", {"so_vb": "N1", "ma_xa": "25747", "so_to": "45", "so_thua": "123"}, "blocks", ("count", 1)),
        ("military_zone", {"ma": "M1", "ma_xa": "25747", "geom": box(0, 0, 5, 5)}, "military", ("area_m2", 25.0)),
    ],
)  # fmt: skip
def test_each_relation_affects(
    place: Place, layer: str, row: dict[str, Any], check: str, measure: tuple[str, float]
) -> None:
    place.publish(layer, [row])
    found = place.finding(check)
    assert found["outcome"] == "affected"
    assert found["measure"][measure[0]] == pytest.approx(measure[1], abs=0.001)
    assert len(found["features"]) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"ma_xa": "25741", "so_to": "4", "so_thua": "12"},  # old commune, old numbers
        {"ma_xa": "25747", "so_to": "4", "so_thua": "12"},  # present commune, old numbers
        {"ma_dinh_danh": "w3gy6ytmny8f"},
    ],
)
def test_a_block_under_a_former_name_of_the_parcel_is_found(place: Place, entry: dict[str, str]) -> None:
    place.publish("parcel_block", [{"so_vb": "N1", **entry}])
    assert place.finding("blocks")["outcome"] == "affected"


def test_a_block_cannot_be_looked_up_for_a_drawn_shape(shared_place: Place) -> None:
    found = finding(shared_place.check_shape(box(0, 0, 20, 31)), "blocks")
    assert (found["outcome"], found["verdict"], codes(found)) == ("not_checked", "refer", ["needs_parcel"])


def test_a_sliver_below_the_threshold_within_the_accuracy_is_borderline(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-05", box(19.98, 0, 30, 31))])
    found = place.finding("water_corridor")
    assert (found["outcome"], found["verdict"]) == ("borderline", "refer")
    assert found["measure"]["area_low_m2"] < 1.0 < found["measure"]["area_high_m2"] or found["dropped"]
    assert codes(found) == ["within_accuracy"]


def test_outside_the_mapped_area_is_not_mapped_with_the_next_step(place: Place) -> None:
    place.publish("water_corridor", [], mapped=[box(5000, 5000, 100, 100)])
    found = place.finding("water_corridor")
    assert (found["outcome"], found["verdict"]) == ("not_mapped", "refer")
    assert codes(found) == ["outside_mapped_area"]
    assert NEXT_STEP in found["reasons"][0]["message"]["vi"] and "Next step" in found["reasons"][0]["message"]["en"]


def test_half_mapped_is_partly_mapped_with_its_share(place: Place) -> None:
    place.publish("water_corridor", [], mapped=[box(-100, -100, 110, 300)])
    found = place.finding("water_corridor")
    assert found["outcome"] == "partly_mapped"
    assert 0.4 < found["coverage"]["mapped_share"] < 0.6


def test_a_refused_row_is_unmapped_ground(place: Place) -> None:
    place.publish("water_corridor", [], refused=[box(5, 5, 5, 5)])
    found = place.finding("water_corridor")
    assert found["outcome"] == "partly_mapped"
    assert "refused_row" in codes(found)


def test_a_hit_beats_unmapped_ground(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))], mapped=[box(0, 0, 10, 10)])
    assert place.finding("water_corridor")["outcome"] == "affected"


def test_a_suspended_layer_is_not_checked_and_shows_nothing(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))])
    place.publisher.set_state("water_corridor", "suspended", "sai kinh tuyến")
    found = place.finding("water_corridor")
    assert (found["outcome"], found["verdict"], codes(found)) == ("not_checked", "refer", ["layer_suspended"])
    assert found["features"] == [] and "sai kinh tuyến" in found["reasons"][0]["message"]["vi"]


def test_what_is_suspended_now_is_not_read_for_an_earlier_instant(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))])
    before = datetime.now(UTC)
    place.publisher.set_state("water_corridor", "suspended", "lộ dữ liệu")
    assert codes(place.finding("water_corridor", as_of=before)) == ["layer_suspended"]


def test_a_withdrawn_layer_is_not_checked(place: Place) -> None:
    place.publisher.set_state("water_corridor", "withdrawn", "nhầm lớp")
    assert codes(place.finding("water_corridor")) == ["layer_withdrawn"]


def test_stale_data_is_not_checked_and_still_reports_its_hits(place: Place) -> None:
    old = datetime.now(UTC) - timedelta(days=400)
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))], created=old)
    found = place.finding("water_corridor")
    assert (found["outcome"], found["verdict"], codes(found)) == ("not_checked", "refer", ["stale"])
    assert [hit["key"] for hit in found["features"]] == ["SG-03"]


def test_data_is_as_old_as_it_was_at_the_instant_asked_for(place: Place) -> None:
    old = datetime.now(UTC) - timedelta(days=400)
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))], created=old)
    place.publish("parcel", PARCELS, created=old)
    found = place.finding("water_corridor", as_of=old + timedelta(days=10), on_date=date.today())
    assert found["outcome"] == "affected"


def test_before_the_first_revision_nothing_was_known(place: Place) -> None:
    old = datetime.now(UTC) - timedelta(days=400)
    place.publish("parcel", PARCELS, created=old)
    found = place.finding("water_corridor", as_of=old + timedelta(days=1), on_date=date.today())
    assert (found["outcome"], codes(found)) == ("not_mapped", ["before_first_revision"])


def test_a_feature_out_of_force_is_dropped_on_the_day_and_counts_on_another(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10), hieu_luc_tu=date(2026, 1, 1))])
    before = place.finding("water_corridor", on_date=date(2025, 12, 31))
    assert before["outcome"] == "clear"
    assert [(drop["key"], drop["reason"]) for drop in before["dropped"]] == [("SG-03", "not_in_force")]
    assert place.finding("water_corridor", on_date=date(2026, 1, 1))["outcome"] == "affected"


def test_an_older_revision_answers_as_of_its_time(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))])
    then = datetime.now(UTC)
    place.publish("water_corridor", [])
    assert place.finding("water_corridor", as_of=then)["outcome"] == "affected"
    assert place.finding("water_corridor")["outcome"] == "clear"


# ── groups and inputs ────────────────────────────────────────────────────────────────────────────


def test_one_sufficient_ground_is_enough_unless_another_contradicts(place: Place) -> None:
    place.publish("zoning_plan", [{"ma": "Z1", "dat_o": False, "geom": box(-1000, -1000, 2000, 2000)}])
    group = place.finding("planning_basis")
    assert (group["outcome"], group["verdict"], codes(group)) == ("clear", "refer", ["conflict"])
    assert [member["outcome"] for member in group["members"]] == ["clear", "affected"]
    assert (group["layer"], group["revision"], group["release"]) == (None, None, None)


def test_no_ground_met_fails(place: Place) -> None:
    place.publish("land_use_plan", [{"ma": "P1", "loai_dat": "CLN", "geom": box(-1000, -1000, 2000, 2000)}])
    place.publish("zoning_plan", [])
    group = place.finding("planning_basis")
    assert (group["outcome"], group["verdict"]) == ("affected", "fail")


def test_no_ground_mapped_refers(place: Place) -> None:
    for layer in ("land_use_plan", "zoning_plan"):
        place.publish(layer, [], mapped=[box(5000, 5000, 10, 10)])
    group = place.finding("planning_basis")
    assert (group["outcome"], group["verdict"]) == ("not_mapped", "refer")
    assert NEXT_STEP in group["reasons"][0]["message"]["vi"]


def test_an_input_is_bound_into_condition_and_quantity(shared_place: Place) -> None:
    other = {"target_use": "CLN", "target_area_m2": 150}
    assert shared_place.finding("planning_basis_1", inputs=other)["outcome"] == "affected"
    more = {"target_use": "ODT", "target_area_m2": 700}
    assert shared_place.finding("planning_basis_1", inputs=more)["outcome"] == "affected"


def test_the_whole_parcel_must_lie_inside(place: Place) -> None:
    assert place.finding("in_plan", procedure="whole_parcel")["outcome"] == "clear"
    place.publish("land_use_plan", [{"ma": "P1", "loai_dat": "ODT", "geom": box(0, 0, 15, 31)}])
    assert place.finding("in_plan", procedure="whole_parcel")["outcome"] == "affected"


def test_a_parcel_below_the_minimum_area_is_affected(shared_place: Place) -> None:
    found = shared_place.finding("minimum_area", subject="25750@2025/8/1")
    assert (found["outcome"], found["layer"]) == ("affected", None)
    assert found["measure"]["area_m2"] == pytest.approx(30.0, abs=0.01)


def test_every_missing_and_invalid_input_is_named(shared_place: Place) -> None:
    with pytest.raises(InvalidInputsError) as caught:
        shared_place.check(inputs={"target_use": "XYZ"})
    fields = {field.field for field in caught.value.fields}
    assert any("target_use" in field for field in fields) and any("target_area_m2" in field for field in fields)


@pytest.mark.parametrize("procedure", ["old_procedure", "no_such_procedure"])
def test_a_procedure_not_in_force_or_unknown_is_refused(shared_place: Place, procedure: str) -> None:
    with pytest.raises(InvalidInputsError) as caught:
        shared_place.check(procedure=procedure)
    assert [field.field for field in caught.value.fields] == ["procedure"]


# ── subjects ─────────────────────────────────────────────────────────────────────────────────────


def test_a_drawn_shape_is_measured_like_a_parcel(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    answer = place.check_shape(box(0, 0, 20, 31))
    assert finding(answer, "water_corridor")["measure"]["area_m2"] == pytest.approx(155.0, abs=0.01)
    subject = answer.content["subject"]
    assert (subject["kind"], subject["layer"], subject["fid"]) == ("geometry", None, None)
    assert subject["area_m2"] == pytest.approx(620.0, abs=0.01)


def ring(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


@pytest.mark.parametrize(
    "geojson",
    [
        {},
        {"type": "Point", "coordinates": [106.6, 10.9]},
        {"type": "Polygon", "coordinates": "x"},
        ring((598000, 1214000), (598020, 1214000), (598020, 1214020)),  # metres
        ring((106.6, 10.9), (106.61, 10.91), (106.61, 10.9), (106.6, 10.91)),  # a bow-tie
        ring((106.0, 10.0), (107.0, 10.0), (107.0, 11.0)),  # half a province
    ],
)
def test_a_shape_that_cannot_be_measured_is_refused(shared_place: Place, geojson: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputsError) as caught:
        shared_place.check(ByGeometry(geojson))
    assert [field.field for field in caught.value.fields] == ["subject.geometry"]


def test_the_answer_says_how_the_parcel_is_called_and_registered(shared_place: Place) -> None:
    subject = shared_place.check(PARCEL).content["subject"]
    assert subject["label"] == "Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một"
    assert (subject["area_m2"], subject["registered_area_m2"]) == (pytest.approx(620.0, abs=0.01), 620.0)
