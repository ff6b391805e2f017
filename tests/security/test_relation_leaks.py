"""What others leak (access-policy 2.4, 2.6), tried on the authorised relation: first form of the two-world suite."""

from __future__ import annotations

import json
import math
from typing import Any

import psycopg
import pytest

from layers.access.decide import Decision
from layers.access.principal import PUBLIC, Principal
from layers.errors import InvalidRequestError
from layers.filters import load_json, parse_json, parse_text
from layers.store import features, tiles
from layers.store.connection import Connection, Database
from layers.store.features import ItemsQuery
from tests.support.layers import STORAGE_SRID, Layer, decision, grant
from tests.support.sites import HIDDEN, SITE, rows

pytestmark = pytest.mark.anyio

LAND = rows()
SERVED = Layer(SITE, revision=2)
REVIEWER = Principal("anna", frozenset({"reviewer"}), claims={"communes": ("25747",)})
VALUER = Principal("bao", frozenset({"valuer"}))
GRANTS = (
    grant("public", "site", rows="xa <> '25753'", geometry={"precision_m": 50}),
    grant("review", "site", to={"role": "reviewer"}, rows="xa IN :claims.communes", columns={"tags": ["personal"]}),
    grant("value", "site", to={"role": "valuer"}, rows="so < 10", columns={"names": ["gia", "moi"]}, geometry="none"),
)
PRINCIPALS = [PUBLIC, REVIEWER, VALUER]
BY_FID = {row["fid"]: row for row in LAND}


def decided(principal: Principal, action: Any = "items") -> Decision:
    return decision(SITE, *GRANTS, principal=principal, action=action)


async def every_byte(connection: Connection, principal: Principal) -> bytes:
    """Pages at two revisions, items, tiles."""
    found: list[bytes] = []
    for revision in (None, 1):
        query = ItemsQuery(limit=10_000, revision=revision)
        page = await features.page(connection, SERVED, STORAGE_SRID, decided(principal), query)
        found += page.features
    for fid in list(BY_FID)[:40]:
        item = await features.item(connection, SERVED, STORAGE_SRID, decided(principal), fid)
        found += [item.bytes] if item else []
    box = await features.extent(connection, SERVED, STORAGE_SRID, decided(principal))
    assert box is not None
    west, south, east, north = box
    for zoom in (8, 12, 14, 16):
        for lon, lat in ((west, south), (east, north), ((west + east) / 2, (south + north) / 2)):
            place = tile_at(zoom, lon, lat)
            found.append(await tiles.tile(connection, SERVED, STORAGE_SRID, decided(principal, "tile"), *place))
    return b"\n".join(found)


def tile_at(zoom: int, lon: float, lat: float) -> tuple[int, int, int]:
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return zoom, int((lon + 180) / 360 * 2**zoom), int(down * 2**zoom)


def may_see(principal: Principal, row: dict[str, Any]) -> dict[str, bool]:
    """Which hidden cells of a row a principal may see, said once more in plain Python."""
    is_reviewed = principal is REVIEWER and row["xa"] == "25747"
    is_valued = principal is VALUER and row["so"] is not None and row["so"] < 10
    return {"chu": is_reviewed, "gia": is_valued, "muc": False, "moi": False}


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda principal: principal.id)
async def test_no_canary_of_a_hidden_cell_is_in_any_byte(connection: Connection, principal: Principal) -> None:
    content = await every_byte(connection, principal)
    assert b"CANARY-muc" not in content and b"CANARY-moi" not in content
    for row in LAND:
        allowed = may_see(principal, row)
        for name in ("chu", "gia"):
            canary = json.dumps(row[name]).encode() if name == "gia" else row[name].encode()
            assert (canary in content) <= allowed[name], (principal.id, row["fid"], name)


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda principal: principal.id)
async def test_two_grants_add_up_cell_by_cell_and_never_crosswise(connection: Connection, principal: Principal) -> None:
    page = await features.page(connection, SERVED, STORAGE_SRID, decided(principal), ItemsQuery(limit=10_000))
    for feature in map(json.loads, page.features):
        row = BY_FID[feature["id"]]
        is_public = row["xa"] is not None and row["xa"] != "25753"
        expected = may_see(principal, row) | dict.fromkeys(("ma", "xa", "so", "ten"), is_public)
        for name, value in feature["properties"].items():
            if name in expected:
                assert value == (row[name] if expected[name] else None), (row["fid"], name)
        is_exact = principal is REVIEWER and row["xa"] == "25747"
        assert (feature["geometry"] is None) == (not is_public and not is_exact)


@pytest.mark.parametrize("name", HIDDEN)
async def test_a_hidden_column_cannot_be_filtered_or_selected_by(connection: Connection, name: str) -> None:
    answers = []
    for asked in (name, "khong_co"):
        for query in (ItemsQuery(filter=parse_text(f"{asked} IS NULL")), ItemsQuery(properties=(asked,))):
            with pytest.raises(InvalidRequestError) as caught:
                await features.page(connection, SERVED, STORAGE_SRID, decided(PUBLIC), query)
            answers.append(str(caught.value).replace(asked, "X"))
    assert answers[:2] == answers[2:]


async def test_a_masked_cell_cannot_be_guessed_by_filter_or_count(connection: Connection) -> None:
    hidden = next(row for row in LAND if row["so"] is not None and row["so"] >= 10 and row["xa"] == "25747")
    shown = next(row for row in LAND if row["so"] is not None and row["so"] < 10 and row["xa"] == "25747")
    for row, expected in ((hidden, 0), (shown, 1)):
        for text in (f"gia = {row['gia']}", f"gia BETWEEN {row['gia']} AND {row['gia']}", f"gia IN ({row['gia']})"):
            query = ItemsQuery(filter=parse_text(text))
            page = await features.page(connection, SERVED, STORAGE_SRID, decided(VALUER), query)
            assert len(page.features) == expected
            assert await features.count(connection, SERVED, STORAGE_SRID, decided(VALUER), query) == expected


async def test_a_shape_is_filtered_as_coarsely_as_it_is_shown(connection: Connection) -> None:
    """Halving a box on the exact edge of a parcel must tell nothing finer than the grid."""
    page = await features.page(connection, SERVED, STORAGE_SRID, decided(PUBLIC), ItemsQuery(limit=200))
    for feature in map(json.loads, page.features[:40]):
        text = json.dumps({"op": "s_intersects", "args": [{"property": "geometry"}, feature["geometry"]]})
        query = ItemsQuery(limit=10_000, filter=parse_json(load_json(text)))
        found = await features.page(connection, SERVED, STORAGE_SRID, decided(PUBLIC), query)
        assert feature["id"] in {json.loads(each)["id"] for each in found.features}


@pytest.mark.parametrize(
    "text",
    [
        "S_INTERSECTS(geometry, POINT(0 0))", "so = 9007199254740992", "so > -9007199254740992 AND dt < 1e308",
        "ten LIKE '%%%%%%%%'", "ten LIKE '\\_\\%\\\\'", "CASEI(ten) LIKE CASEI('İ%ß_')", "dt = 1e-320",
        "ngay > DATE('0001-01-01') AND ngay < DATE('9999-12-31')", "so IN (0, 0.5, NULL)",
        "NOT (so BETWEEN 5 AND NULL)",
    ],
)  # fmt: skip
async def test_no_filter_that_is_let_in_can_raise(connection: Connection, text: str) -> None:
    page = await features.page(connection, SERVED, STORAGE_SRID, decided(PUBLIC), ItemsQuery(filter=parse_text(text)))
    assert page.number_matched is not None


async def test_another_world_behind_the_hidden_cells_and_rows_looks_the_same(two_worlds: tuple[str, str]) -> None:
    """Hidden cells redrawn, hidden rows moved or gone: every observable is the same to the byte."""
    one, other = two_worlds
    with psycopg.connect(other, autocommit=True) as world:
        world.execute("UPDATE data.site SET gia = gia * 3, chu = 'khác', moi = NULL, muc = NULL, row_hash = 'x'")
        world.execute("DELETE FROM data.site WHERE xa = '25753' AND fid % 2 = 0")
        world.execute("UPDATE data.site SET geom_4326 = ST_Translate(geom_4326, 1, 1), so = 9 WHERE xa = '25753'")
        world.execute("UPDATE data.site SET ten = 'khác' WHERE xa IS NULL")
        world.execute("ANALYZE data.site")
    seen = []
    for url in (one, other):
        async with Database.open(url, size=1) as database, database.connection() as opened:
            seen.append(await observables(opened))
    assert seen[0] == seen[1]


async def observables(connection: Connection) -> list[Any]:
    """What the public can get at in many ways."""
    public, found = decided(PUBLIC), []
    texts = [
        None,
        "so < 10",
        "ten = 'khác'",
        "ten LIKE '%h%'",
        "NOT (so = 9)",
        "S_INTERSECTS(geometry, BBOX(108,10,111,13))",
    ]
    for text in texts:
        query = ItemsQuery(limit=500, filter=None if text is None else parse_text(text))
        page = await features.page(connection, SERVED, STORAGE_SRID, public, query)
        found.append((list(page.features), page.first, page.last, page.number_matched))
    for fid in (*list(BY_FID)[:60], 5):
        found.append(await features.item(connection, SERVED, STORAGE_SRID, public, fid))
    found.append(await features.extent(connection, SERVED, STORAGE_SRID, public))
    found.append(await every_byte(connection, PUBLIC))
    return found
