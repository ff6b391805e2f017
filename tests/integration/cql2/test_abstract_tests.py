"""The predicates of CQL2's abstract tests and their expected counts, through the product: published, asked, counted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from layers.filters import check, parse_json, parse_text, to_json, to_text
from tests.conformance.claims import proves
from tests.support.natural_earth import SOURCES
from tests.support.shared_layers import Service

from .conftest import World

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("natural_earth")]
LAYERS = {source: layer for layer, source in SOURCES.items()}
#: the names of the queryables are ours
NAMES = {"geom": "geometry", "NAME": "name", "POP_EST": "pop_est"}


@pytest.fixture(scope="module")
def predicates(shared: Path) -> list[tuple[str, str, int]]:
    """Layer, predicate, expected count."""
    listed = json.loads((shared / "cql2" / "ats_counts.json").read_text(encoding="utf-8"))
    return [(LAYERS[source], _with_our_names(text), count) for _, source, text, count in listed]


def _with_our_names(text: str) -> str:
    return re.sub(r"\b(geom|NAME|POP_EST)\b", lambda found: NAMES[found.group()], text)


@proves(
    *(
        f"cql2/1.0/conf/{name}/test-data"
        for name in (
            "basic-cql2", "advanced-comparison-operators", "basic-spatial-functions", "basic-spatial-functions-plus",
            "spatial-functions", "temporal-functions",
        )
    )
)  # fmt: skip
def test_every_predicate_has_the_expected_count_as_text_and_as_json(
    world: World, predicates: list[tuple[str, str, int]]
) -> None:
    assert len(predicates) == 139
    wrong, shapes = [], world.written_in
    for layer, text, expected in predicates:
        found = world.count(layer, parse_text(text, written_in=shapes))
        as_json = json.dumps(to_json(parse_text(text)))
        again = world.count(layer, parse_json(json.loads(as_json), written_in=shapes))
        wrong += [(layer, text, expected, found, again)] if not found == again == expected else []
    assert wrong == []


CALCULATED = [
    ("pop_other = 1038280 + 8", "pop_other = 1038288"),
    ("pop_other >= 1038290 - 2 * 2 ^ 0", "pop_other >= 1038288"),
    ("pop_other > 1038290 - 21 div 10", "pop_other > 1038288"),
    ("pop_other > 1038293 - 7 % 4 - .5 * 4", "pop_other > 1038288"),
    ("1038280 + 8 < pop_other", "pop_other > 1038288"),
    ("pop_other BETWEEN 4000000 / 4 AND (3 * (900000 + 100000))", "pop_other BETWEEN 1000000 AND 3000000"),
    ("pop_other - 8 = 1038280", "pop_other = 1038288"),
    ("pop_other / 0 = 1 OR pop_other = 1038288", "pop_other = 1038288"),
    ("CASEI(name) = CASEI('BERLIN')", "name = 'Berlin'"),
    ("CASEI(name) IN (CASEI('kiev'), CASEI('BERLIN'))", "name IN ('Kiev', 'Berlin')"),
    ("ACCENTI(name) = ACCENTI('Kobenhavn')", "name = 'København'"),
    ("ACCENTI(CASEI(name)) LIKE ACCENTI(CASEI('KØBEN%'))", "name LIKE 'Køben%'"),
    ("boolean > FALSE", "boolean"),
    ("'Berlin' = name AND name = name", "name = 'Berlin'"),
    ("S_CONTAINS(BBOX(0, 40, 10, 50), geometry)", "S_WITHIN(geometry, BBOX(0, 40, 10, 50))"),
    ("S_EQUALS(geometry, geometry)", "geometry IS NOT NULL"),
    ("T_BEFORE(DATE('2022-04-16'), date)", "date > DATE('2022-04-16')"),
    ("T_INTERSECTS(date, INTERVAL('2022-04-16T10:00:00Z', '2022-04-16T11:00:00Z'))", "date = DATE('2022-04-16')"),
]


@pytest.mark.parametrize(("asked", "plain"), CALCULATED)
def test_what_is_worked_out_counts_as_what_is_written_plainly(world: World, asked: str, plain: str) -> None:
    found, wanted = (world.count("place", parse_text(text)) for text in (asked, plain))
    assert found == wanted > 0


def test_a_tenth_of_the_predicates_counts_the_same_over_http(
    world_service: Service, predicates: list[tuple[str, str, int]]
) -> None:
    public = world_service.callers["public"]
    for layer, text, expected in predicates[::10]:
        for query in ({"filter": text}, {"filter": json.dumps(to_json(parse_text(text))), "filter-lang": "cql2-json"}):
            found = public.get(f"/collections/{layer}/items", params={**query, "limit": "1", "f": "json"})
            assert (found.status_code, found.json()["numberMatched"]) == (200, expected), (text, found.text)


# ── the standard's examples ──────────────────────────────────────────────────────────────────────


def test_every_example_reads_back_as_the_same_filter_and_both_encodings_are_one(shared: Path) -> None:
    texts = sorted((shared / "cql2" / "examples" / "text").glob("*.txt"))
    assert len(texts) == 120
    for path in texts:
        tree = parse_text(path.read_text(encoding="utf-8"))
        assert parse_text(to_text(tree)) == tree, path.name
        assert parse_json(_through_json(to_json(tree))) == tree, path.name
        twin = path.parent.parent / "json" / f"{path.stem.split('-alt')[0]}.json"
        assert parse_json(json.loads(twin.read_text(encoding="utf-8"))) == tree, path.name


def _through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_the_predicates_read_back_once_they_are_checked(predicates: list[tuple[str, str, int]]) -> None:
    names = {
        "name": "string", "pop_est": "number", "pop_other": "integer", "date": "date", "start": "datetime",
        "end": "datetime", "boolean": "boolean", "geometry": "geometry",
    }  # fmt: skip
    for _, text, _ in predicates:
        checked = check(parse_text(text), names)
        assert check(parse_text(to_text(checked)), names) == checked, text
        assert check(parse_json(_through_json(to_json(checked))), names) == checked, text
