"""What is told again of rules with nothing near is what measuring says, to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import anyio
import psycopg
import pytest

from layers.access.principal import operator
from layers.canonical import canonical
from layers.checking.nothing_near import NothingNear
from layers.checking.reading import Case, Reading, Seeker, read
from layers.checking.request import ByFid, CheckRequest
from layers.checking.run import case_of, examine
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from tests.support.checked import Place, codes, corridor, finding
from tests.support.province import Province
from tests.support.published import box

HEAD = {"id": "r1", "created": "2026-11-21T03:00:00+00:00", "principal": "tester", "dossier": None, "purpose": None}
PARCELS = 30
INPUTS: dict[str, dict[str, object]] = {
    "land_use_change": {"target_use": "ODT", "target_area_m2": 150},
    "parcel_split_merge": {"kind": "SPLIT", "land_use": "ODT"},
    "first_certificate": {"claimed_use": "ODT"},
    "construction_permit": {"building_use": "NHA_O", "storeys": 3},
    "petrol_station_siting": {"station_level": 3},
}


@pytest.fixture(scope="module")
def readings(province: Province) -> Iterator[list[tuple[Case, Reading]]]:
    """Parcels from everywhere in the province, each asked for every procedure."""
    with psycopg.connect(province.url) as connection:
        found = connection.execute(
            "SELECT fid FROM data.parcel WHERE until IS NULL ORDER BY hashint8(fid) LIMIT %s", (PARCELS,)
        ).fetchall()
    yield anyio.run(_read, province.url, [row[0] for row in found])


async def _read(url: str, fids: list[int]) -> list[tuple[Case, Reading]]:
    now = datetime.now(UTC)
    made = []
    async with Database.open(url, size=2) as database:
        async with database.connection() as connection:
            catalogue = await load_catalogue(connection)
        seeker = Seeker(catalogue, operator("tester"), None, now.date())
        for fid in fids:
            for procedure, inputs in INPUTS.items():
                request = CheckRequest(procedure, ByFid(fid), inputs)
                case = case_of(catalogue, request, now)
                made.append((case, await read(database, case, seeker.chooser(request.subject))))
    return made


def test_the_record_is_the_same_whether_told_again_or_measured(readings: list[tuple[Case, Reading]]) -> None:
    known = NothingNear()
    for case, reading in readings:
        told, measured = (examine(case, reading, HEAD, memory) for memory in (known, NothingNear()))
        assert canonical(told) == canonical(measured)
    rules = sum(len(case.rules) for case, _ in readings)
    assert 0 < len(known) < rules / 10  # the others were told again, or had something near


def test_most_findings_are_told_again(readings: list[tuple[Case, Reading]]) -> None:
    known = NothingNear()
    for case, reading in readings:
        examine(case, reading, HEAD, known)
    before = len(known)
    again = sum(_cleared(examine(case, reading, HEAD, known)) for case, reading in readings)
    assert len(known) == before
    assert again > sum(len(case.rules) for case, _ in readings) / 2


def _cleared(record: dict[str, object]) -> int:
    """Findings against a layer with nothing near."""
    findings = [part for one in record["findings"] for part in (one, *one.get("members", ()))]  # type: ignore[attr-defined]
    return sum(one["kind"] == "layer" and not one["features"] and not one["dropped"] for one in findings)


def test_what_was_clear_is_not_told_again_of_a_stale_layer(place: Place) -> None:
    now = datetime.now(UTC)
    assert finding(place.check(now=now), "water_corridor")["outcome"] == "clear"
    late = finding(place.check(now=now + timedelta(days=4000), on_date=now.date()), "water_corridor")
    assert (late["outcome"], codes(late)) == ("not_checked", ["stale"])


def test_what_was_clear_is_not_told_again_of_a_suspended_layer(place: Place) -> None:
    assert finding(place.check(), "water_corridor")["outcome"] == "clear"
    place.publisher.set_state("water_corridor", "suspended", "sai kinh tuyến")
    assert finding(place.check(), "water_corridor")["outcome"] == "not_checked"


def test_what_was_clear_is_not_told_again_when_something_comes_near(place: Place) -> None:
    assert finding(place.check(), "water_corridor")["outcome"] == "clear"
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    assert finding(place.check(), "water_corridor")["outcome"] == "affected"
