"""A layer's owner sees who read it, how much and for what; nobody else does, and looking is recorded too."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx
import psycopg
import pytest

from layers.store import audit
from layers.store.access_log import LoggedAccess, LogQuery, read_events
from layers.store.audit import Event
from layers.store.connection import Database
from tests.support.ledger import Ledger
from tests.support.province import Province

JSON = {"Accept": "application/json"}


class Asking:
    """The province's service as one of its identities."""

    def __init__(self, base: str, token: str | None) -> None:
        headers = {**JSON, **({"Authorization": f"Bearer {token}"} if token else {})}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=60)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)


@pytest.fixture
def owner(demo_server: tuple[str, str]) -> Iterator[Asking]:
    """The land officer may publish parcels, and is of the sector that they belong to."""
    asking = Asking(*demo_server)
    with asking.http:
        yield asking


@pytest.fixture
def public(demo_server: tuple[str, str]) -> Iterator[Asking]:
    asking = Asking(demo_server[0], None)
    with asking.http:
        yield asking


def test_the_owner_sees_reads_and_sums(owner: Asking) -> None:
    read = owner.get("/collections/parcel/items?limit=7").json()
    found = owner.get("/access/layers/parcel/events?action=items&limit=1").json()
    (newest,) = found["events"]
    told = {name: newest[name] for name in ("principal", "action", "as", "features", "decision", "state", "dossier")}
    assert told == {
        "principal": "land_officer", "action": "items", "as": "read", "features": read["numberReturned"],
        "decision": "allow", "state": "ended", "dossier": None,
    }  # fmt: skip
    assert newest["office"] == "van_phong_dang_ky_dat_dai" and newest["grants"] and newest["bytes"] > 0
    mine = [each for each in found["sums"] if each["principal"] == "land_officer" and each["decision"] == "allow"]
    assert sum(each["features"] for each in mine) >= 7
    assert found["layer"] == "parcel" and found["from"] <= found["until"]


def test_pages_of_the_log_follow_each_other_without_a_gap(owner: Asking) -> None:
    for _ in range(4):
        owner.get("/collections/parcel/items?limit=1")
    whole = [each["id"] for each in owner.get("/access/layers/parcel/events?action=items&limit=3").json()["events"]]
    walked, path = [], "/access/layers/parcel/events?action=items&limit=1"
    for _ in range(3):
        page = owner.get(path).json()
        walked += [each["id"] for each in page["events"]]
        path = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert walked == whole == sorted(whole, reverse=True)


def test_what_is_told_of_an_event_does_not_count_those_of_other_layers(ledger: Ledger) -> None:
    def told() -> list[LoggedAccess]:
        async def run() -> list[LoggedAccess]:
            async with Database.open(ledger.url, size=1) as database, database.connection() as connection:
                day = LogQuery("site", datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 1, 16, tzinfo=UTC), "UTC")
                return await read_events(connection, day, 2)

        return anyio.run(run)

    pages = []
    other = "INSERT INTO access.event (principal, action, layer, decision) VALUES ('b', 'items', 'other', 'allow')"
    own = (
        "INSERT INTO access.event (at, principal, action, layer, decision, features) "
        "SELECT '2026-01-15 08:00+00', 'a', 'items', 'site', 'allow', n FROM generate_series(1, 4) AS n"
    )
    for others in (1, 7):
        ledger.tamper("TRUNCATE access.event", *[other] * others, own)
        pages.append(told())
    assert pages[0] == pages[1]
    assert [event.features for event in pages[0]] == [4, 3, 2, 1]  # one instant is not cut in two


def test_an_access_whose_process_died_shows_as_open(ledger: Ledger) -> None:
    killed = Event("anna", "check", "allow", layer="parcel", used=("site",), dossier="HS-1").opening()
    ended = Event("berta", "check", "allow", layer="parcel", used=("site",)).opening()

    async def run() -> list[tuple[str, bool, bool]]:
        async with Database.open(ledger.url, size=1) as database, database.connection() as connection:
            for event in (killed, ended, ended.closing(features=1)):
                await audit.record(connection, event)
            now = datetime.now(UTC)
            query = LogQuery("site", now - timedelta(hours=1), now + timedelta(hours=1), "UTC")
            found = await read_events(connection, query, 10)
        return [(event.principal, event.is_open, event.is_measured) for event in found]

    assert anyio.run(run) == [("berta", False, True), ("anna", True, True)]
    assert (ledger.verify().open, ledger.verify().is_sound) == (1, True)


def test_reading_the_log_is_in_the_log(owner: Asking) -> None:
    first = owner.get("/access/layers/parcel/events?action=log&limit=1").json()["events"]
    second = owner.get("/access/layers/parcel/events?action=log&limit=1").json()["events"]
    assert second[0]["action"] == "log" and second[0]["id"] > (first[0]["id"] if first else 0)


def test_a_check_shows_in_the_log_of_the_layers_it_measured_with_its_dossier(
    owner: Asking, province: Province, demo_server: tuple[str, str]
) -> None:
    parcel = owner.get("/collections/parcel/items?limit=1").json()["features"][0]
    dossier = f"HS-{uuid.uuid4().hex[:8]}"
    inputs = {"target_use": "ODT", "target_area_m2": 100}
    body = {"procedure": "land_use_change", "subject": {"fid": str(parcel["id"])}, "inputs": inputs, "dossier": dossier}
    answer = owner.http.post("/checks", json=body)
    assert answer.status_code == 201, answer.text
    of_block = owner.get("/access/layers/parcel_block/events?action=check").json()["events"]
    (found,) = [each for each in of_block if each["dossier"] == dossier]
    assert (found["as"], found["features"], found["principal"]) == ("measured", None, "land_officer")
    of_parcel = owner.get("/access/layers/parcel/events?action=check").json()["events"]
    (found,) = [each for each in of_parcel if each["dossier"] == dossier]
    assert (found["as"], found["features"], found["state"]) == ("read", 1, "ended")


def test_nobody_else_sees_it(owner: Asking, public: Asking, province: Province) -> None:
    visible = public.get("/collections").json()["collections"][0]["id"]
    assert public.get(f"/access/layers/{visible}/events").status_code == 403
    assert owner.get("/access/layers/water_corridor/events").status_code == 403
    hidden = [public.get(f"/access/layers/{layer}/events") for layer in ("parcel_block", "not_there")]
    assert {each.status_code for each in hidden} == {404}
    assert len({each.content for each in hidden}) == 1
    with psycopg.connect(province.url) as connection:
        refused = connection.execute(
            "SELECT decision, reason FROM access.event WHERE action = 'log' AND layer = ANY(%s)",
            ([visible, "water_corridor"],),
        ).fetchall()
    assert set(refused) == {("deny", "not_owner")}


@pytest.mark.parametrize(
    "query",
    ["from=2026-01-01&until=2020-01-01", "from=2000-01-01", "from=x", "limit=0", "limit=9999", "action=dance",
     "after=0", "nothere=1"],
)  # fmt: skip
def test_what_cannot_be_asked_is_400(owner: Asking, query: str) -> None:
    assert owner.get(f"/access/layers/parcel/events?{query}").status_code == 400


@pytest.mark.parametrize(("language", "words"), [("vi", "Ai đã đọc"), ("en", "Who read")])
def test_a_person_gets_a_page(owner: Asking, language: str, words: str) -> None:
    owner.get("/collections/parcel/items?limit=1")
    page = owner.get(f"/access/layers/parcel/events?f=html&lang={language}&action=")
    assert page.status_code == 200 and words in page.text and "events.csv" in page.text


def test_the_table_holds_the_same_and_no_formula(owner: Asking) -> None:
    owner.get("/collections/parcel/items?limit=1")
    answer = owner.get("/access/layers/parcel/events.csv?lang=en")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    titles, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert titles[:3] == ["At", "Reader", "Office"] and rows
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_routes_are_in_the_description_with_their_parameters(public: Asking) -> None:
    paths = public.get("/api?f=json").json()["paths"]
    named = {each["name"] for each in paths["/access/layers/{layerId}/events"]["get"]["parameters"]}
    assert named == {"layerId", "from", "until", "action", "after", "limit"}
    assert "/access/layers/{layerId}/events.csv" in paths
