"""Three tellings of one relation agree on generated tables and grants: SQL, the Python evaluator, and the grants read
once more by hand.

Drawn are NULLs in every column, shapes inside, across, beside and exactly on the edge of a rule's polygon, several
grants with other columns, rows, precision, periods, purposes, agreements and claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func

from gis.crs import Projection
from layers.access.box import GeometryLevel
from layers.access.decide import decide
from layers.access.decision import Decision
from layers.access.evaluate import ShownRow, shown_rows
from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.errors import ForbiddenError, NotFoundError
from layers.filters import bind_claims, evaluate, parse_bound
from layers.filters.tree import Spatial
from layers.store.connection import compiled
from layers.store.relation_sql import SHAPE, Wanted, relation
from tests.support.layers import DAY, STORAGE_SRID, create, definition, grant, insert, to_wgs84

#: a rule's polygon: 100 m wide, along the axes of the storage CRS
ZONE_M = shapely.box(600_000, 1_210_000, 600_100, 1_210_100)
ZONE = shapely.to_wkt(to_wgs84(ZONE_M), rounding_precision=-1)
SITE = definition(
    "drawn",
    [
        {"name": "xa", "tag": "public"},
        {"name": "so", "type": "integer", "tag": "public"},
        {"name": "ten", "tag": "internal"},
        {"name": "co", "type": "boolean", "tag": "internal"},
        {"name": "ngay", "type": "date", "tag": "personal"},
        {"name": "gia", "type": "number", "tag": "commercial"},
        {"name": "moi"},
    ],
    geometry="Geometry",
    precisions_m=(50, 7),
)
PRINCIPALS = (
    Principal("anna", frozenset({"reviewer"}), office="phong_1", claims={"xa": ("25747", "25750")}),
    Principal("minh", frozenset({"reviewer", "valuer"}), claims={"xa": ("25753",), "ten": ("Phú Lợi", "O'Brien")}),
    Principal("public"),
)
CODES = st.sampled_from(["25747", "25750", "25753", "", None])
#: corners around the zone's edges: inside, across, on the edge itself, away
CORNERS = st.sampled_from([-150.0, -30.0, 0.0, 13.0, 40.0, 100.0, 120.0]) | st.floats(-160, 160)


def _shape(kind: str, x: float, y: float, width: float, height: float) -> shapely.Geometry:
    west, south = 600_000 + x, 1_210_000 + y
    if kind == "point":
        return shapely.multipoints([(west, south)])
    if kind == "line":
        return shapely.multilinestrings([[(west, south), (west + width, south + height)]])
    return shapely.multipolygons([shapely.box(west, south, west + width, south + height)])


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "xa": CODES,
            "so": st.integers(-3, 6) | st.none(),
            "ten": st.sampled_from(["Phú Lợi", "PHÚ LỢI", "O'Brien", "50%", "", None]),
            "co": st.sampled_from([True, False, None]),
            "ngay": st.sampled_from([date(2024, 2, 29), date(2025, 6, 30), None]),
            "gia": st.sampled_from([0.0, -1.5, 1e9, None]),
            "moi": st.sampled_from(["x", None]),
            "geom": st.builds(
                _shape, st.sampled_from(["area", "area", "line", "point"]), CORNERS, CORNERS,
                *[st.sampled_from([3.0, 60.0, 100.0, 250.0])] * 2,
            ),
        }
    ),
    min_size=3, max_size=7,
)  # fmt: skip
SIMPLE_RULES = st.sampled_from(
    [
        "xa IN :claims.xa", "xa NOT IN :claims.xa", "xa NOT IN ('25753','25750')", "so < 3", "NOT (so = 3)",
        "so BETWEEN 0 AND 4", "ten LIKE '%L%'", "CASEI(ten) = CASEI('phú lợi')", "ten IN :claims.ten", "co",
        "gia IS NULL", "moi = 'x'", "ngay <= DATE('2024-12-31')", "so < gia",
        f"S_INTERSECTS(geometry, {ZONE})", f"NOT (S_INTERSECTS(geometry, {ZONE}))",
        f"S_DISJOINT(geometry, {ZONE})", f"S_WITHIN(geometry, {ZONE})", f"S_OVERLAPS(geometry, {ZONE})",
        "ACCENTI(CASEI(ten)) LIKE '%loi'", "so * 2 - 1 > gia", "10 / so > 3", "so % 2 = 1", "co > FALSE",
        "T_AFTER(ngay, TIMESTAMP('2024-02-29T12:00:00Z'))", "T_INTERSECTS(INTERVAL(ngay, '..'), DATE('2025-01-01'))",
    ]
)  # fmt: skip
BROKEN_RULES = st.sampled_from(["xa = ", "nha = 'x'", "so = 'x'", "xa = :input.xa", "xa IN :claims.khac"])
RULES = st.recursive(
    SIMPLE_RULES,
    lambda inner: st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=3,
)
TAGS = ("public", "internal", "personal", "commercial")
NAMES = [each.name for each in SITE.attributes]


def mostly(usual: list[Any], *seldom: Any) -> st.SearchStrategy[Any]:
    """Nearly always a usual value: a grant holds only where every one of its conditions does."""
    return st.sampled_from([*usual * (1 + 8 * len(seldom) // len(usual)), *seldom])


GRANT = st.fixed_dictionaries(
    {
        "to": mostly(
            [{"anyone": True}, {"role": "reviewer"}, {"identity": "anna"}, {"office": "phong_1"}], {"role": "valuer"}
        ),
        "layer": mostly(["drawn", {"sharing": "shared"}], "other", {"sharing": "open"}),
        "actions": mostly([["items"], ["items", "tile"], ["export", "items"]], ["check"]),
        "purpose": mostly(["any"], "permit", ("plan", "permit"), "plan"),
        "rows": st.integers(0, 15).flatmap(lambda n: BROKEN_RULES if n == 15 else st.none() if n == 14 else RULES),
        "edge": st.sampled_from(["intersect", "within"]),
        "columns": st.builds(
            lambda tags, names: {"tags": tags, "names": names},
            st.lists(st.sampled_from(TAGS), unique=True, max_size=2),
            st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
        ),
        "geometry": mostly(["full", "centroid", "none", {"precision_m": 50}, {"precision_m": 7}], {"precision_m": 49}),
        "valid": mostly(
            [{}, {"until": "2026-01-15"}, {"from": "2026-01-15"}], {"until": "2026-01-14"}, {"from": "2026-01-16"}
        ),
        "agreement": mostly([None, "AGR-1"], "AGR-2"),
    }
)  # fmt: skip
GRANTS = st.lists(GRANT, min_size=2, max_size=6)
ACTIVE = frozenset({"AGR-1"})


@pytest.fixture
def table(
    make_template: Callable[[str, Callable[[str], None]], str], server: Any
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """One empty table; every example fills it and takes its rows back."""
    url = server.url(make_template("drawn", _create))
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


def _create(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        create(connection, SITE)


def drawn(examples: int) -> Callable[[Any], Any]:
    bound = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

    def decorate(test: Any) -> Any:
        strategies = given(
            rows=ROWS, plain=GRANTS, who=mostly([*PRINCIPALS[:2]], PRINCIPALS[2]), purpose=st.sampled_from(PURPOSES)
        )
        return bound(strategies(test))

    return decorate


PURPOSES = (None, "permit", "plan", "spying")


@drawn(300)
def test_sql_evaluator_and_grants_show_the_same(
    table: psycopg.Connection[Any],
    rows: list[dict[str, Any]],
    plain: list[dict[str, Any]],
    who: Principal,
    purpose: Any,
) -> None:
    compare(table, rows, plain, who, purpose)


@pytest.mark.long
@drawn(3000)
def test_sql_evaluator_and_grants_show_the_same_at_length(
    table: psycopg.Connection[Any],
    rows: list[dict[str, Any]],
    plain: list[dict[str, Any]],
    who: Principal,
    purpose: Any,
) -> None:
    compare(table, rows, plain, who, purpose)


def compare(
    table: psycopg.Connection[Any],
    rows: Sequence[dict[str, Any]],
    plain: Sequence[dict[str, Any]],
    who: Principal,
    purpose: str | None,
) -> None:
    grants = [grant(f"g{number}", **each) for number, each in enumerate(plain)]
    decision = decide(who, SITE, "items", grants, purpose=purpose, day=DAY, active_agreements=ACTIVE)
    with table.transaction(force_rollback=True):
        insert(table, SITE, [{"fid": number, **row} for number, row in enumerate(rows)])
        insert(table, SITE, [{"fid": 0, **rows[0], "ten": "CŨ"}], since=0, until=1)
        stored = stored_rows(table)
        in_python = {int(str(row["fid"])): shown for row, shown in shown_rows(decision, stored)}
        in_sql = relation_rows(table, decision)
    assert {fid: row.cells for fid, row in in_python.items()} == {fid: cells for fid, (cells, _) in in_sql.items()}
    by_hand = {int(str(row["fid"])): by_the_grants(row, grants, who, purpose) for row in stored}
    assert {fid: (set(row.columns), row.geometry) for fid, row in in_python.items()} == {
        fid: told for fid, told in by_hand.items() if told is not None
    }
    for row in stored:
        if (fid := int(str(row["fid"]))) in in_sql:
            require_shape(in_sql[fid][1], row, in_python[fid])


def stored_rows(table: psycopg.Connection[Any]) -> list[dict[str, object]]:
    """The current rows with the shapes that the database really holds."""
    names = [each.name for each in SITE.attributes]
    cursor = table.execute(
        "SELECT fid, xa, so, ten, co, ngay, gia, moi, ST_AsBinary(geom_4326), ST_AsBinary(geom) FROM data.drawn"
        " WHERE until IS NULL ORDER BY fid"
    )
    return [
        dict(zip(["fid", *names, "geometry", "geom"], (*cells, *map(shapely.from_wkb, shapes)), strict=True))
        for *cells, first, second in cursor.fetchall()
        for shapes in [(first, second)]
    ]


Shown = dict[int, tuple[dict[str, object], BaseGeometry | None]]


def relation_rows(table: psycopg.Connection[Any], decision: Decision) -> Shown:
    """What the relation's SQL gives: cells and the shape as drawn. A refused decision gives nothing."""
    try:
        found = relation(SITE, STORAGE_SRID, decision, Wanted(columns=decision.columns))
    except (ForbiddenError, NotFoundError):
        return {}
    columns = [found.rows.c[name] for name in ("fid", *decision.columns)]
    text, values = compiled(found.select(*columns, func.ST_AsBinary(found.rows.c[SHAPE])))
    return {
        fid: (dict(zip(decision.columns, cells, strict=True)), None if shape is None else shapely.from_wkb(shape))
        for fid, *cells, shape in table.execute(text, values).fetchall()
    }


def by_the_grants(
    row: Mapping[str, Any], grants: Sequence[Grant], who: Principal, purpose: str | None
) -> tuple[set[str], GeometryLevel] | None:
    """The union per cell said once more from the grants themselves, without a decision."""
    holding = [each for each in grants if is_theirs(each, who, purpose) and has_row(each, row, who)]
    if not holding:
        return None
    shown = {
        column.name
        for each in holding
        for column in SITE.attributes
        if column.name != "moi" and (column.tag in each.columns.tags or column.name in each.columns.names)
    }
    order = ["full", {"precision_m": 7}, {"precision_m": 50}, "centroid", "none"]
    plain = [each.geometry if isinstance(each.geometry, str) else each.geometry.model_dump() for each in holding]
    best = min(plain, key=order.index)
    return shown, GeometryLevel("grid", best["precision_m"]) if isinstance(best, dict) else GeometryLevel(best)


def is_theirs(each: Grant, who: Principal, purpose: str | None) -> bool:
    plain = each.model_dump(by_alias=True)
    to = plain["to"]
    is_for = to["anyone"] or to["role"] in who.roles or to["identity"] == who.id or (to["office"] or 0) == who.office
    is_about = plain["layer"] in ("drawn", {"sharing": "shared"})
    purposes = [plain["purpose"]] if isinstance(plain["purpose"], str) else plain["purpose"]
    first, last = plain["valid"]["from"] or date.min, plain["valid"]["until"] or date.max
    return bool(
        is_for and is_about and "items" in plain["actions"] and ("any" in purposes or purpose in purposes)
        and first <= DAY <= last and plain["agreement"] in (None, "AGR-1") and plain["geometry"] != {"precision_m": 49}
    )  # fmt: skip


#: the polygon as the rule's text is read: the parser may move a coordinate by its last bit (1.4e-14 of a degree)
READ_ZONE = cast("Spatial", parse_bound(f"S_INTERSECTS(geometry, {ZONE})")).shape


def has_row(each: Grant, row: Mapping[str, Any], who: Principal) -> bool:
    """The rule without our own reading of edges: within is asked of the shape itself."""
    if each.rows is None:
        return True
    needed = [name for name in ("xa", "ten", "khac") if f":claims.{name}" in each.rows]
    is_broken = any(part in each.rows for part in ("xa = ", "nha", "so = 'x'")) and "(so = 3)" not in each.rows
    if is_broken or not all(who.claims.get(name) for name in needed):
        return False
    text = bind_claims(each.rows, who.claims)
    meets = shapely.intersects(row["geometry"], READ_ZONE)
    inside = shapely.covered_by(row["geometry"], READ_ZONE)
    is_in = inside if each.edge == "within" else meets
    text = text.replace(f"NOT (S_INTERSECTS(geometry, {ZONE}))", str(not meets).upper())
    return evaluate(parse_bound(text.replace(f"S_INTERSECTS(geometry, {ZONE})", str(bool(is_in)).upper())), row) is True


PROJECTION = Projection(storage=f"EPSG:{STORAGE_SRID}", operation="EPSG:6960")


def require_shape(shape: BaseGeometry | None, row: Mapping[str, Any], shown: ShownRow) -> None:
    """A shape is drawn exactly as the level says, and never more exactly."""
    level = shown.geometry
    if level.kind == "none":
        assert shape is None
    elif level.kind == "full":
        assert shapely.to_wkb(shape) == shapely.to_wkb(row["geometry"])
    elif level.kind == "centroid":
        assert shape is not None and shape.geom_type == "Point"
        assert shapely.distance(shape, row["geometry"].centroid) < 1e-8
        steps = shapely.get_coordinates(shape) * 1e8
        assert np.abs(steps - steps.round()).max() < 1e-5  # no finer than it is shown, for a filter can ask
    else:
        assert shape is not None
        (moved,) = PROJECTION.from_wgs84(np.array([shape], dtype=object))
        steps = shapely.get_coordinates(moved) / level.precision_m
        assert np.abs(steps - steps.round()).max() * level.precision_m < 0.002
        assert shapely.distance(moved, row["geom"]) <= level.precision_m
