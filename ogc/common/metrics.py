"""Counters for Prometheus: by route, method and status; never by layer or caller (who reads what is not for all)."""

from __future__ import annotations

import time
from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        self._answered = lru_cache(maxsize=4096)(self.requests.labels)
        self._took = lru_cache(maxsize=1024)(self.seconds.labels)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._answered(method, route, status).inc()
        self._took(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


MEDIA_TYPE = CONTENT_TYPE_LATEST


class Measure:
    """Pure ASGI, outermost: counts and times every answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            route = getattr(scope.get("endpoint"), "__name__", "none")
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
            self.metrics.answered(method, route, status, time.perf_counter() - begun)
