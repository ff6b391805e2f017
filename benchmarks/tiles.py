"""Tiles of low zooms, drawn anew, and a tile that is kept, against a bare route that sends the same bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import psycopg

from benchmarks import rates
from benchmarks.reading import HALF_WORLD_M
from benchmarks.served import Served, _token
from benchmarks.timing import Row, Timing, timed

ZOOMS = range(8, 13)
MOST_BYTES = 200_000
#: may see parcels by grants that hang on no claim, so that their tiles are kept
KEPT_FOR = "environment_officer"


def low_zooms(url: str, server: Served, runs: int) -> Iterator[Row]:
    """The tile of each zoom with the most parcels, for an officer whose relation hangs on claims: nothing is kept."""
    http = server.connection()
    for zoom in ZOOMS:
        path, parcels = _fullest(url, zoom)
        status, body = server.request(http, path)
        assert status == 200 and len(body) <= MOST_BYTES, (path, status, len(body))
        drawn = Timing(tuple(timed(partial(server.request, http, path)) for _ in range(max(5, runs // 3))))
        note = f"{parcels:,} parcels lie in it, {len(body) / 1000:.0f} kB"
        yield Row(f"tile z{zoom} over HTTP", drawn, None, bar="≤ 150 ms, ≤ 200 kB", note=note)


def kept(url: str, server: Served, runs: int) -> Row:
    """Read from the disk or the memory of the process; token, policy and event as always."""
    token = _token({**os.environ, "LIENTHONG_DATABASE_URL": url}, KEPT_FOR)
    reader = replace(server, token=token)
    path, _ = _fullest(url, ZOOMS[-1])
    return rates.rate(reader, path, {}, runs, what="kept tile", status=200)


def _fullest(url: str, zoom: int) -> tuple[str, int]:
    size = 2 * HALF_WORLD_M / 2**zoom
    with psycopg.connect(url) as connection:
        found = connection.execute(
            """SELECT floor((ST_X(c) + %(half)s) / %(size)s)::int, floor((%(half)s - ST_Y(c)) / %(size)s)::int, count(*)
               FROM (SELECT ST_Centroid(ST_Envelope(geom_3857)) AS c FROM data.parcel WHERE until IS NULL) parcels
               GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1""",
            {"half": HALF_WORLD_M, "size": size},
        ).fetchone()
    assert found is not None
    column, row, parcels = found
    return f"/collections/parcel/tiles/WebMercatorQuad/{zoom}/{row}/{column}", int(parcels)
