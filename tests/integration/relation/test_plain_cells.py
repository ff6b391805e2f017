"""A plain row is put together without a look at its cells: the same bytes as PostgreSQL makes of every row."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
import shapely

from layers.store import features
from layers.store import migrate as migrations
from layers.store.connection import Database
from layers.store.features import ItemsQuery
from layers.store.plain_cells import are_plain
from tests.support.layers import STORAGE_SRID, Layer, as_arrow, create, decision, definition, grant, insert

pytestmark = pytest.mark.anyio

MEMBERS = [{"name": "loai"}]


def _public(*attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**attribute, "tag": "public"} for attribute in attributes]


ODD = definition(
    "odd",
    _public(
        {"name": "ten"}, {"name": "ghi_chu"}, {"name": "gia", "type": "number"}, {"name": "so", "type": "integer"},
        {"name": "co", "type": "boolean"}, {"name": "ngay", "type": "date"}, {"name": "luc", "type": "datetime"},
        {"name": "muc", "type": "list", "items": MEMBERS},
    ),
    label='Thửa "{ten}" 50% \\ %s, giá {gia}, {co} {ngay}',
)  # fmt: skip
LISTED = definition("listed", _public({"name": "ten"}, {"name": "muc", "type": "list", "items": MEMBERS}),
                    label="{ten}: {muc}")  # fmt: skip
TEXTS = (
    "Phú Lợi", "", " ", 'a"b', "a\\b", "dòng\nhai", "\t", "\x01", "\x1f", "\x7f", "\x85", "\u2028", "/", "'", "%s", "%",
    "null", "😀", "a\u0301", "{}", "\u00a0", "$1", ":ten", None,
)  # fmt: skip
NUMBERS = (0.0, -0.0, 1.5, 1e300, 5e-324, 1e20, -1e-7, 0.1 + 0.2, math.nan, math.inf, -math.inf, None)


def rows(count: int = 600) -> list[dict[str, Any]]:
    chance = random.Random(8)
    pick = chance.choice
    return [
        {
            "fid": 100 + number,
            "ten": pick(TEXTS[:2] + TEXTS[9:]) if number % 2 else pick(TEXTS),
            "ghi_chu": None if number % 2 else pick(TEXTS),
            "gia": pick(NUMBERS[:8]) if number % 2 else pick(NUMBERS),
            "so": pick((None, 0, -(2**63), 2**63 - 1)),
            "co": pick((None, True, False)),
            "ngay": pick((None, date(1, 1, 1), date(2026, 11, 22), date(9999, 12, 31))),
            "luc": pick((None, datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC))),
            "muc": pick((None, [], [{"loai": 'O"D'}], [{"loai": None}, {"loai": "ă\n"}])),
            "geom": shapely.box(600_000 + number, 1_210_000, 600_001 + number, 1_210_001),
        }
        for number in range(count)
    ]


@pytest.fixture
def odd_database(empty_database: str) -> str:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for layer in (ODD, LISTED):
            create(connection, layer)
            insert(connection, layer, rows())
    return empty_database


async def written(url: str, layer: Any, **query: Any) -> list[bytes]:
    decided = decision(layer, grant("a", layer.id))
    async with Database.open(url, size=1) as database, database.connection() as connection:
        asked = ItemsQuery(limit=1000, **query)
        page = await features.page(connection, Layer(layer), STORAGE_SRID, decided, asked)
    return list(page.features)


def flags(url: str, layer: str) -> list[bool]:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT is_plain FROM data.{layer} ORDER BY fid").fetchall()  # type: ignore[arg-type]
    return [flag for (flag,) in found]


@pytest.mark.parametrize("layer", [ODD, LISTED], ids=["odd", "listed"])
@pytest.mark.parametrize(
    "query", [{}, {"properties": ("muc", "ten")}, {"properties": ()}, {"has_geometry": False}], ids=str
)
async def test_every_row_has_the_bytes_that_postgresql_makes_of_it(odd_database: str, layer: Any, query: Any) -> None:
    quickly = await written(odd_database, layer, **query)
    plain = flags(odd_database, layer.id)
    with psycopg.connect(odd_database, autocommit=True) as connection:
        connection.execute(f"UPDATE data.{layer.id} SET is_plain = false")  # type: ignore[arg-type]
    looked_up = await written(odd_database, layer, **query)
    assert 50 < sum(plain) < len(plain) - 50
    assert quickly == looked_up
    shown = query.get("properties", [each.name for each in layer.attributes])
    assert [sorted(json.loads(feature)["properties"]) for feature in quickly] == [sorted(shown)] * len(plain)


def test_only_what_is_json_as_it_stands_is_plain(odd_database: str) -> None:
    for row, is_plain in zip(rows(), flags(odd_database, "odd"), strict=True):
        texts = [row[name] for name in ("ten", "ghi_chu") if row[name] is not None]
        fits = all(json.dumps(text, ensure_ascii=False) == f'"{text}"' for text in texts)
        assert is_plain == (fits and (row["gia"] is None or math.isfinite(row["gia"])))


def test_rows_of_before_are_marked_as_a_publication_marks_them(odd_database: str) -> None:
    """The migration says in SQL what `are_plain` says."""
    with psycopg.connect(odd_database, autocommit=True) as connection:
        for layer in ("odd", "listed"):
            connection.execute(f"ALTER TABLE data.{layer} DROP COLUMN is_plain, DROP COLUMN clearance_m")  # type: ignore[arg-type]
        connection.execute("GRANT SELECT (fid) ON data.odd TO lt_check")
        connection.execute("UPDATE schema_version SET version_num = '0007'")
    migrations.migrate(odd_database)
    for layer in (ODD, LISTED):
        assert flags(odd_database, layer.id) == are_plain(layer, as_arrow(layer, rows())).to_pylist()
    with psycopg.connect(odd_database) as connection:
        readers = "SELECT has_column_privilege('lt_check'::name, %s::text, 'is_plain'::text, 'SELECT')"
        reads = [connection.execute(readers, (f"data.{layer}",)).fetchone() for layer in ("odd", "listed")]
    assert reads == [(True,), (False,)]


def test_a_row_is_not_plain_until_somebody_looked(odd_database: str) -> None:
    with psycopg.connect(odd_database, autocommit=True) as connection:
        shown = "fid, since, row_hash, ten, geom, geom_4326, geom_3857"
        connection.execute(
            f"INSERT INTO data.listed ({shown}) SELECT {shown.replace('fid', '5')} FROM data.listed LIMIT 1"  # type: ignore[arg-type]
        )
    assert flags(odd_database, "listed")[0] is False
