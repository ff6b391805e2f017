"""Which revision of a layer is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gis.errors import Message
from layers.errors import FieldError, InvalidRequestError, NotFoundError

from .catalogue import LayerState
from .connection import Connection, row, rows
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


async def revision_known(connection: Connection, layer: str, instant: datetime | None, now: datetime) -> int | None:
    """The revision that was served at an instant; None for none named: now. What a clock may be wrong by is now too.

    Raises InvalidRequestError for an instant to come.
    """
    if instant is None:
        return None
    if instant > now + timedelta(days=1):
        message = Message("nằm ở tương lai", "lies in the future")
        raise InvalidRequestError(f"as-of: {message.vi}.", f"as-of: {message.en}.", [FieldError("as-of", message)])
    return await revision_at(connection, layer, instant)


@dataclass(frozen=True, slots=True)
class Made:
    """One revision of a layer; `release` where an officer named it."""

    layer: str
    revision: int
    kind: str
    created: datetime
    release: int | None
    note: str | None


async def revisions_between(connection: Connection, spans: Mapping[str, tuple[int, int]]) -> list[Made]:
    """What happened to each layer after the first revision, up to the second."""
    values = {"layers": list(spans), "after": [first for first, _ in spans.values()],
              "until": [last for _, last in spans.values()]}  # fmt: skip
    return [Made(**found) for found in await rows(connection, blocks("revisions")["between"], values)]
