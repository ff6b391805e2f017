"""Paired timing: subject and baseline in turn, so that a machine whose speed drifts treats both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Milliseconds of every run."""

    ms: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.ms, n=20)[-1] if len(self.ms) > 1 else self.ms[0]


@dataclass(frozen=True)
class Row:
    """One line of the report. `bar` is of DESIGN's table; `ratio` is None where the bar is absolute."""

    what: str
    subject: Timing
    baseline: Timing | None
    bar: str
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.baseline is None else self.subject.median / self.baseline.median


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def in_turn(
    subject: Callable[[], object], baseline: Callable[[], object], runs: int, warm_up: int = 3
) -> tuple[Timing, Timing]:
    """Both, one after the other, `runs` times after a warm-up."""
    for _ in range(warm_up):
        subject()
        baseline()
    pairs = [(timed(subject), timed(baseline)) for _ in range(runs)]
    return Timing(tuple(a for a, _ in pairs)), Timing(tuple(b for _, b in pairs))


def print_rows(rows: list[Row]) -> None:
    """A table for a person; medians and ratios."""
    print(f"{'what':<44}{'median ms':>11}{'p95 ms':>10}{'baseline ms':>13}{'ratio':>8}  bar")
    for row in rows:
        base = f"{row.baseline.median:.2f}" if row.baseline else "–"
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else "–"
        times = f"{row.subject.median:>11.2f}{row.subject.p95:>10.2f}{base:>13}{ratio:>8}"
        print(f"{row.what:<44}{times}  {row.bar}{'  ' + row.note if row.note else ''}")
