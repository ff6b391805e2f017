"""Answers on layers that may be checked and not seen, over HTTP: one length, one moment, the same in every world."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ogc.app import create_app
from ogc.auth import make_token
from ogc.common.pace import Pace
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, Place, fill, geojson
from tests.support.published import box
from tests.support.serving import serve

NEIGHBOUR = "25750@2025/45/123"
NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)


@pytest.fixture
def place(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> Place:
    return Place.at(clone(make_template("checked", fill)))


@dataclass
class Ticks:
    """A clock that stands still between requests: each wait is remembered and over at once."""

    waited: list[float] = field(default_factory=list)
    now: float = 0.0

    async def until(self, instant: float) -> None:
        self.waited.append(instant - self.now)


@dataclass
class Callers:
    """Clients of one service, and the ticks it waited for."""

    base: str
    secrets: Path
    ticks: Ticks

    def client(self, identity: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {make_token(self.secrets, identity)}"} if identity else {}
        return httpx.Client(base_url=self.base, headers=headers, timeout=30)


@pytest.fixture
def callers(place: Place, tmp_path: Path) -> Iterator[Callers]:
    ticks = Ticks()
    settings = Settings(data=tmp_path, database_url=place.url)
    app = create_app(settings, demo=True, clock=lambda: NOW, pace=Pace(lambda: ticks.now, ticks.until))
    with serve(app) as base:
        yield Callers(base, settings.secrets_folder, ticks)


def asked_body(**more: Any) -> dict[str, Any]:
    return {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS), **more}


#: hidden worlds: the outcome of `waste_distance` differs in each
WORLDS: dict[str, Callable[[Place], object]] = {
    "clear": lambda place: place.publish("waste_site", []),
    "affected": lambda place: place.publish("waste_site", [{"ma": "W2", "geom": box(220, 0, 10, 10)}]),
    "borderline": lambda place: place.publish("waste_site", [{"ma": "W2", "sai_so_m": 5.0, "geom": box(322, 0, 9, 9)}]),
    "not_mapped": lambda place: place.publish("waste_site", [], mapped=[box(5000, 5000, 10, 10)]),
    "not_checked": lambda place: place.publisher.set_state("waste_site", "suspended", "sai kinh tuyến"),
}


def test_length_and_moment_are_the_same_in_every_hidden_world(place: Place, callers: Callers) -> None:
    seen, outcomes = set(), []
    with callers.client("reviewer") as reviewer:
        for number, make in enumerate(WORLDS.values()):
            make(place)
            place.register(f"D-{number}")
            made = reviewer.post("/checks", json=asked_body(dossier=f"D-{number}"))
            outcomes.append(next(one for one in made.json()["findings"] if one["check"] == "waste_distance")["outcome"])
            answers = [
                made,
                reviewer.get(made.headers["location"]),
                reviewer.get(made.headers["location"], headers={"accept": "text/html"}),
                reviewer.get("/checks", params={"dossier": f"D-{number}"}),
            ]
            assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
            assert not any("content-encoding" in answer.headers for answer in answers)
            seen.add((*(len(answer.content) for answer in answers), *callers.ticks.waited))
            callers.ticks.waited.clear()
    assert outcomes == list(WORLDS)
    (lengths_and_waits,) = seen
    assert all(length % 4096 == 0 for length in lengths_and_waits[:4])
    assert lengths_and_waits[4:] == (0.5,) * 4


def test_errors_leave_as_answers_do(callers: Callers) -> None:
    with callers.client("reviewer") as reviewer:
        answers = [
            reviewer.post("/checks", json=asked_body(subject={"parcel": "25747/1/999"})),
            reviewer.post("/checks", json=asked_body(subject={"parcel": "25813/1/1"})),
            reviewer.get("/checks/nothing"),
        ]
    assert [answer.status_code for answer in answers] == [404, 409, 404]
    assert {len(answer.content) for answer in answers} == {4096}
    assert callers.ticks.waited == [0.5] * 3


def test_by_the_clock_of_the_machine_too_nothing_leaves_before_its_tick(place: Place, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=place.url)
    with (
        serve(create_app(settings, demo=True), is_paced=True) as base,
        httpx.Client(base_url=base, timeout=30) as public,
    ):
        began = time.monotonic()
        refused = public.get("/checks/nothing")
        assert time.monotonic() - began >= 0.5 and refused.status_code == 404


def test_who_is_shown_everything_waits_for_nothing(callers: Callers) -> None:
    with callers.client("officer") as officer:
        made = officer.post("/checks", json=asked_body())
    assert made.status_code == 201 and len(made.content) % 4096
    assert callers.ticks.waited == []


def test_who_has_no_right_at_all_is_told_nothing_by_time_either(place: Place, callers: Callers) -> None:
    seen = set()
    with callers.client(None) as public:
        for name in ("clear", "affected"):
            WORLDS[name](place)
            seen.add(len(public.post("/checks", json=asked_body()).content))
    assert len(seen) == 1 and callers.ticks.waited == [0.5] * 2


def test_the_one_stop_system_registers_and_the_desk_reads(callers: Callers) -> None:
    with callers.client("one_stop") as system, callers.client("reviewer") as reviewer:
        number = {"commune": "25747", "sheet": "45", "parcel": "123"}
        body = {"procedure": "land_use_change", "parcels": [number, NEIGHBOUR], "offices": ["so_xay_dung"]}
        made = system.put("/dossiers/H29.19-260715-0012", json=body)
        again = system.put("/dossiers/H29.19-260715-0012", json={**body, "offices": [], "closed": True})
        assert (made.status_code, again.status_code) == (201, 200)
        assert len(made.json()["parcels"]) == 2 and again.json()["closed"]
        assert made.json()["answers"] == {"used": 0, "limit": 3}
        assert system.get("/dossiers/H29.19-260715-0012").json() == again.json()
        hidden, missing = (reviewer.get(f"/dossiers/{name}") for name in ("H29.19-260715-0012", "nothing"))
        assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content) == (404, hidden.content)
        assert reviewer.put("/dossiers/D-1", json=body).status_code == 403
        wrong = system.put("/dossiers/D-1", json={"parcels": "x", "more": 1})
        assert wrong.status_code == 422 and {error["field"] for error in wrong.json()["errors"]} == {"parcels", "more"}


def test_a_survey_file_is_sent_with_the_question(place: Place, callers: Callers) -> None:
    file = json.dumps(geojson(box(15, 0, 20, 20)))
    place.register("D-1", surveys=(hashlib.sha256(file.encode()).hexdigest(),))
    with callers.client("reviewer") as reviewer:
        made = reviewer.post("/checks", json=asked_body(subject={"survey": file}, dossier="D-1"))
    assert made.status_code == 201
    found = next(one for one in made.json()["findings"] if one["check"] == "waste_distance")
    assert found["outcome"] == "clear"


def test_the_page_of_a_check_says_why_and_the_form_asks_for_the_dossier(place: Place, callers: Callers) -> None:
    with callers.client("reviewer") as reviewer, callers.client("officer") as officer:
        made = reviewer.post("/checks", json=asked_body())
        page = reviewer.get(made.headers["location"], headers={"accept": "text/html", "accept-language": "vi"})
        assert "nêu mã hồ sơ đã đăng ký" in page.text
        forms = [client.get("/check", headers={"accept": "text/html"}).text for client in (reviewer, officer)]
    assert ['id="purpose"' in form for form in forms] == [True, False]
    assert ["note refer" in form.split("</noscript>")[1] for form in forms] == [True, False]
