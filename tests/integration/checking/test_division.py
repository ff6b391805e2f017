"""Split and merge through all layers: every part a sealed check, one record that binds them, areas that add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from layers.access.principal import Principal
from layers.checking.answer import Answer
from layers.checking.division import divide, preview
from layers.checking.division_history import find_division, replay_division
from layers.checking.division_request import Child, DivisionRequest
from layers.checking.request import ByGeometry, parse_parcel
from layers.errors import InvalidInputsError, NotFoundError
from tests.support.checked import INPUTS, OFFICER, OPERATOR, PARCEL, PUBLIC, REVIEWER, Place, codes, corridor, geojson
from tests.support.published import box, line

WEST, EAST = box(0, 0, 8, 31), box(8, 0, 12, 31)


def split(place: Place, *children: BaseGeometry, principal: Principal = OPERATOR, **more: Any) -> Answer:
    made = tuple(Child(f"Thửa {n}", ByGeometry(geojson(shape))) for n, shape in enumerate(children, start=1))
    return ask(place, {"kind": "split", "parents": (PARCEL,), "children": made, **more}, principal)


def ask(place: Place, given: Mapping[str, Any], principal: Principal = OPERATOR) -> Answer:
    parents = tuple(parse_parcel(text) for text in given["parents"])
    request = DivisionRequest(**{"procedure": "land_use_change", "inputs": INPUTS, **given, "parents": parents})
    found: Answer = place.ask(lambda database, catalogue: divide(database, catalogue, request, principal))
    return found


def read(place: Place, name: str, principal: Principal) -> Answer:
    found: Answer = place.ask(lambda database, catalogue: find_division(database, catalogue, name, principal))
    return found


def test_a_clean_split_answers_for_parent_and_children_and_conserves_the_area(shared_place: Place) -> None:
    found = split(shared_place, WEST, EAST).content
    assert [part["role"] for part in found["parts"]] == ["parent", "child", "child"]
    assert found["conservation"]["outcome"] == "clear" and found["conservation"]["verdict"] == "pass"
    assert [round(part["area_m2"]) for part in found["parts"]] == [620, 248, 372]
    assert [part["registered_area_m2"] for part in found["parts"]] == [620.0, pytest.approx(248, abs=0.01),
                                                                      pytest.approx(372, abs=0.01)]  # fmt: skip
    (edge,) = found["conservation"]["shared_edges"]
    assert edge["parts"] == [0, 1] and edge["length_m"] == pytest.approx(31, abs=0.05)
    checks = [[finding["check"] for finding in part["answer"]["findings"]] for part in found["parts"]]
    assert checks[0] == checks[1] == checks[2]


def test_the_worst_part_decides(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-01", box(15, 5, 40, 10))])
    found = split(place, WEST, EAST, procedure="corridor_only", inputs={}).content
    verdicts = [part["answer"]["verdict"] for part in found["parts"]]
    assert verdicts == ["fail", "pass", "fail"] and found["verdict"] == "fail"


def test_a_gap_without_a_declared_remainder_fails_and_with_one_is_a_part_of_its_own(shared_place: Place) -> None:
    gap = split(shared_place, WEST).content
    (flaw,) = gap["conservation"]["flaws"]
    assert gap["verdict"] == "fail"
    assert (flaw["kind"], flaw["area_m2"]) == ("gap", pytest.approx(372, abs=0.01))
    left = split(shared_place, WEST, with_remainder=True).content
    assert [part["role"] for part in left["parts"]] == ["parent", "child", "remainder"]
    assert left["conservation"]["outcome"] == "clear"
    assert left["parts"][2]["area_m2"] == pytest.approx(372, abs=0.01)


def test_a_line_across_the_parcel_divides_it_exactly(shared_place: Place) -> None:
    across = geojson_line(line((-5, 10), (25, 12)))
    found = ask(shared_place, {"kind": "split", "parents": (PARCEL,), "cut": across}).content
    assert [part["role"] for part in found["parts"]] == ["parent", "child", "child"]
    assert found["conservation"]["outcome"] == "clear" and not found["conservation"]["flaws"]
    assert sum(part["area_m2"] for part in found["parts"][1:]) == pytest.approx(620, abs=0.001)


def geojson_line(shape: BaseGeometry) -> dict[str, Any]:
    degrees = Projection("EPSG:9210", "EPSG:6960").to_wgs84(np.array([shape], dtype=object))
    made: dict[str, Any] = json.loads(shapely.to_geojson(degrees[0]))
    return made


def test_a_line_that_does_not_reach_across_is_refused_with_the_next_step(shared_place: Place) -> None:
    with pytest.raises(InvalidInputsError, match="across two of its edges"):
        ask(shared_place, {"kind": "split", "parents": (PARCEL,), "cut": geojson_line(line((5, 10), (12, 12)))})


def grid(step_m: float, count: int) -> dict[str, Any]:
    across = [line((-5, n * step_m), (25, n * step_m)) for n in range(count)]
    along = [line((n * step_m, -5), (n * step_m, 45)) for n in range(count)]
    return geojson_line(shapely.MultiLineString([*across, *along]))


@pytest.mark.parametrize(
    ("step_m", "count", "reason"), [(0.2, 45, "meets itself"), (0.1, 60, "200 vertices"), (3.0, 10, "more than 20")]
)
def test_lines_of_very_many_crossings_are_refused_before_they_are_worked_out(
    shared_place: Place, monkeypatch: pytest.MonkeyPatch, step_m: float, count: int, reason: str
) -> None:
    if count > 10:
        monkeypatch.delattr(shapely, "polygonize")
    with pytest.raises(InvalidInputsError, match=reason):
        ask(shared_place, {"kind": "split", "parents": (PARCEL,), "cut": grid(step_m, count)})


def test_each_piece_of_a_cut_counts_as_a_check(shared_place: Place) -> None:
    lines = geojson_line(shapely.MultiLineString([line((-5, y), (25, y)) for y in (5, 10, 15)]))
    asked = DivisionRequest("split", "land_use_change", (parse_parcel(PARCEL),), cut=lines, inputs=INPUTS)
    counted: list[None] = []
    found = shared_place.ask(
        lambda database, catalogue: divide(database, catalogue, asked, OPERATOR, limit=lambda: counted.append(None))
    )
    assert asked.parts + len(counted) == len(found.content["parts"]) == 5


def test_parcels_far_apart_do_not_merge_and_the_reason_is_told(shared_place: Place) -> None:
    found = ask(shared_place, {"kind": "merge", "parents": (PARCEL, "25750/8/1")}).content
    assert found["conservation"]["outcome"] == "affected" and found["conservation"]["apart"] == [1]
    assert found["verdict"] == "fail" and codes(found["conservation"]) == ["division_affected"]
    assert [part["role"] for part in found["parts"]] == ["parent", "parent", "result"]


def test_every_part_replays_byte_for_byte(shared_place: Place) -> None:
    found = split(shared_place, WEST, with_remainder=True)
    replays = shared_place.ask(lambda database, _: replay_division(database, found.id))
    assert [one.is_identical for one in replays] == [True, True, True], [one.differences for one in replays]


def test_a_recorded_division_is_read_back_as_it_was_told(shared_place: Place) -> None:
    found = split(shared_place, WEST, EAST, principal=OFFICER)
    assert read(shared_place, found.id, OFFICER).content == found.content


def test_whoever_sees_the_parcel_reads_the_division_with_their_own_columns(shared_place: Place) -> None:
    found = split(shared_place, WEST, EAST, principal=OFFICER)
    shown = read(shared_place, found.id, PUBLIC).content
    assert found.content["registered_area_m2"] == 620.0
    assert [part["registered_area_m2"] for part in shown["parts"]] == [None, None, None]
    assert shown["verdict"] == "refer" and shown["evidence"]["record"] is None


def test_a_division_that_is_not_there_is_one_404(shared_place: Place) -> None:
    with pytest.raises(NotFoundError):
        read(shared_place, "no-such-division", OFFICER)


def test_the_same_event_names_what_was_measured(place: Place) -> None:
    split(place, WEST, EAST, principal=OFFICER)
    with psycopg.connect(place.url) as connection:
        rows = connection.execute(
            "SELECT phase, action, features FROM access.event WHERE principal = 'officer' ORDER BY id"
        ).fetchall()
    assert rows == [("opened", "check", None), *[("whole", "check", 1)] * 3, ("closed", "check", 3)]


def test_a_preview_tells_the_parts_and_records_nothing(place: Place) -> None:
    request = DivisionRequest(
        "split", "land_use_change", (parse_parcel(PARCEL),), cut=geojson_line(line((-5, 10), (25, 12))), inputs=INPUTS
    )
    found = place.ask(lambda database, catalogue: preview(database, catalogue, request, OFFICER, now=None)).content
    assert [part["role"] for part in found["parts"]] == ["parent", "child", "child"]
    with psycopg.connect(place.url) as connection:
        assert connection.execute("SELECT count(*) FROM checks.record").fetchone() == (0,)


def test_each_part_that_is_told_something_reserved_is_one_answer_under_the_dossier(place: Place) -> None:
    place.register("HS-1")
    found = split(place, WEST, EAST, principal=REVIEWER, dossier="HS-1", purpose="land_use_change")
    assert found.is_guarded and [codes(of_part(part, "blocks")) for part in found.content["parts"]] == [["reduced"]] * 3
    with psycopg.connect(place.url) as connection:
        bound = connection.execute("SELECT bound_by FROM access.disclosure ORDER BY at").fetchall()
    assert bound == [("parcel",), ("inside",), ("inside",)]
    again = split(place, WEST, EAST, principal=REVIEWER, dossier="HS-1", purpose="land_use_change").content
    assert [codes(of_part(part, "blocks")) for part in again["parts"]] == [["quota_dossier"]] * 3


def test_children_outside_the_dossiers_ground_are_told_nothing_reserved(place: Place) -> None:
    place.register("HS-1")
    found = split(place, box(300, 0, 20, 20), principal=REVIEWER, dossier="HS-1", purpose="land_use_change").content
    parent, child = found["parts"]
    assert codes(of_part(parent, "blocks")) == ["reduced"]
    assert codes(of_part(child, "blocks")) == ["not_bound"]


def of_part(part: Mapping[str, Any], check: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(one for one in part["answer"]["findings"] if one["check"] == check)
    return found
