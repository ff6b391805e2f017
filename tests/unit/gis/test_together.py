"""Several rules about one subject at once: to the last bit what each gives alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
import shapely

from gis.candidates import COUNTS, Distances, Measures, Pieces, Subjects, Theme
from gis.judge import judge
from gis.measure import measure
from gis.procedure import DistanceTerms, Relation, Rule
from gis.together import Question, family_of, judged_together
from tests.unit.gis.shapes import subjects

AREAS = (
    Rule("plan", "a", Relation.COVERS_AREA, at_least_m2=300.0),
    Rule("corridor", "b", Relation.OVERLAPS_AREA, min_area_m2=5.0),
    Rule("zone", "c", Relation.INSIDE, min_area_m2=1.0),
    Rule("reserve", "d", Relation.OVERLAPS_AREA),
    Rule("everything", "e", Relation.OVERLAPS_AREA, min_area_m2=1e9),
)
FAR = DistanceTerms(otherwise_m=40.0)
DISTANCES = (
    Rule("river", "f", Relation.WITHIN_DISTANCE, distance_m=60.0, terms=FAR),
    Rule("road", "g", Relation.WITHIN_DISTANCE, distance_m=15.0, terms=FAR),
)


def jagged(random: np.random.Generator, x: float, y: float, reach_m: float) -> shapely.Polygon:
    turns = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(4, 25))))
    far = reach_m * random.uniform(0.6, 1.0, len(turns))
    shape = shapely.make_valid(shapely.Polygon(np.column_stack([x + far * np.cos(turns), y + far * np.sin(turns)])))
    largest: shapely.Polygon = max(shapely.get_parts(shape), key=lambda part: part.area)
    return largest


def near(random: np.random.Generator, subject: Subjects, rule: Rule) -> Pieces:
    """Some features of a few pieces around the subject, or none."""
    features = int(random.integers(0, 7))
    owner = np.sort(random.integers(0, max(features, 1), 2 * features)).astype(np.int64)
    pieces = np.empty(len(owner), dtype=object)
    pieces[:] = [jagged(random, random.uniform(-30, 30), random.uniform(-30, 30), random.uniform(2, 40)) for _ in owner]
    excluded = np.array(random.choice(["", "", "not_applicable"], features), dtype=object)
    far = shapely.distance(subject.geometry[0], pieces)
    each = [(40.0, 2.0, float(random.choice([0.0, 3.0])), 0.0, bool(random.integers(2)), "edge") for _ in excluded]
    terms = Distances.of(each) if rule.terms else None
    accuracy = random.choice([0.0, 0.3, 1.5], features)
    return Pieces(owner * 0, owner, pieces, accuracy, excluded, distances=terms, distance_m=far)


def same(one: object, other: object) -> bool:
    if one is None or other is None:
        return one is other
    first, second = np.asarray(one), np.asarray(other)
    if object in (first.dtype, second.dtype):
        return bool(first.tolist() == second.tolist())
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("rules", [AREAS, DISTANCES], ids=["areas", "distances"])
def test_each_rule_finds_to_the_last_bit_what_it_finds_alone(rules: Sequence[Rule], seed: int) -> None:
    random = np.random.default_rng(seed)
    subject = subjects(jagged(random, 0, 0, 20), accuracy_m=float(random.choice([0.0, 0.4])))
    asked = [
        Question(rule, near(random, subject, rule), np.array([random.choice([0.0, 0.5, 1.0])]), np.array([""], object))
        for rule in rules
    ]
    asked = [one for one in asked if family_of(one.rule, one.pieces) == ("area" if rules is AREAS else "origin")]
    together = judged_together(subject, asked) if asked else []
    for one, (measures, judgement) in zip(asked, together, strict=True):
        alone = measure(one.rule, subject, one.pieces)
        judged = judge(one.rule, alone, one.mapped, one.blocked)
        for name in ("subject", "feature", "area_m2", "area_low_m2", "area_high_m2", "length_m", "nearest_m",
                     "relation", "excluded", "is_inside", "doubt", "share"):  # fmt: skip
            assert same(getattr(measures, name), getattr(alone, name)), (one.rule.id, name)
        for name in type(alone.theme).__slots__:
            assert same(getattr(measures.theme, name), getattr(alone.theme, name)), (one.rule.id, name)
        for name in type(judged).__slots__:
            assert same(getattr(judgement, name), getattr(judged, name)), (one.rule.id, name)


def test_a_subject_that_cannot_be_measured_is_broken_for_each_rule() -> None:
    bow_tie = subjects(shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]))
    piece = np.array([shapely.box(0, 0, 5, 5)], dtype=object)
    none = np.zeros(1, dtype=np.int64)
    pieces = Pieces(none, none, piece, np.zeros(1), np.array([COUNTS], dtype=object), distance_m=np.zeros(1))
    asked = [Question(rule, pieces, np.ones(1), np.array([""], dtype=object)) for rule in AREAS]
    assert all(measures.theme.broken.all() for measures, _ in judged_together(bow_tie, asked))


def test_rules_of_other_kinds_are_measured_alone() -> None:
    line = Rule("line", "h", Relation.CROSSES_LINE)
    nothing = np.zeros(0, dtype=np.int64)
    empty = Pieces(nothing, nothing, np.zeros(0, dtype=object), np.zeros(0), distance_m=np.zeros(0))
    assert family_of(line, empty) == ""
    assert family_of(AREAS[0], empty) == ""
    one = np.zeros(1, dtype=np.int64)
    pieces = Pieces(one, one, np.array([shapely.box(0, 0, 5, 5)], dtype=object), np.zeros(1), distance_m=np.zeros(1))
    assert family_of(Rule("near", "i", Relation.WITHIN_DISTANCE, distance_m=5.0), pieces) == ""
    assert family_of(AREAS[0], pieces) == "area"


@pytest.mark.parametrize("seed", range(20))
def test_what_is_known_to_lie_apart_is_measured_as_if_it_had_been_cut(seed: int) -> None:
    random = np.random.default_rng(seed)
    subject = subjects(jagged(random, 0, 0, 25), accuracy_m=0.3)
    for rule in AREAS:
        known = near(random, subject, rule)
        found, expected = measure(rule, subject, known), measure(rule, subject, replace(known, distance_m=None))
        for name in [each.name for each in fields(Measures) if each.name not in ("theme", "distances", "doubt")]:
            assert same(getattr(found, name), getattr(expected, name)), name
        for name in Theme.__slots__:
            assert same(getattr(found.theme, name), getattr(expected.theme, name)), name
