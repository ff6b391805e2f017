"""Bring a database to the schema this code needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from .connection import sqlalchemy_url

if TYPE_CHECKING:
    from alembic.config import Config

#: any fixed number: two processes that migrate at once wait for each other
MIGRATION_LOCK = 7_305_220_261


def _config() -> Config:
    from alembic.config import Config  # late: half a second, which most commands have no use for

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def newest_version() -> str:
    """The schema version this code was written for."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def migrate(url: str) -> None:
    """Apply what is missing, all or nothing. Safe to call from several processes at once."""
    from alembic import command

    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
