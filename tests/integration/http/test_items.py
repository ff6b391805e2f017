"""Items and item: rows and columns of the caller's relation, filters, pages, caching."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest

from ogc.features.paging import Cursor
from tests.support.shared_layers import COMMUNES, PARCELS_A_COMMUNE, Caller, Service, new_revision

OwnService = Callable[..., AbstractContextManager[Service]]
ITEMS = "/collections/parcel/items"
ZONES = "/collections/zone/items"


def _walk(caller: Caller, address: str) -> list[int]:
    """Every id, following `next` to the end."""
    found: list[int] = []
    following: str | None = address
    while following:
        page = caller.json(following)
        assert page["numberReturned"] == len(page["features"])
        found += [feature["id"] for feature in page["features"]]
        following = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return found


def _names(caller: Caller, **query: str) -> list[str]:
    return [feature["properties"]["ma"] for feature in caller.json(ZONES, params=query)["features"]]


def test_rows_and_columns_are_those_of_the_caller(reading: Service) -> None:
    own = reading.reviewer.json(ITEMS, params={"limit": 1000})
    full = reading.officer.json(ITEMS, params={"limit": 1000})
    assert (own["numberMatched"], full["numberMatched"]) == (2 * PARCELS_A_COMMUNE, 4 * PARCELS_A_COMMUNE)
    assert {feature["properties"]["ma_xa"] for feature in own["features"]} == set(COMMUNES[:2])
    assert all("ten_chu" not in feature["properties"] for feature in own["features"])
    assert all(feature["properties"]["ten_chu"] for feature in full["features"])


def test_a_page_has_ten_features_unless_asked_otherwise(reading: Service) -> None:
    page = reading.officer.json(ITEMS)
    assert page["numberReturned"] == 10 and page["numberMatched"] == 120
    assert reading.officer.json(ITEMS, params={"limit": 999_999})["numberReturned"] == 120


def test_walking_the_pages_meets_every_feature_once(reading: Service) -> None:
    found = _walk(reading.reviewer, f"{ITEMS}?limit=7")
    assert len(found) == len(set(found)) == 60
    assert found == sorted(found)


def test_a_walk_stays_on_the_revision_it_began_with(own_service: OwnService) -> None:
    with own_service() as running:
        first = running.officer.json(f"{ITEMS}?limit=50")
        following = next(link["href"] for link in first["links"] if link["rel"] == "next")
        with psycopg.connect(running.url) as connection:
            revision = new_revision(connection, "parcel")
            connection.execute("UPDATE data.parcel SET until = %s WHERE so_thua = '30'", (revision,))
        rest = _walk(running.officer, following)
        assert len(first["features"]) + len(rest) == 120
        assert len(_walk(running.officer, f"{ITEMS}?limit=50")) == 116
        assert len(_walk(running.officer, f"{ITEMS}?limit=500&as-of=2000-01-01")) == 0


def test_what_was_read_before_its_notification_came_is_not_counted_for_the_old_revision(
    own_service: OwnService,
) -> None:
    with own_service() as running:
        links = running.officer.json(f"{ITEMS}?limit=50")["links"]
        cursor = next(link["href"] for link in links if link["rel"] == "next").partition("after=")[2].partition("&")[0]
        with psycopg.connect(running.url) as connection:
            revision = new_revision(connection, "parcel", is_told=False)
            connection.execute("UPDATE data.parcel SET until = %s WHERE so_thua = '30'", (revision,))
        asked = f"{ITEMS}?limit=20&properties=ma&filter=dien_tich%3E0"
        assert running.officer.json(asked)["numberMatched"] == 116
        assert running.officer.json(f"{asked}&after={cursor}")["numberMatched"] == 120


def test_features_have_their_label_and_text_as_it_is(reading: Service) -> None:
    assert reading.officer.json(f"{ITEMS}/10000")["title"] == "Thửa 1, tờ 1"
    feature = reading.public.json(f"{ZONES}/1")
    assert feature["properties"]["ten"] == 'Vùng <một> & "hai"'
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert {link["rel"] for link in feature["links"]} == {"self", "alternate", "collection"}


def test_content_type_and_crs_are_named(reading: Service) -> None:
    response = reading.public.get(ZONES)
    assert response.headers["content-type"] == "application/geo+json"
    assert response.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert response.json()["timeStamp"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"filter": "cap = 2"}, ["V2"]),
        ({"filter": "cap >= 1 AND NOT ma = 'V2'"}, ["V1"]),
        ({"filter": "ten IS NULL"}, ["V3"]),
        ({"filter": "ma IN ('V1','V3')"}, ["V1", "V3"]),
        ({"filter": "hieu_luc_tu < DATE('2025-01-01')"}, ["V1"]),
        ({"filter": '{"op":"=","args":[{"property":"cap"},2]}', "filter-lang": "cql2-json"}, ["V2"]),
        ({"filter": "cap > 1", "filter-crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}, ["V2"]),
        ({"cap": "2"}, ["V2"]),
        ({"ma": "V1", "cap": "2"}, []),
        ({"ten": "Bảo vệ nguồn nước"}, ["V2"]),
        ({"datetime": "2024-06-01T00:00:00Z"}, ["V1", "V3"]),
        ({"datetime": "2025-08-01"}, ["V1", "V2", "V3"]),
        ({"datetime": "2026-01-01/.."}, ["V1", "V3"]),
        ({"datetime": "../2023-12-31"}, ["V3"]),
        ({"datetime": "/2025-07-01T00:00:00+07:00"}, ["V1", "V2", "V3"]),
        ({"datetime": "2024-06-01t00:00:00z"}, ["V1", "V3"]),
        ({"datetime": "9999-12-31T23:59:59Z"}, ["V1", "V3"]),
        ({"datetime": "2020-01-01T00:00:00Z/9999-12-31T23:59:59Z"}, ["V1", "V2", "V3"]),
        ({"datetime": "0001-01-01T00:00:00+14:00"}, ["V3"]),
        ({"datetime": "0001-01-01/9999-12-31"}, ["V1", "V2", "V3"]),
        ({"filter": "S_INTERSECTS(geometry, BBOX(180,-90,-180,90))"}, []),
    ],
)
def test_a_filter_selects(reading: Service, query: dict[str, str], expected: list[str]) -> None:
    assert _names(reading.public, **query) == expected


def test_a_box_selects_what_it_meets(reading: Service) -> None:
    west, south, east, north = reading.public.json("/collections/zone")["extent"]["spatial"]["bbox"][0]
    assert _names(reading.public, bbox=f"{west},{south},{east},{north}") == ["V1", "V2", "V3"]
    assert _names(reading.public, bbox=f"{east - 1e-6},{south},{east},{north}") == ["V2"]
    assert _names(reading.public, bbox=f"{west},{south},-99,{east},{north},99") == ["V1", "V2", "V3"]
    assert _names(reading.public, bbox="0,0,1,1") == []
    assert _names(reading.public, bbox="170,-10,100,20") == []
    assert _names(reading.public, bbox="100,-10,-170,20") == ["V1", "V2", "V3"]


def test_a_layer_without_shapes_matches_any_box_and_any_time(reading: Service) -> None:
    page = reading.officer.json("/collections/register/items", params={"bbox": "0,0,1,1", "datetime": "1990-01-01"})
    assert page["numberMatched"] == 2
    assert all(feature["geometry"] is None for feature in page["features"])


def test_properties_and_geometry_can_be_left_out(reading: Service) -> None:
    page = reading.public.json(ZONES, params={"properties": "ma", "skipGeometry": "true"})
    assert [feature["properties"] for feature in page["features"]] == [{"ma": "V1"}, {"ma": "V2"}, {"ma": "V3"}]
    assert all(feature["geometry"] is None for feature in page["features"])


@pytest.mark.parametrize(
    "query",
    [
        "foo=1", "limit=0", "limit=-1", "limit=ten", "limit=", "bbox=1,2,3", "bbox=1,2,3,x", "bbox=0,5,1,4",
        "bbox=0,0,nan,1", "bbox=0,-91,1,1", "datetime=yesterday", "datetime=../..", "datetime=2025-02-01/2025-01-01",
        "datetime=2025-W27-2", "datetime=20250701", "datetime=20250701T000000Z", "datetime=2025-07-01 00:00:00",
        "filter=hieu_luc_tu = DATE('2025-W27-2')", "hieu_luc_tu=20250701", "cap=1_0", "cap=nan", "cap=١",
        "filter=cap = 9223372036854775808", "bbox=0,0,1_0,1",
        "filter=", "filter=cap =", "filter=nothere = 1", "filter=ghi_chu = 'x'", "filter=cap = 'a'", "cap=a",
        "filter-lang=sql", "filter=cap=1&filter-crs=EPSG:2056", "properties=nothere", "properties=ghi_chu",
        "properties=,", "skipGeometry=yes", "after=xyz", "after=MTA", "f=xml", "lang=fr", "limit=1&limit=2",
        "ghi_chu=x", "crs=x", "geometry=x", "as-of=tomorrow", "as-of=2999-01-01",
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_400_in_both_languages(reading: Service, query: str) -> None:
    response = reading.public.get(f"{ZONES}?{query}")
    problem = response.json()
    assert response.status_code == 400, (query, problem)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == 400 and problem["detail_vi"] and problem["detail_en"]


def test_a_hidden_and_a_missing_column_are_refused_in_the_same_words(reading: Service) -> None:
    for shape in ("filter={} = 'x'", "properties={}", "{}=x"):
        hidden = reading.public.get(f"{ZONES}?{shape.format('ghi_chu')}")
        missing = reading.public.get(f"{ZONES}?{shape.format('nothere')}")
        assert hidden.text.replace("ghi_chu", "nothere") == missing.text
        assert hidden.status_code == missing.status_code == 400


def test_missing_and_hidden_are_one_and_the_same_404(reading: Service) -> None:
    paths = ("/collections/nothere", "/collections/secret", "/collections/nothere/items", "/collections/secret/items",
             "/collections/secret/items/7", "/collections/zone/items/999", "/collections/zone/items/abc",
             "/collections/zone/items/1%20", "/collections/secret/schema", "/collections/secret/queryables",
             "/collections/secret/tiles/WebMercatorQuad/0/0/0", "/collections/empty/items/7", "/nothere",
             "/collections/register", f"/collections/zone/items/{10**30}")  # fmt: skip
    answers = {(r.status_code, r.content, r.headers["content-type"]) for r in map(reading.public.get, paths)}
    assert len(answers) == 1 and answers.pop()[0] == 404


def test_a_row_outside_the_relation_is_not_found(reading: Service) -> None:
    hidden = 10_000 + 37 * (2 * PARCELS_A_COMMUNE)
    assert reading.officer.get(f"{ITEMS}/{hidden}").status_code == 200
    assert reading.reviewer.get(f"{ITEMS}/{hidden}").content == reading.reviewer.get(f"{ITEMS}/1").content


def test_a_visible_layer_without_the_action_is_403_with_the_reason(reading: Service) -> None:
    response = reading.public.get("/collections/line/items")
    assert response.status_code == 403
    assert response.json()["reason"] == "no_grant"
    assert reading.public.get("/collections/line").status_code == 200


def test_a_known_etag_is_answered_with_304(reading: Service) -> None:
    for path in (ZONES, f"{ZONES}/1", f"{ZONES}?limit=1"):
        first = reading.public.get(path)
        again = reading.public.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304 and again.content == b""
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert first.headers["cache-control"].startswith("public, no-cache")
        assert reading.public.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert reading.public.get(ZONES).headers["etag"] != reading.officer.get(ZONES).headers["etag"]
    assert reading.officer.get(ZONES).headers["cache-control"] == "private, no-cache"


def test_what_is_bound_to_a_person_is_never_kept(reading: Service) -> None:
    for path in (ITEMS, f"{ITEMS}/10000"):
        response = reading.reviewer.get(path, headers={"If-None-Match": "*"})
        assert response.status_code == 200
        assert response.headers["cache-control"].startswith("private, no-store")
        assert ("etag" in response.headers) == (path != ITEMS)  # who may change a feature names the state they saw
        assert "Authorization" in response.headers["vary"] and "Cookie" in response.headers["vary"]


def test_an_etag_changes_with_the_revision(own_service: OwnService) -> None:
    with own_service() as running:
        before = running.public.get(ZONES).headers["etag"]
        with psycopg.connect(running.url) as connection:
            new_revision(connection, "zone")
        # the notification arrives by itself; one that the service waits for anyway is its own answer to a look-up
        for _ in range(200):
            after = running.public.get(ZONES, headers={"If-None-Match": before})
            if after.status_code == 200:
                break
        assert after.status_code == 200 and after.headers["etag"] != before


def test_a_suspended_layer_is_503_and_a_withdrawn_one_is_gone(own_service: OwnService) -> None:
    with own_service() as running:
        for state, status in (("suspended", 503), ("withdrawn", 404)):
            with psycopg.connect(running.url) as connection:
                new_revision(connection, "zone", state)
            seen = [running.public.get(ZONES).status_code for _ in range(200)]
            assert seen[-1] == status
        assert "zone" not in {each["id"] for each in running.public.json("/collections")["collections"]}


def test_head_answers_like_get_without_a_body(reading: Service) -> None:
    for path in ("/", "/collections", ZONES, f"{ZONES}/1"):
        head = reading.public.http.head(path)
        assert head.status_code == 200 and head.content == b""
        assert head.headers["content-type"] == reading.public.get(path).headers["content-type"]


def test_large_answers_are_compressed_and_say_so(reading: Service) -> None:
    plain = reading.officer.get(f"{ITEMS}?limit=120", headers={"Accept-Encoding": "identity"})
    packed = reading.officer.get(f"{ITEMS}?limit=120", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3
    assert _without_time(packed.json()) == _without_time(plain.json())
    assert "Accept-Encoding" in packed.headers["vary"]


def _without_time(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "timeStamp"}


@pytest.mark.parametrize("path", ["/collections", "/whoami", "/healthz", "/conformance", "/api", "/tileMatrixSets",
                                  "/collections/zone", "/collections/zone/tiles", "/map", "/readyz"])  # fmt: skip
def test_an_unknown_parameter_is_400_on_every_route(reading: Service, path: str) -> None:
    response = reading.public.get(path, params={"nothere": "1"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "nothere"


def test_a_sorted_walk_goes_through_every_row_in_either_direction(reading: Service) -> None:
    up = _walk(reading.officer, f"{ITEMS}?sortby=%2Bdien_tich&limit=13")
    assert up == sorted(up) and len(up) == 4 * PARCELS_A_COMMUNE  # areas grow with the number
    assert _walk(reading.officer, f"{ITEMS}?sortby=-dien_tich&limit=7&properties=ma") == up[::-1]
    assert _walk(reading.officer, f"{ZONES}?sortby=+cap&limit=1") == [1, 2, 3]  # a blank is a plus; no value comes last
    assert _walk(reading.officer, f"{ZONES}?sortby=-cap&limit=2") == [2, 1, 3]


def test_what_is_hidden_or_not_sortable_is_refused_as_if_it_were_not_there(reading: Service) -> None:
    told = set()
    for name in ("ten_chu", "ma", "khong_co"):
        answer = reading.public.get(ZONES, params={"sortby": name, "f": "json"})
        assert answer.status_code == 400
        told.add(answer.text.replace(name, "X"))
    assert len(told) == 1
    assert reading.officer.get(ZONES, params={"sortby": "cap,ma"}).status_code == 400


def test_a_cursor_belongs_to_the_order_it_was_made_in(reading: Service) -> None:
    page = reading.officer.json(f"{ITEMS}?sortby=dien_tich&limit=5")
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert reading.officer.get(following).status_code == 200
    for other in ("", "sortby=-dien_tich&", "sortby=ma&"):
        assert reading.officer.get(following.replace("sortby=dien_tich&", other)).status_code == 400


@pytest.mark.parametrize("value", ["[" * 2_000, "[" * 30_000, '"\\u0000"', '"\\ud800"', '"' + "x" * 5_000 + '"'])
def test_a_cursor_whose_value_no_row_can_have_is_400(reading: Service, value: str) -> None:
    for address in (f"{ZONES}?sortby=cap", f"{ITEMS}?sortby=ma_xa", f"{ITEMS}?sortby=dien_tich"):
        cursor = Cursor(1, 1, f"+{address.partition('=')[2]}", value).text()
        assert reading.officer.get(f"{address}&after={cursor}").status_code == 400


@pytest.mark.parametrize("value", ["9223372036854775808", "1.5", "true", '"1"', "NaN", "{}", "[]"])
def test_a_cursor_at_what_is_no_whole_number_is_none_of_a_column_of_them(reading: Service, value: str) -> None:
    cursor = Cursor(1, 1, "+cap", value).text()
    assert reading.officer.get(f"{ZONES}?sortby=cap&after={cursor}").status_code == 400


def test_large_whole_numbers_are_walked_and_found_with_all_of_their_digits(own_service: OwnService) -> None:
    with own_service() as running:
        with psycopg.connect(running.url) as connection:
            connection.execute("UPDATE data.zone SET cap = 9007199254740994 - fid WHERE fid < 3")
        assert _walk(running.officer, f"{ZONES}?sortby=+cap&limit=1") == [2, 1, 3]
        assert _names(running.officer, cap="9007199254740993") == ["V1"]
        assert _names(running.officer, filter="cap = 9007199254740992") == ["V2"]
        assert _names(running.officer, filter="cap IN (9007199254740993, 0.5)") == ["V1"]


def test_a_page_for_people_has_no_more_rows_than_one_can_read(own_service: OwnService) -> None:
    with own_service() as running:
        with psycopg.connect(running.url) as connection:
            connection.execute("CREATE TEMP TABLE more AS SELECT * FROM data.parcel")
            connection.execute("UPDATE more SET fid = fid + 100000")
            connection.execute("INSERT INTO data.parcel SELECT * FROM more")
        page = running.officer.get(f"{ITEMS}?limit=1000&f=html").text
        assert page.count('<th scope="row"') == 200
        assert "limit=1000" in page and "after=" in page
        assert running.officer.json(f"{ITEMS}?limit=1000")["numberReturned"] == 240


def test_any_state_is_no_excuse_for_a_query_that_does_not_hold(reading: Service) -> None:
    response = reading.public.get(f"{ZONES}?khong_co=1", headers={"If-None-Match": "*"})
    assert response.status_code == 400
    assert reading.public.get(ZONES, headers={"If-None-Match": "*"}).status_code == 304
