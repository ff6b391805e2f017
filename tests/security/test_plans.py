"""Behind both walls the indexes are still used: plans of the product's own statements, in the name of a role class."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import psycopg
import pytest

from layers.access.classes import class_of
from layers.access.decide import Decision, decide, queryables
from layers.access.principal import Principal
from layers.filters import Search, check, parse_text
from layers.profile.apply import apply
from layers.store import connection as store
from layers.store import tiles
from layers.store.connection import Connection, Database
from layers.store.feature_sql import drawn_features, sorted_features
from layers.store.features import prepare
from layers.store.relation_sql import WEB_MERCATOR, Wanted, box_values, tile_values
from layers.store.sorting import Sort
from layers.store.tile_sql import drawing_values, plain_tile
from tests.support.layers import DAY, STORAGE_SRID
from tests.support.shared_layers import ORIGIN, profile
from tests.support.walled import principal_of

pytestmark = pytest.mark.anyio

ROWS = 120_000
PROFILE = profile()
PARCEL = PROFILE.parcel_layer
REVIEWER, OFFICER = map(principal_of, PROFILE.identities[1:])
PRINCIPALS = [REVIEWER, OFFICER]
#: forty communes side by side; the reviewer has two of them, the officer all
FILL = """
    INSERT INTO data.parcel (fid, since, row_hash, ma, ma_xa, so_to, so_thua, dien_tich, con_hieu_luc, ten_chu,
                             geom, geom_4326, geom_3857)
    SELECT n, 1, '', 'P' || n, (25747 + 3 * (n %% 40))::text, (n %% 50)::text, n::text,
           CASE WHEN n %% 11 > 0 THEN (n::bigint * 7919) %% 100000 END, n %% 2 = 0, 'CHU' || n,
           ST_Multi(shape), ST_Multi(ST_Transform(shape, 4326)), ST_Multi(ST_Transform(shape, 3857))
    FROM generate_series(1, %(rows)s) AS n,
         LATERAL ST_MakeEnvelope(%(x)s + 25 * (n %% 400), %(y)s + 25 * (n / 400),
                                 %(x)s + 25 * (n %% 400) + 20, %(y)s + 25 * (n / 400) + 20, 5899) AS shape
"""


def _fill(url: str) -> None:
    async def put_up() -> None:
        async with Database.open(url, size=2) as database:
            await apply(database, PROFILE, "test")

    anyio.run(put_up)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, {"rows": ROWS, "x": ORIGIN[0], "y": ORIGIN[1]})
        connection.execute("VACUUM ANALYZE")


@pytest.fixture
def filled(make_template: Callable[[str, Callable[[str], None]], str], server: Any) -> str:
    return str(server.url(make_template("plans", _fill)))


@pytest.fixture
async def database(filled: str) -> AsyncIterator[Database]:
    async with Database.open(filled, size=1) as opened:
        yield opened


def decided(principal: Principal, action: Any = "items") -> Decision:
    return decide(principal, PARCEL, action, PROFILE.grants, purpose="construction_permit", day=DAY)


async def plan(database: Database, principal: Principal, draw: Any, wanted: Wanted, **values: Any) -> list[Any]:
    """The nodes of the plan, outermost first."""
    action = "tile" if wanted.is_tile else "items"
    statement, bound = prepare(draw, PARCEL, STORAGE_SRID, decided(principal, action), wanted).with_values(values)
    async with database.reading(class_of(principal, PROFILE.grants)) as connection:
        return await _nodes(connection, statement, bound)


async def _nodes(connection: Connection, statement: str, values: dict[str, object]) -> list[Any]:
    found = await store.rows(connection, "EXPLAIN (FORMAT JSON) " + statement, values)  # type: ignore[operator,arg-type]
    (made,) = found[0].values()
    return list(_walk(made[0]["Plan"]))


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)


def wanted(principal: Principal, text: str | None = None, **more: Any) -> Wanted:
    seen = decided(principal)
    rule = None if text is None else check(parse_text(text), queryables(PARCEL, seen))
    return Wanted(seen.columns, filter=rule, is_limited=True, **more)


def indexes(nodes: list[Any]) -> set[str]:
    return {node["Index Name"] for node in nodes if "Index Name" in node}


async def _place(database: Database) -> tuple[float, float, float, float]:
    """A box of CRS84 in the midst of the parcels."""
    async with database.connection() as connection:
        found = await store.row(
            connection, "SELECT ST_X(c) AS x, ST_Y(c) AS y FROM (SELECT ST_Centroid(ST_Extent(geom_4326)) AS c "
            "FROM data.parcel) middle")  # fmt: skip
    assert found is not None
    return found["x"], found["y"], found["x"] + 0.002, found["y"] + 0.002


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
async def test_a_box_uses_the_spatial_index(database: Database, principal: Principal) -> None:
    values = box_values(await _place(database), decided(principal))
    nodes = await plan(database, principal, drawn_features, wanted(principal, is_boxed=True), **values, limit=100)
    assert "parcel_g4326" in indexes(nodes)
    _assert_walled(nodes)


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
async def test_a_tile_uses_the_spatial_index(database: Database, principal: Principal) -> None:
    seen = decided(principal, "tile")
    asked = Wanted(tiles.tile_columns(PARCEL, seen), srid=WEB_MERCATOR, is_tile=True, is_limited=True, order="size")
    z, x, y = 16, *await _tile_of(database, 16)
    values = tile_values(z, x, y, 64 / 4096, seen) | drawing_values(z, x, y)
    most = {"limit": tiles.MAX_CANDIDATES, "most": tiles.MAX_FEATURES}
    nodes = await plan(database, principal, plain_tile, asked, **values, **most)
    assert "parcel_g3857" in indexes(nodes)
    _assert_walled(nodes)


async def _tile_of(database: Database, z: int) -> tuple[int, int]:
    from tests.security.test_relation_leaks import tile_at

    west, south, _, _ = await _place(database)
    _, x, y = tile_at(z, west, south)
    return x, y


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
async def test_a_spatial_filter_uses_the_spatial_index(database: Database, principal: Principal) -> None:
    west, south, east, north = await _place(database)
    text = f"S_INTERSECTS(geometry, BBOX({west}, {south}, {east}, {north}))"
    nodes = await plan(database, principal, drawn_features, wanted(principal, text), limit=100)
    assert "parcel_g4326" in indexes(nodes)
    (fence,) = [node for node in nodes if node["Node Type"] == "Subquery Scan" and node["Alias"] == "relation"]
    assert "st_" in fence["Filter"].lower()
    _assert_walled(nodes)


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
async def test_an_equality_uses_the_index_of_its_column(database: Database, principal: Principal) -> None:
    nodes = await plan(database, principal, drawn_features, wanted(principal, "ma = 'P4711'"), limit=100)
    assert any(name.startswith("parcel_ma_") and "xa" not in name for name in indexes(nodes))
    _assert_walled(nodes)


@pytest.mark.parametrize("relation", ["within", "touches", "equals", "contains", "crosses", "overlaps"])
async def test_every_spatial_function_that_needs_a_common_place_uses_the_spatial_index(
    database: Database, relation: str
) -> None:
    west, south, east, north = await _place(database)
    text = f"S_{relation.upper()}(geometry, BBOX({west}, {south}, {east}, {north}))"
    nodes = await plan(database, OFFICER, drawn_features, wanted(OFFICER, text), limit=100)
    assert "parcel_g4326" in indexes(nodes)


@pytest.mark.parametrize("text", ["ma IN ('P4711', 'P4712')", "ma = 'P1' AND co = co"])
async def test_other_comparisons_use_the_index_of_their_column_too(database: Database, text: str) -> None:
    asked = wanted(OFFICER, text.replace("co = co", "con_hieu_luc = con_hieu_luc"))
    nodes = await plan(database, OFFICER, drawn_features, asked, limit=100)
    assert any(name.startswith("parcel_ma_") and "xa" not in name for name in indexes(nodes))
    _assert_walled(nodes)


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
async def test_a_search_uses_the_index_of_words_and_reads_the_texts_above_the_fence(
    database: Database, principal: Principal
) -> None:
    asked = Wanted(decided(principal).columns, filter=Search(("so_thua",), (" 4711 ",)), is_limited=True)
    nodes = await plan(database, principal, drawn_features, asked, limit=100)
    assert any(name.startswith("parcel_so_thua_") for name in indexes(nodes))
    (fence,) = [node for node in nodes if node["Node Type"] == "Subquery Scan" and node["Alias"] == "relation"]
    assert "normalize" in fence["Filter"].lower()
    _assert_walled(nodes)


@pytest.mark.parametrize("is_descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("name", [one.name for one in PARCEL.attributes if one.sortable])
@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
async def test_a_sorted_page_walks_the_index_of_its_column_and_sorts_nothing(
    database: Database, principal: Principal, name: str, is_descending: bool
) -> None:
    for part in Sort(name, is_descending).parts(is_behind_values=False):
        for is_after in (False, True):
            asked = wanted(principal, sort=part, is_after=is_after)
            values = {"after": 50_000, "after_value": 50_000.0, "limit": 100}
            nodes = await plan(database, principal, sorted_features, asked, **values)
            scan = next(node for node in nodes if node.get("Relation Name") == "parcel")
            if part.is_null:  # few rows: a rule's own index may serve better
                assert "Seq Scan" not in scan["Node Type"]
            else:
                assert scan["Index Name"].startswith(f"parcel_{name}")
                assert not any("Sort" in node["Node Type"] for node in nodes)
            _assert_walled(nodes)


async def test_a_deep_page_begins_where_the_last_one_ended(database: Database) -> None:
    nodes = await plan(database, OFFICER, drawn_features, wanted(OFFICER, is_after=True), after=ROWS - 1000, limit=100)
    scan = next(node for node in nodes if node.get("Relation Name") == "parcel")
    assert "fid >" in scan["Index Cond"]
    assert not any("Sort" in node["Node Type"] for node in nodes)


@pytest.mark.parametrize("text", [
    "so_thua LIKE '1%'", "NOT (dien_tich = 3)", "CASEI(ma) = CASEI('p1')", "ACCENTI(ma) = 'P1'", "dien_tich / 2 > 1",
    "S_DISJOINT(geometry, BBOX(1, 2, 3, 4))", "ma = so_thua",
])  # fmt: skip
async def test_what_may_raise_or_tell_stands_above_fence_and_wall(database: Database, text: str) -> None:
    nodes = await plan(database, REVIEWER, drawn_features, wanted(REVIEWER, text), limit=100)
    (fence,) = [node for node in nodes if node["Node Type"] == "Subquery Scan" and node["Alias"] == "relation"]
    assert "relation." in fence["Filter"]
    (scan,) = [node for node in nodes if node.get("Relation Name") == "parcel"]
    below = str(scan.get("Filter", "")) + str(scan.get("Index Cond", ""))
    assert not any(sign in below for sign in ("~~", "cql.", "<> '3'", "st_", "so_thua"))
    _assert_walled(nodes)


def _assert_walled(nodes: list[Any]) -> None:
    """The scope is read once a statement, and every row is held to it."""
    reading = [node for node in nodes if node.get("Relation Name") == "row_scope"]
    assert reading and all(node["Parent Relationship"] != "SubPlan" for node in reading)
    scans = [node for node in nodes if node.get("Relation Name") == "parcel"]
    assert any("$" in str(node.get("Filter", "")) or "InitPlan" in str(node.get("Filter", "")) for node in scans)
