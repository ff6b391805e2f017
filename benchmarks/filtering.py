"""Filters against the same condition in flat SQL on the bare table: over HTTP, and the store's own path in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
import uvloop
from psycopg import sql

from benchmarks.reading import PAGE, bare_items
from benchmarks.served import Served
from benchmarks.timing import Row, in_turn
from layers.access.decide import queryables
from layers.access.principal import Principal
from layers.filters import check, parse_text
from layers.store import audit, features
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from ogc.common.relation import Decisions, Relation

IDENTITY = "land_officer"


@dataclass(frozen=True)
class Filter:
    """One condition: as text of CQL2, as a query, as SQL."""

    what: str
    cql2: str
    query: str
    condition: sql.Composed


def filters(url: str, server: Served, runs: int) -> list[Row]:
    """Two rows a filter."""
    with psycopg.connect(url, autocommit=True) as bare:
        both = (_equality(bare), _spatial(bare))
    return [row for asked in both for row in (over_http(url, server, asked, runs), in_process(url, asked, runs))]


def _equality(bare: psycopg.Connection) -> Filter:
    """An indexed attribute, by a value of about 300 rows."""
    (sheet,) = bare.execute(
        "SELECT so_to FROM data.parcel WHERE until IS NULL GROUP BY so_to ORDER BY abs(count(*) - 300), so_to LIMIT 1"
    ).fetchone() or ("1",)
    condition = sql.SQL("AND parcel.so_to = {}").format(sql.Literal(sheet))
    return Filter("filter: one map sheet", f"so_to = '{sheet}'", f"so_to={quote(sheet)}", condition)


def _spatial(bare: psycopg.Connection) -> Filter:
    """A quadrilateral of about 600 m."""
    x, y = bare.execute(
        """SELECT ST_X(c), ST_Y(c) FROM (SELECT ST_Centroid(geom_4326) AS c FROM data.parcel
           WHERE until IS NULL ORDER BY fid OFFSET 5000 LIMIT 1) middle"""
    ).fetchone() or (0.0, 0.0)
    corners = [(x - 0.003, y), (x, y - 0.0025), (x + 0.003, y + 0.0005), (x + 0.0005, y + 0.003), (x - 0.003, y)]
    area = "POLYGON((" + ", ".join(f"{a:.7f} {b:.7f}" for a, b in corners) + "))"
    cql2 = f"S_INTERSECTS(geometry, {area})"
    condition = sql.SQL("AND ST_Intersects(geom_4326, ST_GeomFromText({}, 4326))").format(sql.Literal(area))
    return Filter("filter: CQL2 spatial", cql2, "filter=" + quote(cql2), condition)


def over_http(url: str, server: Served, asked: Filter, runs: int) -> Row:
    """From the request to the last byte of the answer."""
    path = f"/collections/parcel/items?limit={PAGE}&f=json&{asked.query}"
    http = server.connection()

    def subject() -> bytes:
        status, body = server.request(http, path)
        assert status == 200, body[:200]
        return body

    answer = subject()
    baseline = Baseline(url, asked, json.loads(answer)["features"], answer.decode())
    timings = in_turn(subject, baseline.run, runs)
    return Row(f"{asked.what}, over HTTP", *timings, bar="≤ 1.3 ×", note=f"{baseline.features} features")


class Baseline:
    """Flat SQL, prepared, that builds the same features: this is checked."""

    def __init__(self, url: str, asked: Filter, found: list[dict[str, object]], answer: str) -> None:
        self._bare = psycopg.connect(url, autocommit=True)
        self._statement = bare_items(found[0], asked.condition)
        built = [row[0] for row in self._bare.execute(self._statement).fetchall()]
        assert len(built) == len(found) and all(text in answer for text in built), "the baseline builds other features"
        self.features = len(built)

    def run(self) -> None:
        cursor = self._bare.execute(self._statement)
        assert cursor.pgresult is not None
        b",".join(cursor.pgresult.get_value(i, 0) or b"" for i in range(cursor.pgresult.ntuples))


def in_process(url: str, asked: Filter, runs: int) -> Row:
    """The text of the filter read and checked, the caller's relation, the role, the page, its event."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        store = runner.run(stack.enter_async_context(_store(url)))
        try:
            found = runner.run(store.page(asked.cql2))
            answer = b"[" + b",".join(found) + b"]"
            baseline = Baseline(url, asked, json.loads(answer), answer.decode())
            timings = in_turn(lambda: runner.run(store.page(asked.cql2)), baseline.run, runs)
        finally:
            runner.run(stack.aclose())
    return Row(f"{asked.what}, in process", *timings, bar="≤ 1.3 ×", note=f"{baseline.features} features")


@dataclass(frozen=True)
class _Store:
    database: Database
    relation: Relation

    async def page(self, text: str) -> Sequence[bytes]:
        """As the route of `items` does it."""
        relation, state = self.relation, self.relation.state
        expression = check(parse_text(text), queryables(state.definition, relation.decision))
        query = features.ItemsQuery(filter=expression, limit=PAGE)
        async with self.database.reading(relation.role_class) as connection:
            page = await features.page(connection, state, relation.catalogue.storage_srid, relation.decision, query)
            size = sum(map(len, page.features))
            event = relation.event.with_result(request="benchmark", features=len(page.features), bytes=size)
            await audit.record(connection, event, is_read=True)
        return page.features


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[_Store]:
    async with Database.open(url, size=1) as database:
        async with database.connection() as connection:
            catalogue = await load_catalogue(connection)
        profile = catalogue.profile
        (who,) = (identity for identity in profile.identities if identity.id == IDENTITY)
        caller = Principal(who.id, frozenset(who.roles), who.office, who.sector, dict(who.claims))
        state = catalogue.layers[profile.parcel_layer.id]
        relation = Decisions().relation(catalogue, state, caller, "items", next(iter(who.purposes), None))
        yield _Store(database, relation)
