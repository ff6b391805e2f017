"""Events over HTTP: bytes and counts, nothing of what was asked, sealed by the server, and no data without them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from psycopg.rows import dict_row

import ogc.common.accesses
from layers.profile.texts import policy_text
from tests.security.worlds.asking import Asked, running
from tests.support.ledger import Ledger
from tests.support.shared_layers import Service, profile, service

OwnService = Callable[..., AbstractContextManager[Service]]
TILE = "/collections/zone/tiles/WebMercatorQuad/16/30747/52200"
TRIES = 2_000


def _events(url: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM access.event ORDER BY id").fetchall()


def test_a_read_says_how_much_left_and_hides_what_was_asked(own_service: OwnService) -> None:
    with own_service() as running:
        for _ in range(2):
            body = running.officer.json("/collections/parcel/items?ten_chu=CHUSOHUU0003&limit=5")
        running.officer.get("/collections/parcel/items?ten_chu=CHUSOHUU0004")
        running.public.get("/collections/eyJhbGciOi.token.x/items")
        events = _events(running.url)
    first, second, third, unknown = events
    assert (first["features"], first["bytes"] > 100, first["phase"]) == (len(body["features"]), True, "whole")
    assert first["request"] == second["request"] != third["request"]
    assert unknown["layer"] is None
    assert "CHUSOHUU" not in str(events) and "eyJ" not in str(events)


def test_a_check_for_a_purpose_that_was_not_given_leaves_a_refusal(own_service: OwnService) -> None:
    body = {"procedure": "p", "subject": {"fid": "1"}, "purpose": "espionage", "dossier": "D1"}
    with own_service() as running:
        assert running.reviewer.http.post("/checks", json=body).status_code == 403
        (event,) = _events(running.url)
    told = [event[name] for name in ("principal", "action", "decision", "reason", "dossier", "purpose")]
    assert told == ["reviewer", "check", "deny", "purpose", "D1", None]


def test_the_server_seals_and_has_it_witnessed_when_it_ends(own_service: OwnService, tmp_path: Path) -> None:
    with own_service() as running:
        running.officer.get("/collections/zone/items")
        running.public.get(TILE)
        url = running.url
    found = Ledger(url, tmp_path).verify()
    assert (found.sealed, found.unsealed, found.witnessed >= 1, found.is_sound) == (2, 0, True, True)


def test_whatever_ends_the_service_what_was_counted_is_written_and_sealed(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url = clone(filled_template)

    async def ended() -> None:
        async with running(url, tmp_path, ["public"]) as world:
            assert (await world.ask(Asked(TILE, TILE))).status == 200
            raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        anyio.run(ended)
    found = Ledger(url, tmp_path).verify()
    assert [event["action"] for event in _events(url)] == ["tile"]
    assert (found.sealed, found.witnessed >= 1) == (1, True)


def test_tiles_stop_while_their_counts_cannot_be_written_and_come_back(
    own_service: OwnService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same of items at once: their event goes with the rows."""
    monkeypatch.setattr(ogc.common.accesses, "FLUSH_EVERY_S", 0.01)
    with own_service() as running:
        assert running.public.get(TILE).status_code == 200
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute("ALTER TABLE access.event ADD CONSTRAINT full_disk CHECK (principal = '') NOT VALID")
            assert running.public.get("/collections/zone/items").status_code >= 500
            assert 503 in (running.public.get(TILE).status_code for _ in range(TRIES))
            assert running.public.get(TILE).status_code == 503
            connection.execute("ALTER TABLE access.event DROP CONSTRAINT full_disk")
        assert 200 in (running.public.get(TILE).status_code for _ in range(TRIES))
        served = running.public.get(TILE).status_code
    counted = sum(event["accesses"] for event in _events(running.url) if event["action"] == "tile")
    assert served == 200 and counted >= 3


def _limit(url: str, **rates: str) -> None:
    """Give these grants of the policy a rate."""
    grants = (grant.model_copy(update={"rate": rates.get(grant.id)}) for grant in profile().grants)
    made = policy_text(tuple(grants))
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO catalogue.text (digest, kind, body) VALUES (%s, 'policy', %s)", (made.digest, made.body)
        )
        connection.execute("UPDATE access.policy SET digest = %s", (made.digest,))


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_grant_used_too_often_is_429_until_it_has_refilled(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    clock, url = Clock(), clone(filled_template)
    _limit(url, officer_parcel="3/min")
    with service(url, tmp_path, clock=clock) as running:
        path = "/collections/parcel/items?limit=1"
        assert [running.officer.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = running.officer.get(path, headers={"Accept-Language": "vi"})
        problem = refused.json()
        assert (refused.headers["retry-after"], refused.headers["content-type"]) == ("20", "application/problem+json")
        assert (problem["code"], problem["retry_after_s"]) == ("rate", 20)
        assert "20 giây" in problem["detail"] and "20 seconds" in problem["detail_en"]
        assert running.reviewer.get(path).status_code == 200
        assert running.officer.get("/collections/zone/items").status_code == 200
        clock.now += timedelta(seconds=20)
        assert [running.officer.get(path).status_code for _ in range(2)] == [200, 429]
    refusals = [event for event in _events(url) if event["reason"] == "rate"]
    assert [(event["decision"], event["accesses"], event["principal"]) for event in refusals] == [
        ("deny", 3, "officer")
    ]


BOXES = (
    "/collections/zone",
    "/collections/line",
    "/collections/zone/tiles/WebMercatorQuad",
    "/collections/zone/tiles/WebMercatorQuad/tilejson",
    "/collections/zone/styles/default",
    "/tiles/WebMercatorQuad?collections=zone,line",
    "/tiles/WebMercatorQuad/tilejson?collections=zone",
)


def test_every_box_of_a_relation_leaves_its_event_under_the_action_it_is_read_by(own_service: OwnService) -> None:
    with own_service() as running:
        answers = [running.public.get(path) for path in BOXES]
    assert [answer.status_code for answer in answers] == [200] * len(BOXES)
    told = {(event["layer"], event["action"]): event["accesses"] for event in _events(running.url)}
    assert told == {("zone", "items"): 1, ("line", "tile"): 2, ("zone", "tile"): 5}


def test_the_list_of_layers_tells_its_boxes_again_when_it_is_kept_or_known(own_service: OwnService) -> None:
    with own_service() as running:
        etag = running.public.get("/collections").headers["etag"]
        assert running.public.get("/collections").status_code == 200
        assert running.public.get("/collections", headers={"If-None-Match": etag}).status_code == 304
        assert running.public.get("/collections?f=html").status_code == 200
    told = {(event["layer"], event["action"]): event["accesses"] for event in _events(running.url)}
    assert told[("zone", "items")] == told[("line", "tile")] == 4
    assert ("parcel", "items") not in told


def test_a_box_of_an_earlier_instant_uses_the_grant(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    clock, url = Clock(), clone(filled_template)
    _limit(url, officer_parcel="2/min")
    with service(url, tmp_path, clock=clock) as running:
        then = f"/collections/parcel?as-of={clock.now:%Y-%m-%dT%H:%M:%SZ}"
        assert [running.officer.get(then).status_code for _ in range(3)] == [200, 200, 429]
        assert running.officer.get("/collections/parcel").status_code == 200
        assert running.officer.get("/collections/parcel/items").status_code == 429
    told = {(event["decision"], event["reason"]): event["accesses"] for event in _events(url)}
    assert told == {("allow", "granted"): 3, ("deny", "rate"): 2}


def test_looking_parcels_up_uses_the_grants_of_the_parcel_layer_and_names_them(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url = clone(filled_template)
    _limit(url, officer_parcel="2/min")
    with service(url, tmp_path, clock=Clock()) as running:
        path = "/parcels?point=106.6,11.0"
        assert [running.officer.get(path).status_code for _ in range(3)] == [200, 200, 429]
        assert running.officer.get("/collections/parcel/items?limit=1").status_code == 429
    found = [event for event in _events(url) if event["principal"] == "officer" and event["reason"] != "rate"]
    assert [(event["layer"], "officer_parcel" in event["grants"]) for event in found] == [("parcel", True)] * 2
