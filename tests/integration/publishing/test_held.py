"""The books of what the engine must find of a layer, through every kind of change."""

from __future__ import annotations

from pathlib import Path

import anyio
import psycopg

from layers.store.status import damaged_layers
from tests.support.files import OFFICER, change, parcel, parcels, publish_file, query, write

_BOOKS = "SELECT revision, pieces, facts FROM checks.held WHERE layer = (SELECT number FROM catalogue.layer WHERE id = 'parcel') ORDER BY revision"  # noqa: E501


def damaged(url: str) -> list[str]:
    return anyio.run(damaged_layers, url)


def test_the_books_hold_through_publication_rollback_and_withdrawal(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 30)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    publish_file(url, write(tmp_path / "b.gpkg", [{**rows[0], "DTPL": 7.0}, *rows[2:], parcel("25747", 88)]), "parcel")
    change(url, "rollback", "parcel", 1, principal=OFFICER)
    change(url, "suspend", "parcel", principal=OFFICER, reason="thử")
    change(url, "withdraw", "parcel", principal=OFFICER, reason="thử")
    assert [tuple(row.values()) for row in query(url, _BOOKS)] == [(1, 30, 30), (2, 30, 30), (3, 30, 30), (5, 0, 0)]
    assert damaged(url) == []


def test_what_is_missing_is_named(url: str, tmp_path: Path) -> None:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 30)), "parcel")
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM checks.piece WHERE ctid = (SELECT ctid FROM checks.piece LIMIT 1)")
    assert damaged(url) == ["parcel"]
