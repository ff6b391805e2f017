"""Leaks that others have (access-policy 2.4, 2.6, 3.3) and those the two worlds found, each by its name, over HTTP."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from layers.publishing.content import fid_of
from tests.security.worlds.asking import Answer, Asked, World, running
from tests.security.worlds.content import worlds_profile
from tests.security.worlds.sight import IDENTITIES
from tests.security.worlds.vocabulary import Vocabulary
from tests.support.server import Server

pytestmark = [pytest.mark.xdist_group("two_worlds"), pytest.mark.anyio]
Clone = Callable[[str], str]
ITEMS = "/collections/parcel/items"


async def ask(world: World, path: str, identity: str = "public", /, **query: str) -> Answer:
    return await world.ask(Asked(path, path, identity, query=tuple(query.items())))


def said(answer: Answer, *names: str) -> tuple[int, bytes]:
    """The answer without the names that were asked for."""
    body = answer.body
    for name in names:
        body = body.replace(name.encode(), b"X")
    return answer.status, body


async def test_a_hidden_column_is_refused_in_the_words_of_one_that_is_not_there(
    first_world: str, clone: Clone, tmp_path: Path
) -> None:
    """Filter, order, selection, equality: whether it exists, and what it holds, shows nowhere."""
    names = ("ten_chu", "gia", "ghi_chu", "dien_tich_phap_ly", "khong_co")
    ways: tuple[Callable[[str], dict[str, str]], ...] = (
        lambda name: {"filter": f"{name} = 'x'"}, lambda name: {"filter": f"{name} IS NULL"},
        lambda name: {"filter": f"10 / ({name} - 0) > 1"}, lambda name: {"sortby": name},
        lambda name: {"properties": name}, lambda name: {name: "x"},
    )  # fmt: skip
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:
        for way in ways:
            answers = {said(await ask(world, ITEMS, **way(name)), name) for name in names}
            assert len(answers) == 1 and next(iter(answers))[0] == 400


async def test_a_hidden_row_a_hidden_layer_and_nothing_are_one_and_the_same_404(
    first_world: str, words: Vocabulary, clone: Clone, tmp_path: Path
) -> None:
    url = clone(first_world)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT fid FROM data.parcel WHERE ma_xa = '25753' LIMIT 1").fetchone()
        assert found is not None
    paths = [f"{ITEMS}/{found[0]}", f"{ITEMS}/17", f"{ITEMS}/abc", "/collections/khong_co/items/17",
             f"/collections/register/items/{words.layers['register'].fids[0]}", "/collections/hidden_place",
             "/collections/hidden_place/items", "/collections/hidden_place/tiles", "/collections/register",
             "/collections/inspection/queryables"]  # fmt: skip
    async with running(url, tmp_path, IDENTITIES) as world:
        answers = {(await ask(world, path)).status: (await ask(world, path)).body for path in paths}
        assert len({(await ask(world, path)).body for path in paths}) == 1
    assert list(answers) == [404]


async def test_a_secret_layer_is_named_nowhere(first_world: str, clone: Clone, tmp_path: Path) -> None:
    """Not to a grantee of its sharing level either; its owner does see it."""
    paths = ("/", "/collections", "/catalogue", "/map", "/map/style.json", "/check", "/access/policy", "/access/matrix")
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:
        told = [
            (who, path)
            for who in IDENTITIES
            for path in paths
            if "hidden_place" in (await ask(world, path, who)).body.decode()
        ]
    assert {who for who, _ in told} <= {"warden"} and ("warden", "/collections") in told


async def test_nobody_learns_when_a_quiet_layer_was_revised(first_world: str, clone: Clone, tmp_path: Path) -> None:
    """Its owner does."""
    quiet = "/collections/quiet/items"
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:
        refused = await ask(world, quiet, **{"as-of": "2026-08-15"})
        unknown = await ask(world, quiet, **{"as-xx": "2026-08-15"})
        assert said(refused, "as-of") == said(unknown, "as-xx") and refused.status == 400
        assert (await ask(world, quiet, "warden", **{"as-of": "2026-08-15"})).status == 200
        page = (await ask(world, quiet, limit="2")).json()
        cursor = next(link["href"] for link in page["links"] if link["rel"] == "next").split("after=")[1]
        assert (await ask(world, quiet, "warden", limit="2", after=cursor)).status == 400
        whole = await ask(world, quiet)
        etag = whole.header("etag") or ""
        again = Asked("items", quiet, headers={"if-none-match": etag})
        assert (await world.ask(again)).status == 304
        catalogue = (await ask(world, "/catalogue")).body.decode()
        owners = (await ask(world, "/catalogue", "warden")).body.decode()
    # of the quiet layer, and of the wet one, which is the warden's alone
    assert catalogue.count("03/08/2026") == owners.count("03/08/2026") - 2


async def test_a_parcel_is_found_only_by_what_the_finder_may_see(
    first_world: str, words: Vocabulary, clone: Clone, tmp_path: Path
) -> None:
    """By a code in a hidden column, or by the exact boundary of a shape shown on a grid: not by the public."""
    code, (longitude, latitude) = "W25747001", words.parcels.places[0]
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:

        async def found(identity: str, **by: str) -> int:
            return len((await ask(world, "/parcels", identity, **by)).json()["candidates"])

        number = {"commune": "25747", "sheet": "1", "parcel": "1"}
        assert [await found(who, code=code) for who in ("public", "reviewer", "clerk")] == [0, 1, 0]
        assert await found("public", **number) == 1
        point = f"{longitude},{latitude}"
        assert await found("officer", point=point) == 1 and await found("public", point=point) == 0


async def test_a_shape_that_is_shown_coarsely_is_not_measured_for_its_viewer(
    first_world: str, clone: Clone, tmp_path: Path
) -> None:
    body = json.dumps({
        "procedure": "construction_permit", "inputs": {},
        "subject": {"parcel": {"commune": {"code": "25747"}, "sheet": "1", "parcel": "1"}},
    }).encode()  # fmt: skip
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:
        asked = Asked("/checks", "/checks", "public", "POST", headers={"content-type": "application/json"}, body=body)
        refused, allowed = await world.ask(asked), await world.ask(replace(asked, identity="officer"))
    assert (refused.status, refused.json()["code"]) == (403, "forbidden")
    assert allowed.status == 201


async def test_the_codes_of_a_column_come_from_the_definition_not_from_rows(
    first_world: str, clone: Clone, tmp_path: Path
) -> None:
    url = clone(first_world)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE data.plan SET loai_dat = 'ODT'")
        connection.execute("UPDATE data.site SET hang = 'mot'")
    async with running(url, tmp_path, IDENTITIES) as world:
        plan = (await ask(world, "/collections/plan/queryables")).json()["properties"]
        site = (await ask(world, "/collections/site/schema")).json()["properties"]
    assert [entry["const"] for entry in plan["loai_dat"]["oneOf"]] == ["ODT", "CLN", "CQP"]
    assert site["hang"]["enum"] == ["mot", "hai", "ba"]


async def test_counts_and_extents_are_those_of_the_callers_rows(first_world: str, clone: Clone, tmp_path: Path) -> None:
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:
        matched = {who: (await ask(world, ITEMS, who, limit="1")).json()["numberMatched"] for who in IDENTITIES}
        boxes = {who: (await ask(world, "/collections/parcel", who)).json()["extent"] for who in ("public", "officer")}
    assert matched["public"] == 36 and matched["officer"] == 108 and matched["reviewer"] == 72
    east = {who: box["spatial"]["bbox"][0][2] for who, box in boxes.items()}
    assert east["public"] < east["officer"] - 0.005


async def test_how_busy_the_service_is_only_its_machine_is_told(first_world: str, clone: Clone, tmp_path: Path) -> None:
    async with running(clone(first_world), tmp_path, IDENTITIES) as world:
        own, other = Asked("/metrics", "/metrics"), Asked("/metrics", "/metrics", peer="192.0.2.7")
        proxied = Asked("/metrics", "/metrics", headers={"x-forwarded-for": "192.0.2.7"})
        assert [(await world.ask(each)).status for each in (own, other, proxied)] == [200, 404, 404]


async def test_a_fid_is_no_digest_of_a_key_that_anybody_could_compute(first_world: str, server: Server) -> None:
    """Else hidden keys could be tried against the fids that are shown."""
    with psycopg.connect(server.url(first_world)) as connection:
        rows = connection.execute("SELECT key, fid FROM data.site").fetchall()
        (stored,) = connection.execute("SELECT key FROM catalogue.fid_key").fetchone() or (b"",)
    identities = {fid: f"site\x000\x00{key}".encode() for key, fid in rows}
    assert not any(fid_of(identity) == fid for fid, identity in identities.items())
    assert all(fid_of(bytes(stored) + identity) == fid for fid, identity in identities.items())


async def test_the_log_of_one_layer_does_not_count_the_accesses_to_others(
    first_world: str, clone: Clone, tmp_path: Path
) -> None:
    """The numbers of events are given over all layers; an owner sees instants instead."""
    logs: list[Any] = []
    for others in (0, 25):
        async with running(clone(first_world), tmp_path, IDENTITIES) as world:
            for _ in range(others):
                await ask(world, "/collections/plan/items", "reviewer")
            await ask(world, ITEMS, "reviewer")
            logs.append((await ask(world, "/access/layers/parcel/events", "officer")).body)
    assert logs[0] == logs[1] and json.loads(logs[0])["events"]


def test_no_layer_of_the_profile_is_left_out_by_these_tests() -> None:
    """Every word of the grammar is used somewhere in the test profile."""
    profile = worlds_profile()
    layers, grants = profile.layers, profile.grants
    assert {layer.existence for layer in layers} == {"visible", "secret"}
    assert any(layer.hide_activity for layer in layers) and any(layer.discoverable for layer in layers)
    assert {grant.edge for grant in grants} == {"intersect", "within"}
    kinds = {grant.geometry if isinstance(grant.geometry, str) else "precision" for grant in grants}
    assert kinds == {"full", "centroid", "none", "precision"}
    tags = {attribute.tag for attribute in itertools.chain.from_iterable(layer.attributes for layer in layers)}
    assert tags == {"public", "internal", "personal", "commercial", None}
    assert any(grant.agreement for grant in grants) and any(grant.valid.until for grant in grants)
    named = [grant.to.model_dump(exclude_defaults=True).keys() for grant in grants]
    assert {key for keys in named for key in keys} == {"anyone", "role", "office", "identity"}
