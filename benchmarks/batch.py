"""All parcels against all checks with both Parquet files, against PostGIS measuring the same rules on equal pieces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from benchmarks.checking import INPUTS, PROCEDURE, layer_rules
from benchmarks.timing import Row, Timing
from gis.procedure import Relation, Rule

WORKERS = 2


def batch(url: str) -> Row:
    """One run of each, whole processes: start, load and write included."""
    subject_ms, watched, written_mb = _ours(url)
    baseline_ms, rules, pairs, baseline_s = _postgis(url)
    note = f"peak PSS {watched.pss_mb:,.0f} MB, {written_mb:.0f} MB written; baseline {rules} rules, {pairs:,} pairs"
    note += f"; processor {watched.cpu_s:.1f} s without the database's, baseline {baseline_s:.1f} s"
    return Row(f"batch, {WORKERS} processes", Timing((subject_ms,)), Timing((baseline_ms,)), bar="≤ 1/2.5", note=note)


def _ours(url: str) -> tuple[float, _Watch, float]:
    """Milliseconds, what was seen of the whole process tree, megabytes written."""
    out = Path(tempfile.mkdtemp(prefix="lt-batch-"))
    inputs = [part for name, value in INPUTS.items() for part in ("--set", f"{name}={value}")]
    command = [
        sys.executable, "-m", "ogc.cli", "batch", "--layer", "parcel", "--procedure", PROCEDURE, *inputs,
        "--out", str(out), "--workers", str(WORKERS),
    ]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "LIENTHONG_DATABASE_URL": url}, stderr=subprocess.DEVNULL)
    watch = _Watch(process.pid)
    watch.start()
    code = process.wait()
    taken = (time.perf_counter() - start) * 1e3
    watch.finish()
    assert code == 0, f"batch ended with {code}"
    written = sum(path.stat().st_size for path in out.rglob("*.parquet")) / 1e6
    shutil.rmtree(out)
    return taken, watch, written


class _Watch(threading.Thread):
    """Watches the proportional memory and the processor time of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.pss_mb = 0.0
        self._seconds: dict[int, float] = {}

    @property
    def cpu_s(self) -> float:
        """As last seen of each process: on a shared machine it says more than the clock."""
        return sum(self._seconds.values())

    def run(self) -> None:
        while not self._ended.wait(0.25):
            self.pss_mb = max(self.pss_mb, self._now_mb())

    def finish(self) -> None:
        self._ended.set()
        self.join()

    def _now_mb(self) -> float:
        try:
            root = psutil.Process(self._pid)
            tree = (root, *root.children(recursive=True))
            self._seconds |= {one.pid: _seconds_of(one) for one in tree}
            return sum(one.memory_full_info().pss for one in tree) / 1e6
        except psutil.Error:
            return 0.0


def _seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _postgis(url: str) -> tuple[float, int, int, float]:
    """Milliseconds, the number of rules, the pairs that hold, and processor seconds; every rule of the procedure that
    has a shape."""
    rules = layer_rules(url)
    _prepare(url, {rule.layer for rule in rules} | {"parcel"})
    start = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda share: _postgis_share(url, rules, share), range(WORKERS)))
    taken = (time.perf_counter() - start) * 1e3
    return taken, len(rules), sum(pairs for pairs, _ in found), sum(seconds for _, seconds in found)


def _prepare(url: str, layers: Iterable[str]) -> None:
    """A table of pieces a layer, indexed, not timed: in the one index over all layers a wide search meets all."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        for layer in sorted(layers):
            names = {"table": sql.Identifier("bench", layer), "layer": sql.Literal(layer)}
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {table}").format(**names))
            connection.execute(
                sql.SQL(
                    """CREATE UNLOGGED TABLE {table} AS SELECT fid, geom FROM checks.piece WHERE until IS NULL
                       AND layer = (SELECT number FROM catalogue.layer WHERE id = {layer}) ORDER BY geom"""
                ).format(**names)
            )
            connection.execute(sql.SQL("CREATE INDEX ON {table} USING gist (geom)").format(**names))
            connection.execute(sql.SQL("ANALYZE {table}").format(**names))


def _postgis_share(url: str, rules: Sequence[Rule], share: int) -> tuple[int, float]:
    pairs = 0
    with psycopg.connect(url) as connection:
        connection.execute("SET jit = off")
        connection.execute("SET max_parallel_workers_per_gather = 0")
        for rule in rules:
            values = {"workers": WORKERS, "share": share, "d": rule.distance_m}
            row = connection.execute(_on_pieces(rule), values).fetchone()
            assert row is not None
            pairs += row[0]
        seconds = _seconds_of(psutil.Process(connection.info.backend_pid))
    return pairs, seconds


def _on_pieces(rule: Rule) -> sql.Composed:
    """One rule for a share of all parcels, on the same pieces: what the engine measures, without bounds or drops."""
    if rule.relation is Relation.WITHIN_DISTANCE:
        measured = sql.SQL("min(ST_Distance(p.geom, q.geom))")
        near = sql.SQL("q.geom && ST_Expand(p.geom, %(d)s) AND ST_DWithin(q.geom, p.geom, %(d)s)")
        holds = sql.SQL("measure <= %(d)s")
    else:
        size = "ST_Length" if rule.relation is Relation.CROSSES_LINE else "ST_Area"
        measured = sql.SQL("sum(" + size + "(ST_Intersection(p.geom, q.geom)))")  # type: ignore[arg-type]
        near = sql.SQL("q.geom && p.geom AND ST_Intersects(q.geom, p.geom)")
        holds = sql.SQL("measure > 0.01")
    return sql.SQL(
        """SELECT count(*) FILTER (WHERE {holds}) FROM (
             SELECT p.fid, q.fid, {measured} AS measure
             FROM bench.parcel p JOIN {layer} q ON {near} WHERE p.fid %% %(workers)s = %(share)s GROUP BY 1, 2) pairs"""
    ).format(holds=holds, measured=measured, near=near, layer=sql.Identifier("bench", rule.layer))
