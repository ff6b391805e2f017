"""Which revision of a layer is meant."""

from __future__ import annotations

from datetime import datetime

from .connection import Connection, row
from .statements import blocks


async def current_revision(connection: Connection, layer: str) -> int:
    """The revision that this transaction sees; 0 for a layer that was never published."""
    found = await row(connection, blocks("revisions")["current"], {"layer": layer})
    return int(found["revision"]) if found else 0


async def revision_at(connection: Connection, layer: str, instant: datetime) -> int:
    """The revision served at an instant; 0 when there was none, or none that was served."""
    found = await row(connection, blocks("revisions")["at"], {"layer": layer, "instant": instant})
    return int(found["revision"]) if found and found["state"] == "served" else 0
