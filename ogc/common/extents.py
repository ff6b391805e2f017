"""The extent of what a caller may see of a layer, read once for each revision and relation."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from layers.access.decide import Decision
from layers.store import features
from layers.store.figures import Held
from layers.store.revisions import revision_known, standing

from .clock import now_of
from .relation import Relation


async def extent_of(
    request: Request, relation: Relation, decision: Decision | None = None, as_of: datetime | None = None
) -> features.BBox | None:
    """None where nothing is shown; `decision` where another one than the relation's counts."""
    decision, state = decision or relation.decision, request.app.state
    if relation.state.state not in ("served", "empty") or not (decision.is_allowed and decision.has_geometry):
        return None
    async with state.database.reading(relation.role_class) as connection:
        held = Held(state.figures)
        revision = await revision_known(connection, relation.layer, as_of, now_of(request))
        storage_srid = relation.catalogue.storage_srid
        found = await features.extent(connection, relation.state, storage_srid, decision, held, revision)
        if held.has_news and (await standing(connection, relation.state)).revision == relation.state.revision:
            held.keep()
        return found
