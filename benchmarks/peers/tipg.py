"""tipg on the same table, in a process and an environment of its own (`make peers`), asked the same in the same run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import morecantile

from benchmarks.client import Client
from benchmarks.processes import free_port, until_it_answers
from benchmarks.served import PROCESSES, Served, served
from benchmarks.timing import Row, in_turn

ENVIRONMENT = Path(__file__).parents[2] / ".tools" / "peers"
TABLE = "data.parcel"


class NoPeerError(RuntimeError):
    """The environment is made by `make peers`."""


def rows(url: str, runs: int) -> list[Row]:
    """Ours against theirs, each with the columns the other shows."""
    if not (ENVIRONMENT / "ready").exists():
        raise NoPeerError("tipg is not installed: run `make peers` first")
    with served(url) as server:
        ours = server.connection()
        shown = _properties(server, ours)
        with tipg(url, shown) as port:
            theirs = Client(port)
            return [_row(server, ours, theirs, *pair, runs=runs) for pair in _pairs(server, ours)]


@contextmanager
def tipg(url: str, properties: Sequence[str]) -> Iterator[int]:
    """Its port. It logs in as the database's owner, to whom no row rule applies: that is cheaper than ours."""
    port = free_port()
    command = [str(ENVIRONMENT / "bin" / "uvicorn"), "tipg.main:app", "--port", str(port)]
    command += ["--workers", str(PROCESSES), "--log-level", "error"]
    table = f"TIPG_TABLE_CONFIG__{TABLE.replace('.', '_')}__"
    environment = {
        **os.environ, "DATABASE_URL": _with_host(url), "TIPG_DB_SCHEMAS": '["data"]', "TIPG_CATALOG_TTL": "0",
        f"{table}GEOMCOL": "geom_4326", f"{table}PK": "fid", f"{table}PROPERTIES": json.dumps(list(properties)),
    }  # fmt: skip
    process = subprocess.Popen(command, env=environment)
    try:
        until_it_answers(port, f"/collections/{TABLE}", process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _with_host(url: str) -> str:
    """The same database with the socket's folder where a host stands: their settings want one."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host, port = quote(query.pop("host", "") or parts.hostname or "", safe=""), query.pop("port", None) or parts.port
    at = f"{parts.username}@{host}" + (f":{port}" if port else "")
    return f"{parts.scheme}://{at}{parts.path}" + (f"?{urlencode(query)}" if query else "")


def _pairs(server: Served, ours: Client) -> Iterator[tuple[str, str, str, Callable[[bytes], int]]]:
    """What, our path, their path, and how many features an answer has."""
    own, peer = "/collections/parcel", f"/collections/{TABLE}"
    for count in (10, 1000):
        yield (
            f"{count} items GeoJSON",
            f"{own}/items?limit={count}&f=json",
            f"{peer}/items?limit={count}&f=geojson",
            _many,
        )
    west, south, east, north = _bounds(server, ours)
    area = f"POLYGON(({west} {south}, {east} {south}, {(west + east) / 2} {north}, {west} {south}))"
    own_filter = urlencode({"filter": f"S_INTERSECTS(geometry, {area})"})
    peer_filter = urlencode({"filter": f"S_INTERSECTS(geom_4326, {area})"})
    yield (
        "CQL2 spatial filter, 100 items", f"{own}/items?limit=100&f=json&{own_filter}",
        f"{peer}/items?limit=100&f=geojson&{peer_filter}", _many,
    )  # fmt: skip
    z, x, y = _tile(server, ours)
    tile = f"tiles/WebMercatorQuad/{z}"
    yield "tile", f"{own}/{tile}/{y}/{x}", f"{peer}/{tile}/{x}/{y}?geom-column=geom_3857", lambda body: int(bool(body))


def _row(
    server: Served,
    ours: Client,
    theirs: Client,
    what: str,
    own: str,
    peer: str,
    counted: Callable[[bytes], int],
    *,
    runs: int,
) -> Row:
    def get_own() -> bytes:
        status, body = server.request(ours, own)
        assert status == 200, (own, status, body[:200])
        return body

    def get_peer() -> bytes:
        status, body = theirs.get(peer, {"Accept-Encoding": "identity"})
        assert status == 200, (peer, status, body[:300])
        return body

    assert counted(get_own()) == counted(get_peer()) > 0, f"the two answer differently: {what}"
    return Row(f"{what}, tipg beside it", *in_turn(get_own, get_peer, runs), bar="< 1 ×")


def _many(body: bytes) -> int:
    return len(json.loads(body)["features"])


def _properties(server: Served, connection: Client) -> list[str]:
    _, body = server.request(connection, "/collections/parcel/items?limit=1&f=json")
    return list(json.loads(body)["features"][0]["properties"])


def _bounds(server: Served, connection: Client) -> tuple[float, float, float, float]:
    _, body = server.request(connection, "/collections/parcel?f=json")
    west, south, east, north = json.loads(body)["extent"]["spatial"]["bbox"][0]
    return west, south, east, north


def _tile(server: Served, connection: Client) -> tuple[int, int, int]:
    """The address of a tile around a feature in the middle of the first thousand."""
    _, body = server.request(connection, "/collections/parcel/items?limit=1000&f=json")
    longitude, latitude = json.loads(body)["features"][500]["geometry"]["coordinates"][0][0][0]
    found = morecantile.tms.get("WebMercatorQuad").tile(longitude, latitude, 14)
    return found.z, found.x, found.y
