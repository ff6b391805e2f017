"""Where a profile meets the database: what stands there, and the statements that bring it about."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Column, Table, Update, column, update
from sqlalchemy import table as light_table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateIndex, CreateTable

from gis.crs import Projection, sisters_of
from layers.profile.facts import fact_columns
from layers.profile.grammar import RESERVED_COLUMNS, CrsDefinition, LayerDefinition
from layers.profile.plan import Plan, Standing, StoredLayer, TableShape
from layers.profile.profile import Profile
from layers.profile.texts import ProfileTexts, policy_text, profile_from, texts_of

from .connection import Connection, execute, row, rows
from .publication import fact_attributes
from .ranks import marking, rank_anew, rank_rule
from .statements import blocks
from .tables import layer_table, srid
from .tile_columns import is_coverage
from .wall import record_wall, standing_walls, wall_digest, wall_statements

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_FACT = light_table(
    "fact", column("layer"), column("fid"), column("since"), column("attributes", JSONB), schema="checks"
)


# ── what stands ──────────────────────────────────────────────────────────────────────────────────
async def read_standing(connection: Connection) -> Standing:
    """Everything a plan depends on."""
    sql = blocks("catalogue")
    applied = await row(connection, sql["applied"])
    layers = {found["id"]: _stored_layer(found) for found in await rows(connection, sql["layers"])}
    columns: dict[str, dict[str, str]] = {}
    for found in await rows(connection, sql["columns"]):
        columns.setdefault(found["layer"], {})[found["name"]] = found["type"]
    policy = await row(connection, sql["has_policy"])
    marked = {found["layer"]: found["rule"] for found in await rows(connection, sql["rank_rules"])}
    return Standing(
        profile=profile_from(applied["body"], applied["parts"]) if applied else None,
        profile_digest=applied["profile"] if applied else None,
        layers=layers,
        columns=columns,
        indexes=frozenset(found["name"] for found in await rows(connection, sql["indexes"])),
        has_policy=bool(policy and policy["found"]),
        walls=await standing_walls(connection),
        rank_rules={name: marked.get(name, _unmarked(stored.definition)) for name, stored in layers.items()},
    )


def _unmarked(definition: LayerDefinition) -> str:
    """Before rows were marked, they followed the definition that stood when each was written: in part at least."""
    return "unknown" if is_coverage(definition) else "size"


def _stored_layer(found: dict[str, object]) -> StoredLayer:
    definition = LayerDefinition.model_validate_json(str(found["body"]))
    return StoredLayer(definition, str(found["definition"]), int(str(found["revision"])))


async def wanting_reference_systems(connection: Connection, crs: CrsDefinition) -> tuple[str, ...]:
    """The systems of a profile whose row in spatial_ref_sys is missing or does not name the operation."""
    names = _systems(crs)
    values: dict[str, object] = {"srids": [srid(name) for name in names]}
    found = {r["srid"]: r for r in await rows(connection, blocks("catalogue")["reference_systems"], values)}
    wanted = {name: (None, _srtext(crs, name), _proj4(crs, name)) for name in names}
    return tuple(name for name, row_ in wanted.items() if _as_stored(found.get(srid(name))) != row_)


def _as_stored(found: dict[str, object] | None) -> tuple[object, ...] | None:
    return None if found is None else (found["auth_name"], found["srtext"], found["proj4text"])


def _systems(crs: CrsDefinition) -> tuple[str, ...]:
    """The storage CRS, the zones, and their sisters on the same national datum: shapes leave in all of them."""
    return tuple(dict.fromkeys([crs.storage, *(zone.crs for zone in crs.zones), *sisters_of(crs.storage)]))


def _proj4(crs: CrsDefinition, name: str) -> str:
    return Projection(crs.storage, crs.to_wgs84).proj4_with_towgs84(name)


def _srtext(crs: CrsDefinition, name: str) -> str:
    """PostGIS reads this text before `proj4text`, so it too must name the operation (TOWGS84)."""
    return Projection(crs.storage, crs.to_wgs84).bound(name).to_wkt("WKT1_GDAL")


# ── what a definition asks for ───────────────────────────────────────────────────────────────────
def table_shape(definition: LayerDefinition, storage_srid: int) -> TableShape:
    """The table of a definition as SQL texts."""
    table = layer_table(definition, storage_srid)
    indexes = {str(index.name): str(CreateIndex(index).compile(dialect=_DIALECT)) for index in table.indexes}
    types = {one.name: one.type.compile(dialect=_DIALECT).lower() for one in table.columns}
    attributes = {name: kind for name, kind in types.items() if name not in RESERVED_COLUMNS}
    geometry = {name: kind for name, kind in types.items() if name.startswith("geom")}
    wall = wall_statements(definition)
    mark = marking(definition) if definition.has_geometry else ""
    marks = (mark,) if rank_rule(definition) == "coverage" else ()
    create = (str(CreateTable(table).compile(dialect=_DIALECT)).strip(), *marks, *indexes.values(), *wall)
    added = {one.name: _add_column(table, one) for one in table.columns}
    named = dict(sorted(indexes.items()))
    rank = (rank_rule(definition), mark) if definition.has_geometry else None
    return TableShape(create, attributes | geometry, added, named, wall, wall_digest(wall), rank)


def _add_column(table: Table, added: Column[object]) -> str:
    """SQLAlchemy has no construct for it; both names come from a checked definition and are quoted by the dialect."""
    quote = _DIALECT.identifier_preparer
    kind = added.type.compile(dialect=_DIALECT)
    return " ".join(("ALTER TABLE", quote.format_table(table), "ADD COLUMN", quote.quote(added.name), kind))


# ── bringing it about ────────────────────────────────────────────────────────────────────────────
async def lock(connection: Connection) -> None:
    """One apply at a time, and none beside the last step of a publication."""
    await execute(connection, blocks("catalogue")["lock"])
    await execute(connection, blocks("catalogue")["lock_layers"])


async def carry_out(connection: Connection, profile: Profile, plan: Plan, os_user: str) -> None:
    """Run a plan within the caller's transaction and tell all processes."""
    await _store_reference_systems(connection, profile.header.crs, plan)
    for step in plan.steps:
        for statement in step.sql:
            await execute(connection, statement)
    texts = texts_of(profile)
    await _store_texts(connection, texts)
    for layer, text in texts.layers.items():
        await execute(connection, blocks("catalogue")["store_layer"], {"id": layer, "definition": text.digest})
    await _record_walls(connection, profile, plan)
    await _store_communes(connection, profile)
    await _copy_facts(connection, profile, plan)
    await _rank_anew(connection, profile, plan)
    await _switch(connection, profile, texts, plan, os_user)


async def _record_walls(connection: Connection, profile: Profile, plan: Plan) -> None:
    put_up = {step.layer for step in plan.steps if step.kind in ("table", "wall")}
    for layer in profile.layers:
        if layer.id in put_up:
            await record_wall(connection, layer.id, wall_statements(layer))


async def _store_reference_systems(connection: Connection, crs: CrsDefinition, plan: Plan) -> None:
    if not any(step.kind == "reference_system" for step in plan.steps):
        return
    for name in await wanting_reference_systems(connection, crs):
        values = {
            "srid": srid(name), "srtext": _srtext(crs, name), "proj4text": _proj4(crs, name)
        }  # fmt: skip
        await execute(connection, blocks("catalogue")["store_reference_system"], values)


async def _store_texts(connection: Connection, texts: ProfileTexts) -> None:
    for text in texts.all():
        values = {"digest": text.digest, "kind": text.kind, "body": text.body}
        await execute(connection, blocks("catalogue")["store_text"], values)


async def _store_communes(connection: Connection, profile: Profile) -> None:
    await execute(connection, blocks("catalogue")["forget_communes"])
    listed = json.dumps([commune.model_dump(mode="json") for commune in profile.communes], ensure_ascii=False)
    await execute(connection, blocks("catalogue")["store_communes"], {"communes": listed})


async def _copy_facts(connection: Connection, profile: Profile, plan: Plan) -> None:
    layers = {step.layer for step in plan.steps if step.kind == "facts"}
    numbers = {found["id"]: found["number"] for found in await rows(connection, blocks("catalogue")["layers"])}
    for layer in profile.layers:
        if layer.id in layers:
            table = layer_table(layer, srid(profile.header.crs.storage))
            await execute(connection, _facts(table, numbers[layer.id], fact_columns(profile, layer)))


def _facts(table: Table, number: int, columns: Sequence[str]) -> Update:
    """Every row of a layer, past ones too, gets its facts anew from the data table, as a publication writes them."""
    return (
        update(_FACT)
        .where(_FACT.c.layer == number, _FACT.c.fid == table.c.fid, _FACT.c.since == table.c.since)
        .values(attributes=fact_attributes(table, columns))
    )


async def _rank_anew(connection: Connection, profile: Profile, plan: Plan) -> None:
    layers = {step.layer for step in plan.steps if step.kind == "ranks" and step.touches_rows}
    for layer in profile.layers:
        if layer.id in layers:
            await rank_anew(connection, layer_table(layer, srid(profile.header.crs.storage)), layer)


async def _switch(connection: Connection, profile: Profile, texts: ProfileTexts, plan: Plan, os_user: str) -> None:
    sql = blocks("catalogue")
    if any(step.kind == "grants" for step in plan.steps):
        policy = policy_text(profile.grants)
        await execute(connection, sql["store_text"], {"digest": policy.digest, "kind": "policy", "body": policy.body})
        await execute(connection, sql["store_policy"], {"digest": policy.digest, "by": os_user})
    await execute(connection, sql["switch"], {"profile": texts.whole.digest, "os_user": os_user})
    await execute(connection, sql["notify"])
