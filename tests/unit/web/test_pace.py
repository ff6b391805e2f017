"""Guarded answers leave on whole ticks after the request was there, however long the work took."""

from __future__ import annotations

import pytest

from ogc.common.pace import Pace

pytestmark = pytest.mark.anyio


class Stopwatch:
    """A clock that moves when it is told to, and remembers until when it was waited."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.waited: list[float] = []

    async def until(self, instant: float) -> None:
        self.waited.append(instant)
        self.now = max(self.now, instant)


@pytest.mark.parametrize(
    ("took_s", "leaves_after_s"),
    [(0.0, 0.5), (0.001, 0.5), (0.4999, 0.5), (0.5, 0.5), (0.5001, 1.0), (0.99, 1.0), (1.2, 1.5)],
)
async def test_an_answer_leaves_at_the_next_whole_tick(took_s: float, leaves_after_s: float) -> None:
    watch = Stopwatch(1000.25 + took_s)
    await Pace(lambda: watch.now, watch.until).let_go(1000.25, 0.5)
    assert watch.waited == [pytest.approx(1000.25 + leaves_after_s)]


@pytest.mark.parametrize("phase_s", [0.0, 0.1, 0.2499, 0.4999])
async def test_where_the_wall_clock_stands_tells_nothing(phase_s: float) -> None:
    """A caller who aimed at a tick of the wall clock would learn whether the work took longer than what was left."""
    left = []
    for took_s in (0.001, 0.3):
        watch = Stopwatch(phase_s + took_s)
        await Pace(lambda watch=watch: watch.now, watch.until).let_go(phase_s, 0.5)  # type: ignore[misc]
        left += watch.waited
    assert left[0] == left[1]
