"""What finding a parcel tells the finder: it may be found only by what they may see of it (filters work so too).

Otherwise a look-up by a hidden number would say whose number that is, and points would trace a boundary that is shown
on a grid of fifty metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from layers.filters import evaluate
from layers.profile.grammar import LayerDefinition
from layers.store.parcels import ParcelRow, Way, columns_of

from .sight import Sight


def shows_shape(sight: Sight, attributes: Mapping[str, object]) -> bool:
    """Whether the caller may see a row's shape as it is stored."""
    return any(
        box.geometry.kind == "full" and (box.rows is None or evaluate(box.rows, attributes) is True)
        for box in sight.boxes
    )


def rows_of_subject(subject: Mapping[str, Any]) -> tuple[Mapping[str, object], ...]:
    """The rows of the parcel layer that the subject of a record is made of; of one parcel its own."""
    parts = subject.get("parts") or ()
    return tuple(part["attributes"] for part in parts) or (subject["attributes"],)


def told(row: ParcelRow, definition: LayerDefinition, sight: Sight) -> ParcelRow | None:
    """The row with the ways that may have found it; None where there is none, or the row is not the caller's."""
    columns = sight.columns(row.attributes)
    if columns is None:
        return None
    ways = tuple(way for way in row.ways if _may_compare(way, row, definition, sight, columns))
    return replace(row, ways=ways) if ways else None


def _may_compare(way: Way, row: ParcelRow, definition: LayerDefinition, sight: Sight, columns: frozenset[str]) -> bool:
    if way.kind == "point":
        return shows_shape(sight, row.attributes)
    return columns_of(definition, way.kind) <= columns
