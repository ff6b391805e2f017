"""The small place behind a service that seals: one database for the tests that only read and add."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from ogc.app import create_app
from ogc.auth import make_token
from ogc.common.pace import Pace
from ogc.settings import Settings
from tests.support import signing
from tests.support.checked import INPUTS, PARCEL, Place, corridor, fill
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve

#: an office whose certificate the operator trusts
KNOWN_OFFICE = signing.pkcs12_of("Sở Nông nghiệp và Môi trường (thử)")
NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A running service with the place behind it."""

    base: str
    settings: Settings
    place: Place

    def client(self, identity: str | None = "officer") -> httpx.Client:
        token = make_token(self.settings.secrets_folder, identity) if identity else ""
        headers = {"Authorization": f"Bearer {token}"} if identity else {}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60)

    def checked(self, identity: str = "officer", **more: object) -> str:
        """The id of a check that was made just now."""
        body = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS), **more}
        with self.client(identity) as client:
            made = client.post("/checks", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def checks_in(self, text: str) -> list[str]:
        """The ids of checks that a text tells."""
        with psycopg.connect(self.place.url) as connection:
            known = [str(name) for (name,) in connection.execute("SELECT id FROM checks.record").fetchall()]
        return [name for name in known if name in text]


async def _at_once(_when: float) -> None:
    """The ticks of guarded answers are tested elsewhere."""


def desk_at(place: Place, folder: Path, clock: Callable[[], datetime] = lambda: NOW) -> Iterator[Desk]:
    roots = folder / "offices.pem"
    roots.write_bytes(signing.pem_of(KNOWN_OFFICE))
    settings = Settings(data=folder, database_url=place.url, office_roots=roots)
    app = create_app(settings, demo=True, clock=clock, pace=Pace(clock=lambda: 0.0, sleep_until=_at_once))
    with serve(app) as base:
        yield Desk(base, settings, place)


@pytest.fixture(scope="module")
def desk(
    make_template: Callable[[str, Callable[[str], None]], str], server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    with server.copied(make_template("checked", fill)) as url:
        place = Place.at(url)
        place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
        with psycopg.connect(url) as connection:  # all of it was there by the time of the service's clock
            connection.execute("UPDATE catalogue.revision SET created = %s", (NOW - timedelta(days=1),))
        yield from desk_at(place, tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def check(desk: Desk) -> str:
    return desk.checked()


@pytest.fixture(scope="module")
def sealed(desk: Desk, check: str) -> bytes:
    """The extract of that check, in Vietnamese."""
    with desk.client() as client:
        response = client.get(f"/checks/{check}.pdf")
    assert response.status_code == 200, response.text
    return response.content
