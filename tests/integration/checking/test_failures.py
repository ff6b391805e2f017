"""One thing that breaks costs one finding, and nothing that breaks is ever clear."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from layers.checking import around, reading
from layers.checking.request import CheckRequest, parse_parcel
from layers.checking.run import check
from layers.store import checks
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from tests.support.checked import INPUTS, OPERATOR, PARCEL, Place, codes, corridor
from tests.support.published import box

#: pieces of one layer that cannot be read, as after damage to its part of a table
_BROKEN = """
ALTER TABLE checks.piece RENAME TO piece_kept;
CREATE VIEW checks.piece AS
SELECT layer, zone, fid, since, until,
       CASE WHEN layer = {number} THEN {broken} ELSE geom END AS geom
FROM checks.piece_kept;
"""


def break_layer(place: Place, layer: str, broken: str) -> None:
    with psycopg.connect(place.url) as connection:
        found = connection.execute("SELECT number FROM catalogue.layer WHERE id = %s", (layer,)).fetchone()
        assert found is not None
        connection.execute(_BROKEN.format(number=found[0], broken=broken))  # type: ignore[arg-type]


def outcomes(place: Place) -> dict[str, tuple[str, list[str]]]:
    return {one["check"]: (one["outcome"], codes(one)) for one in place.check().content["findings"]}


def test_a_layer_that_cannot_be_read_costs_one_finding(place: Place) -> None:
    before = outcomes(place)
    break_layer(place, "water_corridor", "ST_GeomFromText('broken' || fid)")
    after = outcomes(place)
    assert after.pop("water_corridor") == ("not_checked", ["error"])
    before.pop("water_corridor")
    assert after == before


def test_a_layer_that_takes_too_long_costs_one_finding(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TIMEOUT_MS", 400)
    break_layer(place, "water_corridor", "(SELECT geom FROM pg_sleep(5))")
    after = outcomes(place)
    assert after["water_corridor"] == ("not_checked", ["timeout"])
    assert [name for name, (outcome, _) in after.items() if outcome == "not_checked"] == ["water_corridor"]


def test_a_piece_without_its_facts_is_not_checked(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))])
    with psycopg.connect(place.url) as connection:
        connection.execute("DELETE FROM checks.fact WHERE key = 'SG-03'")
    assert outcomes(place)["water_corridor"] == ("not_checked", ["damaged"])  # it was the layer's only one


def test_a_piece_of_the_wrong_kind_is_not_checked(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))])
    with psycopg.connect(place.url) as connection:
        connection.execute(
            "UPDATE checks.piece SET geom = ST_Boundary(geom) WHERE fid = %s",
            (place.publisher.fid("water_corridor", "SG-03"),),
        )
    assert outcomes(place)["water_corridor"] == ("not_checked", ["broken_measure"])


def test_more_candidates_than_can_be_measured_at_once_are_not_checked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MOST_CANDIDATES", 2)
    monkeypatch.setattr(around, "MOST_CANDIDATES", 2)
    place.publish("water_corridor", [corridor(f"SG-{n}", box(100 + n, 0, 1, 1)) for n in range(3)])
    place.publish("parcel_block", [])
    assert outcomes(place)["water_corridor"] == ("clear", [])
    place.publish("water_corridor", [corridor(f"SG-{n}", box(n, 0, 1, 1)) for n in range(4)])
    assert outcomes(place)["water_corridor"] == ("not_checked", ["too_many_candidates"])


def test_a_check_takes_five_statements_however_many_rules_it_has(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its opening and its closing event among them; besides the frame of its transaction. A time-out would add some."""
    monkeypatch.setattr(reading, "TIMEOUT_MS", 120_000)
    statements: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        statements.append(str(query).strip())
        return await execute(self, query, *rest, **more)

    async def one_check(database: Database, catalogue: Catalogue) -> None:
        async with database.connection(), database.connection():  # the opening is written beside the first reading
            pass
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
        await check(database, catalogue, CheckRequest("land_use_change", parse_parcel(PARCEL), INPUTS), OPERATOR)
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", execute)

    place.ask(one_check)
    asked = [text for text in statements if not text.startswith("BEGIN ISOLATION")]
    assert len(asked) == 5, asked
