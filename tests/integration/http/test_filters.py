"""Filters over HTTP: every kind of condition, systems of shapes, text search, limits, and what is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import numpy as np
import psycopg
import pytest
import shapely

from gis.crs import Projection
from layers.errors import InvalidRequestError
from layers.filters import WrittenIn, parse_text, to_json
from tests.support.shared_layers import ORIGIN, Service

ZONES, PARCELS = "/collections/zone/items", "/collections/parcel/items"


def found(reading: Service, query: dict[str, str], path: str = ZONES) -> list[int]:
    answer = reading.officer.get(path, params={**query, "f": "json", "limit": "1000"})
    assert answer.status_code == 200, answer.text
    return sorted(feature["id"] for feature in answer.json()["features"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ACCENTI(CASEI(ten)) LIKE '%bao ve nguon%'", [2]),
        ("cap + 1 = 3", [2]),
        ("10 / (cap - 1) > 1", [2]),
        ("cap ^ 1000 > 0", [1]),
        ("2 * cap % 4 = 0", [2]),
        ("T_BEFORE(hieu_luc_tu, DATE('2025-01-01'))", [1]),
        ("T_INTERSECTS(INTERVAL(hieu_luc_tu, '..'), INTERVAL('2024-06-01', '2024-06-30'))", [1]),
        ("T_AFTER(hieu_luc_tu, TIMESTAMP('2024-01-01T12:00:00Z'))", [2]),
        ("S_DISJOINT(geometry, POINT(0 0)) AND cap IS NOT NULL", [1, 2]),
        ("S_EQUALS(geometry, geometry) AND 2 = cap", [2]),
        ("S_INTERSECTS(geometry, BBOX(100, 0, 110, 20)) AND cap < 2", [1]),
    ],
)
def test_every_kind_of_condition_selects_as_text_and_as_json(reading: Service, text: str, expected: list[int]) -> None:
    assert found(reading, {"filter": text}) == expected
    as_json = json.dumps(to_json(parse_text(text)))
    assert found(reading, {"filter": as_json, "filter-lang": "cql2-json"}) == expected


# ── filter-crs ───────────────────────────────────────────────────────────────────────────────────

SYSTEMS = {
    "[OGC:CRS84]": ("EPSG:4326", False), "http://www.opengis.net/def/crs/EPSG/0/4326": ("EPSG:4326", True),
    "[EPSG:3857]": ("EPSG:3857", False), "urn:ogc:def:crs:EPSG::5899": ("EPSG:5899", False),
    "http://www.opengis.net/def/crs/EPSG/0/9210": ("EPSG:9210", False), "EPSG:3405": ("EPSG:3405", False),
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_shape_in_any_system_selects_the_same_parcels(reading: Service, name: str) -> None:
    crs, is_swapped = SYSTEMS[name]
    square = shapely.box(ORIGIN[0] + 5, ORIGIN[1] + 5, ORIGIN[0] + 70, ORIGIN[1] + 10)
    (moved,) = Projection("EPSG:5899", "EPSG:6960").to_crs(np.array([square]), "EPSG:5899", crs)
    if is_swapped:
        moved = shapely.transform(moved, lambda corners: corners[:, ::-1])
    query = {"filter": f"S_INTERSECTS(geometry, {moved.wkt})", "filter-crs": name}
    as_stored = {"filter": f"S_INTERSECTS(geometry, {square.wkt})", "filter-crs": "EPSG:5899"}
    assert found(reading, query, PARCELS) == found(reading, as_stored, PARCELS) != []


def test_a_box_has_the_axes_of_its_system_too(reading: Service) -> None:
    in_degrees = {"filter": "S_WITHIN(geometry, BBOX(0, 100, 20, 110))", "filter-crs": "[EPSG:4326]"}
    assert found(reading, in_degrees) == found(reading, {"filter": "S_WITHIN(geometry, BBOX(100, 0, 110, 20))"}) != []


def test_a_corner_copied_from_an_answer_in_the_storage_system_is_the_stored_corner(reading: Service) -> None:
    system = "http://www.opengis.net/def/crs/EPSG/0/5899"
    first = reading.officer.json(PARCELS, params={"crs": system, "f": "json", "limit": "1"})["features"][0]
    x, y = first["geometry"]["coordinates"][0][0][0]
    touched = {"filter": f"S_TOUCHES(geometry, POINT({x} {y}))", "filter-crs": system}
    assert first["id"] in found(reading, touched, PARCELS)
    as_json = {"op": "s_equals", "args": [{"property": "geometry"}, first["geometry"]]}
    query = {"filter": json.dumps(as_json), "filter-lang": "cql2-json", "filter-crs": system}
    assert found(reading, query, PARCELS) == [first["id"]]


# ── q ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("nguồn nước", [2]), ("NGUON  NUOC", [2]), ("nuoc nguon", []), ("bao ve", [2]), ("hai,bảo vệ", [1, 2]),
        ("V1", [1]), ("nguo", []), ("một & \"hai\"", [1]),
    ],
)  # fmt: skip
def test_words_are_found_whatever_their_case_and_marks(reading: Service, words: str, expected: list[int]) -> None:
    assert found(reading, {"q": words}) == expected


def test_a_search_and_a_filter_both_hold(reading: Service) -> None:
    assert found(reading, {"q": "bao ve,hai", "filter": "cap = 1"}) == [1]


def test_what_a_caller_may_not_see_is_not_searched(reading: Service) -> None:
    answer = reading.public.json(ZONES, params={"q": "noi bo", "f": "json"})
    assert answer["numberMatched"] == 0
    assert found(reading, {"q": "noi bo"}) == found(reading, {"filter": "ghi_chu = 'noi-bo'"}) != []


@pytest.mark.parametrize("words", ["", " , ", "a,,b", "!!", "x" * 201, ",".join("abcdefghi")])
def test_a_search_for_nothing_or_for_too_much_is_refused(reading: Service, words: str) -> None:
    answer = reading.public.get(ZONES, params={"q": words})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "q"


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"filter": "khong_co = 1"}, "khong_co"),
        ({"filter": "pg_sleep(1) = 1"}, "pg_sleep"),
        ({"filter": "cap = 'x'"}, "cap"),
        ({"filter": "S_WITHIN(geometry, Buffer(geometry, 10))"}, "Buffer"),
        ({"filter": "T_MEETS(hieu_luc_tu, DATE('2024-01-01'))"}, "t_meets"),
        ({"filter": "hieu_luc_tu = DATE('2024-02-30')"}, "2024-02-30"),
        ({"filter": "S_INTERSECTS(geometry, POINT(90 180))"}, "POINT"),
        ({"filter": "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))"}, "POLYGON"),
        ({"filter": "(" * 1700 + "cap=1" + ")" * 1700}, "deep"),
        ({"filter": "cap = 1" + " AND cap = 1" * 1000}, "longer"),
        ({"filter": '{"op":"not","args":[' * 300 + "true" + "]}" * 300, "filter-lang": "cql2-json"}, "deep"),
        ({"filter": "cap = 1", "filter-crs": "EPSG:2056"}, "filter-crs"),
        ({"filter": "S_INTERSECTS(geometry, POINT(1000000000000 9000000000000))", "filter-crs": "EPSG:9210"}, "POINT"),
    ],
)
def test_what_cannot_be_used_is_refused_and_named(reading: Service, query: dict[str, str], named: str) -> None:
    answer = reading.public.get(ZONES, params=query)
    problem = answer.json()
    assert answer.status_code == 400, answer.text[:300]
    assert named in json.dumps(problem, ensure_ascii=False)


def test_a_shape_that_the_database_cannot_compare_is_no_fault_of_the_service(
    own_service: Callable[..., AbstractContextManager[Service]],
) -> None:
    """A stored shape is valid; should one not be, the answer says so and quotes nothing."""
    with own_service() as running:
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE data.zone SET geom_4326 = ST_Multi(ST_GeomFromText("
                "'POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))', 4326)) WHERE ma = 'V1'"
            )
        query = {"filter": "S_TOUCHES(geometry, LINESTRING(0 0, 5 5, 3 8))"}
        answer: httpx.Response = running.officer.get(ZONES, params=query)
    assert answer.status_code == 400
    assert "5 5" not in answer.text and "Topology" not in answer.text


def test_a_shape_written_upside_down_has_no_place() -> None:
    with pytest.raises(InvalidRequestError):
        parse_text("S_INTERSECTS(geometry, BBOX(10, 5, 0, 9))", written_in=WrittenIn(is_geographic=False))


def test_a_filter_that_is_too_much_work_a_row_is_400(reading: Service) -> None:
    text = " OR ".join(["CASEI(ACCENTI(ten)) = 'a'"] * 9)
    for query in ({"f": "json"}, {"f": "csv"}):
        answer = reading.officer.get(ZONES, params={**query, "filter": text})
        assert answer.status_code == 400 and "CASEI" in answer.json()["detail_en"]
