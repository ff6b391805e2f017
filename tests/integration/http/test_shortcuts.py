"""What is asked most often is found without the frame's router: the answers are the same, to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ogc.app import create_app
from ogc.settings import Settings
from tests.support.serving import serve
from tests.support.shared_layers import Caller, Service

TILE = "/collections/zone/tiles/WebMercatorQuad"
ADDRESSES = (
    "/collections/parcel/items", "/collections/parcel/items?limit=3&f=json", "/collections/parcel/items?limit=0",
    "/collections/parcel/items?f=html", "/collections/parcel/items?f=csv", "/collections/parcel/items?nothing=1",
    "/collections/parcel/items?limit=1&limit=2", "/collections/nothing/items", "/collections/zone/items/1",
    "/collections/zone/items/nothing", "/collections/zone/items/1?f=html", "/collections/zone/items/%00",
    f"{TILE}/16/30747/52200", f"{TILE}/16/x/52200", "/collections/zone/tiles/other/16/30747/52200",
    "/tiles/WebMercatorQuad/16/30747/52200?collections=zone", "/tiles/WebMercatorQuad/16/0/0?collections=nothing",
    f"{TILE}/tilejson", "/tiles/WebMercatorQuad/tilejson", "/collections/zone/items/", "/collections//items",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}, {"Accept": "text/html"}, {"Accept": "image/png"},
    {"Accept-Language": "en", "If-None-Match": "*"}, {"X-Forwarded-Prefix": "/gis"}, {"Authorization": "Bearer x"},
)  # fmt: skip
#: both are asked at one address, since links and ETags name it
AT = {"X-Forwarded-Host": "localhost:8000"}
NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def both(reading: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """The addresses of a service with shortcuts and of one without, over one database and one folder of secrets."""
    folder = tmp_path_factory.mktemp("both")
    settings = Settings(data=folder, database_url=reading.url)

    def app(*, is_short: bool) -> Any:
        numbers = count()
        made = create_app(
            settings, demo=True, clock=lambda: NOON, new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012}"
        )
        if not is_short:
            made.state.shortcuts = ()
        return made

    with serve(app(is_short=True)) as short, serve(app(is_short=False)) as routed:
        yield short, routed, settings.secrets_folder


@pytest.mark.parametrize("who", [None, "officer", "reviewer"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_the_shortcut_answers_as_the_router_does(both: tuple[str, str, Path], who: str | None, method: str) -> None:
    short, routed, secrets = both
    callers = [Caller(base, secrets, who) for base in (short, routed)]
    statuses = set()
    for address in ADDRESSES:
        for headers in HEADERS:
            first, second = (_said(each, method, address, headers) for each in callers)
            assert first == second, (method, address, headers)
            statuses.add(first[0])
    assert len(statuses) > 2 or method in ("OPTIONS", "POST")
    for caller in callers:
        caller.http.close()


#: of checks: what is asked in the body, and what of it is wrong
BODIES: tuple[bytes, ...] = (
    b'{"procedure":"p","subject":{"fid":"1"},"inputs":{}}', b'{"procedure":"nothing","subject":{"fid":"1"}}',
    b'{"procedure":"p","subject":{"fid":"999999"}}', b"{}", b"[", b"", b"\xff", b" " * 16_000_001,
)  # fmt: skip


@pytest.mark.parametrize("who", [None, "officer", "reviewer"])
def test_a_check_is_answered_as_by_its_route(both: tuple[str, str, Path], who: str | None) -> None:
    short, routed, secrets = both
    callers = [Caller(base, secrets, who) for base in (short, routed)]
    places = ("/checks", "/checks?nothing=1", "/checks/", "/checks?f=html")
    senders: tuple[dict[str, str], ...] = (
        {}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Content-Type": "text/plain"},
        {"Accept": "text/html", "Accept-Language": "en"}, {"Content-Encoding": "gzip"}, {"Authorization": "Bearer x"},
    )  # fmt: skip
    statuses = set()
    for place in places:
        for headers in senders:
            for body in BODIES if place == "/checks" else BODIES[:1]:
                first, second = (_said(each, "POST", place, headers, body) for each in callers)
                assert first == second, (place, headers, body[:80])
                statuses.add(first[0])
    for caller in callers:
        caller.http.close()
    assert {400, 401, 403, 413} <= statuses and 500 not in statuses, statuses


def test_what_is_known_is_304_on_both_ways(both: tuple[str, str, Path]) -> None:
    short, routed, secrets = both
    for address in ("/collections/zone/items", f"{TILE}/16/30747/52200"):
        found = []
        for base in (short, routed):
            caller = Caller(base, secrets)
            etag = caller.get(address, headers=AT).headers["etag"]
            found.append(_said(caller, "GET", address, {"If-None-Match": etag}))
            caller.http.close()
        assert found[0] == found[1] and found[0][0] == 304


def _said(
    caller: Caller, method: str, address: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, bytes, object]:
    response = caller.http.request(method, address, headers={**AT, **headers}, content=body)
    said = sorted(pair for pair in response.headers.multi_items() if pair[0] != "date")
    return response.status_code, response.content, said
