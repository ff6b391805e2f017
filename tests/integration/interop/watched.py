"""A service that remembers what it was asked: whether a client leaves the work to the server shows in its requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from ogc.app import create_app
from ogc.settings import Settings
from tests.support.serving import serve
from tests.support.shared_layers import Service


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]


@dataclass
class Watched:
    """An ASGI application around another."""

    app: Any
    base: str = ""
    asked: list[Asked] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
            self.asked.append(Asked(scope["method"], scope["path"], {name: each[0] for name, each in query.items()}))
        await self.app(scope, receive, send)

    def items(self, layer: str) -> list[dict[str, str]]:
        """The queries of `items` so far, which are then forgotten."""
        found = [each.query for each in self.asked if each.path == f"/collections/{layer}/items"]
        self.asked.clear()
        return found


@contextmanager
def watched(service: Service) -> Iterator[Watched]:
    """A second server over the same database and the same keys."""
    settings = Settings(data=service.secrets.parent, database_url=service.url)
    watching = Watched(create_app(settings, demo=True))
    with serve(watching) as base:
        watching.base = base
        yield watching
