"""The walls as they were built, how a drift is seen, and the login behind which the web service stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import anyio
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from layers.profile.apply import apply
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from layers.store.drift import examine, guard
from layers.store.migrate import migrate
from layers.store.roles import make_missing_roles, roles_named_in
from tests.support.commands import lienthong
from tests.support.shared_layers import fill, service
from tests.support.walled import CLASSES, PROFILE, current_role

pytestmark = pytest.mark.anyio

MakeTemplate = Callable[[str, Callable[[str], None]], str]
Denied = psycopg.errors.InsufficientPrivilege


# ── the login of the web service ─────────────────────────────────────────────────────────────────
@pytest.fixture
def as_server(own: str, server: Any) -> str:
    """The database as the web service of the private cluster logs in; elsewhere the role may not log in."""
    server.command(
        "DO $$ BEGIN IF NOT (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'lt_server') THEN "
        "ALTER ROLE lt_server LOGIN; END IF; END $$"
    )
    return make_conninfo(own, user="lt_server")


async def test_the_server_login_reads_nothing_until_it_acts_as_somebody(as_server: str) -> None:
    with psycopg.connect(as_server, autocommit=True) as connection:
        for statement in ("SELECT fid FROM data.parcel", "SELECT * FROM checks.fact", "SELECT * FROM catalogue.text"):
            with pytest.raises(Denied):
                connection.execute(statement)  # type: ignore[call-overload]
    async with Database.open(as_server, size=1) as database:
        async with database.connection() as connection:
            assert await current_role(connection) == "lt_api"
            for statement in (
                "SELECT fid FROM data.zone", "UPDATE access.row_scope SET code = '*'",
                "SELECT * FROM catalogue.fid_key",
                "UPDATE access.event SET principal = 'x'", "DELETE FROM access.seal", "SELECT access.enforce()",
                "UPDATE checks.record SET body = ''", "ALTER TABLE data.zone DISABLE ROW LEVEL SECURITY",
            ):  # fmt: skip
                with pytest.raises(Denied):
                    await connection.execute(statement)
        async with database.reading(CLASSES["officer"]) as connection:
            assert await current_role(connection) == CLASSES["officer"].database_role
        async with database.governing() as connection:
            assert await current_role(connection) == "lt_publish"
        assert await guard(database) is not None


def test_the_service_serves_all_of_it_behind_the_server_login(as_server: str, tmp_path: Path) -> None:
    with service(as_server, tmp_path) as running:
        officer, public = running.officer, running.public
        assert officer.json("/collections/parcel/items?sortby=-dien_tich&limit=3")["numberMatched"] == 120
        assert running.reviewer.json("/collections/parcel/items")["numberMatched"] == 60
        assert public.get("/collections/parcel/items").status_code == 404
        assert public.get("/collections/line/items").status_code == 403
        for path in (
            "/",
            "/collections",
            "/collections/zone",
            "/readyz",
            "/catalogue",
            "/access/policy",
            "/parcels?code=1",
        ):
            assert officer.get(path).status_code < 500, path
        assert officer.json("/readyz")["ready"] is True
        tile = officer.get("/collections/parcel/tiles/WebMercatorQuad/10/475/815")
        assert tile.status_code in (200, 204)


def test_roles_a_backup_names_are_made_before_it_is_restored(server: Any) -> None:
    named = roles_named_in("GRANT SELECT ON data.x TO lt_class_00000000000000aa; -- lt_classless, lt_reader\n lt_x")
    assert named == ("lt_class_00000000000000aa", "lt_reader")
    for _ in range(2):
        make_missing_roles(server.url("postgres"), named)
    with psycopg.connect(server.url("postgres")) as connection:
        found = connection.execute("SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = %s", (named[0],))
        assert found.fetchall() == [(False, False)]


# ── drift ────────────────────────────────────────────────────────────────────────────────────────
DRIFTS = {
    "a grant": "GRANT SELECT (ten_chu) ON data.parcel TO {reviewer}",
    "a grant to everybody": "GRANT SELECT (ma) ON data.parcel TO PUBLIC",
    "a table grant": "GRANT SELECT ON data.parcel TO {reviewer}",
    "a lost grant": "REVOKE SELECT (ma) ON data.parcel FROM {reviewer}",
    "a widened scope": "INSERT INTO access.row_scope VALUES ({reviewer_name}, 'parcel', '*')",
    "a lost scope": "DELETE FROM access.row_scope WHERE role_class = {reviewer_name}",
    "row security off": "ALTER TABLE data.parcel DISABLE ROW LEVEL SECURITY",
    "no force": "ALTER TABLE data.parcel NO FORCE ROW LEVEL SECURITY",
    "another policy": "CREATE POLICY more ON data.parcel FOR SELECT TO lt_reader USING (true)",
    "an altered policy": "ALTER POLICY wall_read ON data.parcel USING (true)",
    "a policy for everybody": "ALTER POLICY wall_check ON data.parcel TO PUBLIC",
    "a lost policy": "DROP POLICY wall_read ON data.parcel",
    "a view": "CREATE VIEW public.v AS SELECT * FROM data.parcel; GRANT SELECT ON public.v TO PUBLIC",
    "a view on a view": "CREATE VIEW public.v AS SELECT ma FROM data.parcel; CREATE VIEW public.w AS TABLE public.v; "
                        "GRANT SELECT ON public.w TO lt_reader",
    "a materialised view": "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM checks.fact; "
                           "GRANT SELECT ON public.m TO {reviewer}",
    "a view among the layers": "CREATE VIEW data.v AS SELECT ma FROM data.parcel",
    "a bare table": "CREATE TABLE data.bare (x int)",
    "readable pieces": "GRANT USAGE ON SCHEMA checks TO lt_reader; GRANT SELECT ON checks.piece TO lt_reader",
    "changeable events": "GRANT UPDATE ON access.event TO lt_reader",
    "another leakproof function": "ALTER FUNCTION public.st_intersects(geometry, geometry) LEAKPROOF",
    "a class that owns": "CREATE TABLE public.owned (x int); ALTER TABLE public.owned OWNER TO {reviewer}",
}  # fmt: skip


@pytest.fixture(scope="module")
def drifting(make_template: MakeTemplate, server: Any) -> Iterator[str]:
    """One database for all drifts: each is rolled back."""
    with server.copied(make_template("shared_layers", fill)) as url:
        yield url


async def test_a_wall_as_it_was_built_is_two_of_two(walled: str) -> None:
    async with Database.open(walled, size=1) as database:
        walls = await guard(database)
    assert walls is not None and walls.standing == 2 and not walls.remarks


@pytest.mark.parametrize("name", DRIFTS)
async def test_every_drift_is_seen_and_stops_the_service(drifting: str, name: str) -> None:
    role = CLASSES["reviewer"].database_role
    statements = sql.SQL(DRIFTS[name]).format(reviewer=sql.Identifier(role), reviewer_name=sql.Literal(role))
    async with Database.open(drifting, size=1) as database, database.connection() as connection:
        catalogue = await load_catalogue(connection)
        await connection.execute("BEGIN")
        await connection.execute(statements)
        walls = await examine(connection, catalogue)
        await connection.execute("ROLLBACK")
    assert walls.standing == 1 and walls.faults, name


async def test_without_the_mark_on_the_box_operator_the_wall_stands_and_is_slow(drifting: str) -> None:
    async with Database.open(drifting, size=1) as database, database.connection() as connection:
        catalogue = await load_catalogue(connection)
        await connection.execute("BEGIN")
        await connection.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF")
        walls = await examine(connection, catalogue)
        await connection.execute("ROLLBACK")
    assert walls.standing == 2
    assert "leakproof" in walls.remarks[0].en


async def test_applying_the_profile_again_mends_what_drifted(own: str, owner: psycopg.Connection[Any]) -> None:
    role = sql.Identifier(CLASSES["reviewer"].database_role)
    owner.execute(sql.SQL("GRANT SELECT (ten_chu) ON data.parcel TO {}").format(role))
    owner.execute("ALTER POLICY wall_read ON data.parcel USING (true)")
    owner.execute("ALTER TABLE data.zone DISABLE ROW LEVEL SECURITY")
    async with Database.open(own, size=2) as database:
        await apply(database, PROFILE, "test")
        walls = await guard(database)
    assert walls is not None and walls.standing == 2


def test_doctor_tells_how_many_walls_stand_and_a_server_does_not_start_behind_one_that_fell(
    own: str, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    before = lienthong("doctor", "--json", url=own, data=tmp_path, afresh=True)
    assert before.json["walls"] == {"standing": 2, "of": 2, "messages": []}
    owner.execute("ALTER TABLE data.parcel NO FORCE ROW LEVEL SECURITY")
    after = lienthong("doctor", "--json", url=own, data=tmp_path)
    assert after.code == 1 and after.json["walls"]["standing"] == 1
    assert any("parcel" in problem["en"] for problem in after.json["problems"])
    with pytest.raises(RuntimeError, match="did not start"), service(own, tmp_path):
        pass


# ── databases of others ──────────────────────────────────────────────────────────────────────────
@pytest.fixture
def database_of_another(server: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database whose owner is no superuser; extensions were made for them."""
    owner = f"w{uuid4().hex[:8]}"
    name = f"lt_t_{owner}"
    server.command(f"CREATE ROLE {owner} LOGIN {request.param}")
    server.command(f"CREATE DATABASE {name} OWNER {owner}")
    try:
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            for extension in ("postgis", "unaccent", "btree_gist"):
                connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
            connection.execute(sql.SQL("ALTER TABLE spatial_ref_sys OWNER TO {}").format(sql.Identifier(owner)))
            connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(sql.Identifier(owner)))
        url = urlsplit(server.url(name))
        yield url._replace(netloc=f"{owner}@{url.netloc.rpartition('@')[2]}").geturl()
    finally:
        server.drop(name)
        server.command(f"DROP ROLE {owner}")


@pytest.mark.parametrize("database_of_another", ["CREATEROLE"], indirect=True)
def test_an_owner_who_may_make_roles_has_two_walls_and_is_told_what_is_slow(database_of_another: str) -> None:
    standing, remarks, counted = _served(database_of_another)
    assert standing == 2 and "leakproof" in remarks
    assert counted == {"officer": 120, "reviewer": 60}


@pytest.mark.parametrize("database_of_another", ["NOCREATEROLE"], indirect=True)
def test_an_owner_who_may_not_has_one_wall_and_is_told_so(database_of_another: str) -> None:
    standing, remarks, counted = _served(database_of_another)
    assert standing == 1 and "1 of 2 walls" in remarks
    assert counted == {"officer": 120, "reviewer": 120}  # the relation alone holds the rows


def _served(url: str) -> tuple[int, str, dict[str, int]]:
    migrate(url)
    fill(url)

    async def look() -> tuple[int, str, dict[str, int]]:
        counted = {}
        async with Database.open(url, size=1) as database:
            walls = await guard(database)
            assert walls is not None
            for who in ("officer", "reviewer"):
                async with database.reading(CLASSES[who]) as connection:
                    cursor = await connection.execute("SELECT count(fid) AS n FROM data.parcel")
                    counted[who] = (await cursor.fetchone() or {})["n"]
        return walls.standing, " ".join(remark.en for remark in walls.remarks), counted

    return anyio.run(look)
