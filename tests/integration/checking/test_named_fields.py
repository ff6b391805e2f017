"""What is wrong is told by the name it has in the body that was sent, whichever road it took inside."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, fill, geojson
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve

POINT = {"type": "Point", "coordinates": [106.6, 11.0]}
FAR = {"type": "Polygon", "coordinates": [[[1, 1], [1.001, 1], [1.001, 1.001], [1, 1]]]}
NOWHERE = {"commune": "xã Lạ", "sheet": "1", "parcel": "1"}
UNNAMED = {"commune": {}, "sheet": "1", "parcel": "1"}


def file_of(shape: Any, **more: Any) -> dict[str, Any]:
    return {"name": "a.geojson", "content": base64.b64encode(json.dumps(shape).encode()).decode(), **more}


@pytest.fixture(scope="module")
def officer(make_template: Any, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with server.copied(make_template("checked", fill)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("fields"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            token = make_token(settings.secrets_folder, "officer")
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                yield client


def fields_of(response: httpx.Response) -> set[str]:
    assert response.status_code in (400, 422), response.text
    return {error["field"] for error in response.json()["errors"]}


SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"geometry": POINT}, "geometry"),
    ({"geometry": FAR}, "geometry"),
    ({"file": file_of(FAR)}, "file"),
    ({"file": file_of(POINT)}, "file"),
    ({"file": file_of(FAR, key="#9")}, "file.key"),
    ({"file": {"name": "a.geojson", "content": "!"}}, "file.content"),
    ({"coordinates": "xin chào"}, "coordinates"),
    ({"coordinates": {}}, "coordinates"),
    ({"coordinates": {"text": "1 2 3", "crs": "EPSG:99999"}}, "coordinates"),
    ({"coordinates": {"points": [{"x": 1, "y": 1}, {"x": "a", "y": 1}]}}, "coordinates.points.1.x"),
]


@pytest.mark.parametrize(("shape", "field"), SHAPES)
def test_a_shape_is_named_as_each_body_names_it(officer: httpx.Client, shape: dict[str, Any], field: str) -> None:
    inside = fields_of(officer.post("/parcels/inside", json=shape))
    preview = fields_of(officer.post("/subjects", json={"subject": shape}))
    checked = fields_of(
        officer.post("/checks", json={"procedure": "land_use_change", "subject": shape, "inputs": dict(INPUTS)})
    )
    assert field in inside and not any(name.startswith("subject") for name in inside)
    assert f"subject.{field}" in preview and f"subject.{field}" in checked


def test_two_shapes_for_one_question_are_both_named(officer: httpx.Client) -> None:
    asked = officer.post("/parcels/inside", json={"geometry": geojson(box(0, 0, 9, 9)), "coordinates": "1 2 3"})
    assert fields_of(asked) == {"geometry", "coordinates"}
    assert "parcels" not in asked.json()["detail_en"], "only the ways of this body are offered"


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ({"survey": json.dumps(POINT)}, "subject.survey"),
        ({"survey": json.dumps(FAR)}, "subject.survey"),
        ({"fid": "x"}, "subject.fid"),
        ({"parcel": "1/2/3/4//"}, None),
        ({"parcel": "fid:x"}, "subject.parcel"),
        ({"parcel": "xã Lạ/1/1"}, "subject.parcel"),
        ({"parcel": NOWHERE}, "subject.parcel.commune"),
        ({"parcel": UNNAMED}, "subject.parcel.commune"),
        ({"parcels": [PARCEL, UNNAMED]}, "subject.parcels.1.commune"),
        ({"parcels": [PARCEL, "fid:x"]}, "subject.parcels.1"),
        ({"parcels": [PARCEL, NOWHERE]}, "subject.parcels"),
        ({"parcels": [PARCEL, {"commune": "25747"}]}, "subject.parcels.1.sheet"),
        ({"Parcel": PARCEL}, "subject.Parcel"),
    ],
)
def test_a_subject_is_named_by_the_way_it_was_stated(
    officer: httpx.Client, subject: dict[str, Any], field: str | None
) -> None:
    asked = officer.post("/checks", json={"procedure": "land_use_change", "subject": subject, "inputs": dict(INPUTS)})
    if field is None:
        assert asked.status_code == 404
        return
    assert field in fields_of(asked)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"parent": "fid:x"}, "parent"),
        ({"parent": ["fid:x"]}, "parent.0"),
        ({"parent": NOWHERE}, "parent.commune"),
        ({"parent": "xã Lạ/1/1"}, "parent"),
        ({"parent": [NOWHERE]}, "parent"),
        ({"parent": UNNAMED}, "parent.commune"),
        ({"parent": [UNNAMED]}, "parent.0.commune"),
        ({"children": [{"coordinates": {}}]}, "children.0.coordinates"),
        ({"children": [{"coordinates": "xin chào"}]}, "children.0.coordinates"),
        ({"children": [{"geometry": FAR}]}, "children.0.geometry"),
        ({"children": [{"coordinates": {"crs": "x", "text": "1"}}]}, "children.0.coordinates.crs"),
        ({"children": [{"label": "x" * 101}]}, "children.0.label"),
        ({"children": [{"geometry": geojson(box(0, 0, 8, 31)), "land_use": "ODT"}]}, None),
    ],
)
def test_a_division_names_its_own_fields(officer: httpx.Client, wrong: dict[str, Any], field: str | None) -> None:
    body = {"kind": "split", "procedure": "land_use_change", "parent": PARCEL, "inputs": dict(INPUTS),
            "children": [{"geometry": geojson(box(0, 0, 8, 31))}], "remainder": True} | wrong  # fmt: skip
    for preview in (False, True):
        found = fields_of(officer.post("/divisions", json=body | {"preview": preview}))
        assert (field or "children.0.land_use") in found
        assert not any(name.startswith("subject") for name in found)


def test_a_point_of_a_long_list_is_not_named_by_a_number_it_does_not_have(officer: httpx.Client) -> None:
    """Long lists are read in pieces: what is told is the column."""
    points: list[dict[str, Any]] = [{"x": 1.0, "y": float(n)} for n in range(9_000)]
    points[7_000] = {"x": "a", "y": 1}
    assert "coordinates.points.x" in fields_of(
        officer.post("/parcels/inside", json={"coordinates": {"points": points}})
    )
