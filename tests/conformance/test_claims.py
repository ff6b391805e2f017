"""What is declared is proven here, and nothing is proven that is not declared."""

from __future__ import annotations

import pytest

from .claims import SPEC, abstract_tests, collect
from .visitor import Visitor


@pytest.fixture(scope="module")
def proven() -> dict[str, dict[str, list[str]]]:
    return collect()


def test_every_declared_class_has_tests_and_every_tested_class_is_declared(
    visitor: Visitor, proven: dict[str, dict[str, list[str]]]
) -> None:
    assert {uri.removeprefix(SPEC) for uri in visitor.classes} == set(proven)


def test_every_abstract_test_of_a_declared_class_has_one_of_ours_or_a_reason(
    proven: dict[str, dict[str, list[str]]],
) -> None:
    listed, reasons = abstract_tests()["classes"], abstract_tests()["not_claimed"]
    without = {f"{name}/{each}" for name in proven for each in listed.get(name, ()) if each not in proven[name]}
    assert without == {each for each in reasons if each not in listed}, "an abstract test without a test of ours"


def test_a_class_is_either_tested_or_has_a_reason_why_not(proven: dict[str, dict[str, list[str]]]) -> None:
    listed, reasons = abstract_tests()["classes"], abstract_tests()["not_claimed"]
    assert set(listed) - set(proven) == {each for each in reasons if each in listed}
    assert all(reasons.values())


def test_no_test_names_an_abstract_test_that_the_standard_does_not_have(
    proven: dict[str, dict[str, list[str]]],
) -> None:
    listed = abstract_tests()["classes"]
    assert not {f"{name}/{each}" for name in proven if name in listed for each in proven[name]} - {
        f"{name}/{each}" for name, tests in listed.items() for each in tests
    }
