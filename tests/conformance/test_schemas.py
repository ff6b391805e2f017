"""OGC API Common 3 (Features 5): schemas, returnables and receivables, queryables, sortables; sorting of Features 8."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from .claims import of, proves
from .visitor import REL, Visitor, link, links

SCHEMAS = "ogcapi-common-3/1.0/conf"
schemas = of(f"{SCHEMAS}/schemas")
KINDS = ("schema", "queryables", "sortables")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
KEYWORDS = frozenset({
    "$schema", "$id", "type", "title", "description", "properties", "required", "additionalProperties", "enum", "oneOf",
    "const", "format", "items", "minimum", "maximum", "minLength", "maxLength", "pattern", "readOnly", "writeOnly",
    "default", "minItems", "maxItems", "uniqueItems", "anyOf", "allOf", "exclusiveMinimum", "exclusiveMaximum",
    "$comment",
})  # fmt: skip
#: UCUM, case sensitive, of what a land register measures
UNITS = re.compile(r"(?:[mcdk]?m[23]?|har|[kM]?V|a|mo|d|h|min|s|%|deg|\{[a-z]+\}|1)")


def _all(visitor: Visitor) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{collection['id']}/{kind}", visitor.schema(collection["id"], kind))
        for collection in visitor.readable
        for kind in KINDS
        if links(collection, REL + kind)
    ]


@proves(
    *(f"{SCHEMAS}/{each}/get-conformance" for each in ("returnables-and-receivables", "queryables")),
    *schemas("basic-schema-inspection"),
)
def test_every_schema_is_a_json_schema_at_its_own_address(visitor: Visitor) -> None:
    for each in ("schemas", "returnables-and-receivables", "queryables"):
        assert f"http://www.opengis.net/spec/{SCHEMAS}/{each}" in visitor.classes
    for name, schema in _all(visitor):
        assert schema["$schema"] == DIALECT and schema["type"] == "object"
        assert schema["$id"].startswith(("http://", "https://")) and "?" not in schema["$id"]
        again = visitor.get(schema["$id"], headers={"Accept": "application/schema+json"})
        assert again.status_code == 200 and again.headers["content-type"] == "application/schema+json"
        meta.validate(schema)
        for each, described in schema["properties"].items():
            is_shape = described.get("format", "").startswith("geometry-")
            assert ("type" in described or "oneOf" in described) != is_shape, (name, each)
            if described.get("format", "").startswith(("date", "interval")):
                assert described["type"] == "string", (name, each)
        assert not _foreign(schema), (name, _foreign(schema))


def _foreign(schema: Any) -> set[str]:
    """Keywords that are neither of JSON Schema nor marked as an extension."""
    own = {key for key in schema if key not in KEYWORDS and not key.startswith("x-")}
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", [])]
    if isinstance(schema.get("items"), dict):
        inner.append(schema["items"])
    return own.union(*(_foreign(each) for each in inner))


@proves(*schemas("role", "role-id", "property-seq"))
def test_roles_and_the_order_of_properties(visitor: Visitor) -> None:
    for name, schema in _all(visitor):
        described = schema["properties"].values()
        assert all(isinstance(each["x-ogc-role"], str) for each in described if "x-ogc-role" in each), name
        assert all(type(each["x-ogc-propertySeq"]) is int for each in described if "x-ogc-propertySeq" in each), name
    for collection in visitor.readable:
        described = visitor.schema(collection["id"])["properties"].values()
        (identifier,) = [each for each in described if each.get("x-ogc-role") == "id"]
        assert identifier["type"] in ("string", "integer")
        sequence = [each["x-ogc-propertySeq"] for each in described]
        assert sequence == sorted(set(sequence))


@proves(*schemas("unit", "definition", "nullvalues"))
def test_units_are_ucum_and_other_marks_are_of_their_types(visitor: Visitor) -> None:
    for name, schema in _all(visitor):
        for each, described in schema["properties"].items():
            if "x-ogc-unit" in described:
                assert described["type"] in ("number", "integer"), (name, each)
                assert UNITS.fullmatch(described["x-ogc-unit"]), (name, each)
            assert re.match(r"https?://", described.get("x-ogc-definition", "http://")), (name, each)
            assert isinstance(described.get("x-ogc-nullValues", []), list), (name, each)


def test_the_area_of_a_parcel_is_in_square_metres(officer: Visitor) -> None:
    assert officer.schema("parcel")["properties"]["dien_tich"]["x-ogc-unit"] == "m2"


def test_the_shape_and_the_validity_of_a_feature_are_marked(visitor: Visitor) -> None:
    """As the class of advanced property roles has it, where a layer has such columns."""
    for collection in visitor.readable:
        described = visitor.schema(collection["id"])["properties"]
        shapes = [name for name, each in described.items() if each.get("format", "").startswith("geometry-")]
        primary = [name for name, each in described.items() if each.get("x-ogc-role") == "primary-geometry"]
        assert primary == shapes and len(primary) <= 1
    described = visitor.schema("zone")["properties"]
    assert described["hieu_luc_tu"]["x-ogc-role"] == "primary-interval-start"
    assert described["hieu_luc_den"]["x-ogc-role"] == "primary-interval-end"
    assert described["hieu_luc_tu"]["format"] == described["hieu_luc_den"]["format"] == "date"


@proves(
    f"{SCHEMAS}/returnables-and-receivables/get-conformance", f"{SCHEMAS}/returnables-and-receivables/link",
    f"{SCHEMAS}/returnables-and-receivables/op-and-response",
)  # fmt: skip
def test_every_readable_collection_links_to_its_schema(visitor: Visitor) -> None:
    for collection in visitor.readable:
        address = link(visitor.json(f"/collections/{collection['id']}"), f"{REL}schema")["href"]
        assert address == f"{visitor.base}/collections/{collection['id']}/schema"
        response = visitor.get(address, headers={"Accept": "application/schema+json"})
        assert response.status_code == 200 and response.headers["content-type"] == "application/schema+json"


@proves(f"{SCHEMAS}/returnables-and-receivables/response-1")
def test_every_feature_is_valid_against_the_schema_of_its_collection(visitor: Visitor) -> None:
    for collection in visitor.readable:
        schema = visitor.schema(collection["id"])
        readable = {name: each for name, each in schema["properties"].items() if not each.get("writeOnly")}
        roles = {each.get("x-ogc-role"): name for name, each in readable.items()}
        checked = {
            name: Draft202012Validator(_nullable(each), validate_formats=True) for name, each in readable.items()
        }
        apart = {roles.get("id"), roles.get("primary-geometry")}
        for feature in visitor.features(collection["id"]):
            checked[str(roles["id"])].validate(feature["id"])
            assert (roles.get("primary-geometry") is None) == (feature["geometry"] is None)
            assert set(feature["properties"]) == set(readable) - apart, collection["id"]
            for name, value in feature["properties"].items():
                checked[name].validate(value)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, schema]}


# ── sorting ──────────────────────────────────────────────────────────────────────────────────────


@proves(f"{SCHEMAS}/sortables/get-conformance", f"{SCHEMAS}/sortables/link", f"{SCHEMAS}/sortables/op-and-response")
def test_every_readable_collection_links_to_its_sortables(visitor: Visitor) -> None:
    assert f"http://www.opengis.net/spec/{SCHEMAS}/sortables" in visitor.classes
    for collection in visitor.readable:
        address = link(visitor.json(f"/collections/{collection['id']}"), f"{REL}sortables")["href"]
        assert address == f"{visitor.base}/collections/{collection['id']}/sortables"
        response = visitor.get(address, headers={"Accept": "application/schema+json"})
        assert response.status_code == 200 and response.headers["content-type"] == "application/schema+json"
        described = response.json()
        assert described["additionalProperties"] is False
        assert all("type" in each or "oneOf" in each for each in described["properties"].values())
    assert "cap" in visitor.schema("zone", "sortables")["properties"]


def test_the_order_is_the_one_that_was_asked_for(visitor: Visitor) -> None:
    for collection in visitor.readable:
        path = f"/collections/{collection['id']}/items"
        for name, described in visitor.schema(collection["id"], "sortables")["properties"].items():
            for sign, is_falling in (("", False), ("+", False), ("-", True)):
                found = visitor.features(collection["id"], sortby=f"{sign}{name}")
                values = [_value(feature, name, described) for feature in found]
                known = [value for value in values if value is not None]
                assert known == sorted(known, reverse=is_falling), (collection["id"], name, sign)
                assert values == [*known, *[None] * (len(values) - len(known))]
                assert len(found) == len(visitor.features(collection["id"]))
        for text in ("this_is_not_a_sortable", "THIS IS NOT A SORTBY EXPRESSION", "", "-"):
            assert visitor.status(path, params={"sortby": text}) == 400


def _value(feature: dict[str, Any], name: str, described: dict[str, Any]) -> Any:
    value = feature["id"] if described.get("x-ogc-role") == "id" else feature["properties"][name]
    if value is not None and described.get("format") == "date-time":
        return datetime.datetime.fromisoformat(value)
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_no_schema_names_what_the_caller_may_not_see(visitor: Visitor, kind: str) -> None:
    names = {name for label, schema in _all(visitor) if label.endswith(kind) for name in schema["properties"]}
    assert ("ten_chu" in names) == (visitor.name == "officer" and kind != "sortables")
