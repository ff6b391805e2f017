"""The compiled filter and the Python one say the same of every row, unknown included; no text of a caller is SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from layers.access.decide import all_properties
from layers.filters import check, evaluate, parse_text, to_text
from layers.filters.folding import searchable
from layers.filters.parse import ARITHMETIC, ARRAY, SPATIAL, TEMPORAL
from layers.filters.slots import with_slots
from layers.filters.tree import (
    AccentFolded,
    And,
    Arithmetic,
    Array,
    ArrayComparison,
    Between,
    CaseFolded,
    Comparison,
    Constant,
    Expression,
    In,
    Interval,
    IsNull,
    Like,
    ListValues,
    Literal,
    Not,
    Or,
    Property,
    Search,
    Spatial,
    SpatialPair,
    Temporal,
)  # fmt: skip
from layers.store import connection as database
from layers.store import filter_slots
from layers.store.connection import Connection, compiled
from layers.store.filter_sql import compile_filter
from layers.store.tables import layer_table
from tests.support.layers import STORAGE_SRID, to_wgs84
from tests.support.sites import NAMES, SITE, rows

pytestmark = pytest.mark.anyio

TABLE = layer_table(SITE, STORAGE_SRID)
COLUMNS: dict[str, Any] = {**{a.name: TABLE.c[a.name] for a in SITE.attributes}, "geometry": TABLE.c.geom_4326}
TEXTS = st.sampled_from([*NAMES, "x", "M3"]) | st.text(max_size=6).filter(lambda text: "\x00" not in text)
PATTERNS = st.sampled_from(["Phú%", "%_lợi", "50\\%%", 'a"b\\\\c', "%", "_%", "", "O'%", "PHÚ LỢI", "%ợ_"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "so": st.integers(-10, 50) | st.sampled_from([0.5, 3.0, 2**40]),
    "dt": st.floats(0, 500, allow_nan=False) | st.integers(0, 500),
    "ten": TEXTS,
    "xa": st.sampled_from(["25747", "25750", "", "~"]),
    "ngay": st.dates(date(2023, 12, 1), date(2025, 3, 1)),
}
NULLABLE = {name: values | st.none() for name, values in VALUES.items()}
OPERATORS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


FOLDS: Any = st.sampled_from([lambda of: of, CaseFolded, AccentFolded, lambda of: AccentFolded(CaseFolded(of))])
FIELDS = [to_wgs84(row["geom"]) for row in rows()[:20]]
BOXES: st.SearchStrategy[Any] = st.deferred(lambda: st.builds(_box, *[st.floats(0, 1)] * 4))
SHAPES = st.one_of(BOXES, st.sampled_from(FIELDS), BOXES.map(lambda box: box.boundary))
DAYS = st.sampled_from([date(2024, 2, 1), date(2024, 6, 30), date(2025, 1, 1)])
TIMES = st.sampled_from([datetime(2024, 6, 30, tzinfo=UTC), datetime(2024, 6, 30, 12, 30, tzinfo=UTC)])
BOUNDS = st.one_of(DAYS.map(Literal), TIMES.map(Literal), st.just(Property("ngay")))
INTERVALS = st.one_of(
    st.builds(Interval, st.none() | BOUNDS, st.none() | st.just(Property("ngay"))),
    st.builds(Interval, st.none() | st.sampled_from([date(2024, 2, 1), date(2024, 6, 30)]).map(Literal), BOUNDS.filter(
        lambda bound: bound != Literal(date(2024, 2, 1))
    )),
)  # fmt: skip
MOMENTS = st.one_of(BOUNDS, INTERVALS)
ARRAYS = st.one_of(
    st.just(ListValues("muc", "loai")), st.just(ListValues("muc", "dt")),
    st.lists(st.sampled_from(["ODT", "CLN", 1, 1.0, 2.5, True, None]).map(Literal), max_size=3).map(
        lambda values: Array(tuple(values))
    ),
)  # fmt: skip
CALCULATED = st.recursive(
    st.sampled_from(
        [Property("so"), Property("dt"), Literal(0), Literal(2), Literal(-0.5), Literal(1e300), Literal(None)]
    ),
    lambda inner: st.builds(Arithmetic, st.sampled_from(ARITHMETIC), inner, inner),
    max_leaves=5,
)
TERMS = st.sampled_from(["phú lợi", "Phu", "50", "brien o", "O'Brien", "vườn"]).map(searchable)


FOLDED_PATTERNS = st.builds(lambda fold, text: fold(Literal(text)), FOLDS, PATTERNS)


@st.composite
def predicates(draw: st.DrawFn) -> Expression:
    name = draw(st.sampled_from(sorted(VALUES)))
    of = Property(name)
    some = NULLABLE[name].map(Literal)
    kinds: list[st.SearchStrategy[Expression]] = [
        st.builds(Comparison, OPERATORS, st.just(of), some),
        st.builds(Comparison, OPERATORS, some, st.just(of)),
        st.builds(Between, st.just(of), some, some),
        st.builds(In, st.just(of), st.lists(some, min_size=1, max_size=4).map(tuple)),
        st.builds(IsNull, st.just(of)),
        st.sampled_from(
            [Constant(True), Constant(False), Property("co"), Comparison("=", Property("co"), Literal(True))]
        ),
        st.just(Comparison("<", Property("so"), Property("dt"))),
        st.builds(lambda of, shape: Spatial(of, "geometry", shape), st.sampled_from(SPATIAL), SHAPES),
        st.builds(
            SpatialPair, st.sampled_from(SPATIAL[:-1]), st.just(Property("geometry")), st.just(Property("geometry"))
        ),
        st.builds(Temporal, st.sampled_from(TEMPORAL), INTERVALS, INTERVALS),
        st.builds(Temporal, st.sampled_from(["after", "before", "equals", "disjoint", "intersects"]), MOMENTS, MOMENTS),
        st.builds(ArrayComparison, st.sampled_from(ARRAY), ARRAYS, ARRAYS),
        st.builds(Comparison, OPERATORS, CALCULATED, st.one_of(CALCULATED, st.integers(-50, 50).map(Literal))),
        st.builds(
            Search, st.sampled_from([("ten",), ("ten", "xa")]), st.lists(TERMS, min_size=1, max_size=2).map(tuple)
        ),
    ]
    if name in ("ten", "xa"):
        kinds += [
            st.builds(Like, FOLDS.map(lambda fold: fold(of)), FOLDED_PATTERNS),
            st.builds(
                Comparison, OPERATORS, FOLDS.map(lambda fold: fold(of)),
                st.builds(lambda fold, text: fold(Literal(text)), FOLDS, st.sampled_from([*NAMES, "ÔNG", "phu loi"])),
            ),
        ]  # fmt: skip
    return draw(st.one_of(kinds))


def _box(x: float, y: float, width: float, height: float) -> Any:
    """Somewhere over the land."""
    west, south = 600_000 + 2000 * x, 1_210_000 + 1500 * y
    return to_wgs84(shapely.box(west, south, west + 1 + 900 * width, south + 1 + 900 * height))


EXPRESSIONS = st.recursive(
    predicates(),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts)))
    ),
    max_leaves=6,
)


LAND = [{**row, "geometry": to_wgs84(row["geom"])} for row in rows()[:300]]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(expression=EXPRESSIONS)
async def test_sql_and_python_agree_on_every_row(connection: Connection, expression: Expression) -> None:
    checked = check(expression, all_properties(SITE))
    condition = compile_filter(checked, COLUMNS)
    statement = select(TABLE.c.fid, condition.label("is_met"))
    current = statement.where(TABLE.c.until.is_(None), TABLE.c.fid <= LAND[-1]["fid"])
    found = await database.rows(connection, current)
    in_sql = {row["fid"]: row["is_met"] for row in found}
    in_python = {row["fid"]: evaluate(checked, row) for row in LAND}
    assert in_sql == in_python


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(expression=EXPRESSIONS)
async def test_a_filter_with_slots_means_the_same(connection: Connection, expression: Expression) -> None:
    checked = check(expression, all_properties(SITE))
    slotted = with_slots(checked)
    condition = compile_filter(slotted, COLUMNS)
    statement = select(TABLE.c.fid, condition.label("is_met")).where(TABLE.c.until.is_(None))
    text, fixed = compiled(statement.where(TABLE.c.fid <= LAND[-1]["fid"]))
    given = filter_slots.values(slotted, tuple)  # type: ignore[arg-type]
    found = await database.rows(connection, text, fixed | {name: given[name] for name in given if name in fixed})
    assert {row["fid"]: row["is_met"] for row in found} == {row["fid"]: evaluate(checked, row) for row in LAND}
    assert to_text(slotted) == to_text(checked)


@given(value=st.text(max_size=30))
def test_no_character_of_a_value_is_part_of_the_statement(value: str) -> None:
    marker = "zqx" + value.replace("\x00", "")
    for expression in (
        Comparison("=", Property("ten"), Literal(marker)),
        In(Property("ten"), (Literal(marker),)),
        Like(CaseFolded(Property("ten")), Literal(marker)),
        ArrayComparison("contains", ListValues("muc", "loai"), Array((Literal(marker),))),
        Search(("ten",), (marker,)),
    ):
        text, _ = compiled(select(TABLE.c.fid).where(compile_filter(expression, COLUMNS)))
        assert "zqx" not in text


def test_a_column_that_was_not_handed_in_is_a_defect_and_not_sql() -> None:
    with pytest.raises(KeyError):
        compile_filter(Comparison("=", Property("x; DROP TABLE"), Literal(1)), COLUMNS)


async def test_the_deepest_filter_that_is_let_through_runs(connection: Connection) -> None:
    deepest = check(parse_text("NOT (" * 60 + "so = 1" + ")" * 60), all_properties(SITE))
    statement = select(TABLE.c.fid).where(compile_filter(deepest, COLUMNS), TABLE.c.until.is_(None))
    assert len(await database.rows(connection, statement)) > 0
    assert evaluate(deepest, {"so": 1}) is True
