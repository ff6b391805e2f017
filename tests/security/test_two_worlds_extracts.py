"""Extracts in two worlds: every form of every check, its verification and its signed copy, alike to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.security.test_two_worlds import second_world, two_services
from tests.security.worlds.asking import Asked, World, code_number
from tests.security.worlds.comparing import differences
from tests.security.worlds.papers import PDF
from tests.security.worlds.sight import Audience
from tests.security.worlds.vocabulary import Vocabulary
from tests.support import signing

pytestmark = [pytest.mark.xdist_group("two_worlds"), pytest.mark.anyio]

Clone = Callable[[str], str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("papers")


class Pair:
    """Two worlds that are asked the same by one caller."""

    def __init__(self, one: World, other: World, who: str) -> None:
        self.one, self.other, self.who = one, other, who

    async def alike(self, asked: Asked) -> tuple[int, bytes]:
        first, second = await self.one.ask(asked), await self.other.ask(asked)
        assert differences(asked, first, second) == [], asked
        for world in (self.one, self.other):
            world.clock.advance(1)
        return first.status, first.body

    async def get(self, path: str, identity: str | None = None, **headers: str) -> tuple[int, bytes]:
        return await self.alike(Asked(path, path, identity or self.who, headers=headers))

    async def put(self, path: str, body: bytes) -> tuple[int, bytes]:
        return await self.alike(Asked(path, path, self.who, "PUT", (), {"content-type": PDF}, body))


async def checked(pair: Pair, subject: Mapping[str, Any]) -> str | None:
    """The id of a check; None where the caller may not have the subject checked."""
    inputs = {"target_use": "ODT", "target_area_m2": 50}
    body = {"procedure": "land_use_change", "subject": subject, "inputs": inputs}
    headers = {"content-type": "application/json"}
    asked = Asked("/checks", "/checks", pair.who, "POST", (), headers, json.dumps(body).encode())
    status, made = await pair.alike(asked)
    return str(json.loads(made)["id"]) if status == 201 else None


def square(longitude: float, latitude: float, half: float = 0.0003) -> dict[str, Any]:
    west, east, south, north = longitude - half, longitude + half, latitude - half, latitude + half
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


@pytest.mark.parametrize("who", ["reviewer", "clerk", pytest.param("public", marks=pytest.mark.long)])
async def test_no_form_of_an_extract_tells_two_worlds_apart(
    first_world: str, words: Vocabulary, data: Path, clone: Clone, who: str
) -> None:
    urls = (clone(first_world), second_world(clone(first_world), Audience((who,)), 41))
    office = signing.pkcs12_of()
    async with two_services(urls, data) as (one, other):
        pair = Pair(one, other, who)
        for place in words.parcels.places[:12]:
            shape = {"geometry": square(*place)} if who == "public" else {"parcel": f"point:{place[0]},{place[1]}"}
            check = await checked(pair, shape)
            if check is not None:
                await compare_every_form(pair, check, code_number(1), office)
                return
    pytest.fail("nothing of the twelve could be checked")


async def compare_every_form(pair: Pair, check: str, code: str, office: bytes) -> None:
    status, paper = await pair.get(f"/checks/{check}.pdf")
    assert status == 200 and paper.startswith(b"%PDF") and (await pair.get(f"/checks/{check}.pdf"))[1] == paper
    for ending in ("docx", "txt"):
        assert (await pair.get(f"/checks/{check}.{ending}"))[0] == 200
    for identity in (pair.who, "public"):
        _, told = await pair.get(f"/verify/{code}", identity)
        assert json.loads(told)["known"] and (await pair.get(f"/verify/{code}", identity, accept="text/html"))[0] == 200
    status, _ = await pair.put(f"/checks/{check}/signed", signing.signed_by(paper, office))
    assert status == (403 if pair.who == "public" else 201)
    await pair.get(f"/checks/{check}/signed")
