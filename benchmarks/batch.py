"""All parcels against all checks with both Parquet files, against PostGIS on the same pieces (areas only)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg

from benchmarks.checking import INPUTS, PROCEDURE
from benchmarks.timing import Row, Timing

WORKERS = 2
LAYERS = ("water_corridor", "land_use_plan", "zoning_plan", "protected_area", "heritage_zone", "power_corridor")


def batch(url: str) -> Row:
    """One run of each, whole processes: start, load and write included."""
    subject_ms, peak_mb, written_mb = _ours(url)
    baseline_ms, overlaps = _postgis(url)
    note = (
        f"peak PSS {peak_mb:,.0f} MB, {written_mb:.0f} MB written; baseline {len(LAYERS)} layers, {overlaps:,} overlaps"
    )
    return Row(f"batch, {WORKERS} processes", Timing((subject_ms,)), Timing((baseline_ms,)), bar="≤ 1/2.5", note=note)


def _ours(url: str) -> tuple[float, float, float]:
    """Milliseconds, peak memory of the whole process tree, size of what was written."""
    out = Path(tempfile.mkdtemp(prefix="lt-batch-"))
    inputs = [part for name, value in INPUTS.items() for part in ("--set", f"{name}={value}")]
    command = [
        sys.executable, "-m", "ogc.cli", "batch", "--layer", "parcel", "--procedure", PROCEDURE, *inputs,
        "--out", str(out), "--workers", str(WORKERS),
    ]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "LIENTHONG_DATABASE_URL": url}, stderr=subprocess.DEVNULL)
    peak = _Peak(process.pid)
    peak.start()
    code = process.wait()
    taken = (time.perf_counter() - start) * 1e3
    peak.finish()
    assert code == 0, f"batch ended with {code}"
    written = sum(path.stat().st_size for path in out.rglob("*.parquet")) / 1e6
    shutil.rmtree(out)
    return taken, peak.pss_mb, written


class _Peak(threading.Thread):
    """Watches the proportional memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.pss_mb = 0.0

    def run(self) -> None:
        while not self._ended.wait(0.25):
            self.pss_mb = max(self.pss_mb, self._now_mb())

    def finish(self) -> None:
        self._ended.set()
        self.join()

    def _now_mb(self) -> float:
        try:
            root = psutil.Process(self._pid)
            return sum(p.memory_full_info().pss for p in (root, *root.children(recursive=True))) / 1e6
        except psutil.Error:
            return 0.0


def _postgis(url: str) -> tuple[float, int]:
    """Milliseconds and the number of overlaps above 0.01 m²."""
    start = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda share: _postgis_share(url, share), range(WORKERS)))
    return (time.perf_counter() - start) * 1e3, sum(found)


def _postgis_share(url: str, share: int) -> int:
    overlaps = 0
    with psycopg.connect(url) as connection:
        connection.execute("SET jit = off; SET max_parallel_workers_per_gather = 0")
        numbers = dict(connection.execute("SELECT id, number FROM catalogue.layer").fetchall())
        for layer in LAYERS:
            row = connection.execute(
                """SELECT count(*) FILTER (WHERE area > 0.01) FROM (
                     SELECT p.fid, q.fid, sum(ST_Area(ST_Intersection(p.geom, q.geom))) AS area
                     FROM checks.piece p JOIN checks.piece q
                       ON q.geom && p.geom AND q.layer = %(layer)s AND q.until IS NULL AND ST_Intersects(q.geom, p.geom)
                     WHERE p.layer = %(parcel)s AND p.until IS NULL AND p.fid %% %(workers)s = %(share)s
                     GROUP BY 1, 2) pairs""",
                {"layer": numbers[layer], "parcel": numbers["parcel"], "workers": WORKERS, "share": share},
            ).fetchone()
            assert row is not None
            overlaps += row[0]
    return overlaps
