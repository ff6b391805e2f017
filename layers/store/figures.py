"""Counts and extents that are remembered, for as long as the revision they were read at stands."""

from __future__ import annotations

from collections import OrderedDict

MISSING = object()


class Figures:
    """Counts and extents by revision and relation, the most recently used ones; one a process, passed in."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._known: OrderedDict[tuple[object, ...], object] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> object:
        if key not in self._known:
            return MISSING
        self._known.move_to_end(key)
        return self._known[key]

    def put(self, key: tuple[object, ...], value: object) -> None:
        self._known[key] = value
        while len(self._known) > self._size:
            self._known.popitem(last=False)


class Held(Figures):
    """What one reading counted, kept for others only once it is known which revision was read.

    A publication may land before its notification: then the rows are newer than the revision in the key.
    """

    def __init__(self, kept: Figures) -> None:
        super().__init__()
        self._kept = kept

    @property
    def has_news(self) -> bool:
        return bool(self._known)

    def get(self, key: tuple[object, ...]) -> object:
        own = super().get(key)
        return self._kept.get(key) if own is MISSING else own

    def keep(self) -> None:
        for key, value in self._known.items():
            self._kept.put(key, value)
