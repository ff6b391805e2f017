"""A sorted list walks every row once, in one order, whatever the page size; nothing hidden orders it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from layers.access.decide import Decision, sortables
from layers.access.principal import Principal
from layers.errors import InvalidRequestError
from layers.filters import parse_text
from layers.profile.grammar import LayerDefinition
from layers.store import features
from layers.store.connection import Connection
from layers.store.features import ItemsQuery
from layers.store.sorting import Sort
from tests.support.layers import STORAGE_SRID, Layer, decision, grant
from tests.support.sites import SITE, rows

pytestmark = pytest.mark.anyio

LAND = rows()
NAMES = ("xa", "so", "dt", "ten", "co", "ngay", "gia")


def _sortable(definition: LayerDefinition) -> LayerDefinition:
    attributes = [a.model_copy(update={"sortable": a.name in NAMES}) for a in definition.attributes]
    return definition.model_copy(update={"attributes": tuple(attributes)})


LAYER = Layer(_sortable(SITE), revision=2)
READ: dict[str, Callable[[Any], Any]] = {"ngay": date.fromisoformat}


def decided(*more: Any, **options: Any) -> Decision:
    return decision(LAYER.definition, grant("public", "site"), *more, **options)


async def walk(connection: Connection, sort: Sort, limit: int, **asked: Any) -> list[int]:
    """All fids, page by page, with the cursor as the service carries it: JSON. On the way back the same pages come."""
    pages: list[list[int]] = []
    query = ItemsQuery(limit=limit, sort=sort, **asked)
    while True:
        page = await features.page(connection, LAYER, STORAGE_SRID, decided(), query)
        pages.append([json.loads(feature)["id"] for feature in page.features])
        if page.last is None:
            break
        query = ItemsQuery(limit=limit, sort=sort, **_at(page.last, sort), **asked)
    if len(pages) > 1:
        assert await walk_back(connection, sort, limit, page.first, **asked) == pages[-2::-1]
    return [fid for page in pages for fid in page]


async def walk_back(
    connection: Connection, sort: Sort, limit: int, first: features.Place | None, **asked: Any
) -> list[list[int]]:
    """The pages before a place, the nearest first."""
    found = []
    while first is not None:
        query = ItemsQuery(limit=limit, sort=sort, is_backward=True, **_at(first, sort), **asked)
        page = await features.page(connection, LAYER, STORAGE_SRID, decided(), query)
        found.append([json.loads(feature)["id"] for feature in page.features])
        first = page.first
    return found


def _at(place: features.Place, sort: Sort) -> dict[str, Any]:
    value = json.loads(place.value or b"null")
    read = READ.get(sort.name, lambda same: same)
    return {"after": place.fid, "after_value": read(value) if value is not None else None}


def expected(sort: Sort, keep: Callable[[dict[str, Any]], bool] = lambda row: True) -> list[int]:
    kept = [row for row in LAND if keep(row)]
    valued = [(row[sort.name], row["fid"]) for row in kept if row[sort.name] is not None]
    valueless = [row["fid"] for row in kept if row[sort.name] is None]
    back = sort.is_descending
    return [fid for _, fid in sorted(valued, reverse=back)] + sorted(valueless, reverse=back)


@pytest.mark.parametrize("is_descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("name", ["so", "dt", "co", "ngay", "xa", "ten"])
async def test_a_walk_gives_every_row_once_in_order_and_those_without_a_value_last(
    connection: Connection, name: str, is_descending: bool
) -> None:
    sort = Sort(name, is_descending)
    assert await walk(connection, sort, 97) == expected(sort)


async def test_pages_of_any_size_make_the_same_walk(connection: Connection) -> None:
    sort = Sort("co", is_descending=True)
    valueless = sum(row["co"] is None for row in LAND)
    for limit in (len(LAND) - valueless, len(LAND) - valueless - 1, len(LAND), 1000):
        assert await walk(connection, sort, limit) == expected(sort)


async def test_a_filter_and_a_choice_of_columns_leave_the_order(connection: Connection) -> None:
    sort = Sort("so")
    filtered = parse_text("ten LIKE '%i%' AND dt > 10")
    found = await walk(connection, sort, 50, filter=filtered, properties=("ma",), has_geometry=False)
    assert found == expected(sort, lambda row: bool(row["ten"] and "i" in row["ten"] and (row["dt"] or 0) > 10))


async def test_what_some_row_hides_or_nobody_has_cannot_be_sorted_by(connection: Connection) -> None:
    reviewer = Principal("anna", frozenset({"reviewer"}))
    partly = grant("prices", "site", to={"role": "reviewer"}, rows="so < 10", columns={"names": ["gia"]})
    told = []
    for name in ("gia", "chu", "khong_co"):
        for seen in (decided(), decided(partly, principal=reviewer)):
            assert name not in sortables(LAYER.definition, seen)
            with pytest.raises(InvalidRequestError) as caught:
                await features.page(connection, LAYER, STORAGE_SRID, seen, ItemsQuery(sort=Sort(name)))
            told.append(str(caught.value).replace(name, "X"))
    assert len(set(told)) == 1
