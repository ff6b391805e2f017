"""The kernel against PostGIS on whole shapes: 20,000 random pairs, huge and degenerate ones among them.

PostGIS overlays whole shapes with the GEOS of its own; the kernel adds up pieces, by overlays or by sums over edges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import psycopg
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from gis.bounds import COINCIDENCE_M
from gis.candidates import Pieces, Subjects
from gis.measure import AreaRoute, Measures, measure
from gis.pieces import subdivide
from gis.procedure import Relation, Rule
from tests.support.published import EAST, NORTH
from tests.support.server import Server

Connection = psycopg.Connection[tuple[float]]
MakeTemplate = Callable[[str, Callable[[str], None]], str]
SIDE_M = 40.0
REACH_M = 15.0
#: relative to the area of the smaller shape, and in m: what rounding of doubles at 10⁶ m explains
AREA_M2, LENGTH_M = 1e-5, 1e-5

ORACLE = {
    Relation.OVERLAPS_AREA: "ST_Area(ST_Intersection(subject, feature))",
    Relation.CROSSES_LINE: "ST_Length(ST_CollectionExtract(ST_Intersection(subject, feature), 2))",
    Relation.WITHIN_DISTANCE: "ST_Distance(subject, feature)",
    Relation.CONTAINS_POINT: "ST_Contains(subject, feature)::int",
}
_ASK = """
WITH subjects AS MATERIALIZED (
    SELECT n, ST_GeomFromWKB(shape) AS subject FROM unnest(%s::bytea[]) WITH ORDINALITY AS given (shape, n)
), features AS MATERIALIZED (
    SELECT n, ST_GeomFromWKB(shape) AS feature FROM unnest(%s::bytea[]) WITH ORDINALITY AS given (shape, n)
)
SELECT {measure} AS measure
FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS pair (s, f, n)
JOIN subjects ON subjects.n = pair.s + 1
JOIN features ON features.n = pair.f + 1
ORDER BY pair.n
"""


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def star(random: np.random.Generator, at: np.ndarray, size_m: float, vertices: int) -> shapely.Polygon:
    """A star-shaped polygon, with a hole in every third."""
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = size_m * random.uniform(0.6, 1.0, vertices)
    shell = np.round(at + np.column_stack([radius * np.cos(angles), radius * np.sin(angles)]), 4)
    holes = (
        [np.round(at + size_m * 0.2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]), 4)] if vertices % 3 == 0 else []
    )
    return shapely.Polygon(shell, holes)


def lattice(random: np.random.Generator, count: int) -> list[BaseGeometry]:
    """Parcels that share their corners exactly."""
    side = int(np.ceil(np.sqrt(count)))
    steps = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1), indexing="ij"), axis=-1) * SIDE_M
    corners = np.round(np.array((EAST, NORTH)) + steps + random.uniform(-9, 9, steps.shape), 4)
    cells = [(i, j) for i in range(side) for j in range(side)][:count]
    return [
        shapely.Polygon([corners[i, j], corners[i + 1, j], corners[i + 1, j + 1], corners[i, j + 1]]) for i, j in cells
    ]


def features_near(random: np.random.Generator, parcels: Sequence[BaseGeometry], count: int) -> list[BaseGeometry]:
    """Polygons of all sizes around the parcels; some follow edges, some are slivers, some have islands."""
    made: list[BaseGeometry] = []
    while len(made) < count:
        parcel = parcels[int(random.integers(len(parcels)))]
        at = shapely.get_coordinates(parcel)[int(random.integers(4))]
        kind = len(made) % 5
        if kind == 0:
            made.append(star(random, at, float(random.uniform(0.5, 8)), int(random.integers(4, 14))))
        elif kind == 1:
            made.append(star(random, at, float(random.uniform(10, 60)), int(random.integers(12, 400))))
        elif kind == 2:  # a strip over an edge, some of it a millimetre wide
            a, b = shapely.get_coordinates(parcel)[:2]
            wide = np.array([0.0, float(random.choice([0.001, 0.02, 0.5, 6.0]))])
            made.append(shapely.Polygon(np.round([a - wide, b - wide, b + wide, a + wide], 4)))
        elif kind == 3:  # a neighbour: the very same corners
            made.append(parcels[int(random.integers(len(parcels)))])
        else:
            island = star(random, at + np.array((200.0, 0.0)), 9.0, 9)
            made.append(shapely.union_all([star(random, at, 20.0, 16), island]))
    return [shape for shape in made if shape.is_valid and shape.area > 0]


def lines_near(random: np.random.Generator, parcels: Sequence[BaseGeometry], count: int) -> list[BaseGeometry]:
    """Lines through several parcels, short ones, closed ones, and some along boundaries."""
    made: list[BaseGeometry] = []
    for number in range(count):
        corners = shapely.get_coordinates(parcels[int(random.integers(len(parcels)))])
        if number % 4 == 0:
            made.append(shapely.LineString(corners[:3]))
        else:
            steps = random.uniform(-1, 1, (int(random.integers(2, 9)), 2)) * (60.0 if number % 2 else 4.0)
            made.append(shapely.LineString(np.round(corners[0] + np.cumsum(steps, axis=0), 4)))
    return made


def points_near(random: np.random.Generator, parcels: Sequence[BaseGeometry], count: int) -> list[BaseGeometry]:
    boxes = shapely.bounds(np.array(parcels, dtype=object))
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return list(shapely.points(np.round(random.uniform(low, high, (count, 2)), 4)))


def coast(random: np.random.Generator, at: np.ndarray, size_m: float, vertices: int) -> shapely.Polygon:
    """A long outline as a river bank has: bays of all sizes, and millimetres of noise on every corner."""
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    bays = sum(np.sin(angles * n + random.uniform(0, 6)) / n for n in (3, 7, 19, 53))
    radius = size_m * (1 + 0.15 * bays) + random.uniform(0, 0.001, vertices)
    return shapely.Polygon(np.round(at + np.column_stack([radius * np.cos(angles), radius * np.sin(angles)]), 4))


# ── both sides ───────────────────────────────────────────────────────────────────────────────────


def measured(
    relation: Relation, parcels: Sequence[BaseGeometry], features: Sequence[BaseGeometry], route: AreaRoute | None
) -> Measures:
    found = Subjects.of(np.array(parcels, dtype=object), np.zeros(len(parcels)))
    rule = Rule("r", "l", relation, distance_m=REACH_M if relation is Relation.WITHIN_DISTANCE else 0.0)
    pieces, owner = subdivide(np.array(features, dtype=object))
    boxes = shapely.box(*(shapely.bounds(found.geometry) + np.array([-1, -1, 1, 1]) * (REACH_M + 1)).T)
    subject, piece = shapely.STRtree(pieces).query(boxes)
    rows = Pieces(subject.astype(np.int64), owner[piece], pieces[piece], np.zeros(len(features)), None, piece)
    return measure(rule, found, rows, area_route=route)


def asked(
    connection: Connection, measure: str, parcels: Sequence[BaseGeometry], features: Sequence[BaseGeometry],
    pairs: Measures,
) -> np.ndarray:  # fmt: skip
    """PostGIS's word on each pair."""
    shapes = [shapely.to_wkb(np.array(given, dtype=object)).tolist() for given in (parcels, features)]
    values = (*shapes, pairs.subject.tolist(), pairs.feature.tolist())
    rows = connection.execute(_ASK.format(measure=measure), values).fetchall()  # type: ignore[arg-type]
    return np.array([row[0] for row in rows], dtype=np.float64)


@pytest.fixture(scope="module")
def postgis(server: Server, make_template: MakeTemplate) -> Iterator[Connection]:
    with psycopg.connect(server.url(make_template("empty", lambda url: None))) as connection:
        yield connection


def compared(
    connection: Connection,
    relation: Relation,
    parcels: Sequence[BaseGeometry],
    features: Sequence[BaseGeometry],
    route: AreaRoute | None = None,
) -> tuple[Measures, np.ndarray]:
    """The pairs the kernel tells of, with PostGIS's word on each."""
    found = measured(relation, parcels, features, route)
    assert not found.theme.broken.any()
    return found, asked(connection, ORACLE[relation], parcels, features, found)


def town(
    seed: int, parcels: int, features: int, of: Callable[..., list[BaseGeometry]]
) -> tuple[list[BaseGeometry], ...]:
    random = np.random.default_rng(seed)
    made = lattice(random, parcels)
    return made, of(random, made, features)


# ── tests ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("route", ["overlay", "edges"])
@pytest.mark.parametrize(("parcels", "features"), [(100, 250), pytest.param(2_500, 5_000, marks=pytest.mark.long)])
def test_areas_are_those_of_postgis(postgis: Connection, route: AreaRoute, parcels: int, features: int) -> None:
    subjects, shapes = town(7, parcels, features, features_near)
    found, expected = compared(postgis, Relation.OVERLAPS_AREA, subjects, shapes, route)
    assert len(expected) > 4 * parcels
    assert (expected > 1).sum() > parcels
    assert np.abs(found.area_m2 - expected).max() < AREA_M2


@pytest.mark.parametrize(("parcels", "features"), [(100, 200), pytest.param(900, 3_000, marks=pytest.mark.long)])
def test_lengths_distances_and_points_are_those_of_postgis(postgis: Connection, parcels: int, features: int) -> None:
    subjects, lines = town(8, parcels, features, lines_near)
    found, expected = compared(postgis, Relation.CROSSES_LINE, subjects, lines)
    inside = found.relation == Relation.CROSSES_LINE.value  # a line only on the boundary is touches_only by our rules
    assert inside.sum() > parcels
    assert np.abs(found.length_m - expected)[inside].max() < LENGTH_M
    for s, f in zip(found.subject[~inside], found.feature[~inside], strict=True):
        common = shapely.intersection(subjects[s], lines[f])
        beyond = shapely.difference(common, shapely.buffer(shapely.boundary(subjects[s]), 1.01 * COINCIDENCE_M))
        assert beyond.length == 0

    subjects, shapes = town(9, parcels, features // 2, features_near)
    found, expected = compared(postgis, Relation.WITHIN_DISTANCE, subjects, shapes)
    assert np.abs(found.nearest_m - expected).max() < LENGTH_M

    subjects, points = town(10, parcels, features, points_near)
    found, expected = compared(postgis, Relation.CONTAINS_POINT, subjects, points)
    assert expected.sum() > parcels / 2
    differs = found.is_inside != (expected == 1)
    edges = shapely.boundary(np.array(subjects, dtype=object)[found.subject])
    to_edge = shapely.distance(edges, np.array(points, dtype=object)[found.feature])
    assert (to_edge[differs] <= COINCIDENCE_M).all()  # on the boundary by our rules: touches_only for both neighbours
    assert differs.sum() <= 0.01 * len(differs)


@pytest.mark.long
@pytest.mark.parametrize("route", ["overlay", "edges"])
def test_shapes_of_a_hundred_thousand_vertices_are_measured_like_small_ones(
    postgis: Connection, route: AreaRoute
) -> None:
    random = np.random.default_rng(11)
    parcels = lattice(random, 36)
    middle = np.array((EAST + 3 * SIDE_M, NORTH + 3 * SIDE_M))
    huge = [coast(random, middle + random.uniform(-40, 40, 2), 120.0, 100_000) for _ in range(4)]
    assert all(shape.is_valid for shape in huge)
    found, expected = compared(postgis, Relation.OVERLAPS_AREA, parcels, huge, route)
    assert (expected > 1).sum() > 40
    assert np.abs(found.area_m2 - expected).max() < AREA_M2
    found, expected = compared(postgis, Relation.OVERLAPS_AREA, huge, parcels, route)  # as subjects too
    assert np.abs(found.area_m2 - expected).max() < AREA_M2


@pytest.mark.parametrize("route", ["overlay", "edges"])
def test_invalid_and_degenerate_subjects_are_broken_and_never_measured(route: AreaRoute) -> None:
    at = np.array((EAST, NORTH))

    def ring(*corners: tuple[float, float]) -> np.ndarray:
        return np.array(corners) + at

    with np.errstate(invalid="ignore"):
        unreal = [shapely.Polygon(ring((0, 0), (9, 0), (9, 9), (0, number))) for number in (np.nan, np.inf)]
    wrong = [
        *unreal,
        shapely.Polygon(ring((0, 0), (10, 10), (10, 0), (0, 10))),  # crosses itself
        shapely.Polygon(ring((0, 0), (10, 0), (10, 10), (10, 0), (0, 0))),  # a spike and nothing else
        shapely.Polygon(ring((0, 0), (5, 0), (10, 0))),  # no area
        shapely.Polygon(ring((0, 0), (9, 0), (9, 9), (0, 9)), [ring((20, 20), (21, 20), (21, 21))]),  # hole outside
        shapely.from_wkt("POLYGON EMPTY"),
        shapely.MultiPolygon([shapely.box(*at, *(at + 5)), shapely.box(*(at + 2), *(at + 7))]),  # parts overlap
        shapely.Point(at),
        shapely.LineString([at, at + 5]),
    ]
    sound = [shapely.box(*at, *(at + 10))]
    found = Subjects.of(np.array(wrong + sound, dtype=object), np.zeros(len(wrong) + 1))
    every = np.arange(len(wrong) + 1)
    feature = shapely.box(*(at - 50), *(at + 50))
    rows = Pieces(every, np.zeros(len(every), dtype=np.int64), np.full(len(every), feature, dtype=object), np.zeros(1))
    measures = measure(Rule("r", "l", Relation.OVERLAPS_AREA), found, rows, area_route=route)
    assert measures.theme.broken.tolist() == [True] * len(wrong) + [False]
    assert measures.subject.tolist() == [len(wrong)]
    assert measures.area_m2[0] == pytest.approx(100.0)


@pytest.mark.parametrize("seed", range(8))
def test_shapes_repaired_at_publication_are_measured_as_postgis_repairs_them(postgis: Connection, seed: int) -> None:
    """Crossing rings: both repair by structure; areas of what they make of them are the same."""
    random = np.random.default_rng(seed)
    parcels = lattice(random, 25)
    corners = np.array((EAST, NORTH)) + random.uniform(0, 5 * SIDE_M, (20, 7, 2))
    crossed = [shapely.Polygon(np.round(ring, 4)) for ring in corners]
    crossed = [shape for shape in crossed if not shape.is_valid]
    assert len(crossed) > 5
    repaired = shapely.make_valid(np.array(crossed, dtype=object), method="structure", keep_collapsed=False)
    whole = [shape for shape in repaired if shape.area > 0]
    found = measured(Relation.OVERLAPS_AREA, parcels, whole, None)
    as_drawn = [shape for shape, one in zip(crossed, repaired, strict=True) if one.area > 0]
    made = "ST_MakeValid(feature, 'method=structure keepcollapsed=false')"
    expected = asked(postgis, f"ST_Area(ST_Intersection(subject, {made}))", parcels, as_drawn, found)
    assert np.abs(found.area_m2 - expected).max() < AREA_M2
