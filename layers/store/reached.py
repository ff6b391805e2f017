"""The fids of the rows a caller may read, through the authorised relation and behind the wall of their class."""

from __future__ import annotations

from layers.access.decide import Decision, queryables
from layers.filters import Expression, check, require_cheap
from layers.profile.grammar import LayerDefinition

from .connection import Connection, rows
from .relation_sql import Wanted, relation


async def reached_fids(
    connection: Connection, definition: LayerDefinition, storage_srid: int, decision: Decision, revision: int,
    wanted: Expression | None,
) -> list[int]:  # fmt: skip
    """Of one revision, those for which the caller's own filter holds, too. Raises InvalidRequestError for a filter on
    what is not shown or of too much work, NotFoundError, ForbiddenError."""
    checked = None if wanted is None else require_cheap(check(wanted, queryables(definition, decision)))
    found = relation(definition, storage_srid, decision, Wanted(has_geometry=False, filter=checked, is_as_of=True))
    return [int(each["fid"]) for each in await rows(connection, found.select(found.rows.c.fid), {"revision": revision})]
