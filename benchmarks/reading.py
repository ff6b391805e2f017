"""Items and tiles over HTTP against bare SQL that builds the same bytes from the same stored columns."""

from __future__ import annotations

import json

import mapbox_vector_tile
import psycopg
from psycopg import sql

from benchmarks.served import Served
from benchmarks.timing import Row, in_turn
from gis.zoom import LAST_CELL_ZOOM

PAGE = 1000
HALF_WORLD_M = 20_037_508.342789244


def items(url: str, server: Served, runs: int) -> Row:
    """A page of 1,000 parcels; the baseline is checked to build the very same features."""
    path = f"/collections/parcel/items?limit={PAGE}&f=json"
    http, bare = server.connection(), psycopg.connect(url, autocommit=True)
    _, answer = server.request(http, path)
    page = json.loads(answer)
    statement = bare_items(page["features"][0])
    built = [row[0] for row in bare.execute(statement).fetchall()]
    same = sum(text in answer.decode() for text in built)
    assert same == len(built) == PAGE, f"the baseline builds other bytes: {same} of {len(built)} agree"

    def over_http() -> None:
        status, body = server.request(http, path)
        assert status == 200, body[:200]

    def bare_sql() -> None:
        cursor = bare.execute(statement)
        assert cursor.pgresult is not None
        b",".join(cursor.pgresult.get_value(i, 0) or b"" for i in range(cursor.pgresult.ntuples))

    timings = in_turn(over_http, bare_sql, runs)
    return Row(f"{PAGE} items GeoJSON over HTTP", *timings, bar="≤ 1.3 ×", note=f"{len(answer) // 1000} kB")


def deep_page(server: Served, runs: int) -> Row:
    """The last page against the first: keyset paging has no memory of how deep it is."""
    http = server.connection()
    first = f"/collections/parcel/items?limit={PAGE}&f=json"
    deepest, seen = first, 0
    while True:
        _, answer = server.request(http, deepest)
        page = json.loads(answer)
        seen += len(page["features"])
        following = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        if following is None or len(page["features"]) < PAGE or seen >= 900_000:
            break
        previous, deepest = deepest, following.removeprefix(server.base)
    deepest = previous

    def get(path: str) -> None:
        status, body = server.request(http, path)
        assert status == 200, body[:200]

    timings = in_turn(lambda: get(deepest), lambda: get(first), runs)
    return Row("deep page against first page", *timings, bar="≤ 1.1 ×", note=f"row {seen:,}")


def tile(url: str, server: Served, runs: int) -> Row:
    """The tile that holds nearest to 2,400 parcels, against bare ST_AsMVT(ST_AsMVTGeom) with the same attributes."""
    http, bare = server.connection(), psycopg.connect(url, autocommit=True)
    z, x, y, features = _tile_of_about(bare, 2400)
    path = f"/collections/parcel/tiles/WebMercatorQuad/{z}/{y}/{x}"
    _, drawn = server.request(http, path)
    statement = _bare_tile(z, x, y, _properties(drawn))

    def over_http() -> None:
        status, body = server.request(http, path)
        assert status == 200, body[:200]
        assert body

    def bare_sql() -> None:
        assert bare.execute(statement).fetchone() is not None

    timings = in_turn(over_http, bare_sql, runs)
    return Row(f"tile z{z} of {features:,} parcels over HTTP", *timings, bar="≤ 1.0 ×")


def bare_items(example: dict[str, object], condition: sql.Composable = sql.SQL("")) -> sql.Composed:
    """One text a feature, with the properties and the title that the service shows."""
    properties = example["properties"]
    assert isinstance(properties, dict)
    names = sql.SQL(", ").join(sql.SQL("parcel.{}").format(sql.Identifier(name)) for name in properties)
    title = sql.SQL(
        """',"title":', to_json(concat('Thửa đất số ', parcel.so_thua, ', tờ bản đồ số ', parcel.so_to)),"""
        if "title" in example
        else ""
    )
    return sql.SQL(
        """SELECT concat('{{"type":"Feature","id":', fid, {title} ',"geometry":', ST_AsGeoJSON(geom_4326, 8, 0),
                  ',"properties":', row_to_json(properties), '}}')
           FROM data.parcel CROSS JOIN LATERAL (SELECT {names}) properties
           WHERE until IS NULL {condition} ORDER BY fid LIMIT {page}"""
    ).format(title=title, names=names, condition=condition, page=sql.Literal(PAGE))


def _tile_of_about(bare: psycopg.Connection, wanted: int) -> tuple[int, int, int, int]:
    """Address and number of parcels of the tile whose number is nearest to what is wanted, where all are drawn."""
    best: tuple[int, int, int, int] | None = None
    for z in range(LAST_CELL_ZOOM + 1, 18):
        size = 2 * HALF_WORLD_M / 2**z
        found = bare.execute(
            """SELECT floor((ST_X(c) + %(half)s) / %(size)s)::int, floor((%(half)s - ST_Y(c)) / %(size)s)::int, count(*)
               FROM (SELECT ST_Centroid(ST_Envelope(geom_3857)) AS c FROM data.parcel WHERE until IS NULL) parcels
               GROUP BY 1, 2 ORDER BY abs(count(*) - %(wanted)s) LIMIT 1""",
            {"half": HALF_WORLD_M, "size": size, "wanted": wanted},
        ).fetchone()
        if found and (best is None or abs(found[2] - wanted) < abs(best[3] - wanted)):
            best = (z, *found)
    assert best is not None
    return best


def _properties(tile_bytes: bytes) -> list[str]:
    """The attributes the service puts into the tile: the baseline carries the same."""
    features = mapbox_vector_tile.decode(tile_bytes)["parcel"]["features"]
    return sorted({name for feature in features for name in feature["properties"]})


def _bare_tile(z: int, x: int, y: int, properties: list[str]) -> sql.Composed:
    size = 2 * HALF_WORLD_M / 2**z
    west, north = x * size - HALF_WORLD_M, HALF_WORLD_M - y * size
    names = sql.SQL(", ").join(map(sql.Identifier, properties))
    return sql.SQL(
        """WITH box AS (SELECT ST_MakeEnvelope({w}, {s}, {e}, {n}, 3857) AS geom)
           SELECT ST_AsMVT(t.*, 'parcel', 4096, 'geom', 'fid') FROM (
             SELECT fid, {names}, ST_AsMVTGeom(p.geom_3857, box.geom, 4096, 64, true) AS geom
             FROM data.parcel p, box WHERE p.until IS NULL AND p.geom_3857 && ST_Expand(box.geom, {margin}) ORDER BY fid
           ) t"""
    ).format(
        w=sql.Literal(west), s=sql.Literal(north - size), e=sql.Literal(west + size), n=sql.Literal(north),
        names=names, margin=sql.Literal(size * 64 / 4096),
    )  # fmt: skip
