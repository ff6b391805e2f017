"""`sortable: [columns]` beside the attributes of a layer: another way to write `sortable` of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def said_of_columns(layer: object) -> object:
    """The layer as it is written, with the list taken into its columns. Raises ValueError."""
    if not isinstance(layer, Mapping) or "sortable" not in layer:
        return layer
    named, columns = layer["sortable"], layer.get("attributes")
    if not isinstance(named, list | tuple) or not isinstance(columns, list | tuple):
        raise ValueError("'sortable' cần danh sách cột / 'sortable' needs a list of columns")
    known = [column.get("name") for column in columns if isinstance(column, Mapping)]
    missing = ", ".join(str(name) for name in named if name not in known)
    if missing:
        raise ValueError(f"'sortable': không có cột {missing} / no column {missing}")
    marked = [_marked(column) if isinstance(column, Mapping) and column.get("name") in named else column
              for column in columns]  # fmt: skip
    return {**{name: each for name, each in layer.items() if name != "sortable"}, "attributes": marked}


def _marked(column: Mapping[str, Any]) -> dict[str, Any]:
    return {**column, "sortable": True}


def in_schema(schema: dict[str, Any]) -> None:
    """The key is allowed where layers are written, and kept nowhere."""
    about = "columns that lists may be sorted by"
    schema["properties"]["sortable"] = {"type": "array", "items": {"type": "string"}, "description": about}
