"""Counters for Prometheus: by route, method and status; never by layer or caller (who reads what is not for all)."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import Scope

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("lienthong_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "lienthong_request_seconds", "Until the answer was sent", ("route",), registry=self.registry,
            buckets=_BUCKETS,
        )  # fmt: skip

        self.jobs = Counter(
            "lienthong_jobs", "Jobs taken in, dismissed, given out", ("kind", "what"), registry=self.registry
        )

        # methods, routes and statuses are few, and finding a child by its labels costs more than counting
        self._answered = lru_cache(maxsize=4096)(self._children)

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts and times one answer."""
        route = getattr(scope.get("endpoint"), "__name__", "none")
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
        requests, took = self._answered(method, route, status)
        requests.inc()
        took.observe(seconds)

    def _children(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self.requests.labels(method, route, status), self.seconds.labels(route)

    def text(self) -> bytes:
        return generate_latest(self.registry)


MEDIA_TYPE = CONTENT_TYPE_LATEST
