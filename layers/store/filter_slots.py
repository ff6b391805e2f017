"""The constants of a filter as bound values: those of slots by name, to be given when the statement is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import shapely
from sqlalchemy import BindParameter, ColumnElement, Double, LargeBinary, Text, bindparam, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from layers.filters.slots import AnySlot, SearchSlot, Slot, SpatialSlot, slots_of
from layers.filters.tree import Expression, Literal, Search, Spatial

Bounds = tuple[float, float, float, float]
_SIDES = ("west", "south", "east", "north")


def values(expression: Expression, grown: Callable[[Sequence[float]], Bounds]) -> dict[str, object]:
    """What the slots of a filter hold; `grown`: the box of a shape with room for what snapping may have moved."""
    found: dict[str, object] = {}
    for slot in slots_of(expression):
        match slot:
            case Slot():
                found[_name(slot)] = slot.value
            case SpatialSlot():
                found[_name(slot)] = shapely.to_wkb(slot.shape)
                found |= zip(_sides(slot), slot.shape.bounds, strict=True)
                found |= zip(_sides(slot, "grown"), grown(slot.shape.bounds), strict=True)
            case SearchSlot():
                found[_name(slot)] = _patterns(slot)
                found |= ((_name(slot, str(n)), term.split()) for n, term in enumerate(slot.terms))
    return found


def constant(operand: Literal, of: TypeEngine[Any]) -> ColumnElement[Any]:
    return _given(_name(operand), of) if isinstance(operand, Slot) else literal(operand.value, of)


def wkb(asked: Spatial) -> ColumnElement[Any]:
    if isinstance(asked, SpatialSlot):
        return _given(_name(asked), LargeBinary())
    return literal(shapely.to_wkb(asked.shape))


def corners(asked: Spatial, grown: Callable[[Sequence[float]], Bounds] | None = None) -> list[ColumnElement[Any]]:
    """West, south, east, north of the shape, or of the grown box."""
    if isinstance(asked, SpatialSlot):
        return [_given(name, Double()) for name in _sides(asked, "grown" if grown else "box")]
    bounds = asked.shape.bounds if grown is None else grown(asked.shape.bounds)
    return [literal(float(bound), Double) for bound in bounds]


def words(search: Search) -> list[ColumnElement[Any]]:
    """Of each term its words."""
    if isinstance(search, SearchSlot):
        return [_given(_name(search, str(n)), ARRAY(Text)) for n in range(len(search.words))]
    return [literal(term.split(), ARRAY(Text)) for term in search.terms]


def patterns(search: Search) -> ColumnElement[Any]:
    """Of LIKE, one a term."""
    if isinstance(search, SearchSlot):
        return _given(_name(search), ARRAY(Text))
    return literal(_patterns(search), ARRAY(Text))


def _patterns(search: Search) -> list[str]:
    """A folded term has no sign of a pattern."""
    return [f"%{term}%" for term in search.terms]


def _given(name: str, of: TypeEngine[Any]) -> BindParameter[Any]:
    return bindparam(name, None, type_=of)


def _name(slot: AnySlot, part: str = "") -> str:
    return "_".join(filter(None, ("slot", str(slot.number), part)))


def _sides(slot: SpatialSlot, box: str = "box") -> list[str]:
    return [_name(slot, f"{box}_{side}") for side in _SIDES]
