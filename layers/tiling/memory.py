"""Tiles a process has just read or kept, by the same key as on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from .cache import Kept, Key


class Memory:
    """The most recently used ones, up to so many bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._held: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Kept | None:
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: Key, kept: Kept) -> None:
        self._drop(key)
        self._held[key] = kept
        self._bytes += _size(kept)
        while self._bytes > self.limit_bytes:
            self._drop(next(iter(self._held)))

    def keep_only(self, standing: Mapping[str, int]) -> None:
        """As `TileCache.keep_only`."""
        for key in [key for key in self._held if standing.get(key.layer) != key.revision]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        found = self._held.pop(key, None)
        if found is not None:
            self._bytes -= _size(found)


def _size(kept: Kept) -> int:
    return len(kept.body) + len(kept.packed)
