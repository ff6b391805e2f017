"""A wide search in a sparse layer must not walk over the crowd of another one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import shapely

from layers.store.checks import Reach, read_candidates
from layers.store.connection import Database

pytestmark = pytest.mark.anyio

CROWD, SPARSE = 1, 2
PIECES = """INSERT INTO checks.piece (layer, zone, fid, since, geom)
SELECT %(layer)s, 0, n, 1, ST_MakeEnvelope(x, y, x + 8, y + 8)
FROM (SELECT n, (n %% 200) * 10.0 AS x, (n / 200) * 10.0 AS y
      FROM generate_series(1, %(count)s, %(step)s) AS n) place"""


def fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for layer, step in ((CROWD, 1), (SPARSE, 20)):
            connection.execute(PIECES, {"layer": layer, "count": 40_000, "step": step})
        connection.execute("VACUUM ANALYZE checks.piece")


def piece_scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    below = [found for part in plan.get("Plans", ()) for found in piece_scans(part)]
    return [plan, *below] if plan.get("Relation Name") == "piece" else below


async def test_pieces_of_other_layers_are_not_visited(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(empty_database)
    asked: list[tuple[str, Any]] = []
    reach = Reach(0, SPARSE, 1, 300.0, False)
    async with Database.open(empty_database, size=1) as database, database.connection() as connection:
        execute = connection.execute

        async def seen(text: Any, values: Any = None, **more: Any) -> Any:
            asked.append((text, values))
            return await execute(text, values, **more)

        monkeypatch.setattr(connection, "execute", seen)
        found = await read_candidates(connection, shapely.to_wkb(shapely.box(990, 990, 1000, 1000)), 0, (), [reach])
        text, values = asked[-1]
        cursor = await execute("EXPLAIN (ANALYZE, FORMAT JSON) " + text, values)
        plan = (await cursor.fetchall())[0]["QUERY PLAN"][0]["Plan"]
    (scan,) = (found for found in piece_scans(plan) if found["Actual Loops"])
    assert scan["Actual Rows"] == len(found) > 100
    assert scan.get("Rows Removed by Filter", 0) == 0
