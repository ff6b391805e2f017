"""Where people live and farm: the faces of one commune filled with lots, from its centre outwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np
import shapely
from shapely import Polygon, STRtree
from shapely.geometry.base import BaseGeometry as Geometry

from .chance import Floats, Ints, Waves, stream
from .fabric import Runs, hooks, lot_cuts
from .ground import MINOR_ROAD_M, Ground, multi, on_millimetre


class Density(IntEnum):
    """How tightly a face is parcelled."""

    URBAN = 0
    SUBURBAN = 1
    RURAL = 2
    INDUSTRIAL = 3
    RESERVED = 4  #: nature: no lots


@dataclass(frozen=True, slots=True)
class Pattern:
    """Measures of lots and blocks in metres; pairs are the least and the most."""

    slot_m: tuple[float, float]
    depth_m: tuple[float, float]
    edge_slot_m: tuple[float, float]  #: along the roads around the face
    edge_depth_m: float
    street_m: float
    block_m: tuple[float, float]
    shares: tuple[float, float, float]  #: lots of one, two, three slots
    least_m2: float


PATTERNS = {
    Density.URBAN: Pattern((4.2, 6.4), (15, 21), (4.6, 6.6), 22.0, 7.0, (60, 130), (0.66, 0.26, 0.08), 24.0),
    Density.SUBURBAN: Pattern((7.0, 10.5), (24, 36), (5.6, 8.4), 32.0, 6.0, (90, 180), (0.62, 0.28, 0.10), 40.0),
    Density.RURAL: Pattern((17, 30), (60, 105), (7.0, 11.0), 46.0, 4.0, (200, 420), (0.6, 0.28, 0.12), 90.0),
    Density.INDUSTRIAL: Pattern((55, 85), (90, 140), (55, 85), 0.0, 22.0, (320, 520), (0.6, 0.3, 0.1), 2500.0),
}
#: shares of a commune's parcels by density; what one cannot hold the next takes over
SHARES = ((Density.INDUSTRIAL, 0.012), (Density.URBAN, 0.60), (Density.SUBURBAN, 0.22), (Density.RURAL, 1.0))
ALLEY_M = 2.5
MARGIN_M = 1.5  #: between the land of a road and the first lot


@dataclass(frozen=True, slots=True)
class Face:
    """A piece of ground between roads, water and the commune's border."""

    shape: Polygon  #: road land and water taken away
    density: Density
    away_m: float  #: from the commune's centre
    number: int


@dataclass(frozen=True, slots=True)
class Lots:
    """The lots of a commune, block by block."""

    shapes: np.ndarray  #: polygons
    blocks: Ints  #: number of the block, unique in the commune
    densities: Ints
    faces: tuple[Face, ...]


def town_radius(parcels: int) -> float:
    """How far the town reaches when its share of the parcels is built about two thirds tight (metres)."""
    return float(max(np.sqrt(parcels * 0.60 * 300.0 / np.pi), 90.0))


def faces_of(ground: Ground, town: int, radius_m: float, wet: Geometry) -> tuple[Face, ...]:
    """The faces of a commune, the nearest to its centre first."""
    commune = ground.communes[town]
    shapely.prepare(commune)
    every = np.array(ground.lanes, dtype=object)
    lanes = every[shapely.intersects(commune, every)]
    roads = [(axis, land) for _, axis, land in ground.roads if commune.intersects(axis)]
    courses = [course for _, course, _ in ground.rivers if commune.intersects(course)]
    parks = [shape.exterior for _, _, shape in ground.parks if commune.intersects(shape)]
    lines = shapely.intersection([*lanes, *(axis for axis, _ in roads), *courses, *parks], commune)
    net = shapely.union_all([commune.boundary, *lines])
    pieces, cuts, dangles, _ = shapely.polygonize_full([net])
    ends = shapely.buffer([*cuts.geoms, *dangles.geoms], MINOR_ROAD_M / 2 + MARGIN_M, quad_segs=2)
    lands = shapely.intersection([land for _, land in roads], commune)
    taken = [
        *ends,
        *shapely.buffer(lands, MARGIN_M, quad_segs=2),
        *shapely.buffer(shapely.get_parts(wet), 3.5, quad_segs=2),
    ]
    grounds = shapely.buffer(list(pieces.geoms), -(MINOR_ROAD_M / 2 + MARGIN_M), join_style="mitre", quad_segs=1)
    free = _without(grounds, np.array(taken, dtype=object))
    parts = np.array([part for piece in free for part in multi(piece).geoms if part.area > 900], dtype=object)
    parts = shapely.simplify(parts, 0.25)
    middles = shapely.point_on_surface(parts)
    away = np.hypot(shapely.get_x(middles) - ground.centres[town, 0], shapely.get_y(middles) - ground.centres[town, 1])
    in_park = shapely.covered_by(middles, shapely.union_all([s for _, _, s in ground.parks]))
    in_reserve = shapely.covered_by(middles, shapely.union_all([s for _, _, s in ground.reserves]))
    order = np.argsort(np.round(away, 3), kind="stable")
    return tuple(
        Face(parts[i], _density(away[i], radius_m, bool(in_park[i]), bool(in_reserve[i])), float(away[i]), number)
        for number, i in enumerate(order)
    )


def _without(pieces: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Each piece less what is taken of it; only what meets a piece is looked at."""
    made = pieces.copy()
    piece, other = STRtree(taken).query(pieces, "intersects")
    for index in np.unique(piece):
        bounds = shapely.box(*shapely.bounds(pieces[index]))
        near = shapely.intersection(taken[other[piece == index]], bounds)
        made[index] = shapely.difference(pieces[index], shapely.union_all(near))
    return made


def _density(away_m: float, radius_m: float, in_park: bool, in_reserve: bool) -> Density:
    if in_reserve:
        return Density.RESERVED
    if in_park:
        return Density.INDUSTRIAL
    if away_m < radius_m * 1.05:
        return Density.URBAN
    return Density.SUBURBAN if away_m < radius_m * 1.9 else Density.RURAL


def settle(ground: Ground, town: int, parcels: int, wet: Geometry) -> Lots:
    """`parcels` lots of a commune, or as many as it can hold."""
    radius = town_radius(parcels)
    faces = faces_of(ground, town, radius, wet)
    waves = Waves.of(ground.seed, f"streets {town}", (3.2, 260), (1.0, 80))
    shapes: list[np.ndarray] = []
    blocks: list[Ints] = []
    densities: list[Ints] = []
    missing, used = 0.0, 0
    for density, share in SHARES:
        wanted = parcels - used if density is Density.RURAL else int(parcels * share + missing)
        found = _gathered(faces, density, wanted, waves, ground.seed, town)
        chosen, own_blocks = _nearest(found, wanted, ground.centres[town], stream(ground.seed, "order", town, density))
        used += len(chosen)
        missing = max(wanted - len(chosen), 0) if density is not Density.INDUSTRIAL else 0
        shapes.append(chosen)
        blocks.append(own_blocks)
        densities.append(np.full(len(chosen), int(density), dtype=np.int64))
    return Lots(np.concatenate(shapes), np.concatenate(blocks), np.concatenate(densities), faces)


def _gathered(
    faces: tuple[Face, ...], density: Density, wanted: int, waves: Waves, seed: int, town: int
) -> list[tuple[np.ndarray, Ints]]:
    """Lots of the nearest faces of one density, half as many again as are wanted."""
    found: list[tuple[np.ndarray, Ints]] = []
    count = 0
    for face in faces:
        if count > wanted * 1.5 or wanted <= 0:
            break
        if face.density is density:
            shapes, blocks = fill(face, PATTERNS[face.density], waves, seed, town)
            found.append((shapes, blocks + face.number * 100_000))
            count += len(shapes)
    return found


def _nearest(
    found: list[tuple[np.ndarray, Ints]], wanted: int, centre: Floats, random: np.random.Generator
) -> tuple[np.ndarray, Ints]:
    """Whole blocks by distance, unevenly as towns grow, until there are enough lots."""
    if not found or wanted <= 0:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    shapes = np.concatenate([s for s, _ in found])
    blocks = np.concatenate([b for _, b in found])
    numbers, place, counts = np.unique(blocks, return_inverse=True, return_counts=True)
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    east = np.bincount(place, middles[:, 0]) / counts - centre[0]
    north = np.bincount(place, middles[:, 1]) / counts - centre[1]
    rank = np.round(np.hypot(east, north), 3) * (0.75 + 0.5 * random.random(len(numbers)))
    position = np.empty(len(numbers), dtype=np.int64)
    position[np.argsort(rank, kind="stable")] = np.arange(len(numbers))
    order = np.argsort(position[place], kind="stable")[:wanted]
    return shapes[order], blocks[order]


def fill(face: Face, pattern: Pattern, waves: Waves, seed: int, town: int) -> tuple[np.ndarray, Ints]:
    """Lots of one face: a row along the roads around it, and rows back to back inside."""
    random = stream(seed, "fill", town, face.number)
    edge, edge_blocks = _edge_rows(face.shape, pattern, random)
    inner = face.shape.buffer(-(pattern.edge_depth_m + ALLEY_M), join_style="mitre", quad_segs=1)
    runs, block = Runs(), 1000
    for part in multi(inner).geoms:
        if part.area > 4 * pattern.least_m2:
            block = _inner_rows(part, pattern, waves, random, runs, block)
    lots, blocks = runs.rings()
    lots, blocks = _within(multi(inner), lots, blocks, pattern.least_m2)
    every, numbers = np.concatenate([edge, lots]), np.concatenate([edge_blocks, blocks])
    fits = shapely.is_empty(shapely.coverage_invalid_edges(every)) if len(every) else np.empty(0, dtype=bool)
    return every[fits], numbers[fits]  # a cut may round to two points where neighbours need one: those go


def _inner_rows(
    part: Polygon, pattern: Pattern, waves: Waves, random: np.random.Generator, runs: Runs, block: int
) -> int:
    """Blocks of two rows back to back in the direction of the part's longer side; the next free block number."""
    turn, origin, low, high = _frame(part)
    shapely.prepare(part)
    q = low[1] + random.random() * 4
    while q < high[1]:
        depths = pattern.depth_m[0] + (pattern.depth_m[1] - pattern.depth_m[0]) * random.random(2)
        p = low[0] - random.random() * pattern.block_m[0]
        while p < high[0]:
            length = pattern.block_m[0] + (pattern.block_m[1] - pattern.block_m[0]) * random.random()
            corners = np.array([[p, q], [p + length, q], [p + length, q + depths.sum()], [p, q + depths.sum()]])
            if part.intersects(Polygon(corners @ turn.T + origin)):
                _block(pattern, waves, random, runs, block, (p, q, length), depths, turn, origin)
                block += 1
            p += length + pattern.street_m
        q += float(depths.sum()) + pattern.street_m
    return block


def _frame(part: Polygon) -> tuple[Floats, Floats, Floats, Floats]:
    """Rotation, origin and extent of the frame along the longer side of the smallest rectangle around a part."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(part))
    sides = np.diff(corners[:3], axis=0)
    way = sides[int(np.argmax(np.hypot(*sides.T)))]
    way = way / np.hypot(*way)
    turn = np.array([[way[0], -way[1]], [way[1], way[0]]])
    local = (corners - corners[0]) @ turn
    return turn, corners[0], local.min(axis=0), local.max(axis=0)


def _block(
    pattern: Pattern, waves: Waves, random: np.random.Generator, runs: Runs, block: int,
    at: tuple[float, float, float], depths: Floats, turn: Floats, origin: Floats,
) -> None:  # fmt: skip
    """Two runs with one spine."""
    p, q, length = at
    slots = max(int(length / (sum(pattern.slot_m) / 2)), 2)
    widths = pattern.slot_m[0] + (pattern.slot_m[1] - pattern.slot_m[0]) * random.random(slots)
    along = p + np.concatenate([[0.0], np.cumsum(widths) * (length / widths.sum())])
    sway = (random.random(slots + 1) - 0.5) * depths.min() * 0.08
    lines = (np.full(slots + 1, q), q + depths[0] + sway, np.full(slots + 1, q + depths.sum()))
    lower, spine, upper = (waves.bend(np.column_stack([along, line]) @ turn.T + origin) for line in lines)
    for front in (lower, upper):
        cuts = lot_cuts(slots, random, pattern.shares)
        runs.add(front, spine, cuts, block, hooks(cuts, random, 0.03), has_corners=True)


def _within(inner: Geometry, lots: np.ndarray, blocks: Ints, least_m2: float) -> tuple[np.ndarray, Ints]:
    """Lots inside, and the greater part of those the edge cuts; splinters are left as no man's land."""
    if not len(lots):
        return lots, blocks
    shapely.prepare(inner)
    sound = shapely.is_valid(lots)
    lots, blocks = lots[sound], blocks[sound]
    whole = shapely.covers(inner, lots)
    cut = ~whole & shapely.intersects(inner, lots)
    pieces = on_millimetre(shapely.intersection(lots[cut], inner), "pointwise")
    keep = (shapely.get_type_id(pieces) == 3) & (shapely.area(pieces) > 0.5 * shapely.area(lots[cut]))
    keep &= shapely.is_valid(pieces)
    lots = lots.copy()
    lots[np.flatnonzero(cut)[keep]] = pieces[keep]
    whole[np.flatnonzero(cut)[keep]] = True
    whole &= shapely.area(lots) >= least_m2
    return lots[whole], blocks[whole]


def _edge_rows(shape: Polygon, pattern: Pattern, random: np.random.Generator) -> tuple[np.ndarray, Ints]:
    """One row of lots along every side of a face."""
    if pattern.edge_depth_m <= 0:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    runs = Runs()
    for block, side in enumerate(_stretches(shape, pattern, random)):
        front, back = _front_and_back(side, pattern, random)
        if front is not None:
            cuts = lot_cuts(len(front) - 1, random, pattern.shares)
            runs.add(front, back, cuts, block, hooks(cuts, random, 0.02), has_corners=False)
    lots, blocks = runs.rings()
    if not len(lots):
        return lots, blocks
    shapely.prepare(shape)
    good = shapely.is_valid(lots) & shapely.covers(shape, lots) & (shapely.area(lots) >= pattern.least_m2)
    good &= shapely.area(lots) < pattern.edge_depth_m * pattern.edge_slot_m[1] * 6
    lots, blocks = lots[good], blocks[good]
    free = _without_overlap(lots, blocks)
    return lots[free], blocks[free]


def _stretches(shape: Polygon, pattern: Pattern, random: np.random.Generator) -> Iterator[Floats]:
    """The ring of a face (inward on the left) broken at its corners and by lanes every block or so."""
    ring = _ring(shape)
    steps = np.diff(ring, axis=0)
    heading = np.arctan2(steps[:, 1], steps[:, 0])
    bend = np.abs((np.diff(np.concatenate([heading[-1:], heading])) + np.pi) % (2 * np.pi) - np.pi)
    corners = np.flatnonzero(bend > 0.42)
    if len(corners):
        ring = np.vstack([ring[corners[0] : -1], ring[: corners[0] + 1]])
        corners = np.append(corners - corners[0], len(ring) - 1)
    else:
        corners = np.array([0, len(ring) - 1])
    for start, end in pairwise(corners):
        yield from _by_block(ring[start : end + 1], pattern, random)


def _ring(shape: Polygon) -> Floats:
    """The outer ring, counter-clockwise, a little inside the face so that chords stay within it."""
    inside = shape.buffer(-0.4, join_style="mitre", quad_segs=1)
    parts = multi(inside).geoms
    if not len(parts):
        return np.zeros((2, 2))
    largest = max(parts, key=lambda part: part.area)
    return shapely.get_coordinates(shapely.orient_polygons(largest).exterior)


def _by_block(side: Floats, pattern: Pattern, random: np.random.Generator) -> Iterator[Floats]:
    """A side in stretches of a block's length, the depth of a row free at its start, lanes in between."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(side, axis=0).T))])
    at, end = pattern.edge_depth_m + ALLEY_M, float(along[-1])
    while at < end - 2 * pattern.edge_slot_m[0]:
        length = pattern.block_m[0] + (pattern.block_m[1] - pattern.block_m[0]) * random.random()
        stop = end if end - (at + length) < 25 else at + length
        inner = along[(along > at) & (along < stop)]
        marks = np.concatenate([[at], inner, [stop]])
        yield np.column_stack([np.interp(marks, along, side[:, 0]), np.interp(marks, along, side[:, 1])])
        at = stop + 4.0


def _front_and_back(
    side: Floats, pattern: Pattern, random: np.random.Generator
) -> tuple[Floats, Floats] | tuple[None, Floats]:
    """Slots along a stretch, and the points one row deep behind them."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(side, axis=0).T))])
    low, high = pattern.edge_slot_m
    slots = int(along[-1] / ((low + high) / 2))
    if slots < 2:
        return None, side
    widths = low + (high - low) * random.random(slots)
    marks = np.concatenate([[0.0], np.cumsum(widths) * (along[-1] / widths.sum())])
    front = np.column_stack([np.interp(marks, along, side[:, 0]), np.interp(marks, along, side[:, 1])])
    way = np.gradient(front, axis=0)
    way[1:-1] = (way[:-2] + way[1:-1] + way[2:]) / 3
    way /= np.maximum(np.hypot(*way.T), 1e-6)[:, None]
    depth = pattern.edge_depth_m * (0.86 + 0.14 * random.random())
    return front, front + np.column_stack([-way[:, 1], way[:, 0]]) * depth


def _without_overlap(lots: np.ndarray, blocks: Ints) -> np.ndarray:
    """True for lots that meet no earlier lot of another stretch."""
    one, other = STRtree(lots).query(lots, "intersects")
    pairs = blocks[one] < blocks[other]
    free = np.ones(len(lots), dtype=bool)
    free[other[pairs]] = False
    return free
