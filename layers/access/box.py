"""One allowed box of rows × columns × geometry, and the normal form in which equal relations look equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from layers.filters import Expression, to_text


@dataclass(frozen=True, slots=True)
class GeometryLevel:
    """How exactly a shape is shown: as stored, snapped to a grid of so many metres, one point, or not at all."""

    kind: Literal["full", "grid", "centroid", "none"]
    precision_m: float = 0.0

    @property
    def rank(self) -> tuple[int, float]:
        """Smaller is more exact."""
        return ("full", "grid", "centroid", "none").index(self.kind), self.precision_m


FULL, NONE = GeometryLevel("full"), GeometryLevel("none")


@dataclass(frozen=True, slots=True)
class Box:
    """Rows × columns × geometry; `rows` None is every row."""

    columns: tuple[str, ...]
    geometry: GeometryLevel
    rows: Expression | None = None

    def covers(self, other: Box) -> bool:
        """Whether nothing is left of `other` beside this one."""
        return (
            self.rows is None and set(other.columns) <= set(self.columns) and self.geometry.rank <= other.geometry.rank
        )


def normal_form(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Without doubles and without what another box covers: equal relations look equal."""
    unique = sorted(dict.fromkeys(boxes), key=_canonical)
    return tuple(box for box in unique if not any(other.covers(box) for other in unique if other != box))


def _canonical(box: Box) -> str:
    rows = None if box.rows is None else to_text(box.rows)
    return json.dumps([sorted(box.columns), box.geometry.kind, box.geometry.precision_m, rows], ensure_ascii=False)


@lru_cache(maxsize=4096)
def relation_digest(layer: str, boxes: tuple[Box, ...]) -> str:
    """One text for one relation: equal relations share cached bytes, different ones never."""
    text = "\n".join((layer, *map(_canonical, boxes)))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
