"""A layer is as old as its oldest content: no rollback and no file of one commune makes the rest of it fresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from layers.store import migrate as migrations
from layers.store.checks import CutLayer, read_cut
from layers.store.connection import Database, sqlalchemy_url
from tests.support.files import OFFICER, change, parcels, publish_file, query, write

OLD = "2020-01-01T00:00:00+00:00"


def cut(url: str, revision: int | None = None) -> CutLayer:
    async def body() -> CutLayer:
        async with Database.open(url) as database, database.transaction(snapshot=True) as connection:
            return (await read_cut(connection, {"parcel": revision}, instant=None, timeout_ms=0))["parcel"]

    return anyio.run(body)


def dates(url: str) -> Mapping[int, datetime]:
    """When each revision was made, the first one long ago."""
    query(url, "UPDATE catalogue.revision SET created = %s WHERE revision = 1 RETURNING 1", OLD)
    return {
        each["revision"]: each["created"] for each in query(url, "SELECT revision, created FROM catalogue.revision")
    }


@pytest.fixture
def two_communes(url: str, tmp_path: Path) -> str:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 20) + parcels("25750", 20, 20)), "parcel")
    dates(url)
    return url


def test_a_whole_file_is_as_new_as_its_release(two_communes: str, tmp_path: Path) -> None:
    publish_file(two_communes, write(tmp_path / "b.gpkg", parcels("25747", 20) + parcels("25750", 20, 20)), "parcel")
    found, made = cut(two_communes), dates(two_communes)
    assert found.published == found.content_date == made[2]


def test_a_release_of_one_commune_leaves_the_layer_as_old_as_the_others(two_communes: str, tmp_path: Path) -> None:
    for number in (20, 19):  # also one that changes nothing
        one = write(tmp_path / f"{number}.gpkg", parcels("25747", number))
        publish_file(two_communes, one, "parcel", scope="commune=25747")
    publish_file(two_communes, one, "parcel", scope="ma_xa = '25747'")
    found, made = cut(two_communes), dates(two_communes)
    assert (found.release, found.published, found.content_date) == (4, made[4], made[1])


def test_a_rollback_is_as_old_as_what_it_brings_back(two_communes: str, tmp_path: Path) -> None:
    publish_file(two_communes, write(tmp_path / "b.gpkg", parcels("25747", 39)), "parcel", allow_removals=True)
    one = write(tmp_path / "c.gpkg", parcels("25747", 38))
    publish_file(two_communes, one, "parcel", scope="commune=25747")
    for revision in (1, 4, 3, 2):  # 4 is a rollback itself, 3 a release of one commune
        change(two_communes, "rollback", "parcel", revision, principal=OFFICER)
    made = dates(two_communes)
    found = [cut(two_communes, revision) for revision in range(1, 8)]
    assert [each.published for each in found] == [made[revision] for revision in range(1, 8)]
    assert [each.content_date for each in found] == [made[of] for of in (1, 2, 2, 1, 1, 2, 2)]


def test_releases_of_before_are_given_their_dates_by_the_migration(
    two_communes: str, empty_database: str, tmp_path: Path
) -> None:
    publish_file(two_communes, write(tmp_path / "b.gpkg", parcels("25747", 20)), "parcel", scope="commune=25747")
    change(two_communes, "rollback", "parcel", 1, principal=OFFICER)
    change(two_communes, "rollback", "parcel", 3, principal=OFFICER)
    whole = write(tmp_path / "c.gpkg", parcels("25747", 20) + parcels("25750", 20, 20))
    publish_file(two_communes, whole, "parcel")
    publish_file(two_communes, whole, "parcel", scope="commune=25750")
    wanted = contents(two_communes)
    assert [date is None for date in wanted] == [True, False, False, False, True, False]
    _as_of_before(empty_database, two_communes)
    migrations.migrate(empty_database)
    assert contents(empty_database) == wanted


def contents(url: str) -> list[Any]:
    return [each["content_date"] for each in query(url, "SELECT content_date FROM catalogue.release ORDER BY release")]


def _as_of_before(url: str, filled: str) -> None:
    """A database of the schema before, with the releases of another."""
    engine = create_engine(sqlalchemy_url(url))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
    engine.dispose()
    with psycopg.connect(filled) as source, psycopg.connect(url) as target:
        for name in ("catalogue.text", "catalogue.layer", "catalogue.revision", "catalogue.release", "checks.held"):
            columns = _columns(target, name)
            with (
                source.cursor().copy(f"COPY {name} ({columns}) TO STDOUT") as read,  # type: ignore[arg-type]
                target.cursor().copy(f"COPY {name} ({columns}) FROM STDIN") as written,  # type: ignore[arg-type]
            ):
                for part in read:
                    written.write(part)


def _columns(connection: psycopg.Connection[Any], name: str) -> str:
    found = connection.execute(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attidentity <> 'a'",
        (name,),
    ).fetchone()
    assert found is not None
    return str(found[0])
