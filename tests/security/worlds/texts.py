"""Texts of requests: filters, boxes, instants, shapes; valid, borderline and hostile ones."""

from __future__ import annotations

import base64
import json
import math
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from layers.profile.grammar import Attribute

from .content import NOW, REVISED
from .vocabulary import LayerWords, Place

HOSTILE = (
    "10 / (dien_tich - 9001) > 1", "so_thua / 0 = 1", "1 = 1; DROP TABLE data.parcel", "ten_chu = '' OR '1' = '1'",
    "CAST(ma_xa AS integer) = 1", "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "geom IS NOT NULL",
    "fid > 0", "row_hash IS NULL", "until IS NULL", "ma_xa LIKE '%\\", "(((((((((ma = 'a')))))))))", "NOT ()", "",
    "S_INTERSECTS(geom_3857, BBOX(106,10,107,11))", "ma = 'a' AND", "\x00", "ma_xa = '" + "9" * 5000 + "'",
    "S_INTERSECTS(geometry, BBOX(1e308, -90, 1e309, 90))", "dien_tich > 1e400", "ma = $1", "pg_sleep(10) IS NULL",
)  # fmt: skip
TILE_ZOOMS = (0, 5, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 22)
ODD_TEXTS = ("", "0", "-1", "abc", "1e9", "nan", "\x00", "💧", "a" * 300, "../../etc/passwd", "%00", "'", '"', "null")


class Texts:
    """Draws texts that fit one layer."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def any_of(self, options: Sequence[Any]) -> Any:
        return options[int(self.chance.random() * len(options))]

    # ── places ───────────────────────────────────────────────────────────────────────────────────
    def near(self, place: Place, by: float = 0.003) -> Place:
        return place[0] + self.chance.uniform(-by, by), place[1] + self.chance.uniform(-by, by)

    def box(self, words: LayerWords, fallback: Sequence[Place]) -> str:
        if self.happens(0.1):
            return str(self.any_of(("1,2,3", "9,9,1,1", "a,b,c,d", "106,10,0,107,12,0", "-180,-90,180,90", "1,1,1,1")))
        x, y = self.near(self.any_of(words.places or fallback), 0.0005)
        by = self.any_of((0.00001, 0.0005, 0.003, 0.02))
        return ",".join(f"{number:.7f}" for number in (x - by, y - by, x + by, y + by))

    def shape(self, place: Place) -> dict[str, Any]:
        """A drawn polygon of some ten to some hundred metres."""
        x, y = self.near(place, 0.0004)
        size, corners = self.any_of((0.0001, 0.0005, 0.0015)), self.any_of((3, 4, 7))
        angles = [2 * math.pi * number / corners for number in range(corners)]
        ring = [[round(x + size * math.cos(a), 7), round(y + size * math.sin(a), 7)] for a in angles]
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}

    def tile(self, place: Place) -> tuple[str, str, str]:
        """Zoom, row and column of a tile around a place; now and then of one that is not there."""
        zoom = self.any_of(TILE_ZOOMS)
        (longitude, latitude), across = self.near(place), 2**zoom
        column = int((longitude + 180) / 360 * across)
        row = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * across)
        if self.happens(0.04):
            zoom, row = self.any_of(((23, 1), ("x", 1), (3, 99), (10, -1)))
        return str(zoom), str(row), str(column)

    # ── times ────────────────────────────────────────────────────────────────────────────────────
    def instant(self) -> str:
        if self.happens(0.1):
            return str(self.any_of(("hôm qua", "2026-13-01", "2999-01-01", "0001-01-01", "", "2026-08-01T00:00:00")))
        around = self.any_of((*REVISED, NOW)) + timedelta(days=self.chance.randint(-20, 20))
        return str(around.date().isoformat() if self.happens(0.5) else around.isoformat())

    def interval(self) -> str:
        first, second = sorted(self.instant() for _ in range(2))
        return str(self.any_of((first, f"{first}/{second}", f"{first}/..", f"../{second}", "../..", "/")))

    # ── filters ──────────────────────────────────────────────────────────────────────────────────
    def filter(self, words: LayerWords, fallback: Sequence[Place]) -> tuple[str, str]:
        """(language, text)."""
        if self.happens(0.12):
            return "cql2-text", str(self.any_of(HOSTILE))
        if self.happens(0.2):
            return "cql2-json", self._json_filter(words, fallback)
        parts = [self._condition(words, fallback) for _ in range(self.any_of((1, 1, 2, 3)))]
        text = str(self.any_of((" AND ", " OR "))).join(parts)
        return "cql2-text", f"NOT ({text})" if self.happens(0.15) else text

    def _condition(self, words: LayerWords, fallback: Sequence[Place]) -> str:
        if self.happens(0.25):
            relation = self.any_of(("INTERSECTS", "INTERSECTS", "DISJOINT", "WITHIN", "CONTAINS", "TOUCHES", "EQUALS"))
            return f"S_{relation}(geometry, BBOX({self.box(words, fallback)}))"
        attribute = self.any_of(words.definition.attributes)
        value = self.literal(words, attribute)
        name, other = attribute.name, self.literal(words, attribute)
        return str(self.any_of((
            f"{name} = {value}", f"{name} = {value}", f"{name} <> {value}", f"{name} < {value}", f"{name} >= {value}",
            f"{name} BETWEEN {value} AND {other}", f"{name} IN ({value}, {other})", f"{name} IS NULL",
            f"{name} IS NOT NULL", f"{name} LIKE '{self.pattern(words, attribute)}'",
            f"CASEI({name}) = CASEI({value})", f"ACCENTI({name}) LIKE ACCENTI({value})", f"khong_co = {value}",
            f"{name} * 2 - 1 > {value}", f"{value} / {name} < 1e9", f"{name} % 2 = 1", f"{other} = {name}",
            f"T_AFTER({name}, DATE('2026-01-01'))", f"T_DURING(INTERVAL({name}, '..'), INTERVAL('2020-01-01', {name}))",
            f"A_OVERLAPS({name}.loai, ({value}, {other}))", f"A_CONTAINEDBY({name}.loai, ({value}, 'ODT'))",
        )))  # fmt: skip

    def literal(self, words: LayerWords, attribute: Attribute) -> str:
        value = self.value(words, attribute)
        if isinstance(value, date | datetime):
            return f"DATE('{value.isoformat()[:10]}')"
        return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"

    def value(self, words: LayerWords, attribute: Attribute) -> Any:
        known = words.values.get(attribute.name) or ("x", 1)
        if self.happens(0.1):
            return self.any_of((0, -1, 2**53, "khác 5", ""))
        return self.any_of(known)

    def pattern(self, words: LayerWords, attribute: Attribute) -> str:
        text = str(self.value(words, attribute)).replace("'", "''")
        return str(self.any_of((f"{text[:2]}%", f"%{text[-2:]}", "%", "_%", text)))

    def _json_filter(self, words: LayerWords, fallback: Sequence[Place]) -> str:
        attribute = self.any_of(words.definition.attributes)
        value = self.value(words, attribute)
        plain = value if isinstance(value, int | float | str) else str(value)
        where = {"op": "s_intersects", "args": [
            {"property": "geometry"}, self.shape(self.any_of(words.places or fallback))]}  # fmt: skip
        compared = {"op": self.any_of(("=", "<", ">", "<>")), "args": [{"property": attribute.name}, plain]}
        return json.dumps(self.any_of((where, compared, {"op": "and", "args": [where, compared]}, {"op": "x"}, [])))

    # ── cursors ──────────────────────────────────────────────────────────────────────────────────
    def cursor(self, words: LayerWords) -> str:
        """A cursor made up: of a fid that may be hidden, at a revision that may not be."""
        fid = self.any_of(words.fids or (0,)) + self.any_of((0, 0, -1, 1))
        text = f"{fid}.{self.any_of((1, 2, 3, 4, 99))}"
        made = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return str(self.any_of(ODD_TEXTS)) if self.happens(0.15) else made
