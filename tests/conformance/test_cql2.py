"""CQL2: the annex's expressions over every queryable of every collection, as text and as JSON."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from .claims import of, proves
from .visitor import Visitor

CQL2 = "cql2/1.0/conf"
basic = of(f"{CQL2}/basic-cql2")
VALUES = {"string": "'foo'", "boolean": "true", "number": "3.14", "integer": "1", "date": "DATE('2022-04-14')",
          "date-time": "TIMESTAMP('2022-04-14T14:48:46Z')"}  # fmt: skip


def _kinds(visitor: Visitor, collection: str) -> dict[str, str]:
    """Queryables and their data types, shapes as 'geometry'."""
    found = {}
    for name, described in visitor.schema(collection, "queryables")["properties"].items():
        text = described.get("format", "")
        if text.startswith("geometry-"):
            found[name] = "geometry"
        else:
            found[name] = text if text in VALUES else described.get("type", "string")
    return found


def _of_kinds(visitor: Visitor, *kinds: str) -> list[tuple[str, str, str]]:
    return [
        (collection["id"], name, kind)
        for collection in visitor.readable
        for name, kind in _kinds(visitor, collection["id"]).items()
        if kind in kinds
    ]


SCALAR = tuple(VALUES)


@proves(*basic("basic-test"))
def test_every_collection_has_a_queryable_of_a_known_type(visitor: Visitor) -> None:
    for collection in visitor.readable:
        kinds = _kinds(visitor, collection["id"]).values()
        assert set(kinds) <= {*SCALAR, "geometry", "array"}
        assert any(kind in SCALAR for kind in kinds)


@proves(*basic("comparison"))
def test_comparisons_part_the_rows(visitor: Visitor) -> None:
    for collection, name, kind in _of_kinds(visitor, *SCALAR):
        found = {op: visitor.ids(collection, filter=f"{name} {op} {VALUES[kind]}")
                 for op in ("=", "<>", ">", "<", ">=", "<=")}  # fmt: skip
        present = visitor.ids(collection, filter=f"{name} IS NOT NULL")
        for one, other in (("=", "<>"), (">", "<="), ("<", ">=")):
            assert not found[one] & found[other], (collection, name, one)
            assert found[one] | found[other] == present, (collection, name, one)


@proves(*basic("is-null"))
def test_null_and_not_null_part_the_rows(visitor: Visitor) -> None:
    for collection, name, _ in _of_kinds(visitor, *SCALAR, "geometry"):
        absent = visitor.ids(collection, filter=f"{name} IS NULL")
        present = visitor.ids(collection, filter=f"{name} is not null")
        assert not absent & present and absent | present == visitor.ids(collection)


@proves(*basic("boolean"))
def test_true_is_everything_and_false_nothing(visitor: Visitor) -> None:
    for collection in visitor.readable:
        assert visitor.ids(collection["id"], filter="true") == visitor.ids(collection["id"])
        assert visitor.ids(collection["id"], filter="false") == set()


@proves(*basic("logical"))
def test_combinations_of_predicates_are_what_sets_say(visitor: Visitor) -> None:
    """The annex's four-fold combination; without null in a predicate a complement is a complement."""
    predicates = ["cap IS NULL", "cap IS NOT NULL", "ma = 'V1'", "ma <> 'V1'", "ma > 'V2'", "ten IS NULL", "true"]
    everything = visitor.ids("zone")
    sets = {each: visitor.ids("zone", filter=each) for each in predicates}
    chosen = random.Random(7).sample(list(itertools.permutations(predicates, 4)), 12)
    for p1, p2, p3, p4 in chosen:
        text = f"((NOT ({p1}) AND {p2}) OR ({p3} and NOT ({p4})) or not ({p1} AND {p4}))"
        one, two, three, four = (sets[each] for each in (p1, p2, p3, p4))
        expected = ((everything - one) & two) | (three & (everything - four)) | (everything - (one & four))
        assert visitor.ids("zone", filter=text) == expected, text


EXAMPLES: list[tuple[str, Any, set[int]]] = [
    ("cap = 1", {"op": "=", "args": [{"property": "cap"}, 1]}, {1}),
    ("cap <> 1", {"op": "<>", "args": [{"property": "cap"}, 1]}, {2}),
    ("cap < 2", {"op": "<", "args": [{"property": "cap"}, 2]}, {1}),
    ("cap <= 2", {"op": "<=", "args": [{"property": "cap"}, 2]}, {1, 2}),
    ("cap > 1", {"op": ">", "args": [{"property": "cap"}, 1]}, {2}),
    ("cap >= 1", {"op": ">=", "args": [{"property": "cap"}, 1]}, {1, 2}),
    ("cap IS NULL", {"op": "isNull", "args": [{"property": "cap"}]}, {3}),
    ("cap IS NOT NULL", {"op": "not", "args": [{"op": "isNull", "args": [{"property": "cap"}]}]}, {1, 2}),
    ("NOT (cap = 1)", {"op": "not", "args": [{"op": "=", "args": [{"property": "cap"}, 1]}]}, {2}),
    ("cap = 1 AND ma = 'V1'", {"op": "and", "args": [{"op": "=", "args": [{"property": "cap"}, 1]},
                                                     {"op": "=", "args": [{"property": "ma"}, "V1"]}]}, {1}),
    ("cap = 2 OR cap IS NULL", {"op": "or", "args": [{"op": "=", "args": [{"property": "cap"}, 2]},
                                                     {"op": "isNull", "args": [{"property": "cap"}]}]}, {2, 3}),
    ("hieu_luc_tu = DATE('2025-07-01')",
     {"op": "=", "args": [{"property": "hieu_luc_tu"}, {"date": "2025-07-01"}]}, {2}),
    ("hieu_luc_tu < DATE('2025-07-01')",
     {"op": "<", "args": [{"property": "hieu_luc_tu"}, {"date": "2025-07-01"}]}, {1}),
    ("TRUE", True, {1, 2, 3}),
    ("FALSE", False, set()),
    ("1 = 2", {"op": "=", "args": [1, 2]}, set()),
    ("'V1' = ma", {"op": "=", "args": ["V1", {"property": "ma"}]}, {1}),
    ("\"ma\" = 'V1'", {"op": "=", "args": [{"property": "ma"}, "V1"]}, {1}),
    ("ten = 'Bảo vệ nguồn nước'", {"op": "=", "args": [{"property": "ten"}, "Bảo vệ nguồn nước"]}, {2}),
]  # fmt: skip


@proves(f"{CQL2}/cql2-text/validate", f"{CQL2}/cql2-json/validate")
@pytest.mark.parametrize(("text", "as_json", "expected"), EXAMPLES)
def test_both_encodings_select_the_same_rows(officer: Visitor, text: str, as_json: Any, expected: set[int]) -> None:
    assert officer.ids("zone", filter=text) == expected
    assert officer.ids("zone", **{"filter": json.dumps(as_json), "filter-lang": "cql2-json"}) == expected


@proves(f"{CQL2}/cql2-text/escaping")
def test_a_quote_in_a_text_is_written_twice(visitor: Visitor) -> None:
    assert visitor.ids("zone", filter="ma = 'a''b'") == set()
    assert visitor.ids("zone", filter="ten = 'Vùng <một> & \"hai\"'") == {1}
    assert visitor.status("/collections/zone/items", params={"filter": "ma = 'a'b'"}) == 400
