"""The province that benchmarks run on: made once a size, kept in the data folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import anyio
import psycopg

from layers.demo.province import build_province
from layers.store.cluster import Cluster
from ogc.settings import Settings

SEED = 7


@dataclass(frozen=True)
class Province:
    """A published province: its database and how long it took to make (0 when it was there)."""

    url: str
    parcels: int
    built_s: float
    rasters: Path  #: without them every raster check is `not_checked`, and costs nothing


def province(parcels: int) -> Province:
    """The database with so many parcels; generated and published where it is missing."""
    settings = Settings()
    cluster = Cluster.at(settings.data_folder / "bench").ensure_started()
    name = f"bench_{parcels}"
    with psycopg.connect(cluster.url_of("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if found is None:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    url, files = cluster.url_of(name), settings.data_folder / "bench" / f"files-{parcels}"
    start = time.perf_counter()

    async def build() -> None:
        await build_province(url, settings.profile_folder, files, parcels=parcels, seed=SEED, show=_show)

    anyio.run(build)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return Province(url, parcels, time.perf_counter() - start, files / "rasters")


def _show(done: int, total: int, what: str) -> None:
    print(f"\r  {what:<40} {done}/{total}   ", end="", flush=True)


def stop(folder: Path | None = None) -> None:
    """Stop the benchmark's cluster."""
    Cluster.at((folder or Settings().data_folder) / "bench").stop()
