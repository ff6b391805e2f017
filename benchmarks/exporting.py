"""Whole layers as files against ogr2ogr of the same columns of the same table into the same format."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psycopg
from psycopg import sql

from benchmarks.timing import Row, Timing, timed
from layers.access.decide import decide
from layers.access.principal import operator
from layers.exporting.formats import FORMATS
from layers.exporting.making import make_file
from layers.store import audit
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from layers.store.exporting import batches
from ogc.common.relation import Relation
from ogc.features.export_jobs import export_parameters
from ogc.features.export_query import asked_of

#: our word → GDAL's driver and how its file ends; the GDAL of the system writes no GeoParquet
DRIVERS = {"gpkg": ("GPKG", "gpkg"), "fgb": ("FlatGeobuf", "fgb"), "csv": ("CSV", "csv")}
LAYER = "parcel"


def exports(url: str) -> Iterator[Row]:
    """One file of every parcel in each format, through relation and events; once each, since each takes long."""
    with tempfile.TemporaryDirectory() as folder:
        for word in (*DRIVERS, "parquet", "jsonseq"):
            ours = Timing((timed(lambda word=word: _ours(url, word, Path(folder))),))  # type: ignore[misc]
            baseline = _baseline(url, word, Path(folder))
            megabytes = (Path(folder) / f"ours.{FORMATS[word].suffix}").stat().st_size / 1e6
            yield Row(f"whole layer as {FORMATS[word].title}", ours, baseline, bar="–", note=f"{megabytes:.0f} MB")


def _ours(url: str, word: str, folder: Path) -> None:
    async def export() -> None:
        kind = FORMATS[word]
        async with Database.open(url, size=2) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
            who, state = operator("benchmark"), catalogue.layer(LAYER)
            day = datetime.now(UTC).date()
            decision = decide(who, state.definition, "export", catalogue.grants, purpose=None, day=day)
            asked = asked_of(kind, export_parameters({}), Relation(catalogue, state, who, None, decision))
            extract = asked.extract(state.revision, "vi")
            async with audit.opened(database, audit.Event.of_decision(who, decision)) as access:
                made = await make_file(batches(database, extract), extract.layout, kind, folder / f"ours.{kind.suffix}")
                async with database.connection() as connection:
                    await audit.record(connection, access.closing(features=made.features, bytes=made.size_bytes))

    anyio.run(export)


def _baseline(url: str, word: str, folder: Path) -> Timing | None:
    """None where there is no ogr2ogr here, or none that writes the format."""
    program = shutil.which("ogr2ogr")
    if program is None or word not in DRIVERS:
        return None
    driver, suffix = DRIVERS[word]
    target = folder / f"baseline.{suffix}"
    command = [program, "-f", driver, str(target), f"PG:{url}", "-sql", _columns(url), "-nln", LAYER]
    if driver == "CSV":
        command += ["-lco", "GEOMETRY=AS_WKT"]
    return Timing((timed(lambda: subprocess.run(command, check=True, capture_output=True)),))


def _columns(url: str) -> str:
    with psycopg.connect(url) as connection:
        names = connection.execute(
            """SELECT column_name FROM information_schema.columns WHERE table_schema = 'data' AND table_name = %s
               AND column_name NOT IN
                   ('geom', 'geom_4326', 'geom_3857', 'row_hash', 'since', 'until', 'min_zoom', 'key')
               ORDER BY ordinal_position""",
            [LAYER],
        ).fetchall()
        listed = sql.SQL(", ").join(sql.Identifier(name) for (name,) in names)
        statement = sql.SQL("SELECT {}, geom FROM data.{} WHERE until IS NULL").format(listed, sql.Identifier(LAYER))
        return statement.as_string(connection)
