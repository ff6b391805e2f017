"""How often a grant may be used: a bucket of tokens a caller and grant, in one process; the clock is passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
#: buckets kept: one that was not asked for longest is forgotten first, and is then full again
MOST_BUCKETS = 20_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


@lru_cache(maxsize=1024)
def parse_rate(text: str) -> tuple[int, float]:
    """'60/min' → (tokens a full bucket holds, tokens a second)."""
    number, _, unit = text.partition("/")
    return int(number), int(number) / _SECONDS[unit]


class RateLimits:
    """The buckets of one process. Several processes each count for themselves."""

    def __init__(self, clock: Callable[[], float], most: int = MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[tuple[str, str, str], _Bucket] = OrderedDict()

    def take(self, principal: str, rates: Sequence[tuple[str, str]]) -> float:
        """Seconds to wait until a grant allows another use; 0 when one did, and has counted it.

        Grants add up: whoever has two limits may use both. No rates, no limit.
        """
        waits = []
        for grant, rate in rates:
            wait = self._take_one((principal, grant, rate))
            if wait == 0.0:
                return 0.0
            waits.append(wait)
        return min(waits, default=0.0)

    def _take_one(self, key: tuple[str, str, str]) -> float:
        capacity, a_second = parse_rate(key[2])
        now = self._clock()
        bucket = self._buckets.pop(key, None) or _Bucket(float(capacity), now)
        self._buckets[key] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        bucket.tokens = min(float(capacity), bucket.tokens + max(0.0, now - bucket.filled_at) * a_second)
        bucket.filled_at = now
        if bucket.tokens < 1.0:
            return (1.0 - bucket.tokens) / a_second if a_second else float("inf")
        bucket.tokens -= 1.0
        return 0.0
