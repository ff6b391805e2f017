"""The same description in OpenAPI 3.0.3: older clients (OWSLib, QGIS) know no other (OGC API Features 1.0, oas30)."""

from __future__ import annotations

from typing import Any

#: JSON Schema words that 3.0 does not know and that change nothing for a reader
_UNKNOWN = frozenset({"examples", "contentEncoding", "contentMediaType", "$schema", "prefixItems", "patternProperties"})


def as_openapi_30(document: dict[str, Any]) -> dict[str, Any]:
    """A new document; the given one stays as it is."""
    made: dict[str, Any] = _converted(document)
    licence = {"name": document["info"]["license"]["name"]}
    return {**made, "openapi": "3.0.3", "info": {**made["info"], "license": licence}}


def _converted(value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: _converted(each) for name, each in value.items() if name not in _UNKNOWN}
    return _schema(made)


def _schema(made: dict[str, Any]) -> dict[str, Any]:
    """Null as a type, constants and exclusive bounds as 3.0 writes them."""
    if isinstance(made.get("type"), list):
        types = [each for each in made["type"] if each != "null"]
        made |= {"type": types[0], "nullable": len(types) < len(made["type"])}
    if "const" in made and not isinstance(made["const"], dict):
        made["enum"] = [made.pop("const")]
    for name in ("anyOf", "oneOf"):
        if isinstance(made.get(name), list) and {"type": "null"} in made[name]:
            made = _nullable(made, name)
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(exclusive), int | float) and not isinstance(made[exclusive], bool):
            made |= {bound: made[exclusive], exclusive: True}
    return made


def _nullable(made: dict[str, Any], name: str) -> dict[str, Any]:
    others = [each for each in made.pop(name) if each != {"type": "null"}]
    if len(others) == 1 and "$ref" not in others[0]:
        return {**others[0], **made, "nullable": True}
    return {**made, name: others, "nullable": True}
