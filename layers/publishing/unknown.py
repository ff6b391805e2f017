"""A definition for a file that belongs to no layer yet, so that it can be inspected all the same."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa

from layers.profile.grammar import RESERVED_COLUMNS, Attribute, LayerDefinition, Title, ValueType

from .reader import GEOMETRY
from .source import Source


def definition_of(source: Source) -> LayerDefinition:
    """Every column of the file by a plain name, any shape, no key."""
    taken: set[str] = set(RESERVED_COLUMNS)
    attributes = []
    for field in source.table.schema:
        if field.name != GEOMETRY:
            name = _plain_name(field.name, taken)
            taken.add(name)
            attributes.append(Attribute.model_validate({"name": name, "type": _type(field.type), "from": [field.name]}))
    return LayerDefinition(
        id="file", sector="none", title=Title(vi=source.layer, en=source.layer),
        geometry="Geometry" if GEOMETRY in source.table.column_names else "none", attributes=tuple(attributes),
    )  # fmt: skip


def _plain_name(name: str, taken: set[str]) -> str:
    bare = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D")).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "_", bare.lower()).strip("_")[:40]
    plain = plain if plain[:1].isalpha() else f"c_{plain}".rstrip("_")
    number = 2
    found = plain
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found


def _type(kind: pa.DataType) -> ValueType:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    return "number" if pa.types.is_floating(kind) else "string"
