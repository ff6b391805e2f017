"""One service over one world, asked in this process, by plain ASGI: a client would cost more than the answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import anyio
from fastapi import FastAPI

from ogc.app import create_app
from ogc.auth import make_token
from ogc.common import accesses
from ogc.common.pace import Pace
from ogc.settings import Settings

from . import rasters
from .content import NOW

Pairs = Sequence[tuple[str, str]]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Asked:
    """One request, the same for every world. `route` is the template of the path, for whoever reads a failure."""

    route: str
    path: str
    identity: str = "public"
    method: str = "GET"
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = "127.0.0.1"

    def __str__(self) -> str:
        asked = f"?{urlencode(self.query)}" if self.query else ""
        told = "".join(f" [{name}: {value}]" for name, value in self.headers.items())
        sent = f" <- {self.body.decode(errors='replace')}" if self.body else ""
        return f"{self.identity}: {self.method} {self.path}{asked}{told}{sent}"


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)

    @property
    def unpacked(self) -> bytes:
        return gzip.decompress(self.body) if self.header("content-encoding") == "gzip" and self.body else self.body

    def json(self) -> Any:
        return json.loads(self.unpacked)

    @property
    def is_json(self) -> bool:
        """One JSON document: a sequence of them (RFC 8142) is none."""
        media_type = self.header("content-type") or ""
        return "json" in media_type and "json-seq" not in media_type and bool(self.body)


class Clock:
    """The time of a world: it goes on when the test says so."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Names:
    """Ids of one world in a row; they look like those of the service."""

    def __init__(self, first: int = 0) -> None:
        self.count = first

    def __call__(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012d}"


class Codes:
    """The codes of one world in a row; they look like those of the service."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return code_number(self.count)


def code_number(number: int) -> str:
    return "WXYZ" * 6 + _LETTERS[number // 32 % 32] + _LETTERS[number % 32]


@dataclass
class World:
    """A running service and the way to ask it."""

    app: FastAPI
    clock: Clock
    tokens: Mapping[str, str]

    async def ask(self, asked: Asked) -> Answer:
        sent: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": asked.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not waiting:
                await anyio.sleep_forever()  # a caller who waits for the answer says no more
            return waiting.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(self._scope(asked), receive, send)
        start = sent[0]
        headers = tuple((name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"])
        return Answer(start["status"], headers, b"".join(each.get("body", b"") for each in sent[1:]))

    def _scope(self, asked: Asked) -> dict[str, Any]:
        headers = {"host": "127.0.0.1:8000", **{name.lower(): value for name, value in asked.headers.items()}}
        if asked.identity in self.tokens and "authorization" not in headers:
            headers["authorization"] = f"Bearer {self.tokens[asked.identity]}"
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": asked.method,
            "scheme": "http", "path": asked.path, "raw_path": quote(asked.path).encode(), "root_path": "",
            "query_string": urlencode(asked.query).encode(), "client": (asked.peer, 50_000),
            "server": ("127.0.0.1", 8000),
            "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()],
        }  # fmt: skip

    async def flush(self) -> None:
        """Write the accesses that are only counted so far."""
        await self.app.state.accesses.flush()


@contextmanager
def _written_when_told() -> Iterator[None]:
    """Accesses that are only counted are written by `World.flush`, in both worlds at one place of the sequence."""
    usual, accesses.FLUSH_EVERY_S = accesses.FLUSH_EVERY_S, 1e6
    try:
        yield
    finally:
        accesses.FLUSH_EVERY_S = usual


async def _at_once(_when: float) -> None:
    """Ticks are tested where they are at home; here they would only cost time."""


@asynccontextmanager
async def running(url: str, data: Path, identities: Sequence[str], first_id: int = 0) -> AsyncIterator[World]:
    """The service over a database. Worlds that are compared share `data`, and with it the key of the tokens."""
    settings = Settings(data=data, database_url=url, pool_size=2)
    rasters.lay_out(settings.rasters_folder)
    clock = Clock()
    app = create_app(settings, demo=True, clock=clock, new_id=Names(first_id), new_code=Codes())
    app.state.pace = Pace(clock=lambda: 0.0, sleep_until=_at_once)
    tokens = {name: make_token(settings.secrets_folder, name) for name in identities if name != "public"}
    with _written_when_told():
        async with app.router.lifespan_context(app):
            yield World(app, clock, tokens)
