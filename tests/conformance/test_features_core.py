"""OGC API Features 1, Core: landing page to single feature, for every identity and every collection it sees."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
import shapely

from .claims import of, proves
from .visitor import CRS84, REL, Visitor, box_of, link, links, of_box

OLD, NEW = "ogcapi-features-1/1.0/conf", "ogcapi-features-1/1.1/conf"
core = of(f"{OLD}/core", f"{NEW}/core")
COMMON_1, COMMON_2 = "ogcapi-common-1/1.0/conf", "ogcapi-common-2/1.0/conf"


@proves(*core("http"), f"{COMMON_1}/core/http")
def test_every_advertised_path_answers_over_http_1_1(visitor: Visitor) -> None:
    for each in visitor.landing["links"]:
        response = visitor.get(each["href"])
        assert response.http_version == "HTTP/1.1"
        assert response.status_code == 200, each


@proves(*core("root-op", "root-success"), f"{COMMON_1}/landing-page/root-op", f"{COMMON_1}/landing-page/root-success")
def test_the_landing_page_leads_to_description_classes_and_data(visitor: Visitor) -> None:
    response = visitor.get("/", headers={"Accept": "application/json"})
    assert response.status_code == 200
    landing = response.json()
    assert links(landing, "service-desc") and links(landing, "service-doc")
    assert links(landing, "conformance") and links(landing, f"{REL}conformance")
    assert links(landing, "data") and links(landing, f"{REL}data")
    assert all({"href", "rel", "type"} <= set(each) for each in landing["links"])


@proves(
    *core("api-definition-op", "api-definition-success"),
    f"{COMMON_1}/landing-page/api-definition-op",
    f"{COMMON_1}/landing-page/api-definition-success",
)
def test_every_link_to_the_description_is_of_the_type_it_names(visitor: Visitor) -> None:
    described = [*links(visitor.landing, "service-desc"), *links(visitor.landing, "service-doc")]
    for each in described:
        response = visitor.get(each["href"])
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == each["type"].split(";")[0]
        if "json" in each["type"]:
            document = response.json()
            assert document["openapi"].startswith(each["type"][-3:])
            assert {"info", "paths"} <= set(document)


@proves(
    *core("conformance-op", "conformance-success"),
    f"{COMMON_1}/landing-page/conformance-op",
    f"{COMMON_1}/landing-page/conformance-success",
    "ogcapi-tiles-1/1.0/conf/core/conformance-success",
)
def test_the_classes_are_listed_wherever_a_link_leads_to_them(visitor: Visitor) -> None:
    places = [*links(visitor.landing, "conformance"), *links(visitor.landing, f"{REL}conformance")]
    for place in [*(each["href"] for each in places), "/conformance"]:
        listed = visitor.json(place)["conformsTo"]
        assert len(listed) == len(set(listed))
        assert all(isinstance(uri, str) and uri.startswith("http") for uri in listed)
        for needed in (f"{NEW}/core", f"{OLD}/core", "ogcapi-tiles-1/1.0/conf/core"):
            assert f"http://www.opengis.net/spec/{needed}" in listed


@proves(
    *core("fc-md-op", "fc-md-success", "fc-md-links"),
    f"{COMMON_2}/collections/collections-list-op",
    f"{COMMON_2}/collections/collections-list-success",
    f"{COMMON_2}/collections/collections-list-links",
)
def test_collections_link_to_themselves_in_every_form(visitor: Visitor) -> None:
    document = visitor.json("/collections")
    assert link(document, "self")["type"] == "application/json"
    assert "text/html" in {each["type"] for each in links(document, "alternate")}
    assert all({"rel", "type", "href"} <= set(each) for each in document["links"])
    for collection in document["collections"]:
        named = collection.get("crs", [CRS84])
        offered = document["crs"] if named == ["#/crs"] else named
        assert offered[0] == CRS84, collection["id"]


@proves(
    *core("fc-md-items", "fc-md-items-links"),
    f"{COMMON_2}/collections/collections-list-collections",
    f"{COMMON_2}/collections/description-links",
)
def test_each_collection_has_an_identifier_and_typed_links_to_its_items(visitor: Visitor) -> None:
    assert visitor.readable
    for collection in visitor.collections:
        assert collection["id"]
        assert links(collection, "self") and links(collection, "alternate")
        assert all({"rel", "type", "href"} <= set(each) for each in collection["links"]), collection["id"]
    for collection in visitor.readable:
        types = {each["type"] for each in links(collection, "items")}
        assert {"application/geo+json", "text/html"} <= types
        for each in links(collection, "items"):
            assert visitor.status(each["href"]) == 200, each


@proves(
    *core("fc-md-extent", "fc-md-extent-multi", "crs84"),
    f"{COMMON_2}/collections/description-extent",
    f"{COMMON_2}/collections/description-extent-multi",
)
def test_the_first_box_holds_every_shape_in_crs84(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        extent = collection["extent"]["spatial"]
        assert extent.get("crs", CRS84) == CRS84
        west, south, east, north = extent["bbox"][0]
        for box in extent["bbox"][1:]:
            assert west <= box[0] and south <= box[1] and box[2] <= east and box[3] <= north
        outer = shapely.box(west - 1e-8, south - 1e-8, east + 1e-8, north + 1e-8)
        for feature in visitor.features(collection["id"]):
            assert outer.covers(_shape(feature)), (collection["id"], feature["id"])


@proves(
    *core("sfc-md-op", "sfc-md-success"),
    f"{COMMON_2}/collections/description-op",
    f"{COMMON_2}/collections/description-success",
)
def test_a_single_collection_agrees_with_the_list(visitor: Visitor) -> None:
    for listed in visitor.collections:
        alone = visitor.json(f"/collections/{listed['id']}")
        for member in ("id", "title", "description", "extent", "itemType", "storageCrs"):
            assert alone.get(member) == listed.get(member), (listed["id"], member)
        there = {(each["rel"], each["href"]) for each in alone["links"]}
        assert {(each["rel"], each["href"]) for each in listed["links"]} <= there


@proves(*core("fc-op", "fc-response", "fc-links", "fc-timeStamp", "fc-numberReturned"))
def test_items_are_a_feature_collection_made_now(visitor: Visitor) -> None:
    for collection in visitor.readable:
        response = visitor.get(f"/collections/{collection['id']}/items", params={"limit": 11})
        assert response.status_code == 200 and response.headers["content-type"] == "application/geo+json"
        document = response.json()
        assert document["type"] == "FeatureCollection"
        assert all(feature["type"] == "Feature" for feature in document["features"])
        assert document["numberReturned"] == len(document["features"]) <= 11
        assert link(document, "self")["type"] == "application/geo+json"
        assert "text/html" in {each["type"] for each in links(document, "alternate")}
        assert all({"rel", "type"} <= set(each) for each in document["links"])
        sent = datetime.datetime.fromisoformat(document["timeStamp"])
        assert abs(datetime.datetime.now(datetime.UTC) - sent) < datetime.timedelta(minutes=5)


@proves(*core("fc-numberMatched"))
@pytest.mark.parametrize("query", [{}, {"bbox": "106.1,11,106.5,11.5"}, {"datetime": "2025-08-01T00:00:00Z"}])
def test_number_matched_is_what_a_walk_over_all_pages_finds(visitor: Visitor, query: dict[str, str]) -> None:
    for collection in visitor.readable:
        path = f"/collections/{collection['id']}/items"
        matched = visitor.json(path, params={"limit": 1, **query})["numberMatched"]
        assert len(_walk(visitor, path, query)) == matched, collection["id"]


def _walk(visitor: Visitor, path: str, query: dict[str, str]) -> list[Any]:
    page, found = visitor.json(path, params={"limit": 50, **query}), []
    while True:
        found += [feature["id"] for feature in page["features"]]
        following = links(page, "next")
        if not following:
            break
        assert following[0]["type"] == "application/geo+json"
        page = visitor.json(following[0]["href"])
    assert len(found) == len(set(found))
    return found


@proves(*core("fc-limit-definition", "fc-bbox-definition", "fc-time-definition"))
def test_limit_bbox_and_datetime_are_described_as_the_standard_has_them(visitor: Visitor) -> None:
    named = visitor.contract.document["components"]["parameters"]
    for name in ("limit", "bbox", "datetime"):
        described = named[name]
        assert (described["name"], described["in"]) == (name, "query")
        assert not described.get("required", False)
        assert (described.get("style", "form"), described.get("explode")) == ("form", False)
    assert named["limit"]["schema"]["type"] == "integer"
    assert named["datetime"]["schema"]["type"] == "string"
    box = named["bbox"]["schema"]
    assert (box["type"], box["items"]["type"]) == ("array", "number")
    assert {(each["minItems"], each["maxItems"]) for each in box["oneOf"]} == {(4, 4), (6, 6)}


@proves(*core("fc-limit-response"))
def test_no_page_is_longer_than_its_limit_and_a_limit_above_the_maximum_is_no_error(visitor: Visitor) -> None:
    most = visitor.contract.document["components"]["parameters"]["limit"]["schema"]["maximum"]
    for collection in visitor.readable:
        path = f"/collections/{collection['id']}/items"
        everything = visitor.json(path, params={"limit": most})["features"]
        for limit in (1, 2, 7, most, most + 1, 10**9):
            found = visitor.json(path, params={"limit": limit})["features"]
            assert len(found) == min(limit, len(everything)), (collection["id"], limit)


@proves(*core("fc-bbox-response"))
def test_a_box_selects_what_meets_it_and_whatever_has_no_shape(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        west, south, east, north = (side + grow for side, grow in zip(box_of(collection), _GROWN, strict=True))
        middle = ((west + east) / 2, (south + north) / 2)
        for box in ((west, south, *middle), (*middle, east, north), (west, middle[1], east, north), (1, 1, 2, 2)):
            _selects(visitor, collection["id"], box, box)
            _selects(visitor, collection["id"], box, (*box[:2], -100.0, *box[2:], 9000.0))
    for collection in visitor.readable:
        if "extent" not in collection:
            assert visitor.ids(collection["id"], bbox="1,1,2,2") == visitor.ids(collection["id"])


_GROWN = (-1e-5, -1e-5, 1e-5, 1e-5)
#: degrees, below the tenth of a millimetre to which shapes are stored
_SNAP = 1e-7


def _selects(visitor: Visitor, collection: str, box: tuple[float, ...], asked: tuple[float, ...]) -> None:
    """What lies clearly inside is found, what lies clearly outside is not."""
    features = visitor.features(collection)
    found = visitor.ids(collection, bbox=of_box(asked))
    assert _meeting(features, shapely.box(*box).buffer(-_SNAP)) <= found, (collection, asked)
    assert found <= _meeting(features, shapely.box(*box).buffer(_SNAP)), (collection, asked)


def _meeting(features: list[dict[str, Any]], area: Any) -> set[Any]:
    return {each["id"] for each in features if each["geometry"] is None or area.intersects(_shape(each))}


def _shape(feature: dict[str, Any]) -> Any:
    return shapely.from_geojson(json.dumps(feature["geometry"]))


INSTANTS = [
    "2025-08-01T00:00:00Z", "2024-02-01T00:00:00Z/2025-07-15T12:00:00+07:00", "2026-01-15T00:00:00Z/..",
    "2026-01-15T00:00:00Z/", "../2023-06-30T00:00:00Z", "/2024-06-30T00:00:00Z",
]  # fmt: skip
#: the zones in force then
EXPECTED = [{1, 2, 3}, {1, 2, 3}, {1, 3}, {1, 3}, {3}, {1, 3}]


@proves(*core("fc-time-response"))
@pytest.mark.parametrize(("value", "expected"), [*zip(INSTANTS, EXPECTED, strict=True)])
def test_datetime_selects_by_validity_and_keeps_whatever_has_none(
    visitor: Visitor, value: str, expected: set[int]
) -> None:
    assert visitor.ids("zone", datetime=value) == expected
    for collection in visitor.readable:
        if collection["id"] != "zone":
            assert visitor.ids(collection["id"], datetime=value) == visitor.ids(collection["id"])


@proves(*core("fc-op"))
def test_box_and_datetime_hold_together(visitor: Visitor) -> None:
    west, south, east, north = box_of(next(each for each in visitor.spatial if each["id"] == "zone"))
    for value in INSTANTS:
        for box in ((west, south, (west + east) / 2, north), ((west + east) / 2, south, east, north)):
            both = visitor.ids("zone", bbox=of_box(box), datetime=value)
            assert both == visitor.ids("zone", bbox=of_box(box)) & visitor.ids("zone", datetime=value)


INVALID = ["limit=a", "limit=-1", "limit=0", "limit=1.5", "bbox=a,b,c,d", "bbox=1,2", "bbox=1,2,3,4,5", "bbox=",
           "bbox=1,5,2,4", "datetime=a", "datetime=2025-13-01", "datetime=2026-01-01/2025-01-01",
           "datetime=../.."]  # fmt: skip


@proves(*core("query-param-invalid"), f"{COMMON_1}/core/query-param-value-invalid")
@pytest.mark.parametrize("query", INVALID)
def test_an_invalid_value_is_400(visitor: Visitor, query: str) -> None:
    name = query.partition("=")[0]
    for collection in visitor.readable:
        response = visitor.get(f"/collections/{collection['id']}/items?{query}")
        assert response.status_code == 400, collection["id"]
        assert name in response.text


@proves(*core("query-param-unknown"), f"{COMMON_1}/core/query-param-name-unknown")
def test_an_unknown_parameter_is_400_on_every_operation_that_reads(visitor: Visitor) -> None:
    collection = visitor.readable[0]["id"]
    item = next(iter(visitor.ids("zone")))
    known = {"collectionId": collection, "featureId": str(item), "tileMatrixSetId": "WebMercatorQuad"}
    for path, methods in visitor.contract.document["paths"].items():
        if "get" not in methods or set(_names(path)) - set(known):
            continue
        where = "zone" if "featureId" in path else collection
        made = path.format(**{**known, "collectionId": where})
        assert visitor.status(made, params={"unknownQueryParameter": "x"}) in (400, 401, 403, 404), path
    for path in ("/", "/conformance", "/api", "/collections", f"/collections/{collection}",
                 f"/collections/{collection}/items", f"/collections/zone/items/{item}"):  # fmt: skip
        assert visitor.status(path, params={"unknownQueryParameter": "x"}) == 400, path


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


@proves(*core("f-op", "f-success", "f-links"))
def test_every_feature_is_found_by_its_identifier_with_its_links(visitor: Visitor) -> None:
    for collection in visitor.readable:
        for listed in visitor.features(collection["id"])[:10]:
            alone = visitor.json(f"/collections/{collection['id']}/items/{listed['id']}")
            assert {name: alone[name] for name in listed if name != "links"} == {
                name: each for name, each in listed.items() if name != "links"
            }
            assert link(alone, "self")["type"] == "application/geo+json"
            assert "text/html" in {each["type"] for each in links(alone, "alternate")}
            assert visitor.json(link(alone, "collection")["href"])["id"] == collection["id"]
            assert all({"rel", "type"} <= set(each) for each in alone["links"])
