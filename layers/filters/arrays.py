"""Arrays compared as sets of JSON scalars, the same here and in the database (`cql.compare_arrays`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from .tree import ArrayRelation, Scalar


def as_json(value: Scalar | None) -> str | int | float | bool | None:
    """A constant as lists hold it: dates and times are ISO texts."""
    return value.isoformat() if isinstance(value, date) else value


def list_values(entries: object, item: str) -> list[object]:
    """What the entries of a list hold under one name; what has none adds nothing."""
    if not isinstance(entries, list):
        return []
    found = [entry.get(item) for entry in entries if isinstance(entry, Mapping)]
    return [value for value in found if value is not None]


def compare(relation: ArrayRelation, left: Iterable[object], right: Iterable[object]) -> bool:
    first, second = set(map(_key, left)), set(map(_key, right))
    match relation:
        case "contains":
            return first >= second
        case "containedby":
            return first <= second
        case "equals":
            return first == second
        case "overlaps":
            return bool(first & second)


def _key(value: object) -> tuple[str, object]:
    """JSON tells true from 1, and does not tell 1 from 1.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value).__name__, value
    return "number", value
