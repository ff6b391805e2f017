"""`POST …/search` asks what GET `items` asks, in a form or in CQL2 JSON, however long the condition."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from layers.filters import parse_text, to_json
from ogc.features.search import CQL2, FORM, JSON, LONGEST_ADDRESS, MAX_BODY_BYTES
from tests.support.shared_layers import Service

ITEMS, SEARCH = "/collections/parcel/items", "/collections/parcel/search"
#: too long for an address, and true of every parcel
LONG = " OR ".join(f"ma = '{number:05}'" for number in range(300)) + " OR ma IS NOT NULL"

FLAT = {"op": "or", "args": [
    *({"op": "=", "args": [{"property": "ma"}, f"{number:05}"]} for number in range(100)),
    {"op": "like", "args": [{"property": "ma"}, "P%"]},
]}  # fmt: skip


def sent(caller: httpx.Client, body: str, kind: str = FORM, path: str = SEARCH, **query: str) -> httpx.Response:
    return caller.post(path, params=query or None, content=body.encode(), headers={"content-type": kind})


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return {**found, "timeStamp": None}


def rel(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(link for link in document["links"] if link["rel"] == name)
    return found


@pytest.mark.parametrize("who", ["public", "reviewer", "officer"])
@pytest.mark.parametrize(
    "query",
    [
        {"filter": "dien_tich > 100", "limit": "3", "sortby": "-dien_tich"},
        {"ma_xa": "25747", "properties": "ma", "skipGeometry": "true"},
        {"filter": "ten_chu IS NULL"},
        {"filter": "khong_co = 1"},
        {"filter": "((", "crs": "x"},
        {"khong_co": "1", "limit": "0"},
        {},
    ],
)
def test_a_form_is_answered_as_the_address_with_its_parameters(
    reading: Service, who: str, query: dict[str, str]
) -> None:
    caller = reading.callers[who]
    by_form, by_address = sent(caller.http, urlencode(query)), caller.http.get(ITEMS, params=query)
    assert by_form.status_code == by_address.status_code
    first, second = by_form.json(), by_address.json()
    for volatile in ("timeStamp", "instance", "id"):
        first.pop(volatile, None), second.pop(volatile, None)
    assert first == second


@pytest.mark.parametrize("kind", [JSON, CQL2])
def test_a_condition_in_json_stands_beside_the_parameters_of_the_address(reading: Service, kind: str) -> None:
    caller, body = reading.officer.http, json.dumps(to_json(parse_text("ma_xa = '25747'")))
    found = told(sent(caller, body, kind, limit="4", properties="ma"))
    by_address = caller.get(ITEMS, params={"filter": "ma_xa = '25747'", "limit": "4", "properties": "ma"}).json()
    assert found["features"] == by_address["features"] and found["numberMatched"] == 30
    assert told(sent(caller, body, kind, **{"filter-lang": "cql2-json"}))["numberMatched"] == 30


def test_pages_of_a_short_search_are_addresses(reading: Service) -> None:
    caller = reading.officer.http
    first = told(sent(caller, "limit=50&filter=ma_xa%20%3C%3E%20'25756'"))
    seen = [feature["id"] for feature in first["features"]]
    href = rel(first, "next")["href"]
    assert "method" not in rel(first, "next") and ITEMS in href
    second = told(caller.get(href))
    seen += [feature["id"] for feature in second["features"]]
    assert len(set(seen)) == first["numberMatched"] == 90


@pytest.mark.parametrize("kind", [FORM, CQL2])
def test_pages_of_a_long_search_are_had_by_sending_it_again(reading: Service, kind: str) -> None:
    caller = reading.officer.http
    body = urlencode({"filter": LONG, "limit": "50"}) if kind == FORM else json.dumps(FLAT)
    query = {} if kind == FORM else {"limit": "50"}
    assert len(body) > LONGEST_ADDRESS
    page, seen = told(sent(caller, body, kind, **query)), []
    for _ in range(4):
        seen += [feature["id"] for feature in page["features"]]
        assert {link["rel"] for link in page["links"]} <= {"collection", "next", "prev"}
        if not any(link["rel"] == "next" for link in page["links"]):
            break
        following = rel(page, "next")
        assert following["method"] == "POST"
        page = told(sent(caller, body, kind, following["href"]))
    assert len(seen) == len(set(seen)) == 120
    back = told(sent(caller, body, kind, rel(page, "prev")["href"]))
    assert [feature["id"] for feature in back["features"]] == seen[50:100]


def test_other_formats_are_those_of_items(reading: Service) -> None:
    caller, query = reading.officer.http, {"f": "csv", "filter": "ma_xa = '25747'"}
    assert sent(caller, urlencode(query)).text == caller.get(ITEMS, params=query).text
    long = sent(caller, urlencode({"f": "csv", "filter": LONG}))
    assert long.status_code == 200 and len(long.text.splitlines()) == 121
    assert sent(caller, urlencode({"f": "html", "filter": LONG})).status_code == 400
    page = sent(caller, urlencode({"f": "html"}))
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")


def test_what_cannot_be_read_is_named(reading: Service) -> None:
    caller = reading.officer.http
    assert sent(caller, "<filter/>", "application/xml").status_code == 415
    assert sent(caller, "{", CQL2).status_code == 400
    assert sent(caller, "a" * (MAX_BODY_BYTES + 1)).status_code == 413
    assert caller.post(SEARCH, content=b"filter=\xff", headers={"content-type": FORM}).status_code == 400
    twice = sent(caller, "limit=3", limit="4")
    assert twice.status_code == 400 and "limit" in twice.text
    both = sent(caller, "{}", CQL2, filter="ma_xa = '25747'")
    assert both.status_code == 400 and "filter" in both.text


def test_a_search_is_never_kept_and_asks_under_no_condition(reading: Service) -> None:
    caller = reading.public.http
    listed = caller.get("/collections/zone/items")
    answer = caller.post(
        "/collections/zone/search", content=b"",
        headers={"content-type": FORM, "if-none-match": listed.headers["etag"]},
    )  # fmt: skip
    assert answer.status_code == 200 and answer.json()["features"] == listed.json()["features"]
    assert "no-store" in answer.headers["cache-control"] and "etag" not in answer.headers


def test_hidden_and_missing_layers_are_the_same_404(reading: Service) -> None:
    caller = reading.public.http
    hidden, missing = (sent(caller, "", path=f"/collections/{name}/search") for name in ("secret", "nothing"))
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert sent(caller, "", path="/collections/line/search").status_code == 403


def test_a_search_leaves_the_event_of_a_list(reading: Service) -> None:
    def events() -> list[Any]:
        with psycopg.connect(reading.url) as connection:
            query = """SELECT action, layer, decision, features FROM access.event
                       WHERE principal = 'officer' ORDER BY id DESC LIMIT 1"""
            return connection.execute(query).fetchall()

    told(sent(reading.officer.http, "limit=7&filter=dien_tich%20%3E%20-7"))
    assert events() == [("items", "parcel", "allow", 7)]


def test_the_description_tells_of_it_to_whoever_may_read_a_layer(reading: Service) -> None:
    document = reading.officer.http.get("/api", params={"f": "json"}).json()
    paths = [path for path in document["paths"] if path.endswith("/search")]
    assert paths
    described = document["paths"][paths[0]]["post"]
    assert set(described["requestBody"]["content"]) == {FORM, CQL2, JSON}
    assert {"400", "413", "415"} <= set(described["responses"])
