"""A grant's rate holds for each caller, refills with time, and forgets nobody who still matters."""

from __future__ import annotations

import pytest

from layers.access.rates import RateLimits, parse_rate

HOURLY = (("g", "2/h"),)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("text", "expected"), [("60/min", (60, 1.0)), ("5/s", (5, 5.0)), ("24/d", (24, 24 / 86_400))])
def test_a_rate_is_a_number_in_a_unit_of_time(text: str, expected: tuple[int, float]) -> None:
    assert parse_rate(text) == expected


def test_as_many_as_the_rate_says_then_one_for_each_refill() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    assert [limits.take("anna", HOURLY) for _ in range(3)] == [0.0, 0.0, 1_800.0]
    clock.now += 1_799
    assert limits.take("anna", HOURLY) == pytest.approx(1.0)
    clock.now += 1
    assert limits.take("anna", HOURLY) == pytest.approx(0.0)
    clock.now += 1_000_000
    assert [limits.take("anna", HOURLY) > 0 for _ in range(3)] == [False, False, True]


def test_callers_and_grants_have_buckets_of_their_own() -> None:
    limits = RateLimits(Clock())
    one = (("g", "1/h"),)
    assert [limits.take("anna", one), limits.take("berta", one), limits.take("anna", (("h", "1/h"),))] == [0.0] * 3
    assert limits.take("anna", one) > 0


def test_limits_of_several_grants_add_up_and_the_shortest_wait_is_told() -> None:
    limits = RateLimits(Clock())
    both = (("slow", "1/h"), ("quick", "1/min"))
    assert [limits.take("anna", both) for _ in range(3)] == [0.0, 0.0, 60.0]


def test_no_rates_are_no_limit() -> None:
    limits = RateLimits(Clock())
    assert {limits.take("anna", ()) for _ in range(1_000)} == {0.0}


def test_a_rate_that_was_changed_begins_anew_and_a_rate_of_none_allows_nothing() -> None:
    limits = RateLimits(Clock())
    assert limits.take("anna", (("g", "1/h"),)) == 0.0
    assert limits.take("anna", (("g", "2/h"),)) == 0.0
    assert limits.take("anna", (("g", "0/h"),)) == float("inf")


def test_only_so_many_buckets_are_kept_and_the_one_asked_last_is_forgotten_last() -> None:
    limits = RateLimits(Clock(), most=2)
    one = (("g", "1/h"),)
    assert limits.take("anna", one) == 0.0
    assert limits.take("berta", one) == 0.0
    assert limits.take("anna", one) > 0
    assert limits.take("carla", one) == 0.0  # berta is forgotten
    assert limits.take("anna", one) > 0
    assert limits.take("berta", one) == 0.0
