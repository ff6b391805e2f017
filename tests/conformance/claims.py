"""Which of our tests stands behind which conformance class, by the ids of the standards' own abstract tests.

What needs the test data of OGC (`basic-cql2/test-data`) or OGC's own runner is not here and not counted as proven; the
two ids of the tile matrix set are requirement names, its annex was not at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])

SPEC = "http://www.opengis.net/spec/"
#: class → ids of abstract tests that have a test here
PROVEN: dict[str, set[str]] = {}


def proves(*ids: str) -> Callable[[Test], Test]:
    """`ids` as 'ogcapi-features-1/1.0/conf/core/root-op': the class, then the abstract test."""

    def note(test: Test) -> Test:
        for each in ids:
            name, _, abstract_test = each.rpartition("/")
            PROVEN.setdefault(SPEC + name, set()).add(abstract_test)
        return test

    return note
