"""The lie of the land: province, communes, water, roads, and the faces between them that hold parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, STRtree
from shapely.geometry.base import BaseGeometry as Geometry

from . import geography
from .chance import Floats, Waves, stream
from .geography import Km, River, Road, Town

MINOR_ROAD_M = 7.0  #: width of the land of a street or rural lane
SAMPLE_M = 60.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What does not depend on how many parcels are asked for."""

    seed: int
    towns: tuple[Town, ...]
    centres: Floats  #: (towns, 2)
    province: Polygon
    communes: tuple[Polygon, ...]  #: in the order of `towns`; they tile the province with shared edges
    rivers: tuple[tuple[River, LineString, Geometry], ...]  #: course and water surface
    lakes: tuple[tuple[str, Polygon], ...]
    roads: tuple[tuple[Road, LineString, Geometry], ...]  #: axis and road land
    lanes: tuple[LineString, ...]
    parks: tuple[tuple[str, str, Polygon], ...]
    reserves: tuple[tuple[str, str, Polygon], ...]


def metres(points: Sequence[Km]) -> Floats:
    return np.array(points, dtype=np.float64) * 1000.0


def on_millimetre(shapes: Any, mode: Literal["valid_output", "pointwise"] = "valid_output") -> Any:
    """Shapes with coordinates on the millimetre, measured from then on as exactly as any others.

    GEOS would go on rounding the results of every overlay of a shape that carries a grid; a reader of the file cannot.
    """
    return shapely.set_precision(shapely.set_precision(shapes, 0.001, mode=mode), 0.0, mode="pointwise")


def spline(points: Floats, step_m: float = SAMPLE_M) -> Floats:
    """A Catmull-Rom curve through the points, sampled about every `step_m`."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    parts = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        count = max(int(np.hypot(*(end - start)) / step_m), 2)
        t = np.linspace(0, 1, count, endpoint=False)[:, None]
        parts.append(
            0.5 * (2 * start + (end - before) * t + (2 * before - 5 * start + 4 * end - after) * t**2
                   + (3 * start - before - 3 * end + after) * t**3)
        )  # fmt: skip
    return np.vstack([*parts, points[-1:]])


def meandered(points: Floats, height_m: float, seed: int, name: str) -> Floats:
    """The curve swung to both sides, less towards its ends."""
    random = stream(seed, "meander", name)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    tangent = np.gradient(points, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    length = max(height_m * 7.5, 300.0)
    swing = sum(
        height * np.sin(2 * np.pi * along / (length * scale) + random.random() * 6.283)
        for height, scale in ((0.6, 1.0), (0.45, 0.53), (0.5, 2.1))
    )
    return points + normal * (height_m * np.asarray(swing))[:, None]


def blob(middle: Km, radius_m: float, seed: int, name: str, wobble: float = 0.28, corners: int = 72) -> Polygon:
    """A closed shape without straight edges: a reserve, a lake, the edge of a plan."""
    random = stream(seed, "blob", name)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = np.ones(corners)
    for order in (2, 3, 5, 7):
        reach += wobble / order**0.8 * random.random() * np.sin(order * angle + random.random() * 6.283)
    points = np.column_stack([np.cos(angle), np.sin(angle)]) * (radius_m * reach)[:, None]
    return Polygon(np.round(metres([middle]) + points, 3))


def build(seed: int) -> Ground:
    """The whole geography of one seed."""
    wide = Waves.of(seed, "wide", (420, 7600), (85, 1700))
    fine = Waves.of(seed, "fine", (14, 420))
    rivers = tuple(_river(river, wide, seed) for river in geography.RIVERS)
    province = _province(wide, fine, [course for _, course, _ in rivers[:2]])
    centres = wide.bend(metres([town.at for town in geography.TOWNS]))
    communes = _communes(province, centres, fine)
    lakes = tuple((name, _in_place(blob(at, radius, seed, name), wide)) for name, at, radius in geography.LAKES)
    lakes = tuple((name, cast("Polygon", shape.intersection(province))) for name, shape in lakes)
    parks = tuple((n, kind, _in_place(blob(at, r, seed, n, 0.15, 40), wide)) for n, kind, at, r in geography.PARKS)
    reserves = tuple((n, kind, _in_place(blob(at, r, seed, n), wide)) for n, kind, at, r in geography.RESERVES)
    roads = tuple(_road(road, wide, province) for road in geography.ROADS)
    roads += _links(centres, province, roads, seed)
    keep_out = shapely.union_all(
        [*(w for r, _, w in rivers if r.grade <= 2), *(s for _, s in lakes), *(p.buffer(-60) for _, _, p in parks),
         *(s.buffer(-250) for _, _, s in reserves)]
    )  # fmt: skip
    lanes = _lanes(centres, province, keep_out, seed)
    return Ground(
        seed, geography.TOWNS, centres, province, communes, rivers, lakes, roads, lanes, parks, reserves
    )  # fmt: skip


def _in_place(shape: Polygon, waves: Waves) -> Polygon:
    return shapely.transform(shape, waves.bend)


def _river(river: River, waves: Waves, seed: int) -> tuple[River, LineString, Geometry]:
    """Course and surface; the width breathes along the way."""
    points = waves.bend(meandered(spline(metres(river.course)), river.meander_m, seed, river.id))
    random = stream(seed, "width", river.id)
    share = np.linspace(0, 1, len(points))
    grown = 0.55 + 0.45 * share if river.grade > 1 else 0.8 + 0.3 * share
    width = river.width_m * grown * (1 + 0.12 * np.sin(share * 40 + random.random() * 6))
    course = LineString(points)
    parts = shapely.buffer(
        shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1)), width[:-1] / 2, quad_segs=6
    )
    return river, course, on_millimetre(shapely.union_all(parts).simplify(0.4))


def _province(wide: Waves, fine: Waves, banks: list[LineString]) -> Polygon:
    frame = shapely.transform(Polygon(metres(geography.FRAME)).exterior.segmentize(400), wide.bend)
    frame = shapely.transform(frame.segmentize(60), fine.bend)
    faces = shapely.polygonize([shapely.union_all([frame, *banks])])
    middle = Point(603_000, 1_225_000)
    return cast("Polygon", next(face for face in faces.geoms if face.contains(middle)))


def _communes(province: Polygon, centres: Floats, fine: Waves) -> tuple[Polygon, ...]:
    """Nearest-centre cells with bent edges; what a bend cuts off goes to the neighbour it touches most."""
    edges = shapely.voronoi_polygons(shapely.MultiPoint(centres), only_edges=True, extend_to=province)
    own = Waves.of(7, "communes", (260, 3600), (60, 900))
    edges = shapely.transform(shapely.transform(shapely.segmentize(edges, 90.0), own.bend), fine.bend)
    noded = shapely.union_all([edges, province.exterior], grid_size=0.001)
    faces = [face for face in shapely.polygonize([noded]).geoms if province.buffer(1).contains(face)]
    tree = STRtree(faces)
    home = {int(face): town for town, face in zip(*tree.query(shapely.points(centres), "within"), strict=True)}
    while len(home) < len(faces):
        for index, face in enumerate(faces):
            if index in home:
                continue
            beside = [other for other in tree.query(face, "touches") if int(other) in home]
            if beside:
                lengths = [face.intersection(faces[other]).length for other in beside]
                home[index] = home[int(beside[int(np.argmax(lengths))])]
    parts: list[list[Polygon]] = [[] for _ in centres]
    for index, town in home.items():
        parts[town].append(faces[index])
    return tuple(cast("Polygon", shapely.coverage_union_all(own_parts)) for own_parts in parts)


def _road(road: Road, waves: Waves, province: Polygon) -> tuple[Road, LineString, Geometry]:
    axis = LineString(waves.bend(spline(metres(road.course))))
    land = axis.buffer(road.land_m / 2, cap_style="flat", quad_segs=8).intersection(province)
    return road, axis, on_millimetre(land)


def _triangles(points: Floats) -> tuple[np.ndarray, Floats]:
    """Delaunay edges of each triangle as point numbers (triangles, 3, 2), and their lengths."""
    found = shapely.get_parts(shapely.delaunay_triangles(shapely.MultiPoint(points)))
    corners = shapely.get_coordinates(found).reshape(-1, 4, 2)[:, :3]
    numbers = {tuple(point): number for number, point in enumerate(points.tolist())}
    index = np.array([[numbers[tuple(c)] for c in triangle] for triangle in corners.tolist()])
    edges = np.stack([index, np.roll(index, -1, axis=1)], axis=2)
    return np.sort(edges, axis=2), np.hypot(*(points[edges[..., 0]] - points[edges[..., 1]]).transpose(2, 0, 1))


def _urquhart(points: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the Urquhart graph (Delaunay without the longest edge of any triangle), and the ones left out."""
    edges, lengths = _triangles(points)
    longest = edges[np.arange(len(edges)), np.argmax(lengths, axis=1)]
    every = {tuple(edge) for edge in edges.reshape(-1, 2).tolist()}
    dropped = {tuple(edge) for edge in longest.tolist()}
    return np.array(sorted(every - dropped)), np.array(sorted(dropped))


def _curved(start: Floats, end: Floats, bend: float) -> LineString:
    """A gentle arc between two places."""
    side = np.array([start[1] - end[1], end[0] - start[0]]) * bend
    t = np.linspace(0, 1, max(int(np.hypot(*(end - start)) / 45), 3))[:, None]
    middle = (start + end) / 2 + side
    return LineString(np.round((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end, 3))


def _links(
    centres: Floats, province: Polygon, main: Sequence[tuple[Road, LineString, Geometry]], seed: int
) -> tuple[tuple[Road, LineString, Geometry], ...]:
    """Provincial roads from town to town where no main road runs already."""
    random = stream(seed, "links")
    made = []
    along = shapely.union_all([axis for _, axis, _ in main]).buffer(420)
    for number, (a, b) in enumerate(_urquhart(centres)[0]):
        axis = _curved(centres[a], centres[b], (random.random() - 0.5) * 0.24)
        if axis.intersection(along).length > 0.55 * axis.length:
            continue
        grade, land = ("cap_IV", 18.0) if axis.length > 4500 else ("cap_V", 14.0)
        road = Road(f"DX{number:02d}", f"Đường liên xã {number:02d} (giả định)", grade, land, ())
        shape = axis.buffer(land / 2, cap_style="flat", quad_segs=6).intersection(province)
        made.append((road, axis, on_millimetre(shape)))
    return tuple(made)


def _places(centres: Floats, province: Polygon, seed: int) -> Floats:
    """Junctions of lanes: dense in towns and in the south, wide apart in the country."""
    random = stream(seed, "junctions")
    west, south, east, north = province.bounds
    chosen = []
    weights = np.array([town.weight for town in geography.TOWNS])
    for spacing, low, high in ((330.0, 0.0, 0.9), (560.0, 0.9, 1.8), (1150.0, 1.8, 99.0)):
        x, y = np.meshgrid(np.arange(west, east, spacing), np.arange(south, north, spacing))
        points = np.column_stack([x.ravel(), y.ravel()])
        points[:, 0] += np.where((np.indices(x.shape)[0].ravel() % 2) == 1, spacing / 2, 0)
        points += (random.random(points.shape) - 0.5) * spacing * 0.72
        away = np.hypot(points[:, None, 0] - centres[:, 0], points[:, None, 1] - centres[:, 1])
        remote = (away / (700 + 620 * weights)).min(axis=1)
        chosen.append(points[(remote >= low) & (remote < high)])
    points = np.round(np.vstack(chosen), 3)
    return points[shapely.contains_xy(province.buffer(-120), points)]


def _lanes(centres: Floats, province: Polygon, keep_out: Geometry, seed: int) -> tuple[LineString, ...]:
    points = _places(centres, province, seed)
    random = stream(seed, "lanes")
    edges = _urquhart(points)[0]
    bends = (random.random(len(edges)) - 0.5) * 0.22
    lines = np.array([_curved(points[a], points[b], bend) for (a, b), bend in zip(edges, bends, strict=True)])
    shapely.prepare(keep_out)
    return tuple(lines[~shapely.intersects(keep_out, lines) & shapely.covers(province, lines)])


def wet(ground: Ground) -> Geometry:
    """All water surfaces."""
    return shapely.union_all([*(surface for _, _, surface in ground.rivers), *(shape for _, shape in ground.lakes)])


def multi(shape: Geometry) -> MultiPolygon:
    """Only the areas of a shape, as a multi-polygon."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    nested = [p for part in shapely.get_parts(shape) if part.geom_type == "MultiPolygon" for p in part.geoms]
    return MultiPolygon([part for part in [*parts, *nested] if part.area > 0])
