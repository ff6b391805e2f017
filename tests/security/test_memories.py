"""What a process remembers (decisions, figures, statements, tokens, its catalogue) never shows in an answer: a process
that has answered everybody for a while answers as one that has just begun, also after the policy and the data moved.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from layers.access.grammar import Grant
from tests.security.worlds.asking import Answer, Asked, World, running
from tests.security.worlds.comparing import differences
from tests.security.worlds.content import revisions, worlds_profile
from tests.security.worlds.drawing import Drawing, drawing_of
from tests.security.worlds.forgetting import forget_all
from tests.security.worlds.sight import IDENTITIES
from tests.security.worlds.vocabulary import Vocabulary
from tests.support.policies import altered, put, with_fields
from tests.support.published import Publisher

pytestmark = [pytest.mark.xdist_group("two_worlds"), pytest.mark.anyio]

REQUESTS, CHECKS = 80, 15
Policy = Callable[[tuple[Grant, ...]], tuple[Grant, ...]]

#: what happens between one round of questions and the next
POLICIES: tuple[Policy, ...] = (
    lambda grants: grants,
    lambda grants: altered(grants, "parcel_for_all", with_fields(rows="ma_xa = '25750'", geometry="centroid")),
    lambda grants: tuple(grant for grant in grants if grant.id not in ("parcel_review", "lines_on_maps")),
    lambda grants: grants,
)  # fmt: skip


async def test_a_process_that_has_answered_everybody_answers_like_a_fresh_one(
    first_world: str, words: Vocabulary, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url, told = clone(first_world), []
    async with running(url, tmp_path, IDENTITIES) as old:
        drawing = await drawing_of([old], words, 41, IDENTITIES)
        seeded = (await old.app.state.catalogue.current()).grants
        for number, policy in enumerate(POLICIES):
            await _move_on(old, url, policy(seeded), edition=number)
            asked = [each for each in _drawn(drawing) if each.method in ("GET", "HEAD")]
            warm = [await _asked_twice(old, drawing, each) for each in asked]
            for place, each in enumerate(asked):
                if each.route.startswith("/verify"):  # a sheet asked for since may have been given this very code
                    warm[place] = await old.ask(each)
            checks = [_check(drawing) for _ in range(CHECKS)]
            checked = [_but_its_name(await _asked_twice(old, drawing, each)) for each in checks]
            forget_all()
            async with running(url, tmp_path, IDENTITIES, first_id=10_000 * (number + 1)) as fresh:
                for each, answer in zip(reversed(asked), reversed(warm), strict=True):
                    found = differences(each, answer, await fresh.ask(each))
                    told += [f"round {number}: {each}\n  {what}" for what in found]
                for each, content in zip(reversed(checks), reversed(checked), strict=True):
                    again = _but_its_name(await fresh.ask(each))
                    told += [] if again == content else [f"round {number}: {each}"]
    assert told == []


def _check(drawing: Drawing) -> Asked:
    """Without a dossier: answers under one are counted."""
    media_type, body = drawing.check()
    sent = {name: value for name, value in json.loads(body).items() if name != "dossier"}
    who = drawing.texts.any_of(IDENTITIES)
    return Asked(
        "/checks", "/checks", who, "POST", headers={"content-type": media_type}, body=json.dumps(sent).encode()
    )


def _but_its_name(answer: Answer) -> tuple[int, Any]:
    """What was found, without the id of the record and what is made from it."""
    content = answer.json()
    if answer.status == 201:
        del content["id"], content["evidence"]["record"], content["evidence"]["digest"]
    return answer.status, content


def _drawn(drawing: Drawing) -> list[Asked]:
    """Questions of all callers, one after the other; those about the process itself are not compared."""
    drawn = [drawing.draw() for _ in range(REQUESTS)]
    return [asked for asked in drawn if asked.route not in ("/metrics", "/access/layers/{layerId}/events")]


async def _asked_twice(world: World, drawing: Drawing, asked: Asked) -> Answer:
    """The second answer may come from what the first left behind."""
    drawing.memory.note(asked, await world.ask(asked))
    return await world.ask(asked)


async def _move_on(world: World, url: str, grants: tuple[Grant, ...], edition: int) -> None:
    """A new policy and new revisions; this process is told as every other is, and looks again at the next request."""
    if edition:
        await put(world.app.state.database, grants)
        await anyio.to_thread.run_sync(_publish, url, edition)
    world.app.state.catalogue.forget()


def _publish(url: str, edition: int) -> None:
    publisher, contents = Publisher(url, worlds_profile()), revisions()
    for layer in ("plan", "quiet", "parcel"):
        rows = contents[layer][edition % len(contents[layer])]
        publisher.publish(layer, rows[edition:])
