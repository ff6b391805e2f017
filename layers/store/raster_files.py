"""The files of rasters: one folder a layer, each file named by the SHA-256 of its bytes.

A file is put in place whole and never overwritten: what a record used stays.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from layers.errors import StoreError

_DRAFT = ".draft-"
#: nobody publishes that long between a file in place and its row
ORPHAN_AGE_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file some revision stands on."""

    layer: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RasterFolder:
    """Where the files lie: <root>/<layer>/<sha256>.tif."""

    root: Path

    def path(self, layer: str, sha256: str) -> Path:
        return self.root / layer / f"{sha256}.tif"

    @contextmanager
    def draft(self, layer: str) -> Iterator[Path]:
        """A name for a file on its way, in the folder it will lie in; gone afterwards unless it was put in place."""
        folder = self.root / layer
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_DRAFT}{uuid4().hex}.tif"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def put(self, draft: Path, layer: str) -> str:
        """The file in place, on the disk, under its digest; an equal one stays and counts as new for the sweeper."""
        sha256 = sha256_of(draft)
        place = self.path(layer, sha256)
        if place.exists() and place.stat().st_size == draft.stat().st_size and sha256_of(place) == sha256:
            os.utime(place)
            return sha256
        _sync(draft)
        draft.replace(place)  # one that was damaged gives way: its name says what it should hold
        _sync(place.parent)
        return sha256

    def missing(self, files: Iterable[NamedFile]) -> list[NamedFile]:
        """Those that are not there, or not as long as they were."""
        return [each for each in files if _size(self.path(each.layer, each.sha256)) != each.size_bytes]

    def sweep(self, named: Iterable[NamedFile], *, now: float | None = None, age_s: float = ORPHAN_AGE_S) -> int:
        """Remove old files no revision stands on, and old drafts; how many."""
        kept = {self.path(each.layer, each.sha256) for each in named}
        instant, removed = time.time() if now is None else now, 0
        for path in sorted(self.root.glob("*/*.tif")):
            with suppress(FileNotFoundError):
                if path not in kept and instant - path.stat().st_mtime > age_s:
                    path.unlink()
                    removed += 1
        return removed


def require_folder(folder: RasterFolder | None) -> RasterFolder:
    """Raises StoreError where this process was not told where rasters lie."""
    if folder is None:
        raise StoreError(
            "Chưa biết thư mục lưu ảnh (raster). Đặt LIENTHONG_DATA hoặc LIENTHONG_RASTERS.",
            "The folder of rasters is not known. Set LIENTHONG_DATA or LIENTHONG_RASTERS.",
        )
    return folder


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
