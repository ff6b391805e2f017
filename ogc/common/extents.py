"""The extent of what a caller may see of a layer, read once for each revision and relation.

A box tells of rows, so it leaves its event each time it is told, counted like a tile; one of an earlier instant is a
use of the grant too, since asking for many instants follows the rows through time.
"""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from layers.store import features
from layers.store.figures import Held
from layers.store.revisions import revision_known, standing

from .clock import now_of
from .relation import Relation


async def extent_of(request: Request, relation: Relation, as_of: datetime | None = None) -> features.BBox | None:
    """None where nothing is shown. Raises TooManyError, and StoreError while events cannot be written."""
    count_told(request, relation, as_of)
    return await read_extent(request, relation, as_of)


def count_told(request: Request, relation: Relation, as_of: datetime | None = None) -> None:
    """The event of a box that is about to be told, kept or read. Raises as `extent_of`."""
    if _is_shown(relation):
        accesses = request.app.state.accesses
        if as_of is not None:
            accesses.limit(relation)
        accesses.counted(relation)


async def read_extent(request: Request, relation: Relation, as_of: datetime | None = None) -> features.BBox | None:
    """For whoever has counted it. None where nothing is shown."""
    state = request.app.state
    if not _is_shown(relation):
        return None
    async with state.database.reading(relation.role_class) as connection:
        held = Held(state.figures)
        revision = await revision_known(connection, relation.layer, as_of, now_of(request))
        srid = relation.catalogue.storage_srid
        found = await features.extent(connection, relation.state, srid, relation.decision, held, revision)
        if held.has_news and (await standing(connection, relation.state)).revision == relation.state.revision:
            held.keep()
        return found


def _is_shown(relation: Relation) -> bool:
    decision = relation.decision
    return relation.state.state in ("served", "empty") and decision.is_allowed and decision.has_geometry
