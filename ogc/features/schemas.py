"""`schema`, `queryables` and `sortables`: what the caller may read, write, filter and sort by, as JSON Schema (OGC API
Common 3, Features 3 and 5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from layers.access.decide import Decision, queryables, sortables
from layers.filters import GEOMETRY
from layers.profile.grammar import Attribute, CodeList, LayerDefinition, Title
from layers.profile.profile import Profile

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "code": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}
#: roles of the profile that the standard has a word for
_ROLES = {"effective_from": "primary-interval-start", "effective_to": "primary-interval-end"}
#: UCUM, case-sensitive
_UNITS = {"m": "m", "m2": "m2", "m²": "m2", "km": "km", "ha": "har", "kV": "kV", "m3": "m3", "year": "a", "%": "%"}


def schema_of(
    address: str,
    profile: Profile,
    definition: LayerDefinition,
    decision: Decision,
    language: str,
    receivables: Collection[str] = (),
) -> Any:
    """The columns some row may show, the identifier, the geometry; what the caller may not write is read only."""
    shown = [attribute for attribute in definition.attributes if attribute.name in decision.columns]
    properties: dict[str, Any] = {"fid": {"type": "integer", "title": "fid", "x-ogc-role": "id", "readOnly": True}}
    properties |= {a.name: _property(a, profile, language) for a in shown}
    if decision.has_geometry:
        properties[GEOMETRY] = {**_geometry(definition, decision), "x-ogc-role": "primary-geometry"}
    for number, (name, described) in enumerate(properties.items(), 1):
        described["x-ogc-propertySeq"] = number
        if name not in receivables:
            described["readOnly"] = True
    return _schema(address, definition, properties, language)


def queryables_of(
    address: str, profile: Profile, definition: LayerDefinition, decision: Decision, language: str
) -> dict[str, Any]:
    """What a filter may name; anything else is 400, whether hidden or not there (`additionalProperties: false`)."""
    names = queryables(definition, decision)
    properties = {
        attribute.name: _property(attribute, profile, language)
        for attribute in definition.attributes
        if attribute.name in names
    }
    for attribute in definition.attributes:
        for item in attribute.items:
            if (name := f"{attribute.name}.{item.name}") in names:
                properties[name] = _values(attribute, item, profile, language)
    if GEOMETRY in names:
        properties[GEOMETRY] = _geometry(definition, decision)
    return _schema(address, definition, properties, language)


def sortables_of(
    address: str, profile: Profile, definition: LayerDefinition, decision: Decision, language: str
) -> dict[str, Any]:
    """What `sortby` may name: columns with an index for it that every row shows."""
    found = (definition.attribute(name) for name in sortables(definition, decision))
    properties = {attribute.name: _property(attribute, profile, language) for attribute in found if attribute}
    return _schema(address, definition, properties, language)


def _values(attribute: Attribute, item: Attribute, profile: Profile, language: str) -> dict[str, Any]:
    """What the entries of a list hold under one name, for A_CONTAINS and its like."""
    column = _property(attribute, profile, language)["title"]
    one = _property(item, profile, language)
    return {"title": f"{column}: {one.pop('title')}", "type": "array", "items": one}


def _schema(address: str, definition: LayerDefinition, properties: dict[str, Any], language: str) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": address,
        "type": "object",
        "title": _said(definition.title, language),
        "properties": properties,
        "additionalProperties": False,
    }


def _property(attribute: Attribute, profile: Profile, language: str) -> dict[str, Any]:
    title = _said(attribute.title, language) if attribute.title else attribute.name
    made: dict[str, Any] = {"title": title, **(_list(attribute, profile, language) or _TYPES[attribute.type])}
    codes = profile.code_list(attribute.codes) if attribute.codes else None
    if codes is not None and attribute.type == "code":
        made |= _codes(codes, language)
    elif attribute.enum:
        made["enum"] = list(attribute.enum)
    if attribute.unit in _UNITS:
        made["x-ogc-unit"] = _UNITS[attribute.unit]
    if attribute.role in _ROLES:
        made["x-ogc-role"] = _ROLES[attribute.role]
    return made


def _list(attribute: Attribute, profile: Profile, language: str) -> dict[str, Any] | None:
    if attribute.type != "list":
        return None
    columns = {item.name: _property(item, profile, language) for item in attribute.items}
    return {"type": "array", "items": {"type": "object", "properties": columns}}


def _codes(codes: CodeList, language: str) -> dict[str, Any]:
    """The current codes with their titles, in place (profile "codelist-inline")."""
    return {"oneOf": [{"const": entry.code, "title": _said(entry.title, language)} for entry in codes.entries]}


def _geometry(definition: LayerDefinition, decision: Decision) -> dict[str, Any]:
    kinds = {box.geometry.kind for box in decision.boxes} - {"none"}
    stored = definition.stored_geometry.lower()
    if kinds == {"centroid"}:
        return {"title": "geometry", "format": "geometry-point"}
    is_exact = kinds == {"full"} and stored != "geometry"
    return {"title": "geometry", "format": f"geometry-{stored}" if is_exact else "geometry-any"}


def _said(title: Title, language: str) -> str:
    return title.vi if language == "vi" else title.en
