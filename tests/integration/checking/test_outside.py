"""A layer declared complete everywhere is complete in the profile's extent: beyond it nobody is told anything is clear.

The profile of these tests declares none: its extent is what EPSG:9210 is made for, 105.26° to 107.8° E."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from layers.checking.division import divide
from layers.checking.division_request import Child, DivisionRequest
from layers.checking.given import CoordinatesRefusedError
from layers.checking.request import ByCoordinates, ByGeometry, ByParcels, ByUpload, SubjectQuery, parse_parcel
from layers.checking.zones import many, one
from layers.errors import InvalidInputsError
from tests.integration.checking.test_batch import rows, run
from tests.support.checked import INPUTS, OPERATOR, PARCEL, PARCELS, Place, codes, geojson, parcel
from tests.support.published import box

WEST = 105.26
VN2000 = Projection("EPSG:9210", "EPSG:6960")
TRIANGLE = shapely.Polygon([(105.0, 9.0), (105.001, 9.0), (105.0, 9.001)])


def around(longitude: float, latitude: float = 11.0) -> shapely.Polygon:
    """Some 20 metres to the east."""
    return shapely.box(longitude, latitude, longitude + 0.0002, latitude + 0.0002)


def stored(shape: shapely.Polygon) -> BaseGeometry:
    return one(VN2000.from_wgs84(many(shape)))


def drawn(shape: shapely.Geometry) -> ByGeometry:
    return ByGeometry(json.loads(shapely.to_geojson(shape)))


def uploaded(*shapes: shapely.Geometry) -> ByUpload:
    features = [
        {"type": "Feature", "properties": {"key": str(number)}, "geometry": json.loads(shapely.to_geojson(shape))}
        for number, shape in enumerate(shapes)
    ]
    return ByUpload("a.geojson", json.dumps({"type": "FeatureCollection", "features": features}).encode())


def table(shape: shapely.Polygon) -> ByCoordinates:
    corners = enumerate(shape.exterior.coords[:-1], start=1)
    points = tuple({"number": str(number), "x": y, "y": x} for number, (x, y) in corners)
    return ByCoordinates(points=points, crs="EPSG:4326")


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        (drawn(TRIANGLE), "subject.geometry"), (drawn(around(WEST - 0.0001)), "subject.geometry"),
        (uploaded(TRIANGLE), "subject.file"), (table(around(WEST - 0.05)), "subject.coordinates"),
    ],
)  # fmt: skip
def test_a_shape_that_sticks_out_is_refused_with_the_next_step(
    shared_place: Place, subject: SubjectQuery, field: str
) -> None:
    with pytest.raises(InvalidInputsError, match="địa bàn") as refused:
        shared_place.check(subject, "corridor_only")
    assert "Check the coordinate system" in refused.value.message.en
    assert [error.field for error in refused.value.fields] == [field]
    assert not isinstance(refused.value, CoordinatesRefusedError)


def speck(side_m: float) -> shapely.Polygon:
    """A square in CRS84, at a place of the profile."""
    found = shapely.from_geojson(json.dumps(geojson(box(100, 100, side_m, side_m))))
    return shapely.get_parts(found)[0]


DUST = shapely.box(106.6, 11.0, 106.6 + 1e-12, 11.0 + 1e-12)


@pytest.mark.parametrize("shape", [speck(0.09), DUST, shapely.box(106.6, 11.0, 106.7, 11.0 + 1e-13)])
@pytest.mark.parametrize(("brought", "field"), [(drawn, "subject.geometry"), (table, "subject.coordinates")])
def test_a_shape_below_the_least_area_is_refused_with_it(
    shared_place: Place, shape: shapely.Polygon, brought: Callable[..., SubjectQuery], field: str
) -> None:
    with pytest.raises(InvalidInputsError) as refused:
        shared_place.check(brought(shape), "corridor_only")
    assert [error.field for error in refused.value.fields] == [field]
    is_ring = brought is drawn or shape is not DUST  # a table of corners that are one and the same is told so first
    if is_ring and (brought is drawn or shape.length < 0.1):
        assert "0,01 m²" in refused.value.message.vi and "0.01 m²" in refused.value.message.en


def test_so_is_one_of_a_file_and_one_in_metres(shared_place: Place) -> None:
    metres = ByCoordinates(points=tuple({"x": y, "y": x} for x, y in box(100, 100, 0.09, 0.09).exterior.coords[:-1]))
    for subject in (uploaded(speck(0.09)), metres):
        with pytest.raises(InvalidInputsError, match="0,01 m²"):
            shared_place.check(subject, "corridor_only")


def test_what_is_a_little_larger_is_checked(shared_place: Place) -> None:
    for subject in (drawn(speck(0.11)), uploaded(speck(0.11))):
        assert shared_place.check(subject, "corridor_only").content["subject"]["area_m2"] == pytest.approx(0.0121, 0.01)


def test_so_is_a_new_parcel_below_the_least_area_named(shared_place: Place) -> None:
    children = (Child("1", ByGeometry(geojson(box(0, 0, 8, 31)))), Child("2", drawn(DUST)))
    request = DivisionRequest("split", "land_use_change", (parse_parcel(PARCEL),), children, inputs=INPUTS)
    with pytest.raises(InvalidInputsError, match="0,01 m²") as refused:
        shared_place.ask(lambda database, catalogue: divide(database, catalogue, request, OPERATOR))
    assert [error.field for error in refused.value.fields] == ["children.1.geometry"]


def test_a_shape_that_only_touches_the_border_lies_inside(shared_place: Place) -> None:
    answer = shared_place.check(drawn(around(WEST)), "corridor_only").content
    assert [each["outcome"] for each in answer["findings"]] == ["clear"]


def test_a_new_parcel_drawn_outside_is_no_part_of_a_division(shared_place: Place) -> None:
    children = (Child("1", ByGeometry(geojson(box(0, 0, 8, 31)))), Child("2", drawn(TRIANGLE)))
    request = DivisionRequest("split", "land_use_change", (parse_parcel(PARCEL),), children, inputs=INPUTS)
    with pytest.raises(InvalidInputsError, match="địa bàn") as refused:
        shared_place.ask(lambda database, catalogue: divide(database, catalogue, request, OPERATOR))
    assert [error.field for error in refused.value.fields] == ["children.1.geometry"]


def findings_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [part for each in answer["findings"] for part in (each, *each.get("members", ()))]


def test_rows_of_a_file_that_stick_out_are_not_checked_and_the_others_are(place: Place, tmp_path: Path) -> None:
    shapes = [TRIANGLE, around(WEST - 0.0001), around(WEST), around(106.5)]
    path = tmp_path / "a.geojson"
    path.write_bytes(uploaded(*shapes).content)
    found, features = rows(run(place, tmp_path / "out", file=path))
    for key in ("0", "1"):
        of_row = found[found["subject_key"] == key]
        assert set(of_row["outcome"]) == {"not_checked"}
        assert set(of_row["reason"]) <= {"outside_extent", "member_not_checked"}
        assert not (features["subject_key"] == key).any()
    now = datetime.now(UTC) + timedelta(seconds=1)
    for key in ("2", "3"):
        single = place.check(drawn(shapes[int(key)]), now=now).content["findings"]
        told = found[found["subject_key"] == key].set_index("check")["outcome"]
        assert {each["check"]: each["outcome"] for each in single} == dict(told)
        assert "clear" in set(told)


FAR = parcel("25747", "99", "1", stored(around(WEST - 0.0001)), dien_tich_phap_ly=480.0)
NEAR = parcel("25747", "99", "2", stored(around(WEST + 0.0001)), dien_tich_phap_ly=480.0)


def test_a_parcel_that_sticks_out_is_not_checked_alone_and_in_a_batch_alike(place: Place, tmp_path: Path) -> None:
    place.publish("parcel", [*PARCELS, FAR, NEAR])
    place.publisher.set_state("station", "suspended", "sai số liệu")
    found, _ = rows(run(place, tmp_path / "out"))
    answer = place.check("25747@2025/99/1").content
    assert {each["outcome"] for each in findings_of(answer)} == {"not_checked"}
    assert {code for each in findings_of(answer) for code in codes(each)} >= {"outside_extent"}
    assert "pass" not in {each["verdict"] for each in findings_of(answer)} and answer["verdict"] != "pass"
    for number in ("1", "2"):
        single = place.check(f"25747@2025/99/{number}").content
        of_row = found[found["subject_key"] == single["subject"]["key"]].set_index("check")
        for each in single["findings"]:
            row = of_row.loc[each["check"]]
            assert (row["outcome"], row["verdict"]) == (each["outcome"], each["verdict"])
            told = [] if pd.isna(row["reason"]) else row["reason"].split(";")
            assert set(told) <= set(codes(each))
    near = found[found["subject_key"] == "25747.99.2"]
    assert "clear" in set(near["outcome"])


def test_parcels_of_which_one_sticks_out_are_not_checked_and_replay_so(place: Place) -> None:
    place.publish("parcel", [*PARCELS, FAR])
    both = ByParcels((parse_parcel("25747@2025/99/1"), parse_parcel(PARCEL)))
    answer = place.check(both, "corridor_only")
    assert {each["outcome"] for each in answer.content["findings"]} == {"not_checked"}
    assert place.replay(answer.content["id"]).is_identical


def test_what_is_cut_out_of_a_parcel_outside_is_not_checked_either(place: Place) -> None:
    place.publish("parcel", [*PARCELS, FAR])
    cut = {"type": "LineString", "coordinates": [[WEST - 0.00005, 10.9], [WEST - 0.00005, 11.1]]}
    request = DivisionRequest("split", "corridor_only", (parse_parcel("25747@2025/99/1"),), cut=cut)
    found = place.ask(lambda database, catalogue: divide(database, catalogue, request, OPERATOR)).content
    told = [{each["outcome"] for each in part["answer"]["findings"]} for part in found["parts"]]
    assert told[0] == told[1] == {"not_checked"} and len(told) == 3
