"""The OpenAPI 3.1 document of one set of rights: our operations from their own values, the rest from FastAPI.

No reference leaves it, and it names only what its caller may know of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from layers.store.catalogue import Catalogue

from .components import HEADERS, PARAMETERS, PATH_PARAMETERS, SCHEMAS, TAGS
from .openapi_layers import ids, of_each_layer, usable
from .operations import Operation
from .rights import Rights

_REASONS = {
    "200": "OK", "201": "Created", "202": "Taken on as a job", "204": "No content", "303": "See other",
    "304": "Not modified", "400": "A parameter cannot be used", "401": "The token does not hold",
    "403": "Not granted for this layer", "404": "Not found or not permitted", "405": "Not a method of this address",
    "406": "No answer of the types that are accepted", "409": "It does not fit what is there",
    "412": "It has changed since", "413": "Too large", "415": "Not a media type that is taken here",
    "422": "What was sent cannot be used", "428": "Say which state is meant (If-Match)",
    "429": "The limit of a grant is reached for now", "500": "Unknown error, with an id",
    "503": "Suspended, or not ready",
}  # fmt: skip


def document(app: FastAPI, base: str, language: str, rights: Rights, catalogue: Catalogue) -> dict[str, Any]:
    """The whole description for callers with these rights."""
    generated = app.openapi()
    operations = usable(app.state.operations, rights)
    once_more = {operation.path for operation in operations if operation.allow_others}
    paths: dict[str, Any] = {}
    for operation in operations:
        made = _operation(operation, language, rights)
        paths.setdefault(operation.path, {})[operation.method.lower()] = made
        if operation.path in once_more:
            for path, own in of_each_layer(operation, made, rights, catalogue, language).items():
                paths.setdefault(path, {})[operation.method.lower()] = own
    definitions: dict[str, Any] = {}
    described = _hoisted({**paths, **_generated_paths(generated, language)}, definitions)
    schemas = {**generated.get("components", {}).get("schemas", {}), **definitions, **SCHEMAS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lienthong", "version": version("lienthong"), "license": _LICENCE},
        "servers": [{"url": base}],
        "security": [{}, {"bearer": []}],
        "tags": _tags(described, language),
        "paths": described,
        "components": {
            "schemas": schemas,
            "parameters": {name: _named(name, schema) for name, schema in PARAMETERS.items()} | _headers(),
            "responses": {code: _problem(text) for code, text in _REASONS.items() if int(code) >= 400},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _hoisted(value: Any, definitions: dict[str, Any]) -> Any:
    """The value with the `$defs` of every body moved to the document's components, where references can find them."""
    if isinstance(value, list):
        return [_hoisted(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    for name, schema in value.get("$defs", {}).items():
        own = _hoisted(schema, definitions)
        if definitions.setdefault(name, own) != own:
            raise RuntimeError(f"two bodies name different parts {name}")
    made = {name: _hoisted(each, definitions) for name, each in value.items() if name != "$defs"}
    reference = made.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        made["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    return made


def _tags(paths: Mapping[str, Any], language: str) -> list[dict[str, str]]:
    """Those in use, with what they hold."""
    used = [tag for item in paths.values() for operation in item.values() for tag in operation.get("tags", ())]
    named = {name: {"description": TAGS[name].in_language(language)} for name in TAGS}
    return [{"name": name, **named.get(name, {})} for name in dict.fromkeys(used)]


_LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def _generated_paths(generated: Mapping[str, Any], language: str) -> dict[str, Any]:
    """FastAPI's operations, with the errors our edge really answers instead of its own."""
    paths: dict[str, Any] = {}
    for path, item in generated.get("paths", {}).items():
        paths[path] = {method: _ours(operation, language) for method, operation in item.items()}
    return paths


#: what rights, places and limits answer to any operation, and what a body may meet besides
_OF_ALL = ("400", "401", "403", "404", "429", "500", "503")
_OF_BODIES = ("409", "413", "415", "422")


def _ours(operation: Mapping[str, Any], language: str) -> dict[str, Any]:
    """With our errors, and called by what its description says in the language."""
    vi, mark, en = str(operation.get("description", "")).partition(" · ")
    said = {"summary": (vi if language == "vi" else en).strip().rstrip(".")} if mark else {}
    responses = {code: answer for code, answer in operation.get("responses", {}).items() if code != "422"}
    bodies = _OF_BODIES if "requestBody" in operation else ()
    declared = {code: _ref("responses", code) for code in (*_OF_ALL, *bodies)}
    return {**operation, **said, "responses": {**declared, **responses}}


def _operation(operation: Operation, language: str, rights: Rights) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", operation.path)
    layers = ids(operation, rights) if "collectionId" in names else []
    known = {**PATH_PARAMETERS, "collectionId": {"type": "string", **({"enum": layers} if layers else {})}}
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary.in_language(language),
        "tags": [operation.tag],
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": known[name]} for name in names),
            *_query_parameters(operation),
            *(_ref("parameters", _header_key(name)) for name in operation.headers),
        ],
    }
    if operation.body is not None:
        made["requestBody"] = {
            "description": operation.body.about.in_language(language),
            "required": operation.body.is_required,
            "content": _content(operation.body.content),
        }
    return {**made, "responses": _responses(operation)}


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    """Its own, the language, the forms it answers in, and the columns that only its layer knows."""
    made = [_ref("parameters", name) for name in operation.parameters]
    if "f" not in operation.parameters:
        words = list(operation.known_forms)
        plain = words in ([], ["json", "html"])
        made.append(_ref("parameters", "f") if plain else _named("f", {**PARAMETERS["f"], "schema": _words(words)}))
    if "lang" not in operation.parameters:
        made.append(_ref("parameters", "lang"))
    return [*made, _ref("parameters", "queryables")] if operation.allow_others else made


def _words(words: list[str]) -> dict[str, Any]:
    return {"type": "string", "enum": words}


def _responses(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {str(operation.success): {"description": _REASONS[str(operation.success)]}}
    if operation.answers:
        made[str(operation.success)]["content"] = _content(operation.answers)
    negotiates = (406,) if operation.known_forms else ()
    for status in sorted({400, 401, *negotiates, *operation.statuses, 500}):
        code = str(status)
        made[code] = _ref("responses", code) if status >= 400 else {"description": _REASONS[code]}
    return made


def _content(content: Mapping[str, str]) -> dict[str, Any]:
    return {media_type: {"schema": _ref("schemas", name)} for media_type, name in content.items()}


def _headers() -> dict[str, Any]:
    """Request headers; their keys do not meet those of query parameters."""
    return {
        _header_key(name): {"name": name, "in": "header", "required": False, **described}
        for name, described in HEADERS.items()
    }


def _header_key(name: str) -> str:
    return f"header.{name}"


def _named(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "style": "form", "explode": False, **described}


def _problem(text: str) -> dict[str, Any]:
    """A problem, as a page for who asked for pages."""
    return {"description": text, "content": _content({"application/problem+json": "problem", "text/html": "html"})}


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
