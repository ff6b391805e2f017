"""How many rows one relation shows beyond another: counted in the database, on relations and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, intersect, select, union

from layers.access.decide import Box, Decision
from layers.profile.grammar import LayerDefinition

from .connection import Connection, row
from .relation_sql import Wanted, relation

Boxes = tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Beyond:
    """The rows of `more` that are not in `less`."""

    more: Boxes
    less: Boxes


async def count_beyond(
    connection: Connection,
    definition: LayerDefinition,
    storage_srid: int,
    parts: Sequence[Beyond],
    among: Sequence[Boxes] = (),
) -> int:
    """How many current rows any of the parts names, of those that each of `among` shows."""
    named = [part for part in parts if part.more]
    if not named or not all(among):
        return 0
    found: Any = union(*(_beyond(definition, storage_srid, part) for part in named))
    if among:
        shown = [_fids(definition, storage_srid, boxes) for boxes in among]
        found = intersect(select(found.subquery().c.fid), *shown)
    counted = await row(connection, select(func.count().label("n")).select_from(found.subquery()))
    return int(counted["n"]) if counted else 0


def _beyond(definition: LayerDefinition, storage_srid: int, part: Beyond) -> Select[tuple[int]]:
    more = _fids(definition, storage_srid, part.more)
    if not part.less:
        return more
    return select(more.except_(_fids(definition, storage_srid, part.less)).subquery().c.fid)


def _fids(definition: LayerDefinition, storage_srid: int, boxes: Boxes) -> Select[tuple[int]]:
    """The ids of the rows that the boxes allow."""
    decision = Decision(definition.id, "items", is_allowed=True, is_visible=True, reason="granted", boxes=boxes)
    wanted = Wanted(columns=(), has_geometry=False, order="none")
    found = relation(definition, storage_srid, decision, wanted)
    return found.select(found.rows.c.fid)
