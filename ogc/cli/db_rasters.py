"""Files of rasters beside a backup: one archive with every file some revision stands on, checked when it is read."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

from layers.errors import StoreError
from layers.store.connection import Database
from layers.store.raster_files import NamedFile, RasterFolder, sha256_of
from layers.store.rasters import named_files

#: <layer>/<sha256>.tif and nothing else
_MEMBER = re.compile(r"([a-z][a-z0-9_]{0,47})/([0-9a-f]{64})\.tif")


def archive_of(backup: Path) -> Path:
    return backup.with_name(backup.name + ".rasters.tar")


async def files_named(url: str) -> list[NamedFile]:
    """Every file the database stands on."""
    async with Database.open(url, size=1) as database, database.connection() as connection:
        return await named_files(connection)


def store(files: Sequence[NamedFile], folder: RasterFolder, backup: Path) -> list[NamedFile]:
    """Write the archive; those that are missing and are therefore not in it. Without files there is no archive."""
    target = archive_of(backup)
    if not files:
        target.unlink(missing_ok=True)
        return []
    missing = folder.missing(files)
    partial = target.with_name(target.name + ".partial")
    with tarfile.open(partial, "w") as archive:
        for each in files:
            if each not in missing:
                archive.add(folder.path(each.layer, each.sha256), f"{each.layer}/{each.sha256}.tif", recursive=False)
    partial.replace(target)
    return missing


def fetch(folder: RasterFolder, backup: Path) -> None:
    """Put the archive's files in place. Raises StoreError for one that is not what its name says."""
    source = archive_of(backup)
    if not source.is_file():
        return
    with tarfile.open(source) as archive:
        for member in archive:
            named = _MEMBER.fullmatch(member.name)
            body = archive.extractfile(member) if named and member.isfile() else None
            if named is None or body is None:
                raise _foreign(member.name)
            with folder.draft(named[1]) as draft, body:
                with draft.open("wb") as file:
                    while part := body.read(2**20):
                        file.write(part)
                if sha256_of(draft) != named[2]:
                    raise _foreign(member.name)
                folder.put(draft, named[1])


def _foreign(name: str) -> StoreError:
    return StoreError(
        f"Tệp '{name}' trong bản sao lưu ảnh không khớp mã băm; chưa phục hồi tệp này. Dùng bản sao lưu khác.",
        f"'{name}' in the archive of rasters is not what its name says; it was not restored. Use another backup.",
    )
