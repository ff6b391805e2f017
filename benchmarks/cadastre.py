"""The real cadastre: how many parcels pass, are referred, fail, and how many are referred for accuracy alone."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

from layers.store.cluster import Cluster
from layers.store.migrate import migrate
from ogc.settings import Settings
from tests.support.schaffhausen import batch, publish_all

DATABASE = "bench_cadastre"
BAR = 0.10
SHARED = Path(os.environ.get("LIENTHONG_SHARED", str(Path(__file__).resolve().parents[2] / "shared")))


def shares() -> list[str]:
    """A line a procedure; one line that says so where the real data is absent."""
    data = SHARED / "data" / "schaffhausen"
    if not data.is_dir():
        return [f"real cadastre: no data at {data} (LIENTHONG_SHARED)"]
    cluster = Cluster.at(Settings().data_folder / "bench").ensure_started()
    with psycopg.connect(cluster.url_of("postgres"), autocommit=True) as connection:
        name = sql.Identifier(DATABASE)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    url = cluster.url_of(DATABASE)
    migrate(url)
    publish_all(url, data)
    return [_shares_of(url, procedure) for procedure in ("restrictions", "distances")]


def _shares_of(url: str, procedure: str) -> str:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = batch(url, Path(folder) / "out", procedure).report
    subjects = report["subjects"]
    told = ", ".join(
        f"{verdict} {report['verdicts'].get(verdict, 0) / subjects:.1%}" for verdict in ("pass", "refer", "fail")
    )
    by_accuracy = report["refer_by_accuracy"] / subjects
    return (
        f"real cadastre, {procedure}: {subjects:,} parcels in {time.perf_counter() - start:.1f} s: {told}; "
        f"refer by accuracy alone {by_accuracy:.1%} (bar ≤ {BAR:.0%})"
    )
