"""The shape of the plan is the security argument: it is asserted, not believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from layers.access.decide import Decision, queryables
from layers.filters import check, parse_text
from layers.store import connection as database
from layers.store import differences
from layers.store.connection import Connection
from layers.store.feature_sql import drawn_features
from layers.store.features import prepare
from layers.store.relation_sql import Wanted, box_values
from tests.support.layers import STORAGE_SRID, decision, grant
from tests.support.sites import SITE

pytestmark = pytest.mark.anyio

OPEN = decision(SITE, grant("a", "site"))
RULED = decision(SITE, grant("a", "site", rows="xa IN ('25747', '25750')"))
TWO = decision(
    SITE, grant("a", "site", rows="xa = '25747'"), grant("b", "site", columns={"names": ["gia"]}, rows="xa = '25750'")
)


async def plan(connection: Connection, decided: Decision, text: str | None = None, **more: Any) -> dict[str, Any]:
    rule = None if text is None else check(parse_text(text), queryables(SITE, decided))
    wanted = Wanted(decided.columns, filter=rule, is_limited=True, **more)
    statement, values = prepare(drawn_features, SITE, STORAGE_SRID, decided, wanted).with_values(
        {"limit": 20, "after": 100} | box_values((108.6, 10.9, 108.61, 10.92), decided)
    )
    found = await database.rows(connection, "EXPLAIN (FORMAT JSON) " + statement, values)
    (made,) = found[0].values()
    return made[0]["Plan"]  # type: ignore[no-any-return]


def nodes(node: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Every node with the kinds of node above it."""
    yield node, above
    for child in node.get("Plans", ()):
        yield from nodes(child, (*above, node["Node Type"]))


@pytest.mark.parametrize("decided", [OPEN, RULED, TWO])
@pytest.mark.parametrize(
    "text", ["ten LIKE 'Phú%'", "NOT (so = 3)", "dt > 5", "so = 3 OR co", "CASEI(ten) = CASEI('x')"]
)
async def test_what_may_raise_or_tell_stands_above_the_fence(
    connection: Connection, decided: Decision, text: str
) -> None:
    found = list(nodes(await plan(connection, decided, text)))
    (fence,) = [node for node, _ in found if node["Node Type"] == "Subquery Scan" and node["Alias"] == "relation"]
    assert "relation." in fence["Filter"]
    (scan,) = [node for node, above in found if node.get("Relation Name") == "site"]
    below = str(scan.get("Filter", "")) + str(scan.get("Index Cond", ""))
    assert not any(sign in below for sign in ("~~", "lower(", "<> 3", "dt >"))


async def test_a_plain_comparison_of_a_shown_column_goes_to_the_index(connection: Connection) -> None:
    found = [node for node, _ in nodes(await plan(connection, OPEN, "so = 3"))]
    assert not any("Filter" in node and node["Node Type"] == "Subquery Scan" for node in found)
    assert any("so = " in str(node.get("Index Cond", "")) + str(node.get("Filter", "")) for node in found)


async def test_a_comparison_of_a_column_that_some_rows_hide_stays_outside(connection: Connection) -> None:
    found = [node for node, _ in nodes(await plan(connection, TWO, "gia = 770000003"))]
    (fence,) = [node for node in found if node["Node Type"] == "Subquery Scan" and "Filter" in node]
    assert "gia" in fence["Filter"]
    (scan,) = [node for node in found if node.get("Relation Name") == "site"]
    assert "770000003" not in str(scan.get("Filter", "")) + str(scan.get("Index Cond", ""))


@pytest.mark.parametrize("decided", [OPEN, RULED, TWO])
async def test_a_box_uses_the_spatial_index_below_the_fence(connection: Connection, decided: Decision) -> None:
    found = [node for node, _ in nodes(await plan(connection, decided, is_boxed=True))]
    assert any(node.get("Index Name") == "site_g4326" for node in found)
    (fence,) = [node for node in found if node["Node Type"] == "Subquery Scan"]
    assert "st_intersects" in fence["Filter"].lower()


@pytest.mark.parametrize("text", [None, "ten LIKE 'P%'"])
async def test_order_stands_inside_the_fence_and_only_there(connection: Connection, text: str | None) -> None:
    found = list(nodes(await plan(connection, RULED, text, is_after=True)))
    for node, above in found:
        if node["Node Type"] in ("Sort", "Incremental Sort"):
            assert "Subquery Scan" in above


@pytest.mark.parametrize("decided", [OPEN, RULED, TWO])
async def test_a_page_of_changes_reads_as_many_rows_as_it_compares(connection: Connection, decided: Decision) -> None:
    prepared = differences._page(SITE, STORAGE_SRID, decided)
    text, values = prepared.with_values({"earlier": 0, "later": 1, "after": 100, "limit": 20, "most": 5})
    async with connection.transaction():
        for costly in ("seqscan", "bitmapscan", "sort"):  # a table of a few pages is read whole and sorted otherwise
            await connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(f"enable_{costly}")))
        found = await database.rows(connection, "EXPLAIN (ANALYZE, FORMAT JSON) " + text, values)
    (made,) = found[0].values()
    reads = [node for node, _ in nodes(made[0]["Plan"]) if node.get("Relation Name") == "site"]
    assert len(reads) == 2
    assert all(node["Actual Rows"] <= 20 for node in reads)
    assert "site_pkey" in [node.get("Index Name") for node in reads]


async def test_what_the_first_release_added_is_counted_without_shapes_and_order(connection: Connection) -> None:
    text, values = differences._first(SITE, STORAGE_SRID, TWO).with_values({"earlier": 0, "later": 1})
    found = await database.rows(connection, "EXPLAIN (VERBOSE, FORMAT JSON) " + text, values)
    (made,) = found[0].values()
    kinds = {node["Node Type"] for node, _ in nodes(made[0]["Plan"])}
    assert not any("Join" in kind or kind == "Sort" for kind in kinds)
    assert "geom" not in str(made[0]["Plan"])
