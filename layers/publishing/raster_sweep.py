"""What killed publications of rasters leave in the folder of files: drafts, and files whose row never came."""

from __future__ import annotations

import anyio.to_thread

from layers.store.connection import Connection
from layers.store.raster_files import RasterFolder
from layers.store.rasters import named_files


async def sweep_files(connection: Connection, folder: RasterFolder, *, now: float | None = None) -> int:
    """Remove files older than a day that no revision stands on; how many.

    A database that names no raster at all may be the wrong one: then nothing is removed.
    """
    named = await named_files(connection)
    if not named:
        return 0
    return await anyio.to_thread.run_sync(lambda: folder.sweep(named, now=now))
