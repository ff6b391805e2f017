"""A small land: parcels with hidden cells that hold canaries, in three communes; a register without shapes."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import psycopg
import shapely

from .layers import create, definition, insert

ROWS = 1200
SITE = definition(
    "site",
    [
        {"name": "ma", "tag": "public"},
        {"name": "xa", "tag": "public", "indexed": True},
        {"name": "so", "type": "integer", "tag": "public", "indexed": True},
        {"name": "dt", "type": "number", "tag": "public"},
        {"name": "ten", "tag": "public"},
        {"name": "co", "type": "boolean", "tag": "public"},
        {"name": "ngay", "type": "date", "tag": "public"},
        {"name": "gia", "type": "integer", "tag": "commercial"},
        {"name": "chu", "tag": "personal"},
        {
            "name": "muc",
            "type": "list",
            "tag": "internal",
            "items": [{"name": "loai"}, {"name": "dt", "type": "number"}],
        },
        {"name": "moi"},
    ],
    label="Thửa {ma}, xã {xa}",
    precisions_m=(50, 100),
)
REGISTER = definition(
    "register", [{"name": "ma", "tag": "public"}, {"name": "chu", "tag": "personal"}], geometry="none"
)
#: what hidden lists hold beside their canary
LISTS: tuple[list[dict[str, object]], ...] = (
    [], [{"loai": "ODT", "dt": 1}, {"loai": "CLN", "dt": 2.5}], [{"loai": "ODT"}, {"dt": None}], [{"dt": 1.0}],
)  # fmt: skip
HIDDEN = ("gia", "chu", "muc", "moi")
NAMES = ("Phú Lợi", "Tân An", "PHÚ LỢI", "phú_lợi", "50% vườn", "", "O'Brien", 'a"b\\c')


def rows(seed: int = 7) -> list[dict[str, Any]]:
    """Rows with NULLs everywhere but in fid; `gia` and `chu` are canaries that must not leave with the public."""
    chance = random.Random(seed)

    def maybe(value: Any) -> Any:
        return None if chance.random() < 0.12 else value

    return [
        {
            "fid": 10 + 7 * number,
            "ma": f"M{number}",
            "xa": maybe(chance.choice(["25747", "25750", "25753"])),
            "so": maybe(chance.randint(-5, 40)),
            "dt": maybe(round(chance.uniform(0, 500), 2)),
            "ten": maybe(chance.choice(NAMES)),
            "co": maybe(chance.random() < 0.5),
            "ngay": maybe(date(2024, 1, 1) + timedelta(days=chance.randint(0, 400))),
            "gia": 770_000_000 + number,
            "chu": f"CANARY-{number}-x",
            "muc": [{"loai": f"CANARY-muc-{number}"}, *LISTS[number % len(LISTS)]],
            "moi": f"CANARY-moi-{number}",
            "geom": _shape(chance, number),
        }
        for number in range(ROWS)
    ]


def _shape(chance: random.Random, number: int) -> shapely.Polygon:
    """A four-sided field of about 40 m in a grid of 50 m."""
    x, y = 600_000 + 50 * (number % 40), 1_210_000 + 50 * (number // 40)
    corners = [(0, 0), (40, 0), (40, 40), (0, 40)]
    return shapely.Polygon([(x + dx + chance.uniform(0, 8), y + dy + chance.uniform(0, 8)) for dx, dy in corners])


def fill(connection: psycopg.Connection[Any]) -> None:
    for layer in (SITE, REGISTER):
        create(connection, layer)
    made = rows()
    insert(connection, SITE, made, since=2)
    old = [{**row, "ten": "CŨ", "chu": f"CANARY-old-{row['fid']}"} for row in made[:100]]
    insert(connection, SITE, old, since=1, until=2)
    insert(connection, REGISTER, ({"fid": n, "ma": f"R{n}", "chu": f"CANARY-r-{n}"} for n in range(1, 4)), since=1)
    connection.execute("ANALYZE")
