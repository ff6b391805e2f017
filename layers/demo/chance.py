"""Chance that repeats: streams of random numbers by name, and smooth waves that bend what would be straight.

Everything is a function of (seed, names), never of the order of the work or of the machine.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def stream(seed: int, *names: object) -> np.random.Generator:
    """A stream of its own for each name: adding one never shifts another."""
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


@dataclass(frozen=True, slots=True)
class Waves:
    """A smooth field of displacements (metres): few enough bends per wave that no line folds over itself."""

    vectors: Floats  #: (n, 2) radians a metre
    phases: Floats  #: (n, 2)
    heights_m: Floats  #: (n,)

    @classmethod
    def of(cls, seed: int, name: str, *scales: tuple[float, float]) -> Waves:
        """`scales`: (height in metres, wave length in metres); three directions each."""
        random = stream(seed, "waves", name)
        vectors, phases, heights = [], [], []
        for height, length in scales:
            turn = random.random() * np.pi
            for step in range(3):
                angle = turn + step * np.pi / 3 + random.random() * 0.5
                vectors.append((np.cos(angle) * 2 * np.pi / length, np.sin(angle) * 2 * np.pi / length))
                phases.append(random.random(2) * 2 * np.pi)
                heights.append(height / np.sqrt(3))
        return cls(np.array(vectors), np.array(phases), np.array(heights))

    def at(self, points: Floats) -> Floats:
        """Displacements (n, 2) at points (n, 2)."""
        angle = points @ self.vectors.T
        east = np.sin(angle + self.phases[:, 0]) @ self.heights_m
        north = np.sin(angle + self.phases[:, 1]) @ self.heights_m
        return np.column_stack([east, north])

    def bend(self, points: Floats) -> Floats:
        """The points where the field carries them, on the millimetre."""
        moved: Floats = np.round(points + self.at(points), 3)
        return moved

    def level(self, points: Floats) -> Floats:
        """One smooth number a point, about -1 to 1."""
        east = self.at(points)[:, 0]
        return east / max(float(np.sqrt((self.heights_m**2).sum())), 1e-9)
