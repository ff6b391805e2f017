"""The compiled filter and the Python one say the same of every row, unknown included; no text of a caller is SQL."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from layers.access.decide import all_properties
from layers.filters import check, evaluate, parse_text
from layers.filters.tree import (
    And,
    Between,
    CaseFolded,
    Comparison,
    Constant,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Property,
    Spatial,
)  # fmt: skip
from layers.store import connection as database
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
        st.builds(lambda x, y, w, h: Spatial("intersects", "geometry", _box(x, y, w, h)), *[st.floats(0, 1)] * 4),
        st.builds(lambda x, y, w, h: Spatial("within", "geometry", _box(x, y, w, h)), *[st.floats(0, 1)] * 4),
    ]
    if name in ("ten", "xa"):
        kinds += [
            st.builds(Like, st.just(of), PATTERNS.map(Literal), st.booleans()),
            st.builds(
                Comparison, st.sampled_from(["=", "<>"]), st.just(CaseFolded(of)),
                st.sampled_from([*NAMES, "ÔNG"]).map(Literal).map(CaseFolded),
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


@given(value=st.text(max_size=30))
def test_no_character_of_a_value_is_part_of_the_statement(value: str) -> None:
    marker = "zqx" + value.replace("\x00", "")
    for expression in (
        Comparison("=", Property("ten"), Literal(marker)),
        In(Property("ten"), (Literal(marker),)),
        Like(Property("ten"), Literal(marker), True),
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
