"""What stands in a database: versions, schema, applied profile, layers."""

from __future__ import annotations

from .connection import Database, row, rows
from .migrate import newest_version
from .statements import blocks


async def database_status(url: str) -> dict[str, object]:
    """Versions and state, as `db status --json` and `doctor` print them."""
    sql = blocks("status")
    async with Database.open(url, size=1) as database, database.connection() as connection:
        found: dict[str, object] = dict(await row(connection, sql["versions"]) or {})
        has_schema = found.pop("has_schema", False)
        found["schema"] = found["profile"] = None
        found["needed_schema"] = newest_version()
        found["layers"] = {}
        if has_schema:
            found["schema"] = (await row(connection, sql["schema_version"]) or {}).get("version_num")
            found["profile"] = (await row(connection, sql["applied"]) or {}).get("profile")
            found["layers"] = {r["state"]: r["layers"] for r in await rows(connection, sql["layers"])}
            found["invalid_indexes"] = [r["name"] for r in await rows(connection, sql["invalid_indexes"])]
            found["staging_tables"] = (await row(connection, sql["abandoned_staging"]) or {}).get("tables")
    return found


async def damaged_layers(url: str) -> list[str]:
    """Layers whose pieces or facts, as the engine reads them, are not all that was published."""
    async with Database.open(url, size=1, statement_timeout_ms=0) as database, database.connection() as connection:
        return [found["id"] for found in await rows(connection, blocks("status")["damaged_layers"])]


async def readiness(database: Database) -> dict[str, bool]:
    """What a server needs before it can serve, each true or false. Raises when the database does not answer."""
    sql = blocks("status")
    async with database.connection() as connection:
        version = (await row(connection, sql["schema_version"]) or {}).get("version_num")
        profile = await row(connection, sql["applied"])
    return {"database": True, "schema": version == newest_version(), "profile": profile is not None}
