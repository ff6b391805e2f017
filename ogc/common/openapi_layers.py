"""The part of the OpenAPI document that follows a caller's rights: operations, names of layers, their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from layers.access.decide import sortables
from layers.filters import GEOMETRY
from layers.store.catalogue import Catalogue
from ogc.features.schemas import queryables_of

from .components import PARAMETERS
from .operations import Operation
from .rights import LayerRights, Rights

_LAYER = "{collectionId}"
_FREE = "queryables"


def usable(operations: Iterable[Operation], rights: Rights) -> list[Operation]:
    """Those that the caller can use with some layer, or with none."""
    return [operation for operation in operations if operation.action is None or rights.layers_with(operation.action)]


def ids(operation: Operation, rights: Rights) -> list[str]:
    """The layers an operation may be used with."""
    return [layer.id for layer in rights.layers_with(operation.action) if _fits(operation, layer)]


def _fits(operation: Operation, layer: LayerRights) -> bool:
    """Cells of a raster are neither items nor tiles."""
    return operation.action is None or not layer.state.definition.is_raster


def of_each_layer(
    operation: Operation, made: Mapping[str, Any], rights: Rights, catalogue: Catalogue, language: str
) -> dict[str, Any]:
    """The operation once for every layer, with the parameters that only this layer has: path → operation.

    A path without braces goes before its template, so every method of a path stands there or is lost for the layer.
    """
    layers = [layer for layer in rights.layers_with(operation.action) if _fits(operation, layer)]
    return {
        operation.path.replace(_LAYER, layer.id): _of_layer(operation, made, layer, catalogue, language)
        for layer in layers
    }


def _of_layer(
    operation: Operation, made: Mapping[str, Any], layer: LayerRights, catalogue: Catalogue, language: str
) -> dict[str, Any]:
    title = layer.state.definition.title.message().in_language(language)
    parameters = [each for each in made["parameters"] if each.get("name") != "collectionId" and not _is(each, _FREE)]
    own = _own(operation, layer, catalogue, language) if operation.allow_others else []
    hidden = {"as-of"} if layer.decisions["items"].hides_activity else set()
    replaced = {each["name"] for each in own} | hidden
    kept = [each for each in parameters if _name(each) not in replaced]
    return {
        **made, "operationId": f"{operation.id}.{layer.id}", "summary": f"{made['summary']}: {title}",
        "parameters": [*kept, *own],
    }  # fmt: skip


def _own(operation: Operation, layer: LayerRights, catalogue: Catalogue, language: str) -> list[dict[str, Any]]:
    """Its columns as parameters, and what may be named in the parameters all layers have."""
    definition, decision = layer.state.definition, layer.decisions["items"]
    told = queryables_of("", catalogue.profile, definition, decision, language)["properties"]
    columns = [
        _query(name, {word: said for word, said in schema.items() if word != "title"}, str(schema.get("title", name)))
        for name, schema in told.items()
        if name != GEOMETRY and name not in operation.parameters and schema.get("type") != "array"
    ]
    sorted_by = sortables(definition, decision)
    if "sortby" in operation.parameters:
        one = {"type": "string", "enum": [sign + name for name in sorted_by for sign in ("", "+", "-")]}
        about = str(PARAMETERS["sortby"]["description"])
        columns += [_query("sortby", one, about)] if sorted_by else []
    if "properties" in operation.parameters and decision.columns:
        items = {"type": "array", "items": {"type": "string", "enum": list(decision.columns)}, "minItems": 1}
        columns.append(_query("properties", items, str(PARAMETERS["properties"]["description"])))
    return columns


def _query(name: str, schema: Mapping[str, Any], about: str) -> dict[str, Any]:
    return {
        "name": name, "in": "query", "required": False, "style": "form", "explode": False, "description": about,
        "schema": dict(schema),
    }  # fmt: skip


def _is(parameter: Mapping[str, Any], name: str) -> bool:
    return parameter.get("$ref") == f"#/components/parameters/{name}"


def _name(parameter: Mapping[str, Any]) -> str:
    return str(parameter.get("name") or parameter["$ref"].rpartition("/")[2])
