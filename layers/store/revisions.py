"""Which revision of a layer is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from layers.errors import NotFoundError

from .catalogue import LayerState
from .connection import Connection, row
from .statements import blocks


async def standing(connection: Connection, state: LayerState) -> LayerState:
    """The layer as this transaction sees it, which may be newer than the catalogue. Raises NotFoundError."""
    found = await row(connection, blocks("revisions")["standing"], {"layer": state.definition.id})
    if found is None:
        raise NotFoundError
    return replace(state, revision=int(found["revision"]), state=str(found["state"]))


async def revision_at(connection: Connection, layer: str, instant: datetime) -> int:
    """The revision served at an instant; 0 when there was none, or none that was served."""
    found = await row(connection, blocks("revisions")["at"], {"layer": layer, "instant": instant})
    return int(found["revision"]) if found and found["state"] == "served" else 0
