"""OGC API Features 3: queryables, queryables as parameters, filter, features filter."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pyproj
import pytest

from .claims import proves
from .visitor import CRS84, REL, Visitor, box_of, link, of_box

FILTER, SCHEMAS = "ogcapi-features-3/1.0/conf", "ogcapi-common-3/1.0/conf"
CLASSES = [f"{FILTER}/{name}" for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")]
NOT_THERE = "http://www.opengis.net/def/crs/OGC/0/does_not_exist"


@proves(*(f"{each}/get-conformance" for each in CLASSES), f"{FILTER}/features-filter/get-collections")
def test_the_classes_that_clients_need_to_push_filters_are_declared(visitor: Visitor) -> None:
    for each in [*CLASSES, "cql2/1.0/conf/cql2-text", "cql2/1.0/conf/basic-cql2"]:
        assert f"http://www.opengis.net/spec/{each}" in visitor.classes
    assert isinstance(visitor.collections, list) and visitor.collections


@proves(
    f"{FILTER}/queryables/get-queryables-uris", f"{FILTER}/features-filter/get-collection",
    f"{SCHEMAS}/queryables/link",
)  # fmt: skip
def test_every_readable_collection_links_to_its_queryables(visitor: Visitor) -> None:
    for collection in visitor.readable:
        expected = f"{visitor.base}/collections/{collection['id']}/queryables"
        assert link(collection, f"{REL}queryables")["href"] == expected
        alone = visitor.json(f"/collections/{collection['id']}")
        assert link(alone, f"{REL}queryables")["href"] == expected


@proves(f"{FILTER}/queryables/get-queryables", f"{SCHEMAS}/queryables/op-and-response")
def test_queryables_are_a_json_schema_of_named_and_typed_properties(visitor: Visitor) -> None:
    for collection in visitor.readable:
        response = visitor.get(
            link(collection, f"{REL}queryables")["href"], headers={"Accept": "application/schema+json"}
        )
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/schema+json"
        schema = response.json()
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == link(collection, f"{REL}queryables")["href"]
        assert schema["type"] == "object" and schema["properties"]
        for name, described in schema["properties"].items():
            is_shape = described.get("format", "").startswith("geometry-")
            assert ("type" in described or "oneOf" in described) != is_shape, (collection["id"], name)


@proves(f"{FILTER}/queryables-query-parameters/query-param")
def test_every_simple_queryable_is_a_parameter(visitor: Visitor) -> None:
    for collection in visitor.readable:
        described = visitor.schema(collection["id"], "queryables")["properties"]
        features = visitor.features(collection["id"])
        for name in set(described) & {each for feature in features for each in feature["properties"]}:
            value = next((f["properties"][name] for f in features if f["properties"][name] is not None), None)
            if value is None:
                continue
            text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
            expected = {feature["id"] for feature in features if feature["properties"][name] == value}
            assert visitor.ids(collection["id"], **{name: text}) == expected, (collection["id"], name)
        for name, each in described.items():
            if each.get("type") in ("integer", "number", "boolean") or each.get("format", "").startswith("date"):
                path = f"/collections/{collection['id']}/items"
                assert visitor.status(path, params={name: "no such value"}) == 400, (collection["id"], name)


@proves(
    f"{FILTER}/filter/filter-param", f"{FILTER}/filter/filter-lang-default", f"{FILTER}/features-filter/filter-on-items"
)
def test_a_valid_filter_selects_and_an_invalid_one_is_400(visitor: Visitor) -> None:
    for collection in visitor.readable:
        name = _sample(visitor, collection["id"])
        everything = visitor.features(collection["id"])
        absent = {feature["id"] for feature in everything if feature["properties"][name] is None}
        for language in ({}, {"filter-lang": "cql2-text"}):
            assert visitor.ids(collection["id"], filter=f"{name} IS NULL", **language) == absent
            present = visitor.ids(collection["id"], filter=f"{name} IS NOT NULL", **language)
            assert present == {feature["id"] for feature in everything} - absent
            path = f"/collections/{collection['id']}/items"
            assert visitor.status(path, params={"filter": "THIS IS NOT A FILTER", **language}) == 400
        as_json = json.dumps({"op": "isNull", "args": [{"property": name}]})
        assert visitor.ids(collection["id"], **{"filter": as_json, "filter-lang": "cql2-json"}) == absent
        assert visitor.status(path, params={"filter": f"{name} IS NULL", "filter-lang": "nothing"}) == 400


def _sample(visitor: Visitor, collection: str) -> str:
    described = visitor.schema(collection, "queryables")["properties"]
    return next(name for name, each in described.items() if "type" in each and name != "fid")


@proves(f"{FILTER}/filter/expression-construction")
def test_a_property_that_is_no_queryable_is_400(visitor: Visitor) -> None:
    for collection in visitor.readable:
        assert visitor.schema(collection["id"], "queryables")["additionalProperties"] is False
        path = f"/collections/{collection['id']}/items"
        assert visitor.status(path, params={"filter": "this_is_not_a_queryable IS NULL"}) == 400


@proves(f"{FILTER}/filter/filter-crs-wgs84")
def test_shapes_in_a_filter_are_in_crs84(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        west, south, east, north = box_of(collection)
        around = _meets((west - 1e-7, south - 1e-7, east + 1e-7, north + 1e-7))
        assert visitor.ids(collection["id"], filter=around) == visitor.ids(collection["id"])
        far = _meets((1000000.0, 1000000.0, 2000000.0, 2000000.0))
        assert visitor.status(f"/collections/{collection['id']}/items", params={"filter": far}) == 400


def _meets(box: tuple[float, ...]) -> str:
    return f"S_INTERSECTS(geometry, BBOX({of_box(box)}))"


@proves(f"{FILTER}/filter/filter-crs-param")
def test_shapes_in_a_filter_may_be_in_any_crs_of_the_collection(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        west, south, east, north = box_of(collection)
        path = f"/collections/{collection['id']}/items"
        for uri in visitor.json(f"/collections/{collection['id']}")["crs"]:
            if uri.endswith("h"):
                continue
            corners = [
                _into(uri).transform(*corner) for corner in ((west, south), (east, north), (west, north), (east, south))
            ]
            margin = 20.0 if abs(corners[0][0]) > 1000 else 2e-4  # a metre lies between our operation and PROJ's
            firsts, seconds = [x for x, _ in corners], [y for _, y in corners]
            box = (min(firsts) - margin, min(seconds) - margin, max(firsts) + margin, max(seconds) + margin)
            query = {"filter": _meets(box), "filter-crs": uri}
            assert visitor.ids(collection["id"], **query) == visitor.ids(collection["id"]), (collection["id"], uri)
        refused = {"filter": _meets((west, south, east, north)), "filter-crs": NOT_THERE}
        assert visitor.status(path, params=refused) == 400


@cache
def _into(uri: str) -> Any:
    if uri == CRS84:
        return pyproj.Transformer.from_crs("OGC:CRS84", "OGC:CRS84")
    authority, _, code = uri.partition("/def/crs/")[2].split("/")
    return pyproj.Transformer.from_crs("OGC:CRS84", f"{authority}:{code}", always_xy=False)


@proves(f"{FILTER}/features-filter/mixing-expression")
def test_filter_box_and_plain_parameters_hold_together(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        west, south, east, north = box_of(collection)
        around = _meets((west - 1e-7, south - 1e-7, east + 1e-7, north + 1e-7))
        same = of_box((west - 1e-7, south - 1e-7, east + 1e-7, north + 1e-7))
        elsewhere = of_box((east + 1, north + 1, east + 2, north + 2))
        assert visitor.ids(collection["id"], filter=around, bbox=same) == visitor.ids(collection["id"])
        assert visitor.ids(collection["id"], filter=around, bbox=elsewhere) == set()
    assert visitor.ids("zone", filter="cap >= 1", ma="V2") == {2}


@proves(f"{FILTER}/filter/get-functions")
def test_functions_of_our_own_are_listed_or_there_are_none(visitor: Visitor) -> None:
    """Without functions of its own a service lists none; an unknown one in a filter is 400."""
    response = visitor.get("/functions")
    assert response.status_code in (200, 404)
    if response.status_code == 200:
        assert isinstance(response.json()["functions"], list)
    assert visitor.status("/collections/zone/items", params={"filter": "no_such_function(ma) = 1"}) == 400


@pytest.mark.parametrize("text", ["nothere = 1", "cap =", "cap = = 1", "cap = 'a'", "(cap = 1", "ten LIKE", "1"])
def test_an_expression_that_does_not_hold_is_400(officer: Visitor, text: str) -> None:
    response = officer.get("/collections/zone/items", params={"filter": text})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
