"""One raster of a layer beside another: the share of cells that changed, and the ground each class gained or lost."""

from __future__ import annotations

from dataclasses import dataclass

import anyio.to_thread

from layers.store.connection import Connection
from layers.store.raster_files import RasterFolder
from layers.store.rasters import RasterFigures, raster_at
from layers.store.stored_raster import StoredRaster

from .raster_file import changed_cells
from .raster_report import RasterChange

_NOTHING = RasterFigures(0.0, {})


@dataclass(frozen=True, slots=True)
class RasterDifference:
    """What changed from one revision to another."""

    layer: str
    first: int
    second: int
    change: RasterChange
    cells: int

    def as_dict(self) -> dict[str, object]:
        """As of other layers, in cells; a revision without a raster has none."""
        changed = self.change.changed
        counts = {"added": 0, "changed": changed, "removed": 0, "unchanged": None}
        if changed is not None:
            counts["unchanged"] = self.cells - changed
        return {
            "layer": self.layer, "from": self.first, "to": self.second, "diff": {**counts, **self.change.as_dict()},
            "keys": {"added": [], "changed": [], "removed": []},
        }  # fmt: skip


async def compare_rasters(
    connection: Connection, folder: RasterFolder, layer: str, first: int, second: int
) -> RasterDifference:
    """The rasters of two revisions. `changed` is null where they have no grid in common, or a file is gone."""
    old, new = await raster_at(connection, layer, first), await raster_at(connection, layer, second)
    cells = new[0].width * new[0].height if new else 0
    changed = None
    if old is not None and new is not None:
        changed = await anyio.to_thread.run_sync(_changed, folder, layer, old[0], new[0])
    share = None if changed is None else changed / cells
    figures = old[1] if old else _NOTHING, new[1] if new else _NOTHING
    return RasterDifference(layer, first, second, RasterChange(*figures, changed, share), cells)


def _changed(folder: RasterFolder, layer: str, old: StoredRaster, new: StoredRaster) -> int | None:
    if old.sha256 == new.sha256:
        return 0
    paths = folder.path(layer, old.sha256), folder.path(layer, new.sha256)
    return changed_cells(*paths, old, new) if all(path.exists() for path in paths) else None
