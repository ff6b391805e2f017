"""Items, item, counts and extents on the authorised relation."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import psycopg
import pytest
import shapely
from shapely.geometry import shape

from layers.access.decide import Decision
from layers.access.principal import operator
from layers.errors import ForbiddenError, InvalidRequestError, NotFoundError, UnavailableError
from layers.filters import evaluate, parse_text
from layers.store import features
from layers.store.connection import Connection
from layers.store.feature_sql import fid_of
from layers.store.features import ItemsQuery, Place
from layers.store.figures import Figures
from tests.support.layers import STORAGE_SRID, Layer, decision, grant, to_wgs84
from tests.support.sites import REGISTER, ROWS, SITE, rows

pytestmark = pytest.mark.anyio

LAND = [{**row, "geometry": to_wgs84(row["geom"])} for row in rows()]
SERVED = Layer(SITE, revision=2)
OPEN = decision(SITE, grant("a", "site"))


async def everything(connection: Connection, decided: Decision, **query: Any) -> list[dict[str, Any]]:
    """All pages of a query, read."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        asked = ItemsQuery(limit=170, after=after, **query)
        page = await features.page(connection, SERVED, STORAGE_SRID, decided, asked)
        found += [json.loads(feature) for feature in page.features]
        if page.last is None:
            return found
        after = page.last.fid


async def test_pages_in_the_order_of_fid_hold_every_feature_once(connection: Connection) -> None:
    found = await everything(connection, OPEN)
    assert [feature["id"] for feature in found] == sorted(row["fid"] for row in LAND)


async def test_a_feature_is_complete_geojson_with_the_shown_columns(connection: Connection) -> None:
    page = await features.page(connection, SERVED, STORAGE_SRID, OPEN, ItemsQuery(limit=1))
    feature, row = json.loads(page.features[0]), LAND[0]
    names = ("ma", "xa", "so", "dt", "ten", "co")
    assert {name: feature["properties"][name] for name in names} == {name: row[name] for name in names}
    assert date.fromisoformat(feature["properties"]["ngay"]) == row["ngay"]
    assert set(feature["properties"]) == {*names, "ngay"}
    assert feature["title"] == f"Thửa {row['ma']}, xã {row['xa']}"
    drawn = shape(feature["geometry"])
    assert drawn.hausdorff_distance(row["geometry"]) < 2e-8
    assert all(part.exterior.is_ccw for part in drawn.geoms)
    assert (page.last, page.first, page.number_matched) == (Place(row["fid"]), None, ROWS)
    assert fid_of(page.features[0]) == row["fid"]


@pytest.mark.parametrize(
    "text",
    [
        "xa = '25747'", "so > 3 AND so <= 20", "xa IN ('25747', '25750') AND ngay < DATE('2024-09-01')", "ten IS NULL",
        "ten LIKE 'Phú%'", "CASEI(ten) = CASEI('phú lợi') OR co", "NOT (so = 3)", "so = 3 AND so < dt",
        "dt BETWEEN 10 AND 20",
        "so IN (1, NULL)",
    ],
)  # fmt: skip
async def test_a_filter_finds_what_it_finds_in_python(connection: Connection, text: str) -> None:
    rule = parse_text(text)
    expected = [row["fid"] for row in LAND if evaluate(rule, row)]
    assert expected
    assert [feature["id"] for feature in await everything(connection, OPEN, filter=rule)] == expected
    count = await features.count(connection, SERVED, STORAGE_SRID, OPEN, ItemsQuery(filter=rule))
    assert count == len(expected)


async def test_a_box_finds_what_meets_it_and_not_what_only_its_own_box_meets(connection: Connection) -> None:
    box = to_wgs84(shapely.box(600_300, 1_210_200, 600_645, 1_210_430)).bounds
    expected = [row["fid"] for row in LAND if row["geometry"].intersects(shapely.box(*box))]
    assert [feature["id"] for feature in await everything(connection, OPEN, bbox=box)] == expected
    as_filter = parse_text(f"S_INTERSECTS(geometry, BBOX({','.join(map(str, box))}))")
    assert [feature["id"] for feature in await everything(connection, OPEN, filter=as_filter)] == expected


async def test_a_box_across_the_antimeridian_and_boxes_without_area_are_boxes(connection: Connection) -> None:
    row = LAND[0]
    point = row["geometry"].representative_point()
    around_the_world = (point.x - 0.0001, point.y, point.x - 0.0002, point.y)
    assert row["fid"] in {f["id"] for f in await everything(connection, OPEN, bbox=around_the_world)}
    exact = (point.x, point.y, point.x, point.y)
    assert [f["id"] for f in await everything(connection, OPEN, bbox=exact)] == [row["fid"]]


async def test_an_earlier_revision_shows_what_stood_then(connection: Connection) -> None:
    found = await everything(connection, OPEN, revision=1)
    assert len(found) == 100
    assert {feature["properties"]["ten"] for feature in found} == {"CŨ"}


async def test_a_box_at_an_earlier_revision_finds_the_same_as_now(connection: Connection) -> None:
    box = to_wgs84(shapely.box(600_010, 1_210_010, 600_330, 1_210_090)).bounds
    now = {feature["id"] for feature in await everything(connection, OPEN, bbox=box)}
    then = {feature["id"] for feature in await everything(connection, OPEN, bbox=box, revision=1)}
    assert then == now & {row["fid"] for row in LAND[:100]} != set()


@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (0, 0, 180, 90), (100, 10, 106.5, 11.5), (0, -10, 107, 40)])
async def test_a_wide_box_at_an_earlier_revision_finds_all_it_covers(connection: Connection, box: Any) -> None:
    assert len(await everything(connection, OPEN, bbox=box, revision=1)) == sum(
        shapely.box(*box).intersects(row["geometry"]) for row in LAND[:100]
    )


@pytest.mark.parametrize("box", [(-75, 0, -74, 1), (14.5, -1, 15.5, 1), (179, 89, 180, 90), (-75, -90, -74, -89)])
async def test_a_box_at_the_other_end_of_the_world_is_empty_at_any_revision(connection: Connection, box: Any) -> None:
    assert [await everything(connection, OPEN, bbox=box, revision=revision) for revision in (None, 1)] == [[], []]


async def test_properties_and_geometry_can_be_left_out(connection: Connection) -> None:
    found = await everything(connection, OPEN, properties=("ten", "ma"), has_geometry=False)
    assert set(found[0]["properties"]) == {"ma", "ten"}
    assert found[0]["geometry"] is None
    bare = await everything(connection, OPEN, properties=())
    assert bare[0]["properties"] == {} and bare[0]["geometry"] is not None


async def test_a_register_without_shapes_has_null_geometries(connection: Connection) -> None:
    layer, decided = Layer(REGISTER), decision(REGISTER, grant("a", "register"))
    page = await features.page(connection, layer, STORAGE_SRID, decided, ItemsQuery())
    assert [json.loads(feature)["geometry"] for feature in page.features] == [None, None, None]
    assert await features.extent(connection, layer, STORAGE_SRID, decided) is None
    boxed = await features.page(connection, layer, STORAGE_SRID, decided, ItemsQuery(bbox=(0, 0, 1, 1)))
    assert boxed.features == []


async def test_the_operator_sees_every_column_and_the_bytes_of_a_list(connection: Connection) -> None:
    decided = decision(SITE, principal=operator("root"))
    page = await features.page(connection, SERVED, STORAGE_SRID, decided, ItemsQuery(limit=1))
    shown = json.loads(page.features[0])["properties"]
    assert (shown["gia"], shown["chu"], shown["muc"]) == (770_000_000, "CANARY-0-x", [{"loai": "CANARY-muc-0"}])


async def test_counts_and_extents_are_remembered_by_revision_and_relation(connection: Connection) -> None:
    figures = Figures()
    some = decision(SITE, grant("a", "site", rows="xa = '25747'"))
    for decided in (OPEN, some, OPEN, some):
        query = ItemsQuery(limit=5)
        page = await features.page(connection, SERVED, STORAGE_SRID, decided, query, figures)
        assert page.number_matched == sum(decided is OPEN or row["xa"] == "25747" for row in LAND)
    whole = await features.extent(connection, SERVED, STORAGE_SRID, OPEN, figures)
    assert whole == await features.extent(connection, SERVED, STORAGE_SRID, OPEN, figures)
    expected = shapely.total_bounds([row["geometry"] for row in LAND])
    assert whole == pytest.approx(tuple(expected), abs=1e-9)


async def test_an_item_outside_the_relation_is_none_as_one_that_does_not_exist(connection: Connection) -> None:
    hidden = next(row for row in LAND if row["xa"] == "25750")
    some = decision(SITE, grant("a", "site", rows="xa = '25747'"))
    for fid in (hidden["fid"], 3, 2**53 - 1, -1):
        assert await features.item(connection, SERVED, STORAGE_SRID, some, fid) is None
    found = await features.item(connection, SERVED, STORAGE_SRID, OPEN, hidden["fid"])
    assert found is not None and json.loads(found.bytes)["id"] == hidden["fid"]


async def test_nothing_is_read_without_a_grant(connection: Connection) -> None:
    for decided, error in (
        (decision(SITE), NotFoundError), (decision(SITE, grant("a", "site", actions=["tile"])), ForbiddenError)
    ):  # fmt: skip
        with pytest.raises(error):
            await features.page(connection, SERVED, STORAGE_SRID, decided, ItemsQuery())
        with pytest.raises(error):
            await features.item(connection, SERVED, STORAGE_SRID, decided, 10)


@pytest.mark.parametrize("state", ["suspended", "withdrawn"])
async def test_a_layer_that_was_taken_back_is_unavailable_to_everybody(connection: Connection, state: str) -> None:
    for decided in (OPEN, decision(SITE, principal=operator("root"))):
        with pytest.raises(UnavailableError):
            await features.page(connection, Layer(SITE, state), STORAGE_SRID, decided, ItemsQuery())


async def test_a_property_that_is_not_shown_cannot_be_asked_for(connection: Connection) -> None:
    with pytest.raises(InvalidRequestError):
        await features.page(connection, SERVED, STORAGE_SRID, OPEN, ItemsQuery(properties=("gia",)))


async def test_a_count_by_a_filter_gives_up_after_a_while(
    connection: Connection, sites_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "COUNTING_MS", 20)
    query = ItemsQuery(filter=parse_text("so > 3"))
    async with await psycopg.AsyncConnection.connect(sites_database) as other:
        await other.execute("LOCK TABLE data.site IN ACCESS EXCLUSIVE MODE")
        assert await features.count(connection, SERVED, STORAGE_SRID, OPEN, query) is None
    assert await features.count(connection, SERVED, STORAGE_SRID, OPEN, query)


@pytest.mark.parametrize(
    "text",
    ["xa = '{}'", "so < {}", "ten LIKE '{}%'", "S_INTERSECTS(geometry, POINT(106.{} 11))", "NOT (gia = {}) OR so = {}"],
)
async def test_a_statement_serves_every_constant_of_its_filter(connection: Connection, text: str) -> None:
    """Making one takes longer than running it."""
    decided = decision(SITE, grant("a", "site", columns={"tags": ["public", "commercial"]}))

    async def asked(number: int) -> None:
        query = ItemsQuery(filter=parse_text(text.format(number, number)), limit=5)
        await features.page(connection, SERVED, STORAGE_SRID, decided, query)

    for number in range(1, 8):  # with and without a next page
        await asked(number)
    made = features.prepare.cache_info().misses
    for number in range(8, 20):
        await asked(number)
    assert features.prepare.cache_info().misses == made
