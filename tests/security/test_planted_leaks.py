"""The two worlds have teeth: a leak that is put back into the product is found by drawn requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from layers.checking import reading, telling
from layers.store import relation_sql
from ogc.common.relation import Relation
from ogc.web import cards
from tests.security.worlds.asking import running
from tests.security.worlds.comparing import differences
from tests.security.worlds.differences import Differences
from tests.security.worlds.drawing import drawing_of
from tests.security.worlds.forgetting import forget_all
from tests.security.worlds.sight import IDENTITIES, Audience
from tests.security.worlds.vocabulary import Vocabulary

pytestmark = [pytest.mark.xdist_group("two_worlds"), pytest.mark.anyio, pytest.mark.long]

MOST = 8_000
Plant = Callable[[pytest.MonkeyPatch], None]


def _look_ups_by_hidden_columns(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(telling, "_may_compare", lambda *_: True)


def _exact_shapes_checked_for_everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "shows_shape", lambda *_: True)


def _revisions_of_quiet_layers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Relation, "tells_activity", property(lambda _: True))


def _ranks_of_exact_shapes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(relation_sql, "first_zoom", lambda table, *_: table.c.min_zoom)


def _releases_on_the_catalogue_page(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cards, "replace", lambda overview, **_: overview)


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Statements made while a leak is in place must not outlive it."""
    forget_all()
    yield monkeypatch
    monkeypatch.undo()
    forget_all()


#: the leak, and the routes it can show on where those are few: draws of others are passed over, not asked
@pytest.mark.parametrize(
    ("plant", "route"),
    [
        (_look_ups_by_hidden_columns, ""), (_exact_shapes_checked_for_everybody, ""), (_revisions_of_quiet_layers, ""),
        (_ranks_of_exact_shapes, "/tiles/"), (_releases_on_the_catalogue_page, ""),
    ],
)  # fmt: skip
async def test_a_leak_that_is_put_back_is_found(
    first_world: str, words: Vocabulary, clone: Callable[[str], str], tmp_path: Path, patch: pytest.MonkeyPatch,
    plant: Plant, route: str,
) -> None:  # fmt: skip
    who = ("public",)
    urls = (clone(first_world), clone(first_world))
    with psycopg.connect(urls[1]) as connection:
        Differences(connection, Audience(who), 78).make()
    plant(patch)
    async with running(urls[0], tmp_path, IDENTITIES) as one, running(urls[1], tmp_path, IDENTITIES) as other:
        drawing = await drawing_of((one, other), words, 78, who)
        found: Any = None
        drawn = (asked for asked in iter(drawing.draw, None) if route in asked.route)
        for asked in islice(drawn, MOST):
            first, second = await asyncio.gather(one.ask(asked), other.ask(asked))
            if found := differences(asked, first, second):
                break
            drawing.memory.note(asked, first)
    assert found
