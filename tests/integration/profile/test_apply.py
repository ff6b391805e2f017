from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import psycopg
import pytest
import shapely
from shapely.geometry import Point

from gis.crs import Projection
from gis.zoom import coverage_min_zoom, min_zoom
from layers.errors import RefusedError, StoreError, UnavailableError
from layers.profile.apply import Applied, apply, plan
from layers.profile.load import load_profile
from layers.profile.plan import Plan
from layers.profile.profile import Profile
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from ogc.settings import Settings
from tests.support.server import Server

pytestmark = pytest.mark.anyio
PROFILES = Path(__file__).resolve().parents[2] / "profiles"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROFILES / "minimal", tmp_path / "minimal"))


def replace(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def edited(folder: Path, file: str, old: str, new: str) -> Profile:
    replace(folder, file, old, new)
    return load_profile(folder)


async def applied(url: str, profile: Profile) -> Applied:
    async with Database.open(url, size=2) as database:
        return await apply(database, profile, "tester")


async def planned(url: str, profile: Profile) -> Plan:
    async with Database.open(url, size=2) as database, database.connection() as connection:
        return await plan(connection, profile)


def kinds(made: Plan) -> list[tuple[str, str | None]]:
    return [(step.kind, step.layer) for step in made.steps]


def fill_zone(url: str) -> None:
    """One published row of `zone`: in the data table, in the facts, and in the layer's revision."""
    square = "ST_Multi(ST_MakeEnvelope(600000, 1210000, 600100, 1210100, 9210))"
    with psycopg.connect(url) as connection:
        connection.execute(
            f"""INSERT INTO data.zone (fid, key, since, row_hash, ma, loai, so_qd, geom, geom_4326, geom_3857)
                VALUES (7, 'A', 1, '\\x00', 'A', 'CAM', '12/QĐ', {square},
                        ST_Transform({square}, 4326), ST_Transform({square}, 3857))"""
        )
        connection.execute(
            """INSERT INTO checks.fact (layer, fid, since, key, accuracy_m, attributes)
               SELECT number, 7, 1, 'A', 0.3, '{"loai": "CAM"}' FROM catalogue.layer WHERE id = 'zone'"""
        )
        connection.execute("UPDATE catalogue.layer SET revision = 1, state = 'served' WHERE id = 'zone'")


async def test_the_default_profile_is_applied_and_comes_back_from_the_database_alone(empty_database: str) -> None:
    profile = load_profile(Settings().profile_folder)
    done = await applied(empty_database, profile)
    async with Database.open(empty_database, size=1) as database, database.connection() as connection:
        catalogue = await load_catalogue(connection)
    assert catalogue.profile == profile
    assert catalogue.profile_digest == done.plan.profile_digest
    assert catalogue.storage_srid == 9210
    assert {state.state for state in catalogue.layers.values()} == {"empty"}
    assert len({state.number for state in catalogue.layers.values()}) == len(profile.layers)
    assert {grant.id for grant in catalogue.grants} == {grant.id for grant in profile.grants}
    with psycopg.connect(empty_database) as connection_:
        found = connection_.execute("SELECT count(*) FROM catalogue.commune WHERE generation = 2025").fetchone()
    assert found == (36,)


async def test_applying_again_changes_nothing(empty_database: str) -> None:
    profile = load_profile(PROFILES / "minimal")
    assert (await applied(empty_database, profile)).has_changed
    again = await applied(empty_database, profile)
    assert not again.has_changed
    assert (await planned(empty_database, profile)).is_empty


async def test_a_plan_changes_nothing(empty_database: str) -> None:
    made = await planned(empty_database, load_profile(PROFILES / "minimal"))
    assert ("table", "parcel") in kinds(made)
    assert not made.asks
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'data'").fetchone()
    assert found == (0,)


async def test_nothing_applied_and_no_schema_are_told_with_the_next_step(empty_database: str, server: Server) -> None:
    async with Database.open(empty_database, size=1) as database, database.connection() as connection:
        with pytest.raises(UnavailableError, match="profile apply"):
            await load_catalogue(connection)
    bare = empty_database.rsplit("/", 1)[1].split("?", maxsplit=1)[0] + "_bare"
    server.command(f'CREATE DATABASE "{bare}"')
    try:
        with pytest.raises(StoreError, match="db migrate"):
            await applied(server.url(bare), load_profile(PROFILES / "minimal"))
    finally:
        server.drop(bare)


async def test_a_new_column_is_added_to_rows_that_stay(empty_database: str, folder: Path) -> None:
    await applied(empty_database, load_profile(folder))
    fill_zone(empty_database)
    column = "  - {name: so_qd, type: string, tag: public}\n"
    after = edited(
        folder, "land/zone.yaml", column, column + "  - {name: cao_do, type: number, indexed: true, tag: public}\n"
    )
    made = await planned(empty_database, after)
    assert [step.kind for step in made.steps if step.layer == "zone"] == ["column", "index", "facts", "layer"]
    assert made.asks
    await applied(empty_database, after)
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT ma, cao_do FROM data.zone").fetchone()
    assert found == ("A", None)


async def test_an_empty_table_is_changed_without_asking(empty_database: str, folder: Path) -> None:
    await applied(empty_database, load_profile(folder))
    column = "  - {name: so_qd, type: string, tag: public}\n"
    after = edited(folder, "land/zone.yaml", column, column + "  - {name: cao_do, type: number, tag: public}\n")
    assert not (await planned(empty_database, after)).asks


async def test_a_column_that_a_rule_reads_for_the_first_time_is_copied_to_the_facts(
    empty_database: str, folder: Path
) -> None:
    """Without it the condition would be unknown for every row, and the check would find nothing."""
    await applied(empty_database, load_profile(folder))
    fill_zone(empty_database)
    await applied(empty_database, edited(folder, "procedures/small_check.yaml", "loai = 'CAM'", "ma = 'A'"))
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT attributes FROM checks.fact").fetchone()
    assert found == ({"ma": "A", "loai": "CAM", "so_qd": "12/QĐ"},)


async def test_a_moved_column_makes_no_work(empty_database: str, folder: Path) -> None:
    await applied(empty_database, load_profile(folder))
    first = "  - {name: ma, type: string, required: true, tag: public}\n"
    second = "  - {name: loai, type: code, codes: zone_kind, tag: public, indexed: true}\n"
    after = edited(folder, "land/zone.yaml", first + second, second + first)
    assert [step.kind for step in (await planned(empty_database, after)).steps] == ["layer", "profile"]


REFUSED = {
    "key": ("key: ma\n", "key: so_qd\n", "the key"),
    "several key columns": ("key: ma\n", "key: [ma, so_qd]\n", "the key"),
    "type": ("name: so_qd, type: string", "name: so_qd, type: integer", "the type of 'so_qd'"),
    "geometry": ("geometry: MultiPolygon", "geometry: MultiLineString", "geometry"),
    "no geometry": ("geometry: MultiPolygon", "geometry: raster", "the geometry"),
}
RASTER_ZONE = """id: zone
sector: land
title: {vi: Vùng, en: Zones}
geometry: raster
classes: [{class: 1, from: 0, title: {vi: Ngập, en: Flooded}}]
"""


@pytest.mark.parametrize(("old", "new", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_key_type_and_geometry_need_a_new_layer_id(
    empty_database: str, folder: Path, old: str, new: str, says: str
) -> None:
    await applied(empty_database, load_profile(folder))
    rule = "layer: zone, relation: overlaps_area, min_area_m2: 1.0, when: \"loai = 'CAM'\""
    fitting = "raster_class" if "raster" in new else "within_distance, distance_m: 1"
    replace(folder, "procedures/small_check.yaml", rule, f"layer: zone, relation: {fitting}")
    if "raster" in new:
        replace(folder, "procedures/small_check.yaml", ", basis: [01/2025/QĐ-THU]", "")
        (folder / "land" / "zone.yaml").write_text(RASTER_ZONE.replace(new, old), encoding="utf-8")
    after = edited(folder, "land/zone.yaml", old, new)
    with pytest.raises(RefusedError, match="new layer id") as raised:
        await applied(empty_database, after)
    assert says in raised.value.message.en
    async with Database.open(empty_database, size=1) as database, database.connection() as connection:
        assert (await load_catalogue(connection)).profile == load_profile(PROFILES / "minimal")


async def test_another_crs_needs_another_database(empty_database: str, folder: Path) -> None:
    await applied(empty_database, load_profile(folder))
    after = edited(folder, "profile.yaml", 'storage: "EPSG:9210"', 'storage: "EPSG:5899"')
    with pytest.raises(RefusedError, match="new database"):
        await applied(empty_database, after)


async def test_a_layer_that_left_the_profile_keeps_its_rows_and_is_not_served(
    empty_database: str, folder: Path
) -> None:
    await applied(empty_database, load_profile(folder))
    fill_zone(empty_database)
    (folder / "land" / "zone.yaml").unlink()
    rules = folder / "procedures" / "small_check.yaml"
    lines = rules.read_text(encoding="utf-8").splitlines(keepends=True)
    rules.write_text("".join(line for line in lines if "layer: zone" not in line), encoding="utf-8")
    done = await applied(empty_database, load_profile(folder))
    assert ("unserved", "zone") in kinds(done.plan)
    async with Database.open(empty_database, size=1) as database, database.connection() as connection:
        assert "zone" not in (await load_catalogue(connection)).layers
    with psycopg.connect(empty_database) as connection_:
        assert connection_.execute("SELECT count(*) FROM data.zone").fetchone() == (1,)


async def test_grants_are_seeded_once_and_then_are_data(empty_database: str, folder: Path) -> None:
    first = await applied(empty_database, load_profile(folder))
    assert ("grants", None) in kinds(first.plan)
    after = edited(folder, "grants/open.yaml", "actions: [items, tile, check]", "actions: [items]")
    await applied(empty_database, after)
    async with Database.open(empty_database, size=1) as database, database.connection() as connection:
        grants = {grant.id: grant for grant in (await load_catalogue(connection)).grants}
    assert grants["line_for_reviewers"].actions == ("items", "tile", "check")


async def test_every_text_ever_applied_is_kept(empty_database: str, folder: Path) -> None:
    before = await applied(empty_database, load_profile(folder))
    await applied(empty_database, edited(folder, "land/zone.yaml", "accuracy_m: 0.3", "accuracy_m: 0.4"))
    with psycopg.connect(empty_database) as connection:
        kept = connection.execute(
            "SELECT kind FROM catalogue.text WHERE digest = %s", [before.plan.profile_digest]
        ).fetchone()
    assert kept == ("profile",)


#: both sides of 11.04° N, where PROJ's own choice changes (design 8)
SEAM = [(106.5 + 0.05 * number, latitude) for number in range(5) for latitude in (11.02, 11.06)]


@pytest.mark.parametrize(
    ("name", "crs", "operation"), [("minimal", "EPSG:9210", "EPSG:6960"), ("duy_nghia", "EPSG:5899", "EPSG:6960")]
)
async def test_postgis_takes_the_named_operation(empty_database: str, name: str, crs: str, operation: str) -> None:
    await applied(empty_database, load_profile(PROFILES / name))
    longitudes, latitudes = np.array(SEAM).T
    points = np.array([Point(x, y) for x, y in zip(longitudes, latitudes, strict=True)], dtype=object)
    ours = Projection(crs, operation).from_wgs84(points)
    with psycopg.connect(empty_database) as connection:
        for point, expected in zip(points, ours, strict=True):
            row = connection.execute(
                "SELECT ST_AsBinary(ST_Transform(ST_SetSRID(%s::geometry, 4326), %s))",
                [shapely.to_wkb(point, hex=True), int(crs.removeprefix("EPSG:"))],
            ).fetchone()
            assert row is not None
            assert shapely.from_wkb(bytes(row[0])).distance(expected) < 0.001


@pytest.mark.parametrize("change", ["auth_name = 'EPSG', auth_srid = 9210", "srtext = ''", "proj4text = ''"])
async def test_a_changed_reference_system_is_put_right(empty_database: str, change: str) -> None:
    profile = load_profile(PROFILES / "minimal")
    await applied(empty_database, profile)
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"UPDATE spatial_ref_sys SET {change} WHERE srid = 9210")
    done = await applied(empty_database, profile)
    assert kinds(done.plan) == [("reference_system", None)]


async def test_two_applies_at_once_do_the_work_once(empty_database: str) -> None:
    import anyio

    profile = load_profile(PROFILES / "minimal")
    changed: list[bool] = []

    async def one() -> None:
        changed.append((await applied(empty_database, profile)).has_changed)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        tasks.start_soon(one)
    assert sorted(changed) == [False, True]


def test_the_names_of_indexes_fit_and_differ() -> None:
    from layers.store.profile_store import table_shape

    names: list[str] = []
    for layer in load_profile(Settings().profile_folder).layers:
        names += table_shape(layer, 9210).indexes
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= 63


@pytest.mark.parametrize("is_known", [False, True], ids=["new definition", "unmarked rows"])
async def test_rows_that_stand_are_ranked_anew_when_the_rule_of_their_rank_changes(
    empty_database: str, folder: Path, is_known: bool
) -> None:
    """Told in the plan, and once: also where an earlier apply knew the definition and left the rows as they were."""
    before = load_profile(folder)
    covered = edited(folder, "land/zone.yaml", "id: zone\n", "id: zone\nstyle: {coverage: true}\n")
    await applied(empty_database, covered if is_known else before)
    fill_zone(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("COMMENT ON COLUMN data.zone.min_zoom IS NULL")
        found = connection.execute("SELECT ST_AsBinary(geom_3857) FROM data.zone").fetchone()
    assert found
    shape = np.array([shapely.from_wkb(found[0])])
    made = await planned(empty_database, covered)
    assert ("ranks", "zone") in kinds(made) and made.asks
    await applied(empty_database, covered)
    assert _rank_of(empty_database) == coverage_min_zoom(shape)[0]
    assert not (await planned(empty_database, covered)).steps
    await applied(empty_database, before)
    assert _rank_of(empty_database) == min_zoom(shape)[0] != coverage_min_zoom(shape)[0]
    assert not (await planned(empty_database, before)).steps


def _rank_of(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT min_zoom FROM data.zone").fetchone()
    assert found
    return int(found[0])
