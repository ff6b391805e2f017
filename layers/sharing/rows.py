"""Why somebody sees one stored row: read with the right of the one who asks, told to those who answer for the layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import shapely

from layers.access.decide import Decision, decide
from layers.access.explain import require_owner
from layers.access.explain_row import RowExplanation, explain_row
from layers.access.grammar import Action
from layers.access.principal import Principal
from layers.errors import InvalidRequestError, NotFoundError
from layers.filters import GEOMETRY
from layers.filters.tree import Comparison, Literal, Property
from layers.profile.grammar import LayerDefinition
from layers.store import audit, features
from layers.store.catalogue import Catalogue, LayerState
from layers.store.connection import Connection, Database
from layers.store.features import ItemsQuery

FID = "fid:"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose sight of which row, by which action."""

    about: Principal
    action: Action
    purpose: str | None
    layer: str
    row: str  #: `fid:…`, or the key


async def row_explained(
    database: Database, catalogue: Catalogue, operator: Principal, asked: Asked, day: date
) -> RowExplanation:
    """For the operator, who may read every cell a rule reads. Raises NotFoundError for a row that is not there.

    Reading the row leaves its event, as every access does.
    """
    state, agreements = catalogue.layer(asked.layer), catalogue.active_agreements
    definition = state.definition
    require_owner(operator, definition, catalogue.grants, day=day, active_agreements=agreements)
    reading = decide(
        operator, definition, "items", catalogue.grants, purpose=None, day=day, active_agreements=agreements
    )
    async with database.transaction() as connection:
        row = await _row(connection, catalogue, state, reading, asked.row)
        event = audit.Event.of_decision(
            operator, reading, policy=catalogue.policy_digest, revision=state.revision, features=1
        )
        await audit.record(connection, event, is_read=True)
    return explain_row(
        operator, definition, asked.action, catalogue.grants, row,
        about=asked.about, purpose=asked.purpose, day=day, active_agreements=agreements,
    )  # fmt: skip


async def _row(
    connection: Connection, catalogue: Catalogue, state: LayerState, reading: Decision, name: str
) -> dict[str, object]:
    if name.startswith(FID) and name.isascii() and name.removeprefix(FID).isdigit() and len(name) < 20:
        fid = int(name.removeprefix(FID))
        item = await features.item(connection, state, catalogue.storage_srid, reading, fid)
        found = [item.bytes] if item else []
    else:
        query = ItemsQuery(filter=_by_key(state.definition, name), limit=2)
        found = list((await features.page(connection, state, catalogue.storage_srid, reading, query)).features)
    if len(found) != 1:
        vi, en = f"Không có đúng một đối tượng '{name}'.", f"There is not exactly one feature '{name}'."
        raise NotFoundError(f"{vi} Dùng fid:…, hoặc khóa.", f"{en} Use fid:…, or the key.")
    return _as_row(json.loads(found[0]))


def _by_key(definition: LayerDefinition, name: str) -> Comparison:
    columns = definition.key_columns
    attribute = definition.attribute(columns[0]) if len(columns) == 1 else None
    if attribute is None or attribute.type not in ("string", "code"):
        raise InvalidRequestError(
            f"Khóa của lớp '{definition.id}' không phải một cột chữ; dùng fid:….",
            f"The key of '{definition.id}' is not one text column; use fid:….",
        )
    return Comparison("=", Property(attribute.name), Literal(name))


def _as_row(feature: Mapping[str, object]) -> dict[str, object]:
    """Cells as JSON has them, which rules can read, and the shape in CRS84."""
    properties = feature["properties"]
    assert isinstance(properties, dict)
    shape = feature["geometry"]
    return {**properties, GEOMETRY: None if shape is None else shapely.from_geojson(json.dumps(shape))}
