"""JSON, GeoJSON, HTML and the OpenAPI documents: of Common 1 and 2, Features 1 and Tiles 1."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import shapely
from jsonschema_rs import Draft4Validator, Draft202012Validator

from .claims import of, proves
from .visitor import Visitor, link, links

OLD, NEW = "ogcapi-features-1/1.0/conf", "ogcapi-features-1/1.1/conf"
COMMON_1, COMMON_2 = "ogcapi-common-1/1.0/conf", "ogcapi-common-2/1.0/conf"
JSON_PATHS = ("/", "/conformance", "/collections", "/collections/zone", "/tileMatrixSets", "/processes")
FEATURE_PATHS = ("/collections/zone/items", "/collections/zone/items/1")
PAGES = ("/", "/conformance", "/api", "/collections", "/collections/zone", "/collections/zone/items",
         "/collections/zone/items/1", "/collections/zone/schema", "/collections/zone/queryables",
         "/collections/zone/tiles", "/tileMatrixSets")  # fmt: skip


@proves(*of(f"{COMMON_1}/json", f"{COMMON_2}/json")("definition", "content"))
@pytest.mark.parametrize("path", JSON_PATHS)
def test_json_is_answered_as_json_and_as_described(visitor: Visitor, path: str) -> None:
    response = visitor.get(path, headers={"Accept": "application/json"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert isinstance(response.json(), dict)
    assert visitor.contract.breaches(response) == []


@proves(*of(f"{OLD}/geojson", f"{NEW}/geojson")("definition", "content"))
def test_features_are_geojson_and_everything_else_is_json(visitor: Visitor) -> None:
    for path in FEATURE_PATHS:
        response = visitor.get(path, headers={"Accept": "application/geo+json"})
        assert response.headers["content-type"] == "application/geo+json"
        assert response.status_code == 200
        assert visitor.contract.breaches(response) == []
    for collection in visitor.readable:
        for feature in visitor.features(collection["id"])[:20]:
            alone = visitor.json(f"/collections/{collection['id']}/items/{feature['id']}")
            assert str(alone["id"]) == str(feature["id"])
            if alone["geometry"] is not None:
                assert shapely.from_geojson(json.dumps(alone["geometry"])).is_valid


class _Page(HTMLParser):
    """Titles, language and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.language, self.tags, self.links = "", list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags.append(tag)
        self.language = self.language or (given.get("lang") or "" if tag == "html" else "")
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))


@proves(*of(f"{COMMON_1}/html", f"{COMMON_2}/html", f"{OLD}/html", f"{NEW}/html")("definition", "content"))
@pytest.mark.parametrize("path", PAGES)
def test_every_resource_has_a_page_that_leads_on(visitor: Visitor, path: str) -> None:
    response = visitor.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/html")
    assert response.text.lstrip().lower().startswith("<!doctype html>")
    page = _Page(response.text)
    assert page.language == "vi"
    assert page.tags.count("title") == page.tags.count("main") == 1
    assert any(each.startswith(("/", "http", "?", ".")) for each in page.links)
    if path.endswith("/items/1"):
        assert "Vùng &lt;một&gt;" in response.text


# ── OpenAPI ──────────────────────────────────────────────────────────────────────────────────────


@proves(*of(f"{OLD}/oas30")("oas-definition-1"), *of(f"{NEW}/oas31")("oas-definition-1"))
def test_the_description_is_there_in_both_versions_and_as_a_page(visitor: Visitor) -> None:
    types = {each["type"] for each in links(visitor.landing, "service-desc")}
    assert {f"application/vnd.oai.openapi+json;version=3.{minor}" for minor in (0, 1)} <= types
    for each in links(visitor.landing, "service-desc"):
        assert visitor.get(each["href"]).headers["content-type"] == each["type"]
    page = visitor.get(link(visitor.landing, "service-doc")["href"])
    assert page.headers["content-type"].startswith("text/html")


@proves(f"{OLD}/oas30/oas-definition-2")
def test_the_older_description_is_openapi_3_0(visitor: Visitor) -> None:
    document = visitor.json("/api", params={"openapi": "3.0", "f": "json"})
    assert document["openapi"] == "3.0.3"
    _is_whole(document)
    for where, schema in _schemas(document):
        assert not {"const", "examples", "$defs", "prefixItems", "patternProperties", "if"} & set(schema), where
        assert not isinstance(schema.get("type"), list), where
        assert schema.get("type") != "null", where
        assert isinstance(schema.get("exclusiveMinimum", True), bool), where
        without_own_words = {name: each for name, each in schema.items() if name not in ("nullable", "example")}
        if "$ref" not in json.dumps(without_own_words):
            Draft4Validator(without_own_words)


@proves(f"{NEW}/oas31/oas-definition-2")
def test_the_newer_description_is_openapi_3_1(visitor: Visitor) -> None:
    document = visitor.contract.document
    assert document["openapi"].startswith("3.1")
    _is_whole(document)
    for where, schema in _schemas(document):
        if "$ref" not in json.dumps(schema):
            assert Draft202012Validator(schema), where


def _is_whole(document: Any) -> None:
    """What OpenAPI asks of every document: information, paths from the root, declared path parameters, no dead end."""
    assert document["info"]["title"] and document["info"]["version"]
    names = set()
    for path, methods in document["paths"].items():
        assert path.startswith("/")
        for method, operation in methods.items():
            assert method in {"get", "put", "post", "delete", "options", "head", "patch"}, (path, method)
            names.add(operation["operationId"])
            assert operation["responses"], (path, method)
            declared = {_target(document, each)["name"] for each in operation.get("parameters", [])
                        if _target(document, each)["in"] == "path"}  # fmt: skip
            assert declared == set(re.findall(r"{(\w+)}", path)), path
            for code, response in operation["responses"].items():
                assert code == "default" or 100 <= int(code) <= 599
                assert _target(document, response)["description"], (path, code)
    assert len(names) == sum(len(methods) for methods in document["paths"].values())
    for reference in _references(document):
        assert reference.startswith("#/"), reference
        assert _target(document, {"$ref": reference})


def _target(document: Any, value: Any) -> Any:
    if "$ref" not in value:
        return value
    found = document
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for inner in value for each in _references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [each for inner in value.values() for each in _references(inner)]


def _schemas(document: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every schema of parameters, bodies, answers and components, with where it stands."""
    found = [(f"components/{name}", each) for name, each in document["components"]["schemas"].items()]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            parameters = [_target(document, each) for each in operation.get("parameters", [])]
            found += [(path, each["schema"]) for each in parameters]
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                content = _target(document, body).get("content", {})
                found += [(path, each["schema"]) for each in content.values() if "schema" in each]
    return found


@proves(*of(f"{OLD}/oas30", f"{NEW}/oas31")("completeness", "exceptions-codes", "oas-impl"))
def test_what_is_described_is_what_is_answered(visitor: Visitor) -> None:
    """Each visitor holds every answer of every test against the description; here the routes of the standards."""
    paths = visitor.contract.document["paths"]
    standard = {"/": "200", "/conformance": "200", "/collections": "200", "/collections/{collectionId}": "404",
                "/collections/{collectionId}/items": "400", "/collections/{collectionId}/items/{featureId}": "404",
                "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": "204",
                }  # fmt: skip
    for path, status in standard.items():
        assert {"200", "400", "401", "500", status} <= set(paths[path]["get"]["responses"]), path
    for path, expected in (("/collections/nothere", 404), ("/collections/nothere/items", 404),
                           ("/collections/zone/items/999999", 404), ("/collections/zone/items?limit=x", 400),
                           ("/collections/zone/tiles/WebMercatorQuad/0/0/1", 404)):  # fmt: skip
        response = visitor.get(path)
        assert response.status_code == expected
        assert response.headers["content-type"] == "application/problem+json"
        assert visitor.contract.breaches(response) == []


@proves(*of(f"{OLD}/oas30", f"{NEW}/oas31")("security"))
def test_the_way_to_bring_a_token_is_described(visitor: Visitor) -> None:
    document = visitor.contract.document
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert {} in document["security"] and {"bearer": []} in document["security"]
    spoiled = visitor.get("/collections/zone/items", headers={"Authorization": "Bearer spoiled"})
    assert spoiled.status_code == 401
    assert spoiled.headers["www-authenticate"].lower().startswith("bearer")
