"""Kept tiles through the service: right after every change without purging, gone from the disk when taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import mapbox_vector_tile
import psycopg
import pytest
import shapely

from layers.access.grammar import Grant
from layers.access.principal import operator
from layers.publishing import revisions
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from layers.tiling.eviction import files_below
from ogc.tiles.matrix_sets import place
from tests.support import policies
from tests.support.layers import insert, to_wgs84
from tests.support.server import Server
from tests.support.shared_layers import ORIGIN, Caller, Service, new_revision, profile, service, square

PATIENCE_S, ASK_AGAIN_S = 15, 1


@pytest.fixture(scope="module")
def running(filled_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all: each test keeps what it looks at itself, and leaves the layers served."""
    with server.copied(filled_template) as url, service(url, tmp_path_factory.mktemp("tiles")) as made:
        yield made


def address(layer: str = "zone", zoom: int = 14) -> str:
    longitude, latitude = to_wgs84(shapely.Point(ORIGIN[0] + 50, ORIGIN[1] + 50)).coords[0]
    column, row = place(longitude, latitude, zoom)
    return f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{column}"


def ids(answer: httpx.Response) -> set[int]:
    assert answer.status_code in (200, 204), answer.text
    layers = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    return {feature["id"] for layer in layers.values() for feature in layer["features"]}


def tiles_on_disk(running: Service, layer: str) -> list[Path]:
    return [path for path in files_below(running.secrets.parent / "cache" / "tiles" / layer) if path.suffix == ".tile"]


def until(running: Service, holds: Callable[[], bool]) -> None:
    """What another task of the service does, soon."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        running.public.get("/healthz")


def kept(running: Service, caller: Caller, layer: str = "zone") -> httpx.Response:
    """A tile that lies on the disk by now; the same bytes, drawn or kept."""
    drawn = caller.get(address(layer))

    asked = time.monotonic()

    def lies_there() -> bool:
        """One is kept at a time: what is drawn while another is being kept is not, and has to be asked for again."""
        nonlocal asked
        if tiles_on_disk(running, layer):
            return True
        if time.monotonic() - asked > ASK_AGAIN_S:
            asked = time.monotonic()
            assert caller.get(address(layer)).content == drawn.content
        return False

    until(running, lies_there)
    again = caller.get(address(layer))
    assert again.content == drawn.content and again.headers["etag"] == drawn.headers["etag"]
    assert set(again.headers) == set(drawn.headers)
    return drawn


def rows_change(running: Service, statement: str, *, is_told: bool = True) -> int:
    """A revision of `zone` that somebody else made."""
    with psycopg.connect(running.url) as connection:
        made = new_revision(connection, "zone", is_told=is_told)
        connection.execute(statement, {"revision": made})  # type: ignore[call-overload]
    return made


CLOSE = "UPDATE data.zone SET until = %(revision)s WHERE fid = 3 AND until IS NULL"
REOPEN = "UPDATE data.zone SET until = NULL WHERE fid = 3"


def test_a_kept_tile_is_read_and_not_drawn(running: Service) -> None:
    drawn = kept(running, running.public)
    plain = running.public.get(address(), headers={"accept-encoding": "identity"})
    assert plain.content == drawn.content and "content-encoding" not in plain.headers
    with psycopg.connect(running.url, autocommit=True) as connection:  # nobody tells the service
        connection.execute("UPDATE data.zone SET until = 1 WHERE fid = 1 AND until IS NULL")
        assert running.public.get(address()).content == drawn.content
        connection.execute("UPDATE data.zone SET until = NULL WHERE fid = 1")


def test_after_a_publication_the_new_rows_are_shown(running: Service) -> None:
    before = kept(running, running.public)
    with psycopg.connect(running.url) as connection:
        made = new_revision(connection, "zone")
        layer = next(each for each in profile().layers if each.id == "zone")
        insert(connection, layer, [{"fid": 9, "ma": "V9", "geom": square(3, 3, 30)}], since=made)
    until(running, lambda: 9 in ids(running.public.get(address())))
    assert running.public.get(address()).headers["etag"] != before.headers["etag"]
    until(running, lambda: all(f"/{made}/" in str(path) for path in tiles_on_disk(running, "zone")))


def test_after_an_edit_the_row_is_shown_as_it_is(running: Service) -> None:
    assert 3 in ids(kept(running, running.public))
    rows_change(running, CLOSE)
    until(running, lambda: 3 not in ids(running.public.get(address())))
    rows_change(running, REOPEN)
    until(running, lambda: 3 in ids(running.public.get(address())))


def test_what_lands_before_it_is_told_is_kept_under_no_name(running: Service) -> None:
    made = rows_change(running, CLOSE, is_told=False)
    assert 3 not in ids(running.public.get(address(zoom=13)))
    kept(running, running.public, "line")  # by the one who keeps: the other had its turn
    assert not [path for path in tiles_on_disk(running, "zone") if path.parent.name == "13"]
    assert rows_change(running, REOPEN) == made + 1
    until(running, lambda: 3 in ids(running.public.get(address(zoom=13))))


def test_a_suspended_layer_is_not_served_from_the_disk(running: Service) -> None:
    kept(running, running.public)
    _change(running, revisions.suspend, reason="nhầm")
    until(running, lambda: running.public.get(address()).status_code == 503)
    until(running, lambda: not tiles_on_disk(running, "zone"))
    _change(running, revisions.resume)
    until(running, lambda: running.public.get(address()).status_code == 200)  # the server hears of it a moment later
    assert {1, 2, 3} <= ids(running.public.get(address()))


def test_a_withdrawn_layer_leaves_the_disk_and_the_others_stay(running: Service) -> None:
    kept(running, running.public, "line")
    kept(running, running.public)
    made = _change(running, revisions.withdraw, reason="có tên chủ")["revision"]
    until(running, lambda: running.public.get(address()).status_code == 404)
    until(running, lambda: not tiles_on_disk(running, "zone"))
    assert tiles_on_disk(running, "line")
    with psycopg.connect(running.url) as connection:
        connection.execute("UPDATE data.zone SET until = NULL WHERE until = %s", (made,))
        new_revision(connection, "zone")
    until(running, lambda: running.public.get(address()).status_code == 200)


def test_a_new_policy_shows_no_kept_tile_of_the_old_one(running: Service) -> None:
    assert {1, 2, 3} <= ids(kept(running, running.public))
    grants = [grant for grant in profile().grants if grant.id != "open_to_all"]
    narrow = {"id": "open_to_all", "to": {"anyone": True}, "layer": "zone", "actions": ["tile"], "rows": "cap = 1"}
    _apply(running, (*grants, Grant.model_validate(narrow)))
    until(running, lambda: ids(running.public.get(address())) == {1})
    _apply(running, profile().grants)
    until(running, lambda: {1, 2, 3} <= ids(running.public.get(address())))


def test_what_hangs_on_claims_is_kept_nowhere(running: Service) -> None:
    for _ in range(2):
        asked = running.reviewer.get(address("parcel"), headers={"Lienthong-Purpose": "construction_permit"})
        assert asked.headers["cache-control"] == "private, no-store" and "etag" not in asked.headers
    kept(running, running.public, "line")
    assert not tiles_on_disk(running, "parcel")


def test_each_tile_is_counted_whether_drawn_kept_or_known(own_service: Callable[..., Any]) -> None:
    with own_service() as running:
        drawn = kept(running, running.public)  # two
        etag = {"if-none-match": drawn.headers["etag"]}
        assert running.public.get(address(), headers=etag).status_code == 304
        head = running.public.http.head(address())
        assert head.status_code == 200 and not head.content and head.headers["etag"] == drawn.headers["etag"]
        url = running.url
    with psycopg.connect(url) as connection:
        counted = "SELECT sum(accesses) FROM access.event WHERE action = 'tile' AND layer = 'zone'"
        assert connection.execute(counted).fetchone() == (4,)


def _apply(running: Service, grants: tuple[Grant, ...]) -> None:
    async def run() -> None:
        async with Database.open(running.url, size=2) as database:
            await policies.put(database, grants)

    anyio.run(run)


def _change(running: Service, change: Callable[..., Any], **more: Any) -> Any:
    async def run() -> Any:
        async with Database.open(running.url, size=2) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
            return await change(database, catalogue, "zone", principal=operator("test"), **more)

    return anyio.run(run)
