"""OGC API Features 3, Common 3, CQL2 (text, JSON, basic): abstract tests by their ids."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.shared_layers import Caller, Service

from .claims import proves

FILTER, SCHEMAS, CQL2 = "ogcapi-features-3/1.0/conf", "ogcapi-common-3/1.0/conf", "cql2/1.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"


@pytest.fixture
def caller(reading: Service) -> Caller:
    return reading.officer


def _ids(caller: Caller, **query: str) -> set[int]:
    return {feature["id"] for feature in caller.json("/collections/zone/items", params=query)["features"]}


@proves(
    f"{FILTER}/queryables/get-queryables-uris",
    f"{FILTER}/queryables/get-queryables",
    f"{FILTER}/features-filter/get-collections",
    f"{SCHEMAS}/queryables/get-queryables-uris",
    f"{SCHEMAS}/returnables-and-receivables/link",
    f"{SCHEMAS}/returnables-and-receivables/op-and-response",
    f"{SCHEMAS}/schemas/basic-schema-inspection",
)
@pytest.mark.parametrize("resource", ["schema", "queryables"])
def test_every_collection_links_to_its_schemas(caller: Caller, resource: str) -> None:
    for collection in caller.json("/collections")["collections"]:
        (link,) = [link for link in collection["links"] if link["rel"] == REL + resource]
        response = caller.get(link["href"])
        schema = response.json()
        assert response.headers["content-type"] == link["type"] == "application/schema+json"
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == link["href"] and schema["type"] == "object"
        assert schema["additionalProperties"] is False
        for name, described in schema["properties"].items():
            assert ("type" in described) != described.get("format", "").startswith("geometry-"), name


@proves(
    f"{SCHEMAS}/schemas/role",
    f"{SCHEMAS}/schemas/role-id",
    f"{SCHEMAS}/schemas/property-seq",
    f"{SCHEMAS}/returnables-and-receivables/response-1",
)
def test_a_schema_says_what_a_feature_holds(caller: Caller) -> None:
    schema = caller.json("/collections/parcel/schema")["properties"]
    feature = caller.json("/collections/parcel/items?limit=1")["features"][0]
    assert set(feature["properties"]) == set(schema) - {"fid", "geometry"}
    assert [name for name, each in schema.items() if each.get("x-ogc-role") == "id"] == ["fid"]
    sequence = [each["x-ogc-propertySeq"] for each in schema.values()]
    assert sequence == sorted(set(sequence))


@proves(f"{FILTER}/queryables-query-parameters/query-param")
def test_every_simple_queryable_is_a_parameter(caller: Caller) -> None:
    queryables = caller.json("/collections/zone/queryables")["properties"]
    for feature in caller.json("/collections/zone/items")["features"]:
        for name, value in feature["properties"].items():
            if value is not None and name in queryables:
                assert feature["id"] in _ids(caller, **{name: str(value)})
    assert _ids(caller, cap="2") == {2}


@proves(
    f"{FILTER}/filter/filter-param",
    f"{FILTER}/filter/filter-lang-default",
    f"{FILTER}/features-filter/filter-on-items",
    f"{FILTER}/features-filter/mixing-expression",
)
def test_filter_and_other_parameters_hold_together(caller: Caller) -> None:
    assert _ids(caller, filter="cap >= 1") == {1, 2}
    assert _ids(caller, filter="cap >= 1", ma="V2") == {2}
    assert _ids(caller, **{"filter": '{"op":">=","args":[{"property":"cap"},1]}', "filter-lang": "cql2-json"}) == {1, 2}
    assert caller.get("/collections/zone/items?filter=cap>1&filter-lang=other").status_code == 400


@proves(f"{FILTER}/filter/expression-construction", f"{CQL2}/cql2-text/validate")
@pytest.mark.parametrize("text", ["nothere = 1", "cap =", "cap = = 1", "cap = 'a'", "(cap = 1", "ten LIKE", "1"])
def test_an_expression_that_does_not_hold_is_400(caller: Caller, text: str) -> None:
    assert caller.get("/collections/zone/items", params={"filter": text}).status_code == 400


@proves(f"{FILTER}/filter/filter-crs-wgs84")
def test_shapes_in_a_filter_are_in_crs84(caller: Caller) -> None:
    west, south, east, north = caller.json("/collections/zone")["extent"]["spatial"]["bbox"][0]
    around = f"S_INTERSECTS(geometry, BBOX({west},{south},{east},{north}))"
    assert _ids(caller, filter=around) == {1, 2, 3}
    assert _ids(caller, filter=f"S_INTERSECTS(geometry, BBOX({east},{south},{east + 1},{north}))") == {2}


BASIC: list[tuple[str, Any, set[int]]] = [
    ("cap = 1", {"op": "=", "args": [{"property": "cap"}, 1]}, {1}),
    ("cap <> 1", {"op": "<>", "args": [{"property": "cap"}, 1]}, {2}),
    ("cap < 2", {"op": "<", "args": [{"property": "cap"}, 2]}, {1}),
    ("cap <= 2", {"op": "<=", "args": [{"property": "cap"}, 2]}, {1, 2}),
    ("cap > 1", {"op": ">", "args": [{"property": "cap"}, 1]}, {2}),
    ("cap >= 1", {"op": ">=", "args": [{"property": "cap"}, 1]}, {1, 2}),
    ("cap IS NULL", {"op": "isNull", "args": [{"property": "cap"}]}, {3}),
    ("cap IS NOT NULL", {"op": "not", "args": [{"op": "isNull", "args": [{"property": "cap"}]}]}, {1, 2}),
    ("NOT (cap = 1)", {"op": "not", "args": [{"op": "=", "args": [{"property": "cap"}, 1]}]}, {2}),
    ("cap = 1 AND ma = 'V1'", {"op": "and", "args": [{"op": "=", "args": [{"property": "cap"}, 1]},
                                                     {"op": "=", "args": [{"property": "ma"}, "V1"]}]}, {1}),
    ("cap = 2 OR cap IS NULL", {"op": "or", "args": [{"op": "=", "args": [{"property": "cap"}, 2]},
                                                     {"op": "isNull", "args": [{"property": "cap"}]}]}, {2, 3}),
    ("hieu_luc_tu = DATE('2025-07-01')",
     {"op": "=", "args": [{"property": "hieu_luc_tu"}, {"date": "2025-07-01"}]}, {2}),
    ("hieu_luc_tu < DATE('2025-07-01')",
     {"op": "<", "args": [{"property": "hieu_luc_tu"}, {"date": "2025-07-01"}]}, {1}),
    ("TRUE", True, {1, 2, 3}),
    ("FALSE", False, set()),
    ("TRUE = TRUE", {"op": "=", "args": [True, True]}, {1, 2, 3}),
    ("1 = 2", {"op": "=", "args": [1, 2]}, set()),
    ("'V1' = ma", {"op": "=", "args": ["V1", {"property": "ma"}]}, {1}),
]  # fmt: skip


@proves(
    f"{CQL2}/basic-cql2/basic-test",
    f"{CQL2}/basic-cql2/comparison",
    f"{CQL2}/basic-cql2/is-null",
    f"{CQL2}/basic-cql2/boolean",
    f"{CQL2}/basic-cql2/logical",
    f"{CQL2}/cql2-json/validate",
)
@pytest.mark.parametrize(("text", "as_json", "expected"), BASIC)
def test_basic_cql2_in_both_encodings(caller: Caller, text: str, as_json: Any, expected: set[int]) -> None:
    import json

    assert _ids(caller, filter=text) == expected
    assert _ids(caller, **{"filter": json.dumps(as_json), "filter-lang": "cql2-json"}) == expected


def test_a_boolean_column_is_a_condition_of_its_own(caller: Caller) -> None:
    matched = {
        text: caller.json("/collections/parcel/items", params={"filter": text})["numberMatched"]
        for text in ("con_hieu_luc", "con_hieu_luc = TRUE", "NOT con_hieu_luc")
    }
    assert matched == {"con_hieu_luc": 60, "con_hieu_luc = TRUE": 60, "NOT con_hieu_luc": 60}
