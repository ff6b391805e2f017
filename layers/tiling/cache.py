"""Tiles on disk: <root>/<layer>/<revision>/<relation>/<z>/<x>-<y>.tile, shared by the processes of one data folder.

All that the bytes depend on is in the path, so that nothing has to be purged to be right: after a publication, an edit,
a new policy or definition other paths are asked for. What was taken back is removed all the same, and at once.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from .eviction import DRAFT, files_below, remove_tree, shrink

#: magic, is_capped, features, length of the body, length of its gzip form, CRC of both
_HEAD = struct.Struct("<4s?IIII")
_MAGIC = b"LTT1"
_SUFFIX = ".tile"
#: how stale the time of use may be: it is written at most so often
_USED_EVERY_S = 3600.0
#: the size on disk is counted anew after so much of the limit was written
_RECOUNTED_AFTER = 0.05


class Key(NamedTuple):
    """One tile of one relation at one revision. `relation` is a digest of all else that the bytes depend on."""

    layer: str
    revision: int
    relation: str
    z: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Kept:
    """`packed` is the gzip form, empty where the body is too small for one."""

    body: bytes
    packed: bytes
    features: int
    is_capped: bool


class TileCache:
    """One a process. `limit_bytes` 0 keeps nothing."""

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self.root = root
        self.limit_bytes = limit_bytes
        self._written: int | None = None  #: bytes since the last count; None: not counted yet

    def path(self, key: Key) -> Path:
        return self._folder(key) / f"{key.x}-{key.y}{_SUFFIX}"

    def _folder(self, key: Key) -> Path:
        return self.root / key.layer / str(key.revision) / key.relation / str(key.z)

    def get(self, key: Key) -> Kept | None:
        """None where it is not there, or not whole: then it is removed."""
        path = self.path(key)
        try:
            with path.open("rb") as file:
                stored = file.read()
                used = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        kept = _read(stored)
        with suppress(OSError):
            if kept is None:
                path.unlink()
            elif time.time() - used > _USED_EVERY_S:
                os.utime(path)
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        """Whole or not at all; a disk that is full or read-only keeps nothing and stops nobody."""
        stored = _stored(kept)
        if len(stored) > self.limit_bytes:
            return
        folder = self._folder(key)
        draft = folder / f"{DRAFT}{uuid4().hex}"
        try:
            _make_private(folder)
            draft.touch(mode=0o600, exist_ok=False)
            draft.write_bytes(stored)
            draft.replace(self.path(key))
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            return
        self._count(len(stored))

    def has(self, key: Key) -> bool:
        return self.path(key).exists()

    def keep_only(self, standing: Mapping[str, int]) -> None:
        """Remove every revision but the standing one of each layer; layers that are not named go whole."""
        for layer in _folders(self.root):
            for revision in _folders(layer):
                if revision.name != str(standing.get(layer.name, "")):
                    remove_tree(revision)

    def clear(self, layer: str | None = None) -> None:
        """Remove the tiles of a layer, or all."""
        for folder in _folders(self.root):
            if layer in (None, folder.name):
                remove_tree(folder)

    def size_bytes(self) -> int:
        return sum(size for _, size in self.sizes().values())

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Tiles and bytes by layer."""
        return {layer.name: _measured(layer) for layer in _folders(self.root)}

    def _count(self, written: int) -> None:
        self._written = self.limit_bytes if self._written is None else self._written + written
        if self._written >= self.limit_bytes * _RECOUNTED_AFTER:
            self._written = 0
            shrink(self.root, self.limit_bytes, _SUFFIX)


def _stored(kept: Kept) -> bytes:
    content = kept.body + kept.packed
    head = _HEAD.pack(
        _MAGIC, kept.is_capped, kept.features, len(kept.body), len(kept.packed), zlib.crc32(content)
    )  # fmt: skip
    return head + content


def _read(stored: bytes) -> Kept | None:
    if len(stored) < _HEAD.size:
        return None
    magic, is_capped, features, length, packed_length, checksum = _HEAD.unpack_from(stored)
    content = stored[_HEAD.size :]
    if magic != _MAGIC or len(content) != length + packed_length or zlib.crc32(content) != checksum:
        return None
    return Kept(content[:length], content[length:], features, is_capped)


def _make_private(folder: Path) -> None:
    """The folder with its parents for this user alone; files lie in it with names that tell of relations."""
    if not folder.exists():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []


def _measured(layer: Path) -> tuple[int, int]:
    tiles, size = 0, 0
    for path in files_below(layer):
        with suppress(OSError):
            if path.suffix == _SUFFIX:
                size += path.stat().st_size
                tiles += 1
    return tiles, size
