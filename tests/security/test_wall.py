"""The second wall alone: SQL of any shape, run in the name of a role class, with no relation in front of it.

The leaks that access-policy 2.4 demonstrated in the database are tried here, each where it was found.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from layers.access.classes import EVERYBODY, RoleClass, class_of
from layers.access.decide import decide
from layers.access.grammar import Grant
from layers.access.principal import PUBLIC, Principal, operator
from layers.access.scope import SHAPES, TECHNICAL
from layers.errors import UnavailableError
from layers.profile.grammar import LayerDefinition
from layers.store import features
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from layers.store.features import ItemsQuery
from layers.store.wall import enforce
from tests.support.layers import DAY, Layer
from tests.support.walled import (
    CLASSES,
    GRANTS,
    LAYERS,
    OFFICER,
    PARCEL,
    PRINCIPALS,
    PROFILE,
    REVIEWER,
    SHOWING,
    Union,
    acting_as,
    current_role,
    login,
    union_of,
)  # fmt: skip

pytestmark = pytest.mark.anyio

PURPOSES = (None, "construction_permit")
Denied = psycopg.errors.InsufficientPrivilege


def stored(url: str, layer: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("data", layer))).fetchall()


def allowed(url: str, who: str, definition: LayerDefinition) -> Union:
    return union_of(CLASSES[who], definition, GRANTS, PRINCIPALS, stored(url, definition.id), PURPOSES)


def every_column(definition: LayerDefinition) -> list[str]:
    named = [attribute.name for attribute in definition.attributes]
    return [*TECHNICAL, "key", "row_hash", *named, *(SHAPES if definition.has_geometry else ())]


# ── rows and columns ─────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("who", CLASSES)
def test_each_column_gives_the_rows_of_the_union_or_nothing_at_all(walled: str, who: str, layer: str) -> None:
    definition, expected = LAYERS[layer], allowed(walled, who, LAYERS[layer])
    readable = set(expected.columns) | (set(TECHNICAL) if expected.columns else set())
    readable |= set(SHAPES) if expected.has_shape else set()
    with acting_as(walled, CLASSES[who]) as connection:
        for name in every_column(definition):
            asked = sql.SQL("SELECT {} AS value FROM {}").format(sql.Identifier(name), sql.Identifier("data", layer))
            if name in readable:
                found = connection.execute(asked).fetchall()
                assert len(found) == len(expected.fids), (who, layer, name)
            else:
                with pytest.raises(Denied):
                    connection.execute(asked)


@pytest.mark.parametrize("who", CLASSES)
def test_the_rows_are_those_of_the_callers_of_the_class(walled: str, who: str) -> None:
    expected = allowed(walled, who, PARCEL)
    with acting_as(walled, CLASSES[who]) as connection:
        if not expected.fids:
            with pytest.raises(Denied):
                connection.execute("SELECT fid FROM data.parcel")
            return
        found = {row["fid"] for row in connection.execute("SELECT fid FROM data.parcel")}
        assert found == expected.fids
        counted = connection.execute("SELECT count(fid) AS n, max(fid) AS most FROM data.parcel").fetchone()
    assert counted == {"n": len(expected.fids), "most": max(expected.fids)}


HIDDEN_IN = [
    "SELECT * FROM data.parcel",
    "SELECT fid FROM data.parcel WHERE ten_chu = 'CHUSOHUU0001'",
    "SELECT fid FROM data.parcel WHERE ten_chu LIKE 'C%'",
    "SELECT fid FROM data.parcel ORDER BY ten_chu",
    "SELECT count(ten_chu) FROM data.parcel",
    "SELECT fid FROM data.parcel GROUP BY fid, ten_chu",
    "SELECT max(fid) FROM data.parcel HAVING max(ten_chu) > 'A'",
    "SELECT row_to_json(parcel) FROM data.parcel",
    "SELECT to_jsonb(parcel.*) FROM data.parcel",
    "SELECT parcel::text FROM data.parcel",
    "SELECT parcel FROM data.parcel",
    "SELECT ST_AsMVT(parcel) FROM data.parcel",
    "SELECT ST_AsGeoJSON(parcel) FROM data.parcel",
    "SELECT hashtext(parcel::text) FROM data.parcel",
    "SELECT a.fid FROM data.parcel a JOIN data.parcel b USING (ten_chu)",
    "SELECT fid FROM data.parcel WHERE parcel IS NOT NULL",
    "SELECT ctid FROM data.parcel",
    "SELECT xmin, tableoid FROM data.parcel",
    "SELECT fid FROM data.parcel TABLESAMPLE SYSTEM (100) WHERE ten_chu IS NULL",
    "TABLE data.parcel",
    "COPY data.parcel TO STDOUT",
    "SELECT fid FROM data.secret",
    "SELECT count(*) FROM data.secret",
    "SELECT 1 FROM data.register",
    "UPDATE data.parcel SET dien_tich = 0",
    "DELETE FROM data.parcel",
    "INSERT INTO data.parcel (fid, since, row_hash) VALUES (1, 1, '')",
    "SELECT fid FROM data.parcel FOR UPDATE",
    "TRUNCATE data.parcel",
    "CREATE TABLE data.mine (x int)",
    "CREATE VIEW data.mine AS SELECT fid FROM data.parcel",
    "CREATE INDEX ON data.parcel (ten_chu)",
    "CREATE STATISTICS data.s ON ma, ten_chu FROM data.parcel",
    "ALTER TABLE data.parcel DISABLE ROW LEVEL SECURITY",
    "DROP POLICY wall_read ON data.parcel",
    "GRANT SELECT ON data.parcel TO PUBLIC",
]  # fmt: skip


@pytest.mark.parametrize("statement", HIDDEN_IN)
def test_no_shape_of_a_statement_reaches_a_hidden_column_or_layer(walled: str, statement: str) -> None:
    with acting_as(walled, CLASSES["reviewer"]) as connection, pytest.raises(Denied):
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM access.event", "UPDATE access.event SET principal = 'x'", "DELETE FROM access.event",
        "SELECT * FROM access.policy", "SELECT * FROM access.role_class", "SELECT * FROM access.column_scope",
        "INSERT INTO access.row_scope SELECT current_user, 'parcel', '*'", "UPDATE access.row_scope SET code = '*'",
        "SELECT access.enforce()", "SELECT access.harden()", "SELECT access.make_class('x', false)",
        "SELECT * FROM checks.piece", "SELECT * FROM checks.fact", "SELECT * FROM checks.record",
        "SELECT * FROM catalogue.text", "SELECT * FROM catalogue.release", "SELECT * FROM catalogue.alias",
        "SELECT definition FROM catalogue.layer", "SELECT reason FROM catalogue.revision",
    ],
)  # fmt: skip
def test_a_class_reads_nothing_of_the_service_behind_the_layers(walled: str, statement: str) -> None:
    with acting_as(walled, CLASSES["officer"]) as connection, pytest.raises(Denied):
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize("who", CLASSES)
def test_a_class_sees_only_its_own_scope_and_where_its_own_layers_stand(walled: str, who: str) -> None:
    with acting_as(walled, CLASSES[who]) as connection:
        roles = {row["role_class"] for row in connection.execute("SELECT role_class FROM access.row_scope")}
        layers = {row["id"] for row in connection.execute("SELECT id FROM catalogue.layer")}
        revised = {row["layer"] for row in connection.execute("SELECT layer FROM catalogue.revision")}
    reached = {
        layer.id for layer in PROFILE.layers for one in PRINCIPALS if class_of(one, GRANTS) == CLASSES[who]
        for action in SHOWING for purpose in PURPOSES
        if decide(one, layer, action, GRANTS, purpose=purpose, day=DAY).is_allowed  # type: ignore[arg-type]
    }  # fmt: skip
    assert roles == {CLASSES[who].database_role}
    assert layers == reached
    assert revised == reached - {"empty"}


def test_an_event_can_be_left_and_nothing_more(own: str) -> None:
    leave = "INSERT INTO access.event (principal, action, decision) VALUES ('x', 'items', 'allow')"
    with acting_as(own, CLASSES["public"]) as connection:
        assert connection.execute(leave).rowcount == 1
        with pytest.raises(Denied):
            connection.execute(leave + " RETURNING id")


# ── the leaks that were demonstrated ─────────────────────────────────────────────────────────────
def test_no_setting_widens_the_rows(walled: str) -> None:
    """2.4-1: a policy on current_setting() gave 5,002 rows instead of 500 to whoever ran SET."""
    count = "SELECT count(fid) AS n FROM data.parcel"
    with acting_as(walled, CLASSES["reviewer"]) as connection:
        before = connection.execute(count).fetchone()
        for name in ("app.communes", "lienthong.communes", "app.role", "lienthong.role_class"):
            connection.execute("SELECT set_config(%s, '*', false)", (name,))
        connection.execute("SET search_path = pg_temp, public")
        assert connection.execute(count).fetchone() == before
        connection.execute("SET row_security = off")
        with pytest.raises(Denied):
            connection.execute(count)


def test_a_look_alike_of_the_scope_table_is_not_read(walled: str) -> None:
    """Policies are bound to tables, not to names: a temporary access.row_scope changes nothing."""
    count = "SELECT count(fid) AS n FROM data.parcel"
    with acting_as(walled, CLASSES["reviewer"]) as connection:
        before = connection.execute(count).fetchone()
        connection.execute("CREATE TEMP TABLE row_scope AS SELECT current_user::text AS role_class, "
                           "'parcel'::text AS layer, '*'::text AS code")  # fmt: skip
        assert connection.execute(count).fetchone() == before


def test_the_extent_is_not_told_by_statistics(walled: str) -> None:
    """2.4-3: ST_EstimatedExtent gave the extent of all rows, hidden ones too; a superuser's set-up takes it away."""
    with acting_as(walled, CLASSES["reviewer"]) as connection:
        with pytest.raises(Denied):
            connection.execute("SELECT ST_EstimatedExtent('data', 'parcel', 'geom_4326')")
        seen = connection.execute("SELECT count(*) AS n FROM pg_stats WHERE schemaname = 'data'").fetchone()
    assert seen == {"n": 0}  # 2.4-4


def test_a_cheap_function_sees_only_rows_that_may_be_seen(own: str, owner: psycopg.Connection[Any]) -> None:
    """2.4-5: through a plain view a function that costs nothing was called with hidden values."""
    owner.execute("""
        CREATE FUNCTION public.tell(code text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
        AS $$ BEGIN RAISE NOTICE 'LEAK %', code; RETURN true; END $$
    """)
    expected = allowed(own, "reviewer", PARCEL)
    told: list[str] = []
    with acting_as(own, CLASSES["reviewer"]) as connection:
        connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
        connection.execute("SELECT fid FROM data.parcel WHERE public.tell(ma) AND public.tell(ma_xa)")
    assert len(told) == 2 * len(expected.fids)
    codes = {row["ma_xa"] for row in stored(own, "parcel") if row["fid"] in expected.fids}
    assert {text for text in told if not text.startswith("LEAK P")} == {f"LEAK {code}" for code in codes}


def test_an_error_tells_nothing_of_a_hidden_row(walled: str) -> None:
    """2.6: 10/(x - hidden) raised where a hidden row held the value; it does for who may see the row."""
    land = stored(walled, "parcel")
    hidden, shown = (
        next(row for row in land if (row["ma_xa"] in REVIEWER.claims["communes"]) is is_shown)
        for is_shown in (False, True)
    )
    by_fid = "SELECT fid FROM data.parcel WHERE 10 / (fid - %s) > 1"
    by_key = "SELECT fid FROM data.parcel WHERE CASE WHEN ma = %s THEN 1 / (length(ma) - length(ma)) END IS NULL"
    with acting_as(walled, CLASSES["reviewer"]) as connection:
        for dividing, column in ((by_fid, "fid"), (by_key, "ma")):
            connection.execute(dividing, (hidden[column],))
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute(dividing, (shown[column],))


async def test_two_roles_never_add_up_crosswise_in_a_class_of_one(own: str) -> None:
    """2.4-7: a role that inherited {price in commune 1} and {owner in commune 2} saw both in both."""
    grants = (
        _grant("areas", "a", "ma_xa = '25747'", ["ma", "dien_tich"]),
        _grant("owners", "b", "ma_xa = '25750'", ["ma", "ten_chu"]),
    )
    async with Database.open(own, size=1) as database, database.transaction() as connection:
        await enforce(connection, grants, PROFILE.layers, ())
    for role, mine, others, commune in (("a", "dien_tich", "ten_chu", "25747"), ("b", "ten_chu", "dien_tich", "25750")):
        with acting_as(own, class_of(Principal("x", frozenset({role})), grants)) as connection:
            found = connection.execute(sql.SQL("SELECT ma_xa, {} FROM data.parcel").format(sql.Identifier(mine)))
            assert {row["ma_xa"] for row in found} == {commune}
            with pytest.raises(Denied):
                connection.execute(sql.SQL("SELECT {} FROM data.parcel").format(sql.Identifier(others)))


def _grant(grant_id: str, role: str, rows: str | None, columns: list[str], **more: Any) -> Grant:
    plain = {"id": grant_id, "to": {"role": role}, "layer": "parcel", "actions": ["items"], "rows": rows,
             "columns": {"names": columns}}  # fmt: skip
    return Grant.model_validate(plain | more)


def test_a_claim_called_star_is_no_key_to_every_row() -> None:
    from layers.access.scope import scope_of

    for_role = _grant("own", "a", "ma_xa IN :claims.communes", ["ma"])
    caller = Principal("x", frozenset({"a"}), claims={"communes": ("*", "25747")})
    scope = scope_of(class_of(caller, (for_role,)), PARCEL, (for_role,), [caller])
    assert scope is not None and scope.codes == {"25747"}


def test_reset_role_ends_at_a_login_that_reads_nothing(walled: str) -> None:
    """2.4-11: one can always step back to the login, so that of the server owns nothing and inherits nothing."""
    with psycopg.connect(walled, autocommit=True) as connection:
        connection.execute("SET SESSION AUTHORIZATION lt_server")
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(CLASSES["officer"].database_role)))
        assert connection.execute("SELECT count(fid) FROM data.parcel").fetchone() == (120,)
        connection.execute("RESET ROLE")
        with pytest.raises(Denied):
            connection.execute("SELECT count(fid) FROM data.parcel")


# ── reading through the pool ─────────────────────────────────────────────────────────────────────
async def test_a_relation_of_everything_still_meets_the_wall(walled: str) -> None:
    """The relation replaced by the operator's: columns beyond the class are refused, rows beyond it are not there."""
    state = Layer(PARCEL)
    async with Database.open(walled, size=1) as database:
        catalogue = await _catalogue(database)
        everything = decide(operator("os"), PARCEL, "items", GRANTS, purpose=None, day=DAY)
        with pytest.raises(UnavailableError):
            async with database.reading(CLASSES["reviewer"]) as connection:
                await features.page(connection, state, catalogue.storage_srid, everything, ItemsQuery(limit=500))
        query = ItemsQuery(limit=500, properties=("ma", "ma_xa"))
        async with database.reading(CLASSES["reviewer"]) as connection:
            page = await features.page(connection, state, catalogue.storage_srid, everything, query)
            assert page.number_matched == len(page.features) == 60
        async with database.reading(CLASSES["officer"]) as connection:
            page = await features.page(connection, state, catalogue.storage_srid, everything, query)
            assert page.number_matched == 120


async def _catalogue(database: Database) -> Catalogue:
    async with database.connection() as connection:
        return await load_catalogue(connection)


async def test_a_connection_never_keeps_the_class_of_whoever_had_it_before(walled: str) -> None:
    async with Database.open(walled, size=1) as database:
        for who in ("public", "officer", "officer", "reviewer"):
            async with database.reading(CLASSES[who]) as connection:
                assert await current_role(connection) == CLASSES[who].database_role
        async with database.connection() as connection:
            assert await current_role(connection) == await login(connection)
        with pytest.raises(UnavailableError):
            async with database.reading(RoleClass(("anyone", "role:nobody.knows.it"))):
                pass
        async with database.transaction() as connection:
            assert await current_role(connection) == await login(connection)
        with pytest.raises(UnavailableError):
            async with database.reading(CLASSES["public"]) as connection:
                await connection.execute("SELECT * FROM data.secret")
        async with database.connection() as connection:
            assert await current_role(connection) == await login(connection)


async def test_a_policy_that_changed_between_decision_and_read_gives_less_or_nothing(own: str) -> None:
    decided = decide(OFFICER, PARCEL, "items", GRANTS, purpose=None, day=DAY)
    kept = tuple(grant for grant in GRANTS if grant.id != "officer_parcel")
    narrowed = Grant.model_validate(
        next(grant for grant in GRANTS if grant.id == "officer_parcel").model_dump(by_alias=True)
        | {"rows": "ma_xa = '25747'"}
    )
    async with Database.open(own, size=2) as database:
        srid = (await _catalogue(database)).storage_srid
        for grants, seen in (((*kept, narrowed), 30), (kept, None)):
            async with database.transaction() as connection:
                await enforce(connection, grants, PROFILE.layers, PROFILE.identities)
            try:
                async with database.reading(CLASSES["officer"]) as connection:
                    page = await features.page(connection, Layer(PARCEL), srid, decided, ItemsQuery(limit=500))
                assert len(page.features) == seen
            except UnavailableError:
                assert seen is None


def test_everybody_is_a_class_of_its_own() -> None:
    assert class_of(PUBLIC, GRANTS) == EVERYBODY
    assert class_of(operator("os"), GRANTS).is_operator


#: beyond reading, of each table of checks: the roles by which the server acts, the inherited included
_SEALED = ("record", "division", "review", "extract", "signed_extract")
_MAY_WRITE = {(t, role, "INSERT") for t in _SEALED for role in ("lt_api", "lt_check")}
#: an edit ends pieces and facts and adds others; what is there it does not change
_EDITED = ("piece", "fact", "held")
_MAY_WRITE |= {(table, "lt_publish", "INSERT") for table in _EDITED}


def test_the_server_adds_to_the_checks_and_changes_nothing_of_them(walled: str) -> None:
    """New tables of this schema are the service's by default: each of them must have taken that back."""
    with psycopg.connect(walled) as connection:
        rights = connection.execute(
            "SELECT relname, role, kind FROM pg_class AS class, unnest(%s::text[]) AS role, unnest(%s::text[]) AS kind"
            " WHERE class.relnamespace = 'checks'::regnamespace AND class.relkind IN ('r', 'p')"
            " AND has_table_privilege(role, class.oid, kind)",
            (["lt_api", "lt_check", "lt_publish", "lt_audit"], ["INSERT", "UPDATE", "DELETE", "TRUNCATE"]),
        ).fetchall()
        assert {tuple(row) for row in rights} == _MAY_WRITE
        for table in _SEALED:
            with pytest.raises(Denied, match="append only"), connection.transaction():
                connection.execute(sql.SQL("DELETE FROM checks.{}").format(sql.Identifier(table)))
        columns = connection.execute(
            "SELECT relname, attname FROM pg_class AS class JOIN pg_attribute ON attrelid = class.oid AND attnum > 0"
            " WHERE relnamespace = 'checks'::regnamespace AND relkind = 'r'"
            " AND has_column_privilege('lt_publish', class.oid, attnum, 'UPDATE')"
        ).fetchall()
        assert set(columns) == {("piece", "until"), ("fact", "until"), ("held", "pieces"), ("held", "facts")}


def test_what_a_layer_held_at_a_revision_that_stands_is_not_written_by_the_server(walled: str) -> None:
    """Or it could hide what is missing: it writes only of the revision that it is making."""
    with psycopg.connect(walled) as connection:
        number, revision = connection.execute(
            "SELECT number, revision FROM catalogue.layer WHERE id = 'parcel'"
        ).fetchone() or (0, 0)
        connection.execute("INSERT INTO checks.held VALUES (%s, %s, 120, 120)", (number, revision))
        connection.execute("SET ROLE lt_publish")
        changed = connection.execute("UPDATE checks.held SET pieces = 0 WHERE layer = %s", (number,)).rowcount
        assert changed == 0
        for wrong in (revision + 2, 99):
            with pytest.raises(Denied, match="row-level security"), connection.transaction():
                connection.execute("INSERT INTO checks.held VALUES (%s, %s, 1, 1)", (number, wrong))
        connection.execute("INSERT INTO checks.held VALUES (%s, %s, 1, 1)", (number, revision + 1))
        connection.rollback()
