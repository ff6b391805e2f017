"""How old a layer is goes by its oldest content; what names the release has the release's date."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from layers.checking.coverage import coverage_of
from layers.checking.ground import KnownGrounds
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from layers.store.overview import overviews
from ogc.web.cards import Card, cards
from tests.integration.checking.test_batch import rows, run
from tests.support.checked import OPERATOR, Place, codes, finding

LONG_AGO = datetime(2020, 3, 1, tzinfo=UTC)


@pytest.fixture
def restored(place: Place) -> Place:
    """A corridor layer whose newest release brought content of long ago back."""
    with psycopg.connect(place.url) as connection:
        connection.execute("UPDATE catalogue.release SET content_date = %s WHERE layer = 'water_corridor'", (LONG_AGO,))
    return place


def test_old_content_of_a_new_release_is_stale_alone_and_in_a_batch(restored: Place, tmp_path: Path) -> None:
    found = finding(restored.check(), "water_corridor")
    assert (found["outcome"], codes(found)[0]) == ("not_checked", "stale")
    assert "01/03/2020" in found["reasons"][0]["message"]["vi"]
    assert datetime.fromisoformat(found["coverage"]["published"]).year > 2020
    of_batch, _ = rows(run(restored, tmp_path / "out"))
    of_layer = of_batch[of_batch["check"] == "water_corridor"]
    assert set(of_layer["outcome"]) == {"not_checked"} and set(of_layer["reason"]) == {"stale"}


def test_the_matrix_of_coverage_says_so_too(restored: Place) -> None:
    found = restored.ask(lambda database, catalogue: coverage_of(database, catalogue, OPERATOR, KnownGrounds()))
    (row,) = (row for row in found.rows if row.definition.id == "water_corridor")
    told = row.as_dict()
    assert row.is_stale and told["age_days"] > 365
    assert datetime.fromisoformat(told["published"]).year > 2020


def test_the_catalogue_page_marks_it(restored: Place) -> None:
    async def body(database: Database, catalogue: Catalogue) -> list[Card]:
        async with database.connection() as connection:
            return list(cards(catalogue, OPERATOR, None, datetime.now(UTC), await overviews(connection)))

    marks = {card.id: (card.is_stale, card.published) for card in restored.ask(body)}
    is_stale, published = marks["water_corridor"]
    assert is_stale and published is not None and published.year > 2020
    assert not marks["parcel"][0]
