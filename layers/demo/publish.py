"""Publish the generated files, commune layer first; what is published already is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from layers.access.principal import operator
from layers.publishing.options import PublishOptions
from layers.publishing.publication import publish
from layers.publishing.raster_publication import publish_raster
from layers.publishing.raster_source import is_raster_file
from layers.publishing.source import digest_of
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from layers.store.standing import latest_release

Show = Callable[[int, int, str], None]
NOTE = "Dữ liệu tổng hợp của tỉnh giả định / synthetic data of the demo province"


def _silent(done: int, total: int, what: str) -> None:
    """Nobody watches."""


async def publish_demo(database: Database, folder: Path, show: Show = _silent) -> int:
    """Every file of the folder as a release of its layer, declared complete; how many were new.

    Killed in between, the next call goes on with the layer that was not finished.
    """
    async with database.connection() as connection:
        catalogue = await load_catalogue(connection)
    files = _in_order(catalogue, folder)
    new = 0
    for done, path in enumerate(files):
        show(done, len(files), path.stem)
        if await _is_published(database, path):
            continue
        await _publish(database, path)
        new += 1
    show(len(files), len(files), "")
    return new


def _in_order(catalogue: Catalogue, folder: Path) -> list[Path]:
    """The commune layer first: the others are matched against it; then parcels; then by name."""
    reference = catalogue.profile.header.reference_layers
    known = {layer.id for layer in catalogue.profile.layers}
    found = [path for suffix in ("gpkg", "tif") for path in folder.glob(f"*.{suffix}") if path.stem in known]
    return sorted(found, key=lambda path: (path.stem != reference.commune, path.stem != reference.parcel, path.stem))


async def _is_published(database: Database, path: Path) -> bool:
    async with database.connection() as connection:
        release = await latest_release(connection, path.stem)
    return release is not None and release["source_digest"] == digest_of(path)


async def _publish(database: Database, path: Path) -> None:
    async with database.connection() as connection:
        catalogue = await load_catalogue(connection)  # the last publication moved it
    options = PublishOptions(complete_for="all", note=NOTE, allow_removals=True)
    publishing = publish_raster if is_raster_file(path) else publish
    await publishing(database, catalogue, path, path.stem, options, principal=operator("demo"))
