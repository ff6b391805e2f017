"""Canaries in every hidden cell, row and shape: none is ever heard in an answer, a tile, a log or a file."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import mapbox_vector_tile
import psycopg
import pytest

from tests.security.worlds.asking import Answer, Asked, running
from tests.security.worlds.canaries import AWAY_M, FIRST_FID, SONG, plant, sung
from tests.security.worlds.comparing import untimed
from tests.security.worlds.content import worlds_profile
from tests.security.worlds.drawing import drawing_of
from tests.security.worlds.sight import IDENTITIES, Audience
from tests.security.worlds.vocabulary import Vocabulary
from tests.support.checked import geojson
from tests.support.published import box

pytestmark = [pytest.mark.xdist_group("two_worlds"), pytest.mark.anyio]

REQUESTS = 220


@pytest.mark.parametrize("who", [("public", "reviewer"), ("warden",), ("officer",), ("clerk",)], ids="+".join)
async def test_no_canary_is_heard_by_those_who_may_not_see_it(
    first_world: str, words: Vocabulary, clone: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], who: tuple[str, ...],
) -> None:  # fmt: skip
    url = clone(first_world)
    with psycopg.connect(url) as connection:
        plant(connection, Audience(who))
    files = tmp_path / "files"
    files.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(files))
    async with running(url, tmp_path / "data", IDENTITIES) as world:
        drawing = await drawing_of([world], words, 7, who)
        drawn = [*drawing.one_of_each(), *_at_the_hidden_place(who)]
        heard = []
        for number in range(REQUESTS + len(drawn)):
            asked = drawn[number] if number < len(drawn) else drawing.draw()
            answer = await world.ask(asked)
            drawing.memory.note(asked, answer)
            songs = _in_answer(answer, is_of_metrics=asked.route == "/metrics")
            heard += [f"{asked}: {song}" for song in songs]
        await world.flush()
    assert heard == []
    told = capfd.readouterr()
    assert sung(told.out.encode()) + sung(told.err.encode()) == []
    assert [str(path) for path in _files(files, tmp_path / "data") if sung(path.read_bytes())] == []
    assert _in_events(url) == []


async def test_the_canaries_are_there_for_those_who_may_see_them(
    first_world: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url = clone(first_world)
    with psycopg.connect(url) as connection:
        plant(connection, Audience(("public",)))
    async with running(url, tmp_path, IDENTITIES) as world:
        parcels = await world.ask(Asked("items", "/collections/parcel/items", "officer", query=(("limit", "500"),)))
        tiles = [await world.ask(asked) for asked in _at_the_hidden_place(("officer",)) if "/parcel/" in asked.path]
    assert SONG in parcels.body.decode() and str(FIRST_FID)[:10] in parcels.body.decode()
    assert any(tile.status == 200 and sung(tile.body) for tile in tiles)


def _in_answer(answer: Answer, *, is_of_metrics: bool) -> list[str]:
    """In the bytes, in the headers, and in the features of a tile, where ids are no text."""
    body = untimed(answer) if is_of_metrics else answer.unpacked
    found = sung(body) + sung(repr(answer.headers).encode())
    if "mapbox-vector-tile" in (answer.header("content-type") or "") and answer.unpacked:
        decoded = mapbox_vector_tile.decode(answer.unpacked)
        ids = [feature["id"] for layer in decoded.values() for feature in layer["features"]]
        found += [f"tile with {number}" for number in ids if 0 <= number - FIRST_FID < 10**6]
    return found


def _at_the_hidden_place(who: tuple[str, ...]) -> Iterator[Asked]:
    """Tiles, boxes and checks where only hidden shapes lie."""
    shape = geojson(box(AWAY_M + 20, 20, 500, 500))
    ring = shape["coordinates"][0][0]
    west, south = ring[0]
    for identity in who:
        for layer in worlds_profile().layers:
            items = f"/collections/{layer.id}/items"
            yield Asked("items", items, identity, query=(("bbox", "106.8,10.9,107.1,11.1"),))
            for zoom in (11, 14, 16):
                yield Asked(
                    "tile", f"/collections/{layer.id}/tiles/WebMercatorQuad/{_tile(zoom, west, south)}", identity
                )


def _tile(zoom: int, longitude: float, latitude: float) -> str:
    across = 2**zoom
    row = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * across)
    return f"{zoom}/{row}/{int((longitude + 180) / 360 * across)}"


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def _in_events(url: str) -> list[str]:
    """What the service wrote of these accesses: names and numbers of requests, no value of a row."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT to_jsonb(event)::text FROM access.event WHERE principal NOT LIKE %s", (f"{SONG}%",)
        ).fetchall()
    return [text for (text,) in rows if sung(text.encode())]
