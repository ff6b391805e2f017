"""Which of our tests stands behind which abstract test, by the ids of the standards."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

Test = TypeVar("Test", bound=Callable[..., None])

SPEC = "http://www.opengis.net/spec/"
HERE = Path(__file__).parent
#: modules elsewhere whose tests stand behind abstract tests too
ELSEWHERE = ("tests.integration.cql2.test_abstract_tests",)

#: class → abstract test → names of our tests
PROVEN: dict[str, dict[str, list[str]]] = {}


def proves(*ids: str) -> Callable[[Test], Test]:
    """`ids` as 'ogcapi-features-1/1.0/conf/core/root-op': the class, then the abstract test."""

    def note(test: Test) -> Test:
        for each in ids:
            name, _, abstract_test = each.rpartition("/")
            PROVEN.setdefault(name, {}).setdefault(abstract_test, []).append(f"{test.__module__}::{test.__name__}")
        test.proves = ids  # type: ignore[attr-defined]
        return test

    return note


def of(*classes: str) -> Callable[..., tuple[str, ...]]:
    """The same abstract tests of several classes: versions of one standard."""
    return lambda *tests: tuple(f"{each}/{test}" for each in classes for test in tests)


@cache
def abstract_tests() -> dict[str, dict[str, Any]]:
    """What the standards' annexes hold: {'classes': class → tests, 'not_claimed': class or id → reason}."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "abstract_tests.yaml").read_text(encoding="utf-8"))
    return found


def collect() -> dict[str, dict[str, list[str]]]:
    """Every claim of every module of this folder."""
    for path in sorted(HERE.glob("test_*.py")):
        importlib.import_module(f"{__package__}.{path.stem}")
    for module in ELSEWHERE:
        importlib.import_module(module)
    return PROVEN
