"""Polygons that a program wrote anew: rings turned round or begun elsewhere are no change, and the stored ones stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import anyio.to_thread
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.profile.grammar import LayerDefinition
from layers.store.connection import Connection
from layers.store.standing import Target, read_shapes

from .content import Content, row_hashes
from .difference import changed_places
from .inspection import Rows

_CHUNK_ROWS = 32_768


async def with_stored_shapes(
    connection: Connection, target: Target, rows: Rows, file: Content, current: Content
) -> tuple[Rows, Content]:
    """The file's rows with the stored shape where theirs is the same ground, and what they are then. The direction of a
    line may mean something, so lines are left as they came."""
    if not target.definition.stored_geometry.endswith("Polygon"):
        return rows, file
    places = changed_places(file, current)
    rows, file = replace(rows, geometry=rows.geometry.copy()), replace(file, row_hash=file.row_hash.copy())
    for start in range(0, len(places), _CHUNK_ROWS):
        some = places[start : start + _CHUNK_ROWS]
        stored = await read_shapes(connection, target, file.fid[some].tolist())
        await anyio.to_thread.run_sync(_keep, target.definition, rows, file, some, stored)
    return rows, file


def _keep(
    definition: LayerDefinition, rows: Rows, file: Content, places: NDArray[np.int64],
    stored: Mapping[int, bytes],
) -> None:  # fmt: skip
    """Writes into the copies."""
    shapes = np.asarray(shapely.from_wkb([stored.get(fid) for fid in file.fid[places].tolist()]), dtype=object)
    is_same = shapely.equals_exact(shapely.normalize(shapes), shapely.normalize(rows.geometry[places]))
    same = places[is_same]
    rows.geometry[same] = shapes[is_same]
    file.row_hash[same] = row_hashes(definition, rows.take(same))
