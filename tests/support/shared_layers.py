"""A small profile with every kind of visibility, filled by hand, and its service: three identities, three answers.

parcel    shared      public nothing · reviewer rows of two communes, open columns · officer all, with the owner
zone      open        everybody
line      shared      everybody tiles only · officer items too
register  restricted  officer only, no geometry
secret    restricted  officer only
empty     open        everybody, never published
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import httpx
import psycopg
import shapely

from layers.profile.apply import apply
from layers.profile.profile import Profile
from layers.store.connection import Database
from ogc.app import create_app
from ogc.auth import make_token
from ogc.common.clock import Clock, utc_now
from ogc.settings import Settings
from tests.support.layers import insert
from tests.support.serving import serve

COMMUNES = ("25747", "25750", "25753", "25756")
PARCELS_A_COMMUNE = 30
ORIGIN = (390_000.0, 1_220_000.0)  #: storage CRS, EPSG:5899

_CODE = {"name": "ma", "type": "string", "required": True, "tag": "public", "indexed": True}


def _layer(layer_id: str, geometry: str, sharing: str, attributes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    title = {"vi": f"Lớp {layer_id}", "en": f"Layer {layer_id}"}
    return {
        "id": layer_id, "sector": "land", "title": title, "geometry": geometry, "sharing": sharing, "key": "ma",
        "attributes": attributes, **more,
    }  # fmt: skip


LAYERS = [
    _layer("parcel", "MultiPolygon", "shared", [
        _CODE,
        {"name": "ma_xa", "type": "string", "role": "commune", "tag": "public", "indexed": True},
        {"name": "so_to", "type": "string", "role": "sheet", "tag": "public"},
        {"name": "so_thua", "type": "string", "role": "parcel_number", "tag": "public", "searchable": True},
        {"name": "dien_tich", "type": "number", "unit": "m2", "tag": "public", "sortable": True},
        {"name": "con_hieu_luc", "type": "boolean", "tag": "public"},
        {"name": "ten_chu", "type": "string", "tag": "personal"},
    ], label="Thửa {so_thua}, tờ {so_to}"),
    _layer("zone", "MultiPolygon", "open", [
        _CODE,
        {"name": "ten", "type": "string", "title": {"vi": "Tên vùng", "en": "Name"}, "tag": "public"},
        {"name": "cap", "type": "integer", "tag": "public", "indexed": True, "sortable": True},
        {"name": "hieu_luc_tu", "type": "date", "role": "effective_from", "tag": "public"},
        {"name": "hieu_luc_den", "type": "date", "role": "effective_to", "tag": "public"},
        {"name": "ghi_chu", "type": "string", "tag": "internal"},
    ]),
    _layer("line", "MultiLineString", "shared", [_CODE, {"name": "cap_kv", "type": "integer", "tag": "public"}]),
    _layer("register", "none", "restricted", [_CODE, {"name": "ly_do", "type": "string", "tag": "internal"}]),
    _layer("secret", "MultiPoint", "restricted", [_CODE]),
    _layer("empty", "MultiPoint", "open", [_CODE]),
]  # fmt: skip

GRANTS = [
    {"id": "open_to_all", "to": {"anyone": True}, "layer": {"sharing": "open"}, "actions": ["items", "tile", "export"]},
    {"id": "lines_on_maps", "to": {"anyone": True}, "layer": "line", "actions": ["tile"]},
    {"id": "parcels_of_communes", "to": {"role": "construction.reviewer"}, "layer": "parcel",
     "actions": ["items", "tile"], "purpose": "construction_permit", "rows": "ma_xa IN :claims.communes"},
    *({"id": f"officer_{layer}", "to": {"role": "land.officer"}, "layer": layer, "actions": ["items", "tile"],
       "columns": {"tags": ["public", "internal", "personal"]}}
      for layer in ("parcel", "zone", "line", "register", "secret")),
]  # fmt: skip

IDENTITIES = [
    {"id": "public", "title": {"vi": "Người dân", "en": "Public"}},
    {"id": "reviewer", "title": {"vi": "Thẩm định xây dựng", "en": "Construction reviewer"},
     "roles": ["construction.reviewer"], "claims": {"communes": list(COMMUNES[:2])},
     "purposes": ["construction_permit"]},
    {"id": "officer", "title": {"vi": "Cán bộ địa chính", "en": "Land officer"}, "roles": ["land.officer"]},
]  # fmt: skip


def profile() -> Profile:
    return Profile.model_validate(
        {
            "header": {
                "id": "shared_layers",
                "crs": {"storage": "EPSG:5899", "to_wgs84": "EPSG:6960"},
                "reference_layers": {"parcel": "parcel"},
                "sectors": {"land": {"vi": "Đất đai", "en": "Land"}},
            },
            "layers": LAYERS,
            "grants": GRANTS,
            "identities": IDENTITIES,
        }
    )


def fill(url: str) -> None:
    """Apply the profile and publish revision 1 of every layer but `empty`."""
    anyio.run(_apply, url)
    definitions = {layer.id: layer for layer in profile().layers}
    with psycopg.connect(url) as connection:
        for layer_id, rows in _rows().items():
            insert(connection, definitions[layer_id], rows)
            new_revision(connection, layer_id)


async def _apply(url: str) -> None:
    async with Database.open(url, size=2) as database:
        await apply(database, profile(), "test")


def new_revision(
    connection: psycopg.Connection[Any], layer_id: str, state: str = "served", *, is_told: bool = True
) -> int:
    """Count the layer up, as every committed change does, and tell the processes unless that is still on its way."""
    row = connection.execute(
        "UPDATE catalogue.layer SET revision = revision + 1, state = %s, changed = clock_timestamp() WHERE id = %s "
        "RETURNING revision, definition",
        (state, layer_id),
    ).fetchone()
    assert row is not None
    connection.execute(
        "INSERT INTO catalogue.revision (layer, revision, kind, definition, state, principal) "
        "VALUES (%s, %s, 'publish', %s, %s, 'test')",
        (layer_id, row[0], row[1], state),
    )
    if is_told:
        connection.execute("NOTIFY lienthong")
    return int(row[0])


def square(column: int, row: int, side_m: float = 20.0) -> shapely.Polygon:
    x, y = ORIGIN[0] + 25.0 * column, ORIGIN[1] + 25.0 * row
    return shapely.box(x, y, x + side_m, y + side_m)


def _rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "parcel": list(_parcels()),
        "zone": [
            {"fid": 1, "ma": "V1", "ten": "Vùng <một> & \"hai\"", "cap": 1, "hieu_luc_tu": date(2024, 1, 1),
             "ghi_chu": "noi-bo", "geom": square(0, 0, 200)},
            {"fid": 2, "ma": "V2", "ten": "Bảo vệ nguồn nước", "cap": 2, "hieu_luc_tu": date(2025, 7, 1),
             "hieu_luc_den": date(2025, 12, 31), "ghi_chu": "noi-bo", "geom": square(20, 0, 100)},
            {"fid": 3, "ma": "V3", "ten": None, "cap": None, "ghi_chu": "noi-bo", "geom": square(0, 20, 50)},
        ],
        "line": [{"fid": 1, "ma": "L1", "cap_kv": 110, "geom": _line()}],
        "register": [{"fid": 1, "ma": "K1", "ly_do": "kê biên"}, {"fid": 2, "ma": "K2", "ly_do": None}],
        "secret": [{"fid": 7, "ma": "BIMAT", "geom": shapely.Point(ORIGIN)}],
    }  # fmt: skip


def _line() -> shapely.LineString:
    return shapely.LineString([ORIGIN, (ORIGIN[0] + 3000, ORIGIN[1] + 3000)])


def _parcels() -> Iterator[dict[str, Any]]:
    for number in range(len(COMMUNES) * PARCELS_A_COMMUNE):
        commune, place = divmod(number, PARCELS_A_COMMUNE)
        yield {
            "fid": 10_000 + 37 * number, "ma": f"P{number:04}", "ma_xa": COMMUNES[commune], "so_to": str(commune + 1),
            "so_thua": str(place + 1), "dien_tich": 400.5 + number, "con_hieu_luc": number % 2 == 0,
            "ten_chu": f"CHUSOHUU{number:04}", "geom": square(place, 2 * commune),
        }  # fmt: skip


class Caller:
    """One identity at one service."""

    def __init__(self, base: str, secrets: Path, identity: str | None = None) -> None:
        self.token = make_token(secrets, identity) if identity else None
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=30)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)

    def json(self, path: str, **options: Any) -> Any:
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return response.json()


class Service:
    """A running service over a filled database."""

    def __init__(self, base: str, url: str, secrets: Path) -> None:
        self.base, self.url, self.secrets = base, url, secrets
        self.public = Caller(base, secrets)
        self.reviewer = Caller(base, secrets, "reviewer")
        self.officer = Caller(base, secrets, "officer")

    @property
    def callers(self) -> dict[str, Caller]:
        return {"public": self.public, "reviewer": self.reviewer, "officer": self.officer}


@contextmanager
def service(url: str, folder: Path, *, demo: bool = True, clock: Clock = utc_now, **settings: Any) -> Iterator[Service]:
    """The service over `url`, its secrets below `folder`."""
    made = Settings(data=folder, database_url=url, **settings)
    with serve(create_app(made, demo=demo, clock=clock)) as base:
        running = Service(base, url, made.secrets_folder)
        try:
            yield running
        finally:
            for caller in running.callers.values():
                caller.http.close()
