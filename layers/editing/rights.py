"""What a caller may write: what a grant for editing allows and is shown to them, row by row.

Nobody writes what they do not see. So the lock over what they see (the item's ETag) holds for all that they write, and
what is hidden from them is carried over from the row as it stands when the change is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from layers.access.decision import Decision
from layers.access.evaluate import Row, shown_row
from layers.profile.grammar import LayerDefinition


@dataclass(frozen=True, slots=True)
class Right:
    """On one row."""

    columns: frozenset[str]  #: may be written
    shown: frozenset[str]  #: not masked in this row
    has_geometry: bool  #: the shape may be written: it is shown exactly and granted exactly

    def within(self, other: Right) -> Right:
        """What both allow."""
        columns, shown = self.columns & other.columns, self.shown & other.shown
        return Right(columns, shown, self.has_geometry and other.has_geometry)


def right_on(items: Decision, edit: Decision, row: Row) -> Right | None:
    """None for a row that is not to be edited, or not seen."""
    shown, granted = shown_row(items, row), shown_row(edit, row)
    if shown is None or granted is None:
        return None
    is_exact = shown.geometry.kind == "full" and granted.geometry.kind == "full"
    seen = frozenset(shown.columns)
    return Right(seen & frozenset(granted.columns), seen, is_exact)


def receivables(definition: LayerDefinition, items: Decision, edit: Decision) -> tuple[str, ...]:
    """The columns that may be written on some row, in the order of the definition."""
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.name in items.columns and attribute.name in edit.columns
    )


def receives_geometry(definition: LayerDefinition, items: Decision, edit: Decision) -> bool:
    """Whether the shape may be written on some row."""
    return definition.has_geometry and all(
        any(box.geometry.kind == "full" for box in decision.boxes) for decision in (items, edit)
    )


def may_create(definition: LayerDefinition, items: Decision, edit: Decision) -> bool:
    """Whether a new feature could be whole: by declaration, whatever the rows."""
    if not (items.is_allowed and edit.is_allowed):
        return False
    own = frozenset(receivables(definition, items, edit))
    return may_remove(definition, Right(own, own, receives_geometry(definition, items, edit)))


def may_remove(definition: LayerDefinition, right: Right) -> bool:
    """Whether all that the row must have is the caller's to write."""
    needed = {each.name for each in definition.attributes if each.required} | set(definition.key_columns)
    return needed <= right.columns and (not definition.has_geometry or right.has_geometry)
