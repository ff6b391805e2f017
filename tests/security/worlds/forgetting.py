"""A process that has just begun, as far as functions of the product remember anything."""

from __future__ import annotations

import functools
import gc


def forget_all() -> None:
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper) and each.__module__.startswith(("layers", "ogc", "gis")):
            each.cache_clear()
