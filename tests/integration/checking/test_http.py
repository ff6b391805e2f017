"""`/parcels` and `/checks` over HTTP: answers, statuses, problems in both languages, one 404."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from ogc.app import create_app
from ogc.auth import make_token
from ogc.common import accesses
from ogc.settings import Settings
from tests.support.checked import INPUTS, Place, fill, geojson
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve

NUMBER = {"commune": {"code": "25747", "generation": 2025}, "sheet": "45", "parcel": "123"}
FIELDS = {"id", "created", "as_of", "on_date", "subject", "procedure", "inputs", "dossier", "purpose", "verdict",
          "findings", "evidence"}  # fmt: skip
FINDING_FIELDS = {"check", "layer", "revision", "release", "outcome", "verdict", "measure", "coverage", "features",
                  "dropped", "basis", "office", "reasons"}  # fmt: skip


@pytest.fixture(scope="module")
def service(
    make_template: Any, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Place]]:
    """One server for the module; records add up, nothing else changes."""
    with server.copied(make_template("checked", fill)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("checks"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            yield base, settings.secrets_folder, Place.at(url)


@pytest.fixture(scope="module")
def officer(service: tuple[str, Path, Place]) -> Iterator[httpx.Client]:
    base, secrets, _ = service
    token = make_token(secrets, "officer")
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def nobody(service: tuple[str, Path, Place]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service[0], timeout=30) as client:
        yield client


def body(subject: Any = None, **more: Any) -> dict[str, Any]:
    return {"procedure": "land_use_change", "subject": subject or {"parcel": NUMBER}, "inputs": dict(INPUTS)} | more


def test_the_descriptions_say_that_a_distance_beyond_the_reach_is_null(officer: httpx.Client) -> None:
    """What lies farther than a rule looks is not read: whoever reads the figure finds that beside it."""
    document = officer.get("/api").json()
    answer = document["paths"]["/checks"]["post"]["responses"]["201"]["description"]
    findings = officer.get("/processes/batch-check").json()["outputs"]["findings"]["description"]
    assert "nearest_m" in answer and "null where none is within it" in answer and "null khi không có" in answer
    assert "null khi không có" in findings
    away = officer.post("/checks", json=body()).json()
    far = next(finding for finding in away["findings"] if finding["check"] == "waste_distance")
    assert (far["outcome"], far["measure"]["nearest_m"]) == ("clear", None)


def test_a_check_is_created_with_its_address_and_every_field(officer: httpx.Client) -> None:
    asked = officer.post("/checks", json=body(dossier="H29.19-260715-0012", purpose=None, as_of=None, on_date=None))
    answer = asked.json()
    assert asked.status_code == 201
    assert asked.headers["location"] == f"{str(officer.base_url).rstrip('/')}/checks/{answer['id']}"
    assert answer.keys() >= FIELDS
    findings = [part for one in answer["findings"] for part in (one, *one.get("members", []))]
    assert all(one.keys() >= FINDING_FIELDS for one in findings)
    assert answer["dossier"] == "H29.19-260715-0012"
    assert officer.get(asked.headers["location"]).json() == answer


@pytest.mark.parametrize(
    "subject",
    [
        {"parcel": NUMBER},
        {"parcel": {**NUMBER, "sheet": 45, "parcel": 123}},
        {"parcel": {**NUMBER, "commune": "phường Thủ Dầu Một"}},
        {"parcel": {**NUMBER, "commune": {"name": "Hiệp Thành"}, "sheet": "4", "parcel": "12"}},
        {"parcel": "25747@2025/45/123"},
        {"key": "25747.45.123"},
        {"code": "w3gy6ytmny8f"},
    ],
)
def test_a_parcel_is_named_in_any_of_its_ways(officer: httpx.Client, subject: dict[str, Any]) -> None:
    asked = officer.post("/checks", json=body(subject))
    assert (asked.status_code, asked.json()["subject"]["key"]) == (201, "25747.45.123")


def test_a_fid_from_a_look_up_can_be_checked(officer: httpx.Client) -> None:
    found = officer.get("/parcels", params={"commune": "25747@2025", "sheet": "45", "parcel": "123"}).json()
    (candidate,) = found["candidates"]
    assert candidate.keys() == {"fid", "key", "label", "commune", "sheet", "parcel", "current"}
    assert officer.post("/checks", json=body({"fid": candidate["fid"]})).status_code == 201


def test_a_drawn_shape_can_be_checked(officer: httpx.Client) -> None:
    asked = officer.post("/checks", json=body({"geometry": geojson(box(0, 0, 20, 31))}))
    assert (asked.status_code, asked.json()["subject"]["kind"]) == (201, "geometry")


def test_no_candidate_is_an_answer_too(nobody: httpx.Client) -> None:
    for query in ({"commune": "25747", "sheet": "9", "parcel": "9"}, {"commune": "xã Lạ", "sheet": "1", "parcel": "1"}):
        asked = nobody.get("/parcels", params=query)
        assert (asked.status_code, asked.json()) == (200, {"candidates": []})


@pytest.mark.parametrize("query", [{}, {"commune": "25747"}, {"code": "x", "point": "1,2"}, {"point": "x"},
                                   {"code": "x", "extra": "1"}])  # fmt: skip
def test_an_unclear_look_up_is_400(nobody: httpx.Client, query: dict[str, str]) -> None:
    asked = nobody.get("/parcels", params=query)
    assert (asked.status_code, asked.headers["content-type"]) == (400, "application/problem+json")


def test_an_ambiguous_parcel_is_409_with_its_candidates(officer: httpx.Client) -> None:
    asked = officer.post("/checks", json=body({"parcel": "25813/1/1"}))
    problem = asked.json()
    assert (asked.status_code, len(problem["candidates"])) == (409, 2)
    assert problem["detail_vi"] and problem["detail_en"]
    assert officer.post("/checks", json=body({"fid": problem["candidates"][0]["fid"]})).status_code == 201


def test_an_unknown_parcel_is_404_with_the_next_step(officer: httpx.Client) -> None:
    asked = officer.post("/checks", json=body({"parcel": "25747/1/999"}))
    assert asked.status_code == 404 and "point:" in asked.json()["detail_en"]


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"inputs": {}}, {"inputs.target_use", "inputs.target_area_m2"}),
        ({"inputs": {"target_use": "XYZ", "target_area_m2": -1}}, {"inputs.target_use", "inputs.target_area_m2"}),
        ({"procedure": "old_procedure", "inputs": {}}, {"procedure"}),
        ({"procedure": "no_such"}, {"procedure"}),
        ({"subject": {}}, {"subject"}),
        ({"subject": {"fid": "1", "code": "x"}}, {"subject"}),
        ({"subject": {"parcel": {"sheet": "1"}}}, {"subject.parcel.commune", "subject.parcel.parcel"}),
        ({"subject": {"coordinates": []}}, {"subject.coordinates"}),
        ({"subject": {"geometry": {"type": "Point", "coordinates": [1, 2]}}}, {"subject.geometry"}),
        ({"on_date": "soon", "as_of": 7, "more": 1}, {"on_date", "as_of", "more"}),
    ],
)
def test_every_missing_or_invalid_input_is_named(
    officer: httpx.Client, changed: dict[str, Any], fields: set[str]
) -> None:
    asked = officer.post("/checks", json=body() | changed)
    assert asked.status_code == 422, asked.text
    assert {error["field"] for error in asked.json()["errors"]} >= fields
    assert all(error["message"] for error in asked.json()["errors"])


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b'{"procedure": 1e999}'])
def test_a_body_that_is_no_request_is_422(officer: httpx.Client, raw: bytes) -> None:
    asked = officer.post("/checks", content=raw, headers={"content-type": "application/json"})
    assert (asked.status_code, asked.headers["content-type"]) == (422, "application/problem+json")


def test_a_record_for_others_and_no_record_are_one_404(officer: httpx.Client, nobody: httpx.Client) -> None:
    drawn = officer.post("/checks", json=body({"geometry": geojson(box(0, 0, 20, 31))})).json()
    hidden, missing = nobody.get(f"/checks/{drawn['id']}"), nobody.get("/checks/nothing")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content


def test_the_same_record_shows_each_caller_their_own(officer: httpx.Client, nobody: httpx.Client) -> None:
    made = officer.post("/checks", json=body()).json()
    shown = nobody.get(f"/checks/{made['id']}").json()
    assert shown["evidence"]["record"] == made["evidence"]["record"]
    assert "withheld" in {one["outcome"] for one in shown["findings"]}
    assert "withheld" not in {one["outcome"] for one in made["findings"]}


def test_checks_are_listed_by_dossier_and_parcel(officer: httpx.Client, nobody: httpx.Client) -> None:
    made = officer.post("/checks", json=body(dossier="D-list")).json()
    assert [one["id"] for one in officer.get("/checks", params={"dossier": "D-list"}).json()["checks"]] == [made["id"]]
    by_parcel = officer.get("/checks", params={"dossier": "D-list", "parcel": "25747@2025/45/123"}).json()
    assert len(by_parcel["checks"]) == 1
    assert nobody.get("/checks", params={"dossier": "D-list"}).json() == {"checks": []}
    assert officer.get("/checks").status_code == 400


def test_a_person_gets_a_page_with_the_text_to_copy(officer: httpx.Client) -> None:
    made = officer.post("/checks", json=body()).json()
    page = officer.get(f"/checks/{made['id']}", headers={"accept": "text/html"})
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "Căn cứ pháp lý" in page.text and "Thửa đất số 123" in page.text


def test_a_purpose_that_was_not_given_to_the_caller_is_403(officer: httpx.Client) -> None:
    assert officer.post("/checks", json=body(purpose="espionage")).status_code == 403


# ── subjects that are brought along ──────────────────────────────────────────────────────────────


def table(*, is_swapped: bool = False) -> str:
    corners = shapely.get_coordinates(box(0, 0, 20, 31))[:-1].tolist()
    rows = [(x, y) if is_swapped else (y, x) for x, y in corners]
    return "\n".join(f"{n} {first:.3f} {second:.3f}" for n, (first, second) in enumerate(rows, 1))


@pytest.mark.parametrize(
    "subject",
    [
        {"coordinates": table()},
        {"coordinates": {"text": table(), "crs": "EPSG:9210", "axes": "north_east"}},
        {
            "file": {
                "name": "a.geojson",
                "content": base64.b64encode(json.dumps(geojson(box(0, 0, 20, 31))).encode()).decode(),
            }
        },
        {"parcels": ["25747@2025/45/123"]},
    ],
)
def test_a_subject_that_is_brought_along_is_measured(officer: httpx.Client, subject: dict[str, Any]) -> None:
    asked = officer.post("/checks", json=body(subject))
    assert asked.status_code == 201, asked.text
    shown = asked.json()["subject"]
    assert shown["area_m2"] == pytest.approx(620.0, abs=1e-3)
    assert shown.keys() >= {"parts", "coordinates", "reasons"}
    assert officer.get(asked.headers["location"]).json() == asked.json()


def test_a_table_that_is_misread_comes_back_with_proposals_that_are_ready_to_be_asked(officer: httpx.Client) -> None:
    refused = officer.post("/checks", json=body({"coordinates": table(is_swapped=True)}))
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["errors"][0]["field"] == "subject.coordinates"
    (proposal,) = problem["proposals"]
    assert proposal.keys() >= {"reason", "coordinates", "crs", "area_m2", "geojson"}
    again = officer.post("/checks", json=body({"coordinates": proposal["coordinates"]}))
    assert (again.status_code, again.json()["subject"]["area_m2"]) == (201, 620.0)


def test_what_was_brought_is_shown_back_before_it_is_checked(officer: httpx.Client, nobody: httpx.Client) -> None:
    shown = nobody.post("/subjects", json={"subject": {"coordinates": table()}}).json()
    assert [point["number"] for point in shown["points"]] == ["1", "2", "3", "4"]
    assert sorted({edge["length_m"] for edge in shown["edges"]}) == [20.0, 31.0]
    assert (shown["area_m2"], shown["geojson"]["type"]) == (620.0, "Polygon")
    drawn = officer.post("/subjects", json={"subject": {"geometry": geojson(box(0, 0, 20, 31))}}).json()
    assert drawn["area_m2"] == 620.0 and drawn["points"] == []
    assert officer.post("/subjects", json={"subject": {"parcel": NUMBER}}).status_code == 422


#: a rate for each, so that each has a count of its own
@pytest.mark.parametrize(("path", "rate"), [("/checks", "1/h"), ("/subjects", "1/d"), ("/parcels/inside", "1/min")])
def test_files_have_a_rate_wherever_they_are_sent(
    officer: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, rate: str
) -> None:
    content = base64.b64encode(json.dumps(geojson(box(0, 0, 20, 31))).encode()).decode()
    subject = {"file": {"name": "a.geojson", "content": content}}
    asked = {"/checks": body(subject), "/subjects": {"subject": subject}, "/parcels/inside": subject}[path]
    monkeypatch.setattr(accesses, "FILES", rate)
    assert officer.post(path, json=asked).status_code < 400
    refused = officer.post(path, json=asked)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    drawn = {"geometry": geojson(box(0, 0, 20, 31))}
    asked = {"/checks": body(drawn), "/subjects": {"subject": drawn}, "/parcels/inside": drawn}[path]
    assert officer.post(path, json=asked).status_code < 400, "what is no file has no rate"


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ({"coordinates": {}}, "subject.coordinates"),
        ({"coordinates": {"text": table(), "points": []}}, "subject.coordinates"),
        ({"coordinates": {"text": table(), "crs": "EPSG:99999"}}, "subject.coordinates.crs"),
        ({"coordinates": "xin chào"}, "subject.coordinates"),
        ({"coordinates": {"points": [{"x": 1e400, "y": 0}]}}, "subject.coordinates.points.0.x"),
        ({"survey": '{"type":"FeatureCollection","features":null}'}, "subject.survey"),
        ({"survey": '{"type":"FeatureCollection","features":7}'}, "subject.survey"),
        ({"survey": '{"type":"FeatureCollection","features":[5]}'}, "subject.survey"),
        ({"parcel": ""}, "subject.parcel"),
        ({"file": {"name": "a.gpkg", "content": "!"}}, "subject.file.content"),
        ({"file": {"name": "a.gpkg", "content": "AAAA"}}, "subject.file"),
        ({"parcels": []}, "subject.parcels"),
        ({"parcels": ["25747@2025/45/123", "25747@2025/45/123"]}, "subject.parcels"),
    ],
)
def test_a_subject_that_cannot_be_used_is_named(officer: httpx.Client, subject: dict[str, Any], field: str) -> None:
    refused = officer.post("/checks", content=json.dumps(body(subject)).replace("Infinity", "1e400"))
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["field"].startswith(field.rsplit(".points", 1)[0])
    assert "constrained" not in refused.text, "names of the library's own are no fields"


@pytest.mark.parametrize("number", ["1e999", "9" * 400, "-" + "9" * 400])
def test_a_number_that_is_beyond_all_numbers_is_named_as_an_input(officer: httpx.Client, number: str) -> None:
    sent = json.dumps(body()).replace('"target_area_m2": 150', f'"target_area_m2": {number}')
    refused = officer.post("/checks", content=sent)
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["field"] == "inputs.target_area_m2" and "finite number" in error["message_en"]


@pytest.mark.parametrize(
    ("ring", "vi", "en"),
    [
        ([[106.65, 10.98], [106.651, 10.98], [106.651, 10.981], [106.65, 10.981]], "chưa khép kín", "is not closed"),
        ([[106.65, 10.98], [106.651, 10.98], [106.65, 10.98]], "dưới 4 điểm", "fewer than 4 positions"),
        ([[106.65, 10.98, 1], [106.651, 10.98], [106.651, 10.981], [106.65, 10.98, 1]], "GeoJSON", "valid GeoJSON"),
        ([["106.65", "10.98"]] * 4, "GeoJSON", "valid GeoJSON"), ([[True, False]] * 4, "GeoJSON", "valid GeoJSON"),
        ([[106.65, 10.98]] * 4, "hình học lỗi", "not a valid shape"),
    ],
)  # fmt: skip
def test_a_ring_that_is_none_is_told_what_is_wrong_with_it(
    officer: httpx.Client, ring: list[Any], vi: str, en: str
) -> None:
    for path, sent in (("/checks", body({"geometry": {"type": "Polygon", "coordinates": [ring]}})),
                       ("/parcels/inside", {"geometry": {"type": "Polygon", "coordinates": [ring]}})):  # fmt: skip
        refused = officer.post(path, json=sent)
        assert refused.status_code == 422, refused.text
        assert vi in refused.json()["detail_vi"] and en in refused.json()["detail_en"]
