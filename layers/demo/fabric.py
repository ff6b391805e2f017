"""Rows of lots along streets: pure geometry, vectorised over all lots of a commune.

A *run* is a stretch of street with numbered slots: front points on the street, back points behind. A lot takes one to
three slots; neighbours, in the row and back to back, use the very same points, so that edges are shared exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from .chance import Floats, Ints

CORNER_CUT_M = 2.4


@dataclass(slots=True)
class Runs:
    """Stretches under way: points of all of them side by side, and the lots cut from them."""

    fronts: list[Floats] = field(default_factory=list)
    backs: list[Floats] = field(default_factory=list)
    firsts: list[Ints] = field(default_factory=list)  #: first slot of each lot, counted over all runs
    lasts: list[Ints] = field(default_factory=list)
    blocks: list[Ints] = field(default_factory=list)
    corners: list[Ints] = field(default_factory=list)  #: 1 street corner at the start, 2 at the end, 3 both
    hooked: list[Ints] = field(default_factory=list)  #: 1: takes the back half of the next lot (an L-shape)
    size: int = 0

    def add(self, front: Floats, back: Floats, cuts: Ints, block: int, hooked: Ints, has_corners: bool) -> None:
        """One run: front and back (slots + 1, 2); `cuts` are the slot numbers where lots meet, both ends included."""
        lots = len(cuts) - 1
        corner = np.zeros(lots, dtype=np.int64)
        if has_corners:
            corner[0] |= 1
            corner[-1] |= 2
        self.fronts.append(front)
        self.backs.append(back)
        self.firsts.append(cuts[:-1] + self.size)
        self.lasts.append(cuts[1:] + self.size)
        self.blocks.append(np.full(lots, block, dtype=np.int64))
        self.corners.append(corner)
        self.hooked.append(hooked)
        self.size += len(front)

    def rings(self) -> tuple[np.ndarray, Ints]:
        """Polygons of all lots, and the block of each."""
        if not self.size:
            return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
        front, back = np.vstack(self.fronts), np.vstack(self.backs)
        first, last = np.concatenate(self.firsts), np.concatenate(self.lasts)
        corner, hook = np.concatenate(self.corners), np.concatenate(self.hooked)
        points, starts = _points(front, back)
        parts = _parts(first, last, corner, hook, starts)
        return _polygons(points, parts, len(first)), np.concatenate(self.blocks)


def _points(front: Floats, back: Floats) -> tuple[Any, tuple[int, ...]]:
    """One table of points: front, back, halfway, corner cuts along the front (two directions) and along the side."""
    ahead = np.roll(front, -1, axis=0) - front
    behind = np.roll(front, 1, axis=0) - front
    inward = back - front

    def along(way: Floats) -> Any:
        length = np.maximum(np.hypot(*way.T), 1e-6)[:, None]
        return front + way / length * np.minimum(CORNER_CUT_M, length * 0.4)

    tables = [front, back, (front + back) / 2, along(ahead), along(behind), along(inward)]
    starts = tuple(int(s) for s in np.cumsum([0, *(len(t) for t in tables[:-1])]))
    return np.round(np.vstack(tables), 3), starts


def _parts(first: Ints, last: Ints, corner: Ints, hook: Ints, starts: tuple[int, ...]) -> list[tuple[Ints, Ints, int]]:
    """The ring of every lot as consecutive stretches of the table: (start, count, step) with count 0 for none."""
    front, back, half, cut_ahead, cut_behind, cut_in = starts
    taken = np.roll(hook, 1)  # the next lot loses its back half
    taken[0] = 0
    after = np.roll(taken, 1)  # and the one after it meets the halfway point on its left side
    after[0] = 0
    at_start, at_end = (corner & 1).astype(np.int64), (corner >> 1).astype(np.int64)
    slots = last - first
    after = after * (at_start == 0) * (first == np.roll(last, 1))
    one = np.ones_like(first)
    return [
        (cut_ahead + first, at_start, 1),
        (front + first + at_start, slots + 1 - at_start - at_end, 1),
        (cut_behind + last, at_end, 1),
        (cut_in + last, at_end, 1),
        (half + last, hook + taken, 1),  # hook: halfway at the end of the lot; taken: at its own end
        (half + last + 1, hook, 1),
        (half + first, taken, 1),
        (back + last + hook, (slots + 1 + hook) * (1 - taken), -1),
        (half + first, after * one, 1),
        (cut_in + first, at_start, 1),
    ]


def _polygons(points: Floats, parts: list[tuple[Ints, Ints, int]], lots: int) -> Any:
    """Scatter the stretches into one coordinate array and close each ring."""
    counts = np.stack([count for _, count, _ in parts], axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts.sum(axis=1) + 1)])
    begins = offsets[:-1, None] + np.cumsum(counts, axis=1) - counts
    index = np.empty(int(offsets[-1]), dtype=np.int64)
    for column, (start, count, step) in enumerate(parts):
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        index[np.repeat(begins[:, column], count) + within] = np.repeat(start, count) + within * step
    index[offsets[1:] - 1] = index[offsets[:-1]]
    rings = shapely.linearrings(points[index], indices=np.repeat(np.arange(lots), np.diff(offsets)))
    return shapely.polygons(rings)


def lot_cuts(slots: int, random: np.random.Generator, shares: tuple[float, float, float]) -> Ints:
    """Where lots meet: most take one slot, some two or three."""
    sizes = 1 + (random.random(slots) > shares[0]).astype(np.int64)
    sizes += random.random(slots) > 1 - shares[2] / max(1 - shares[0], 1e-9) * (sizes > 1)
    ends = np.cumsum(sizes)
    cuts = np.concatenate([[0], ends[ends < slots], [slots]])
    return cuts.astype(np.int64)


def hooks(cuts: Ints, random: np.random.Generator, share: float) -> Ints:
    """Lots that wrap around the back of a narrow neighbour; never two in a row, never the last."""
    sizes = np.diff(cuts)
    wanted = random.random(len(sizes)) < share
    fits = np.zeros(len(sizes), dtype=bool)
    fits[1:-2] = sizes[2:-1] == 1
    chosen = wanted & fits
    chosen[1:] &= ~chosen[:-1]
    chosen[2:] &= ~chosen[:-2]
    return chosen.astype(np.int64)
