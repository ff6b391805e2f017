"""CQL2 beyond the basic class: the annex's expressions over every queryable, for one who sees every collection."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from .claims import of, proves
from .test_cql2 import CQL2, SCALAR, VALUES, _of_kinds
from .visitor import Visitor, box_of, of_box

OPERATORS = ("=", "<>", ">", "<", ">=", "<=")
BINARY = [f"{CQL2}/{name}" for name in (
    "advanced-comparison-operators", "case-insensitive-comparison", "accent-insensitive-comparison",
    "basic-spatial-functions", "spatial-functions", "temporal-functions", "array-functions", "property-property",
    "arithmetic",
)]  # fmt: skip


def _texts(visitor: Visitor) -> list[tuple[str, str]]:
    return [(collection, name) for collection, name, _ in _of_kinds(visitor, "string")]


@proves(f"{CQL2}/advanced-comparison-operators/like")
def test_like(officer: Visitor) -> None:
    for collection, name in _texts(officer):
        some, none = (officer.ids(collection, filter=f"{name} like '{pattern}'") for pattern in ("_%", ""))
        assert not some & none, (collection, name)
        every = officer.ids(collection, filter=f"{name} LIKE '%'")
        assert every == officer.ids(collection, filter=f"{name} like '%%'") == some | none
        assert officer.ids(collection, filter=rf"{name} like '\%\_'") == set()


@proves(f"{CQL2}/advanced-comparison-operators/between")
def test_between(officer: Visitor) -> None:
    for collection, name, _ in _of_kinds(officer, "number", "integer"):
        within = officer.ids(collection, filter=f"{name} BETWEEN 0 AND 100")
        assert within == officer.ids(collection, filter=f"{name} >= 0 AND {name} <= 100")
        assert officer.ids(collection, filter=f"{name} between 100.0 and 1.0") == set()


LISTS = {"number": ["1", "2", "3"], "integer": ["1", "2", "3"], "string": ["'foo'", "'V1'"], "boolean": ["true"],
         "date": ["DATE('2024-01-01')", "DATE('2022-04-15')"]}  # fmt: skip


@proves(f"{CQL2}/advanced-comparison-operators/in")
def test_in(officer: Visitor) -> None:
    for collection, name, kind in _of_kinds(officer, *LISTS):
        one_by_one = set[Any]().union(*(officer.ids(collection, filter=f"{name} = {each}") for each in LISTS[kind]))
        assert officer.ids(collection, filter=f"{name} IN ({', '.join(LISTS[kind])})") == one_by_one


@proves(f"{CQL2}/case-insensitive-comparison/casei", f"{CQL2}/case-insensitive-comparison/casei-like")
def test_case_does_not_count_under_casei(officer: Visitor) -> None:
    for collection, name in _texts(officer):
        equal = officer.ids(collection, filter=f"CASEI({name}) = casei('v1')")
        assert not equal & officer.ids(collection, filter=f"CASEI({name}) <> casei('V1')")
        assert equal == officer.ids(collection, filter=f"CASEI({name}) = casei('V1')")
        lower, upper = (officer.ids(collection, filter=f"CASEI({name}) LIKE casei('{text}')") for text in ("v%", "V%"))
        assert lower == upper
    assert officer.ids("zone", filter="CASEI(ten) = CASEI('BẢO VỆ NGUỒN NƯỚC')") == {2}


@proves(
    *of(f"{CQL2}/accent-insensitive-comparison")("accenti", "accenti-like", "accenti-casei", "accenti-casei-like"),
)
def test_accents_do_not_count_under_accenti(officer: Visitor) -> None:
    for collection, name in _texts(officer):
        equal = officer.ids(collection, filter=f"ACCENTI({name}) = accenti('äöüéáí')")
        assert not equal & officer.ids(collection, filter=f"ACCENTI({name}) <> accenti('aoueai')")
        for pattern, plain in (("Ä%", "A%"), ("Vù%", "Vu%")):
            marked, bare = (officer.ids(collection, filter=f"ACCENTI({name}) LIKE accenti('{each}')")
                            for each in (pattern, plain))  # fmt: skip
            assert marked == bare, (collection, name)
        both = [officer.ids(collection, filter=f"ACCENTI(CASEI({name})) {text}") for text in (
            "= accenti(casei('ÄÉ'))", "= accenti(casei('ae'))", "LIKE accenti(casei('Ä%'))",
            "LIKE accenti(casei('a%'))",
        )]  # fmt: skip
        assert both[0] == both[1] and both[2] == both[3], (collection, name)
    assert officer.ids("zone", filter="ACCENTI(CASEI(ten)) LIKE accenti(casei('BAO VE%'))") == {2}


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def _shapes(visitor: Visitor) -> list[tuple[str, str]]:
    return [(collection, name) for collection, name, _ in _of_kinds(visitor, "geometry")]


@proves(f"{CQL2}/basic-spatial-functions/s_intersects")
def test_points_and_boxes(officer: Visitor) -> None:
    for collection, name in _shapes(officer):
        assert officer.ids(collection, filter=f"S_INTERSECTS({name}, BBOX(-180,-90,180,90))") == officer.ids(collection)
        assert officer.ids(collection, filter=f"S_INTERSECTS({name}, POINT(7.02 49.92))") == set()
        outside = {"filter": f"S_INTERSECTS({name}, POINT(90 180))"}
        assert officer.status(f"/collections/{collection}/items", params=outside) == 400
        west, east = (f"S_INTERSECTS({name}, BBOX({sides}))" for sides in ("-180,-90,-90,90", "90,-90,180,90"))
        assert officer.ids(collection, filter=f"{west} AND {east}") == set()


LITERALS = [
    "MULTIPOINT((7.02 49.92), (90 80))", "LINESTRING(-180 -45, 0 -45)",
    "MULTILINESTRING((-180 -45, 0 -45), (0 45, 180 45))",
    "POLYGON((-180 -90, -90 -90, -90 90, -180 90, -180 -90), (-120 -50, -100 -50, -100 -40, -120 -40, -120 -50))",
    "MULTIPOLYGON(((-180 -90, -90 -90, -90 90, -180 90, -180 -90)), ((0 0, 10 0, 10 10, 0 10, 0 0)))",
    "GEOMETRYCOLLECTION(POINT(7.02 49.92), LINESTRING(180 -45, 0 -45))",
]  # fmt: skip


@proves(f"{CQL2}/basic-spatial-functions-plus/s_intersects", f"{CQL2}/spatial-functions/s_intersects")
@pytest.mark.parametrize("literal", LITERALS)
def test_every_kind_of_shape_may_be_met(officer: Visitor, literal: str) -> None:
    for collection, name in _shapes(officer):
        assert officer.ids(collection, filter=f"S_INTERSECTS({name}, {literal})") == set()
        assert officer.ids(collection, filter=f"S_DISJOINT({name}, {literal})") == officer.ids(collection)


@proves(*of(f"{CQL2}/spatial-functions")(
    "s_disjoint", "s_equals", "s_touches", "s_crosses", "s_within", "s_contains", "s_overlaps"
))  # fmt: skip
def test_relations_of_shapes_agree_with_one_another(officer: Visitor) -> None:
    for collection in officer.spatial:
        west, south, east, north = box_of(collection)
        area = f"BBOX({of_box((west, south, (west + east) / 2 + 1e-5, (south + north) / 2 + 1e-5))})"
        found = {word: officer.ids(collection["id"], filter=f"S_{word}(geometry, {area})") for word in (
            "INTERSECTS", "DISJOINT", "EQUALS", "TOUCHES", "CROSSES", "WITHIN", "CONTAINS", "OVERLAPS",
        )}  # fmt: skip
        assert found["INTERSECTS"] | found["DISJOINT"] == officer.ids(collection["id"])
        assert not found["INTERSECTS"] & found["DISJOINT"]
        kinds = ("EQUALS", "TOUCHES", "CROSSES", "WITHIN", "CONTAINS", "OVERLAPS")
        assert set[Any]().union(*(found[kind] for kind in kinds)) == found["INTERSECTS"], collection["id"]
        assert found["EQUALS"] == found["WITHIN"] & found["CONTAINS"]
        assert not found["TOUCHES"] & (found["WITHIN"] | found["CONTAINS"] | found["OVERLAPS"] | found["CROSSES"])


# ── times ────────────────────────────────────────────────────────────────────────────────────────

ONE = ("AFTER", "BEFORE", "DISJOINT", "EQUALS", "INTERSECTS")
OF_INTERVALS = ("CONTAINS", "DURING", "FINISHEDBY", "FINISHES", "MEETS", "METBY", "OVERLAPPEDBY", "OVERLAPS",
                "STARTEDBY", "STARTS")  # fmt: skip


@proves(f"{CQL2}/temporal-functions/temporal-functions-1")
def test_instants_beside_instants_and_intervals(officer: Visitor) -> None:
    assert _of_kinds(officer, "date")
    for collection, name, _ in _of_kinds(officer, "date"):
        present = officer.ids(collection, filter=f"{name} IS NOT NULL")
        for other in ("DATE('2024-06-01')", "INTERVAL('2024-01-01','2024-12-31')"):
            found = {word: officer.ids(collection, filter=f"T_{word}({name}, {other})") for word in ONE}
            assert found["DISJOINT"] | found["INTERSECTS"] == present and not found["DISJOINT"] & found["INTERSECTS"]
            assert found["AFTER"] | found["BEFORE"] == found["DISJOINT"]
            assert found["EQUALS"] <= found["INTERSECTS"]


@proves(f"{CQL2}/temporal-functions/temporal-functions-2")
def test_intervals_of_two_columns_beside_an_interval(officer: Visitor) -> None:
    own, other = "INTERVAL(hieu_luc_tu, hieu_luc_den)", "INTERVAL('2025-07-01','2026-06-30')"
    found = {word: officer.ids("zone", filter=f"T_{word}({own}, {other})") for word in (*ONE, *OF_INTERVALS)}
    assert 2 in found["STARTS"] and 2 in found["INTERSECTS"] and 2 not in found["DISJOINT"]
    assert not found["INTERSECTS"] & found["DISJOINT"]
    assert not found["CONTAINS"] & found["DURING"]
    again = officer.ids("zone", filter=f"T_STARTEDBY({other}, {own})")
    assert again == found["STARTS"]


# ── properties, numbers, arrays ──────────────────────────────────────────────────────────────────


@proves(*of(f"{CQL2}/property-property")(
    "comparison-value-property", "comparison-property-property", "comparison-value-value"
))  # fmt: skip
def test_either_side_may_be_a_value_or_a_property(officer: Visitor) -> None:
    for collection, name, kind in _of_kinds(officer, *SCALAR):
        turned = {op: officer.ids(collection, filter=f"{VALUES[kind]} {op} {name}") for op in OPERATORS}
        assert not turned["="] & turned["<>"] and not turned[">"] & turned["<="] and not turned["<"] & turned[">="]
        itself = {op: officer.ids(collection, filter=f"{name} {op} {name}") for op in OPERATORS}
        assert itself["<>"] == itself["<"] == itself[">"] == set(), (collection, name)
        assert itself["="] == itself[">="] == itself["<="] == officer.ids(collection, filter=f"{name} IS NOT NULL")
    for value in VALUES.values():
        for op in OPERATORS:
            expected = officer.ids("zone") if op in ("=", ">=", "<=") else set()
            assert officer.ids("zone", filter=f"{value} {op} {value}") == expected, (value, op)


@proves(f"{CQL2}/arithmetic/arithmetic")
def test_numbers_are_worked_out(officer: Visitor) -> None:
    for collection, name, _ in _of_kinds(officer, "number", "integer"):
        for text in ("+ 1 > {0}", "- 1 < {0}", "* 2 = {0} + {0}", "/ 2 * 2 = {0}"):
            every = officer.ids(collection, filter=f"{name} IS NOT NULL")
            assert officer.ids(collection, filter=f"{name} {text.format(name)}") == every, (collection, name, text)
    assert officer.ids("zone", filter="cap = 3 - 2 * 1 + 4 % 2") == {1}
    assert officer.ids("zone", filter="cap = 7 div 3") == {2}
    assert officer.ids("zone", filter="cap = 2 ^ 0") == {1}


@proves(f"{CQL2}/array-functions/array-predicates")
def test_arrays(officer: Visitor) -> None:
    """No collection here has a queryable that is an array: the predicates hold between constants."""
    every, none = officer.ids("zone"), set[Any]()
    for text, expected in (
        ("A_CONTAINS(('foo','bar'),('foo'))", every), ("A_CONTAINEDBY(('foo'),('foo','bar'))", every),
        ("A_EQUALS(('foo','bar'),('foo'))", none), ("A_OVERLAPS(('foo'),('bar'))", none),
    ):  # fmt: skip
        assert officer.ids("zone", filter=text) == expected, text


PREDICATES = {
    "advanced-comparison-operators": ["ma LIKE 'V%'", "ma LIKE '%2'", "cap BETWEEN 1 AND 1", "ma IN ('V1', 'V3')"],
    "case-insensitive-comparison": ["CASEI(ma) = CASEI('v1')", "CASEI(ma) LIKE casei('v%')", "CASEI(ma) <> casei('V3')",
                                    "ma = 'V2'"],
    "accent-insensitive-comparison": ["ACCENTI(ma) = ACCENTI('V1')", "ACCENTI(ma) LIKE accenti('V%')", "ma = 'V3'",
                                      "ACCENTI(CASEI(ma)) <> accenti(casei('v2'))"],
    "basic-spatial-functions": ["S_INTERSECTS(geometry, POINT(106.7452 11.0305))", "cap IS NULL", "true",
                                "S_INTERSECTS(geometry, BBOX(106,11,106.749,12))"],
    "spatial-functions": ["S_DISJOINT(geometry, BBOX(106,11,106.749,12))", "S_WITHIN(geometry, BBOX(106,11,107,12))",
                          "S_CONTAINS(geometry, POINT(106.7452 11.0305))", "S_TOUCHES(geometry, BBOX(1,1,2,2))"],
    "temporal-functions": ["T_AFTER(DATE('2025-01-01'), DATE('2024-01-01'))", "ma = 'V1'", "cap IS NULL",
                           "T_EQUALS(DATE('2025-01-01'), DATE('2024-01-01'))"],
    "array-functions": ["A_CONTAINS(('a','b'),('a'))", "A_EQUALS(('a'),('b'))", "ma = 'V1'", "cap IS NULL"],
    "property-property": ["ma = ma", "'V1' = ma", "'V2' <= ma", "1 = 2"],
    "arithmetic": ["2 + 2 = 4", "cap IS NULL", "3 * 2 < 5", "ma = 'V1'"],
}  # fmt: skip


@pytest.mark.parametrize("name", PREDICATES)
@proves(*(f"{each}/logical" for each in BINARY))
def test_combinations_with_and_or_not(officer: Visitor, name: str) -> None:
    """The annex's four-fold combination; none of these predicates is unknown for any row."""
    everything, predicates = officer.ids("zone"), PREDICATES[name]
    sets = {each: officer.ids("zone", filter=each) for each in predicates}
    for p1, p2, p3, p4 in random.Random(3).sample(list(itertools.permutations(predicates)), 10):
        text = f"((NOT ({p1}) AND {p2}) OR ({p3} and NOT ({p4})) or not ({p1} AND {p4}))"
        one, two, three, four = (sets[each] for each in (p1, p2, p3, p4))
        expected = ((everything - one) & two) | (three & (everything - four)) | (everything - (one & four))
        if name != "advanced-comparison-operators":  # there BETWEEN is unknown for the row without a number
            assert officer.ids("zone", filter=text) == expected, text
        else:
            assert officer.ids("zone", filter=text) <= everything
