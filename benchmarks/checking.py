"""One parcel and POST /checks: the whole kernel against hand-written SQL on whole shapes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import anyio
import psycopg
from psycopg import sql

from benchmarks.served import Served
from benchmarks.timing import Row, Timing
from gis.procedure import Relation, Rule
from layers.access.principal import operator
from layers.checking.findings import findings_of
from layers.checking.reading import Case, Seeker, read, read_around
from layers.checking.request import ByFid, CheckRequest
from layers.checking.run import case_of, examine
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from ogc.settings import Settings

PROCEDURE = "land_use_change"
INPUTS = {"target_use": "ODT", "target_area_m2": 100}
CLIENTS = 20
#: what no statement over a layer's own table could measure
_WITHOUT_SHAPES = (Relation.SAME_PARCEL, Relation.RASTER_CLASS)


def parcels(url: str, number: int) -> list[int]:
    """fids of as many parcels, spread evenly and the same at every run."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT fid FROM data.parcel WHERE until IS NULL ORDER BY hashint8(fid) LIMIT %s", (number,)
        ).fetchall()
    return [row[0] for row in found]


def one_parcel(url: str, runs: int) -> Row:
    """In one process, without HTTP and record: candidates, kernel, judge of all checks, against a statement a layer."""
    return anyio.run(_one_parcel, url, runs)


async def _one_parcel(url: str, runs: int) -> Row:
    fids = parcels(url, runs)
    async with Database.open(url, size=2, rasters=Settings().rasters_folder) as database:
        async with database.connection() as connection:
            catalogue = await load_catalogue(connection)
        now = datetime.now(UTC)
        ours, theirs = [], []
        rules: list[Rule] = []
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as bare:
            await bare.execute("SET jit = off")
            for fid in fids:
                request = CheckRequest(procedure=PROCEDURE, subject=ByFid(fid), inputs=INPUTS)
                start = time.perf_counter()
                case = case_of(catalogue, request, now)
                seeker = Seeker(catalogue, operator("benchmark"), None, now.date())
                reading = await read(database, case, seeker.chooser(request.subject))
                examine(case, reading, {"id": "benchmark"})
                ours.append((time.perf_counter() - start) * 1e3)
                rules = rules or _layer_rules(case.bound.procedure.checks)
                start = time.perf_counter()
                for rule in rules:
                    cursor = await bare.execute(_by_hand(rule), {"fid": fid, "d": rule.distance_m})
                    await cursor.fetchall()
                theirs.append((time.perf_counter() - start) * 1e3)
    return Row(
        f"one parcel × {len(rules)} checks, kernel and judge", Timing(tuple(ours[3:])), Timing(tuple(theirs[3:])),
        bar="≤ 1/3", note="baseline: a statement a check on whole shapes, no bounds, no drops, no mapped area",
    )  # fmt: skip


def six_layers(url: str, runs: int) -> Row:
    """The bar to the letter: one parcel, one rule on each of six layers, from the look-up on: candidates, kernel, judge
    and the findings in words."""
    return anyio.run(_six_layers, url, runs)


async def _six_layers(url: str, runs: int) -> Row:
    fids = parcels(url, runs)
    now = datetime.now(UTC)
    ours, theirs = [], []
    async with Database.open(url, size=2, rasters=Settings().rasters_folder) as database:
        async with database.connection() as connection:
            catalogue = await load_catalogue(connection)
        async with database.connection() as connection, await psycopg.AsyncConnection.connect(
            url, autocommit=True
        ) as bare:  # fmt: skip
            await bare.execute("SET jit = off")
            for fid in fids:
                request = CheckRequest(procedure=PROCEDURE, subject=ByFid(fid), inputs=INPUTS)
                case = case_of(catalogue, request, now)
                six = _on_six_layers(case)
                seeker = Seeker(catalogue, operator("benchmark"), None, now.date())
                known = await read(database, six, seeker.chooser(request.subject))
                start = time.perf_counter()
                findings_of(six, await read_around(connection, six, known.cut, known.subject))
                ours.append((time.perf_counter() - start) * 1e3)
                start = time.perf_counter()
                for rule in six.rules:
                    cursor = await bare.execute(_by_hand(rule), {"fid": fid, "d": rule.distance_m})
                    await cursor.fetchall()
                theirs.append((time.perf_counter() - start) * 1e3)
    return Row(
        "one parcel × 6 layers, candidates to findings", Timing(tuple(ours[3:])), Timing(tuple(theirs[3:])),
        bar="≤ 1/3", note="baseline: a statement a layer on whole shapes, no bounds, no drops, no mapped area",
    )  # fmt: skip


def _on_six_layers(case: Case) -> Case:
    """The first rule on each of the first six layers with shapes, each as a check of its own."""
    of_layer: dict[str, Rule] = {}
    for rule in _layer_rules(case.bound.procedure.checks):
        of_layer.setdefault(rule.layer, rule)
    procedure = replace(case.bound.procedure, checks=tuple(of_layer.values())[:6])
    return replace(case, bound=replace(case.bound, procedure=procedure))


def layer_rules(url: str) -> list[Rule]:
    """The rules of the procedure against layers with shapes."""
    return anyio.run(_bound_rules, url)


async def _bound_rules(url: str) -> list[Rule]:
    async with Database.open(url, size=1) as database, database.connection() as connection:
        catalogue = await load_catalogue(connection)
    request = CheckRequest(procedure=PROCEDURE, subject=ByFid(1), inputs=dict(INPUTS))
    return _layer_rules(case_of(catalogue, request, datetime.now(UTC)).bound.procedure.checks)


def _layer_rules(checks: object) -> list[Rule]:
    assert isinstance(checks, tuple)
    members = [rule for check in checks for rule in getattr(check, "members", (check,))]
    return [rule for rule in members if isinstance(rule, Rule) and rule.relation not in _WITHOUT_SHAPES]


def _by_hand(rule: Rule) -> sql.Composed:
    """What a careful person would write for one check on the layer's own table."""
    table = sql.Identifier("data", rule.layer)
    if rule.relation is Relation.WITHIN_DISTANCE:
        measured = sql.SQL("ST_Distance(l.geom, s.geom)")
        near = sql.SQL("l.geom && ST_Expand(s.geom, %(d)s) AND ST_DWithin(l.geom, s.geom, %(d)s)")
    else:
        shared = "ST_Length" if rule.relation is Relation.CROSSES_LINE else "ST_Area"
        measured = sql.SQL(shared + "(ST_Intersection(l.geom, s.geom))")  # type: ignore[arg-type]
        near = sql.SQL("l.geom && s.geom AND ST_Intersects(l.geom, s.geom)")
    return sql.SQL(
        """SELECT l.fid, {measured} FROM data.parcel s JOIN {table} l ON l.until IS NULL AND {near}
           WHERE s.fid = %(fid)s AND s.until IS NULL"""
    ).format(measured=measured, table=table, near=near)


def post_checks(url: str, server: Served, number: int) -> list[Row]:
    """POST /checks with the record written and fsync on: one client, then twenty."""
    bodies: list[dict[str, object]] = [
        {"procedure": PROCEDURE, "subject": {"fid": str(fid)}, "inputs": INPUTS} for fid in parcels(url, number)
    ]
    local = threading.local()

    def post(body: dict[str, object]) -> float:
        if not hasattr(local, "connection"):
            local.connection = server.connection()
        start = time.perf_counter()
        status, answer = server.request(local.connection, "/checks", body)
        assert status == 201, answer[:300]
        return (time.perf_counter() - start) * 1e3

    for body in bodies[:20]:
        post(body)
    alone = Timing(tuple(post(body) for body in bodies))
    with ThreadPoolExecutor(CLIENTS) as pool:
        together = Timing(tuple(pool.map(post, bodies * 2)))
    return [
        Row("POST /checks, one client", alone, None, bar="median ≤ 8 ms, p95 ≤ 15 ms"),
        Row(f"POST /checks, {CLIENTS} clients", together, None, bar="p95 ≤ 120 ms"),
    ]
