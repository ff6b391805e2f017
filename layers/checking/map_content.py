"""What the small map of a check shows: shapes in the measuring zone's CRS, already those the caller may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import shapely
from shapely.geometry.base import BaseGeometry

#: the frame of the map on paper
WIDTH_MM, HEIGHT_MM = 162.0, 104.0
#: how much of the frame the subject may fill
FILL = 0.68
SCALES = (200, 250, 500, 1000, 2000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)


class Role(StrEnum):
    """What a shape on the map is there for; later ones are drawn on top."""

    NEIGHBOUR = "neighbour"
    DROP = "drop"
    HIT = "hit"


@dataclass(frozen=True, slots=True)
class MapShape:
    """One shape besides the subject, clipped to the frame. `name` is what it is called on the map, if anything."""

    layer: str
    fid: str
    role: Role
    geometry: BaseGeometry
    name: str | None = None


@dataclass(frozen=True, slots=True)
class MapContent:
    """The subject in the CRS of its measuring zone, exactly as it was measured, and what lies around it."""

    crs: str  #: EPSG:9210
    subject: BaseGeometry
    shapes: tuple[MapShape, ...] = ()
    is_complete: bool = True  #: False: more lies in the frame than is drawn
    #: of the subject's own row, what the caller may see and what may stand on paper: nothing personal
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def frame(self) -> Frame:
        return frame_of(self.subject)


@dataclass(frozen=True, slots=True)
class Frame:
    """The ground that the map shows at a round scale."""

    scale: int
    west: float
    south: float
    east: float
    north: float

    @property
    def box(self) -> BaseGeometry:
        return shapely.box(self.west, self.south, self.east, self.north)

    @property
    def paper_m(self) -> float:
        """A tenth of a millimetre on the paper, in metres on the ground: nothing finer is drawn."""
        return 0.0001 * self.scale


def frame_of(subject: BaseGeometry) -> Frame:
    """The largest round scale at which the subject leaves room around it."""
    west, south, east, north = subject.bounds
    fits = (s for s in SCALES if east - west <= FILL * _ground(WIDTH_MM, s) and north - south <= _tall(s))
    scale = next(fits, SCALES[-1])
    x, y = (west + east) / 2, (south + north) / 2
    half_x, half_y = _ground(WIDTH_MM, scale) / 2, _ground(HEIGHT_MM, scale) / 2
    return Frame(scale, x - half_x, y - half_y, x + half_x, y + half_y)


def _tall(scale: int) -> float:
    return FILL * _ground(HEIGHT_MM, scale)


def _ground(paper_mm: float, scale: int) -> float:
    return paper_mm / 1000 * scale
