"""OGC API Common 1 and 2, Features 1 (1.0 and 1.1): abstract tests by their ids."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from tests.support.shared_layers import Caller, Service

from .claims import proves

COMMON_1, COMMON_2 = "ogcapi-common-1/1.0/conf", "ogcapi-common-2/1.0/conf"
OLD, NEW = "ogcapi-features-1/1.0/conf", "ogcapi-features-1/1.1/conf"
HTML_PATHS = ("/", "/conformance", "/api", "/collections", "/collections/zone", "/collections/zone/items",
              "/collections/zone/items/1")  # fmt: skip


def _rels(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for link in document["links"]:
        found.setdefault(link["rel"], []).append(link)
    return found


@pytest.fixture
def caller(reading: Service) -> Caller:
    return reading.officer


@proves(
    f"{COMMON_1}/core/root-op",
    f"{COMMON_1}/landing-page/root-success",
    f"{COMMON_1}/json/content",
    f"{OLD}/core/root-op",
    f"{OLD}/core/root-success",
    f"{NEW}/core/root-op",
    f"{NEW}/core/root-success",
)
def test_root_links_to_description_classes_and_data(caller: Caller) -> None:
    rels = _rels(caller.json("/"))
    assert {"self", "alternate", "conformance", "data"} <= set(rels) and {"service-desc", "service-doc"} & set(rels)


@proves(
    f"{COMMON_1}/core/conformance-success",
    f"{OLD}/core/conformance-op",
    f"{OLD}/core/conformance-success",
    f"{NEW}/core/conformance-op",
    f"{NEW}/core/conformance-success",
)
def test_conformance_lists_uris(caller: Caller) -> None:
    listed = caller.json("/conformance")["conformsTo"]
    assert len(listed) == len(set(listed)) and all(uri.startswith("http://www.opengis.net/spec/") for uri in listed)


@proves(
    f"{COMMON_1}/core/api-definition-success",
    f"{OLD}/core/api-definition-op",
    f"{OLD}/core/api-definition-success",
    f"{OLD}/oas30/definition-1",
    f"{OLD}/oas30/completeness",
    f"{OLD}/oas30/exception-codes",
    f"{NEW}/core/api-definition-success",
    f"{NEW}/oas31/definition-1",
    f"{NEW}/oas31/completeness",
    f"{NEW}/oas31/exception-codes",
)
def test_the_description_is_served_as_the_type_of_its_link(caller: Caller) -> None:
    versions = {}
    for link in _rels(caller.json("/"))["service-desc"]:
        response = caller.get(link["href"])
        assert response.headers["content-type"] == link["type"]
        document = response.json()
        versions[link["type"][-3:]] = document["openapi"]
        operation = document["paths"]["/collections/{collectionId}/items"]["get"]
        assert {"200", "400", "401", "403", "404", "500"} <= set(operation["responses"])
    assert versions == {"3.0": "3.0.3", "3.1": "3.1.0"}


@proves(f"{OLD}/oas30/definition-2", f"{OLD}/oas30/oas-impl")
def test_the_older_description_holds_no_word_that_its_version_does_not_know(caller: Caller) -> None:
    text = caller.get("/api?openapi=3.0").text
    for word in ('"const":', '"type":"null"', '"examples":', '"identifier":', '"type":['):
        assert word not in text, word
    assert json.loads(text)["components"]["parameters"]["limit"]["schema"]["maximum"] == 10_000


@proves(
    f"{COMMON_2}/collections/collections-list-op",
    f"{COMMON_2}/collections/collections-list-success",
    f"{COMMON_2}/json/content",
    f"{OLD}/core/fc-md-op",
    f"{OLD}/core/fc-md-success",
    f"{OLD}/core/fc-md-links",
    f"{OLD}/core/fc-md-items",
    f"{OLD}/core/fc-md-items-links",
    f"{NEW}/core/fc-md-op",
    f"{NEW}/core/fc-md-success",
    f"{NEW}/core/fc-md-items-links",
)
def test_collections_list_collections_with_links_to_items(caller: Caller) -> None:
    document = caller.json("/collections")
    assert {"self", "alternate"} <= set(_rels(document))
    for collection in document["collections"]:
        links = _rels(collection)["items"]
        assert {link["type"] for link in links} == {"application/geo+json", "text/html"}


@proves(
    f"{COMMON_2}/collections/description-success",
    f"{OLD}/core/sfc-md-op",
    f"{OLD}/core/sfc-md-success",
    f"{NEW}/core/sfc-md-op",
    f"{NEW}/core/sfc-md-success",
)
def test_a_single_collection_agrees_with_the_list(caller: Caller) -> None:
    for listed in caller.json("/collections")["collections"]:
        alone = caller.json(f"/collections/{listed['id']}")
        assert {key: alone.get(key) for key in ("id", "title", "description", "extent", "itemType")} == {
            key: listed.get(key) for key in ("id", "title", "description", "extent", "itemType")
        }


@proves(
    f"{COMMON_2}/collections/description-extent",
    f"{OLD}/core/fc-md-extent",
    f"{OLD}/core/fc-md-extent-multi",
    f"{OLD}/core/crs84",
    f"{NEW}/core/fc-md-extent",
    f"{NEW}/core/crs84",
)
def test_every_geometry_lies_in_the_extent_in_crs84(caller: Caller) -> None:
    for layer in ("parcel", "zone", "line", "secret"):
        west, south, east, north = caller.json(f"/collections/{layer}")["extent"]["spatial"]["bbox"][0]
        for feature in caller.json(f"/collections/{layer}/items?limit=1000")["features"]:
            for x, y in _positions(feature["geometry"]["coordinates"]):
                assert west - 1e-8 <= x <= east + 1e-8 and south - 1e-8 <= y <= north + 1e-8


def _positions(coordinates: Any) -> list[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        return [(coordinates[0], coordinates[1])]
    return [position for part in coordinates for position in _positions(part)]


@proves(
    f"{OLD}/core/fc-op",
    f"{OLD}/core/fc-response",
    f"{OLD}/core/fc-links",
    f"{OLD}/core/fc-timeStamp",
    f"{OLD}/core/fc-numberMatched",
    f"{OLD}/core/fc-numberReturned",
    f"{OLD}/geojson/definition",
    f"{OLD}/geojson/content",
    f"{NEW}/core/fc-op",
    f"{NEW}/core/fc-links",
    f"{NEW}/core/fc-numberReturned",
    f"{NEW}/geojson/definition",
    f"{NEW}/geojson/content",
)
def test_items_are_a_feature_collection_with_true_numbers(caller: Caller) -> None:
    response = caller.get("/collections/parcel/items?limit=11")
    document = response.json()
    assert response.headers["content-type"] == "application/geo+json" and document["type"] == "FeatureCollection"
    assert document["numberReturned"] == len(document["features"]) == 11 and document["numberMatched"] == 120
    assert {"self", "alternate", "next"} <= set(_rels(document))
    assert all("type" in link for link in document["links"])
    sent = datetime.datetime.fromisoformat(document["timeStamp"])
    assert abs(datetime.datetime.now(datetime.UTC) - sent) < datetime.timedelta(minutes=5)


@proves(f"{OLD}/core/fc-limit-definition", f"{OLD}/core/fc-limit-response", f"{NEW}/core/fc-limit-response")
def test_limit_is_kept_and_a_larger_one_is_no_error(caller: Caller) -> None:
    for limit in (1, 2, 119, 120, 10_000, 10_001, 10**9):
        document = caller.json(f"/collections/parcel/items?limit={limit}")
        assert len(document["features"]) == min(limit, 120)


@proves(f"{OLD}/core/fc-bbox-definition", f"{OLD}/core/fc-bbox-response", f"{NEW}/core/fc-bbox-response")
def test_bbox_selects_exactly_what_it_meets(caller: Caller) -> None:
    everything = caller.json("/collections/parcel/items?limit=1000")["features"]
    west, south, east, north = caller.json("/collections/parcel")["extent"]["spatial"]["bbox"][0]
    box = (west, south, (west + east) / 2, (south + north) / 2)
    found = caller.json(f"/collections/parcel/items?limit=1000&bbox={','.join(map(repr, box))}")["features"]
    expected = {feature["id"] for feature in everything if _meets(feature, box)}
    assert {feature["id"] for feature in found} == expected and 0 < len(expected) < 120


def _meets(feature: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    import shapely

    return bool(shapely.intersects(shapely.from_geojson(json.dumps(feature["geometry"])), shapely.box(*box)))


@proves(f"{OLD}/core/fc-time-definition", f"{OLD}/core/fc-time-response", f"{NEW}/core/fc-time-response")
@pytest.mark.parametrize(
    ("value", "expected"),
    [("2025-08-01T00:00:00Z", {1, 2, 3}), ("2026-02-01T00:00:00Z", {1, 3}), ("../2023-06-30T00:00:00Z", {3}),
     ("2026-01-15T00:00:00Z/..", {1, 3}), ("/2024-06-30T00:00:00Z", {1, 3}),
     ("2024-02-01T00:00:00Z/2025-07-15T12:00:00+07:00", {1, 2, 3})],
)  # fmt: skip
def test_datetime_selects_by_validity(caller: Caller, value: str, expected: set[int]) -> None:
    found = caller.json("/collections/zone/items", params={"datetime": value})["features"]
    assert {feature["id"] for feature in found} == expected


@proves(
    f"{OLD}/core/query-param-unknown", f"{NEW}/core/query-param-unknown", f"{COMMON_1}/core/query-param-name-unknown"
)
@pytest.mark.parametrize("path", ["/", "/conformance", "/collections", "/collections/zone", "/collections/zone/items",
                                  "/collections/zone/items/1", "/api"])  # fmt: skip
def test_an_unknown_parameter_is_400(caller: Caller, path: str) -> None:
    assert caller.get(path, params={"unknownQueryParameter": "x"}).status_code == 400


@proves(
    f"{OLD}/core/query-param-invalid", f"{NEW}/core/query-param-invalid", f"{COMMON_1}/core/query-param-value-invalid"
)
@pytest.mark.parametrize("query", ["limit=a", "bbox=a,b,c,d", "datetime=a", "bbox=1,2", "limit=-1"])
def test_an_invalid_parameter_is_400(caller: Caller, query: str) -> None:
    assert caller.get(f"/collections/zone/items?{query}").status_code == 400


@proves(
    f"{OLD}/core/f-op",
    f"{OLD}/core/f-success",
    f"{OLD}/core/f-links",
    f"{NEW}/core/f-op",
    f"{NEW}/core/f-success",
    f"{NEW}/core/f-links",
)
def test_every_item_is_found_by_its_id(caller: Caller) -> None:
    for listed in caller.json("/collections/zone/items")["features"]:
        alone = caller.json(f"/collections/zone/items/{listed['id']}")
        assert {"self", "alternate", "collection"} <= set(_rels(alone))
        assert {name: alone[name] for name in listed} == listed


@proves(
    f"{COMMON_1}/html/content",
    f"{COMMON_1}/html/definition",
    f"{COMMON_2}/html/content",
    f"{OLD}/html/content",
    f"{OLD}/html/definition",
    f"{NEW}/html/content",
    f"{NEW}/html/definition",
)
@pytest.mark.parametrize("path", HTML_PATHS)
def test_every_resource_has_a_page_that_says_what_the_data_says(caller: Caller, path: str) -> None:
    page = caller.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert page.text.lstrip().lower().startswith("<!doctype html>")
    if path.endswith("/items/1"):
        assert "Vùng &lt;một&gt;" in page.text
