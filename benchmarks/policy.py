"""What a policy costs: the same 1,000 items and the same tile open to all, behind the fence, behind both walls.

The rule names every commune by its indexed code, so that all three read the same rows and answer with the same bytes.
Each request leaves its event. The baseline is the product's own statement without rule and fence, run by the owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import psycopg
from psycopg import sql

from benchmarks.reading import PAGE, _tile_of_about
from benchmarks.timing import Row, in_turn
from layers.access.classes import RoleClass, class_of
from layers.access.decide import Decision, decide
from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.profile.grammar import Identity, LayerDefinition, Title
from layers.store import audit, tiles
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Connection, Database, raw_column
from layers.store.feature_sql import drawn_features
from layers.store.features import ItemsQuery, Prepared, asked, prepare
from layers.store.relation_sql import WEB_MERCATOR, Wanted, tile_values
from layers.store.tile_sql import drawing_values, plain_tile
from layers.store.wall import enforce

FENCE = " OFFSET 0) AS relation"
ROLE = "benchmark.reader"


@dataclass(frozen=True)
class Case:
    """One request in three forms."""

    what: str
    bare: Prepared
    fenced: Prepared
    values: dict[str, Any]
    is_planned_anew: bool


def policy(url: str, runs: int) -> list[Row]:
    """The rows of the report; the policy in force is put back."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            prepared = runner.run(stack.enter_async_context(_walled(url)))
            return [row for case in prepared.cases for row in _measured(runner, prepared, case, runs)]
        finally:
            runner.run(stack.aclose())


@dataclass(frozen=True)
class Walled:
    """A database with a policy of one rule over every commune."""

    owner: Database
    reader: Database
    role_class: RoleClass
    event: audit.Event
    cases: tuple[Case, ...]


@asynccontextmanager
async def _walled(url: str) -> AsyncIterator[Walled]:
    async with Database.open(url, size=1) as owner, Database.open(url, size=1) as reader:
        async with owner.connection() as connection:
            catalogue = await load_catalogue(connection)
        codes = _codes(url, catalogue.profile.parcel_layer)
        column = catalogue.profile.parcel_layer.by_role("commune")
        assert column is not None
        grant = _grant("benchmark", {"role": ROLE}, catalogue, rows=f"{column.name} IN :claims.communes")
        identity = Identity(id="benchmark", title=Title(vi="x", en="x"), roles=(ROLE,), claims={"communes": codes})
        caller = Principal("benchmark", frozenset({ROLE}), claims={"communes": codes})
        layers = catalogue.profile.layers
        async with owner.transaction() as connection:
            await enforce(connection, [grant], layers, [identity])
        try:
            open_ = _decision(_grant("open", {"anyone": True}, catalogue), Principal("public"), catalogue)
            ruled = _decision(grant, caller, catalogue)
            event = audit.Event.of_decision(caller, ruled["items"])
            cases = (_items(catalogue, open_, ruled), _tile(url, catalogue, open_, ruled))
            yield Walled(owner, reader, class_of(caller, [grant]), event, cases)
        finally:
            async with owner.transaction() as connection:
                await enforce(connection, catalogue.grants, layers, catalogue.profile.identities)


def _grant(grant_id: str, to: dict[str, Any], catalogue: Catalogue, **more: Any) -> Grant:
    layer = catalogue.profile.parcel_layer.id
    return Grant.model_validate({"id": grant_id, "to": to, "layer": layer, "actions": ["items", "tile"], **more})


def _decision(grant: Grant, caller: Principal, catalogue: Catalogue) -> dict[str, Decision]:
    layer, day = catalogue.profile.parcel_layer, date(2026, 1, 1)
    return {
        action: decide(caller, layer, cast("Any", action), [grant], purpose=None, day=day)
        for action in ("items", "tile")
    }


def _codes(url: str, layer: LayerDefinition) -> tuple[str, ...]:
    column = layer.by_role("commune")
    assert column is not None
    asked = sql.SQL("SELECT DISTINCT {}::text FROM {} WHERE until IS NULL ORDER BY 1")
    with psycopg.connect(url) as connection:
        found = connection.execute(asked.format(sql.Identifier(column.name), sql.Identifier("data", layer.id)))
        return tuple(code for (code,) in found)


def _bare(made: Prepared) -> Prepared:
    """Without the fence, the planner may do as it likes."""
    assert made.text.count(FENCE) == 1
    return Prepared(made.text.replace(FENCE, ") AS relation"), made.constants)


def _items(catalogue: Catalogue, open_: dict[str, Decision], ruled: dict[str, Decision]) -> Case:
    layer = catalogue.profile.parcel_layer
    state, srid = catalogue.layers[layer.id], catalogue.storage_srid
    wanted, values = asked(state, open_["items"], ItemsQuery())
    wanted = Wanted(wanted.columns, is_limited=True, is_text=True)
    made = [prepare(drawn_features, layer, srid, decided["items"], wanted) for decided in (open_, ruled)]
    return Case(f"{PAGE} items", _bare(made[0]), made[1], values | {"limit": PAGE}, is_planned_anew=False)


def _tile(url: str, catalogue: Catalogue, open_: dict[str, Decision], ruled: dict[str, Decision]) -> Case:
    layer, srid = catalogue.profile.parcel_layer, catalogue.storage_srid
    with psycopg.connect(url) as connection:
        z, x, y, features = _tile_of_about(connection, 2400)
    columns = tiles.tile_columns(layer, open_["tile"])
    wanted = Wanted(columns, srid=WEB_MERCATOR, is_tile=True, is_limited=True, order="size")
    made = [prepare(plain_tile, layer, srid, decided["tile"], wanted) for decided in (open_, ruled)]
    values = tile_values(z, x, y, tiles.BUFFER / tiles.EXTENT, open_["tile"]) | drawing_values(z, x, y)
    return Case(
        f"tile z{z} of {features:,}",
        _bare(made[0]),
        made[1],
        values | {"limit": tiles.MAX_CANDIDATES, "most": tiles.MAX_FEATURES},
        is_planned_anew=True,
    )


def _measured(runner: asyncio.Runner, walled: Walled, case: Case, runs: int) -> list[Row]:
    async def ask(connection: Connection, made: Prepared) -> list[bytes]:
        found = await raw_column(connection, *made.with_values(case.values), is_planned_anew=case.is_planned_anew)
        await audit.record(connection, walled.event, is_read=True)
        return list(found)

    async def bare() -> list[bytes]:
        async with walled.owner.connection() as connection:
            return await ask(connection, case.bare)

    async def fenced() -> list[bytes]:
        async with walled.owner.connection() as connection:
            return await ask(connection, case.fenced)

    async def behind_walls() -> list[bytes]:
        async with walled.reader.reading(walled.role_class) as connection:
            return await ask(connection, case.fenced)

    assert runner.run(bare()) == runner.run(fenced()) == runner.run(behind_walls()), "three forms, three answers"

    def row(what: str, subject: Callable[[], Awaitable[list[bytes]]], bar: str) -> Row:
        timings = in_turn(lambda: runner.run(cast("Any", subject())), lambda: runner.run(bare()), runs)
        return Row(f"policy: {case.what}, {what}", *timings, bar=bar)

    return [row("fence", fenced, "≤ 1.15 ×"), row("fence and wall", behind_walls, "≤ 1.4 ×")]
