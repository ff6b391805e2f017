"""How two instants or intervals lie to each other (CQL2, 7.8; OWL-Time), said once for Python and for SQL.

An instant begins and ends at once. The bounds of the first are `a` to `b`, those of the second `c` to `d`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Literal

from . import written
from .tree import ComparisonOperator, TemporalRelation

Bound = Literal["a", "b", "c", "d"]
Condition = tuple[Bound, ComparisonOperator, Bound]

#: all of the conditions hold; `disjoint` and `intersects` are made of `before` and `after`
CONDITIONS: dict[TemporalRelation, tuple[Condition, ...]] = {
    "after": (("a", ">", "d"),),
    "before": (("b", "<", "c"),),
    "equals": (("a", "=", "c"), ("b", "=", "d")),
    "contains": (("a", "<", "c"), ("b", ">", "d")),
    "during": (("a", ">", "c"), ("b", "<", "d")),
    "finishedby": (("a", "<", "c"), ("b", "=", "d")),
    "finishes": (("a", ">", "c"), ("b", "=", "d")),
    "meets": (("b", "=", "c"),),
    "metby": (("a", "=", "d"),),
    "overlappedby": (("a", ">", "c"), ("a", "<", "d"), ("b", ">", "d")),
    "overlaps": (("a", "<", "c"), ("b", ">", "c"), ("b", "<", "d")),
    "startedby": (("a", "=", "c"), ("b", ">", "d")),
    "starts": (("a", "=", "c"), ("b", "<", "d")),
}
#: the others are for intervals only
FOR_INSTANTS: frozenset[TemporalRelation] = frozenset({"after", "before", "equals", "disjoint", "intersects"})


def first_instant(day: date) -> datetime:
    """When a day begins, where it stands beside times."""
    return datetime.combine(day, time.min, UTC)


def last_instant(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def instant_of(text: str, *, is_day: bool) -> date | datetime:
    """A day, or a time in UTC. Raises ValueError."""
    if is_day:
        return written.day(text)
    found = written.time(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
