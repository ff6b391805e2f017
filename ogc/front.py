"""The one way in and out: from where and by whom is asked, and what goes with every answer, in one pass of plain ASGI.

Each step is a function of its own module; as many layers one around the other they cost more than most answers do
(prototypes 3). What is asked most often goes straight to its operation, everything else through the frame's router.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from re import Pattern

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from layers.errors import NotFoundError
from ogc.auth import Authentication
from ogc.common.body_limits import bounded
from ogc.common.caching import name_no_more, name_with
from ogc.common.compression import Compressor, takes_gzip
from ogc.common.methods import READABLE, as_get, own_answer
from ogc.common.metrics import Metrics
from ogc.common.policy_header import named_policy
from ogc.common.proxies import Place, path_below
from ogc.errors import problem


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A route of the router that is found without it: the same pattern, the same function."""

    pattern: Pattern[str]
    run: Callable[[Request], Awaitable[Response]]
    method: str = "GET"

    @classmethod
    def to(cls, route: Route) -> Shortcut:
        """Of a route for GET whose parameters are plain steps of the path."""
        return cls(route.path_regex, route.endpoint)

    @classmethod
    def sent(cls, path: str, run: Callable[[Request], Awaitable[Response]]) -> Shortcut:
        """Of what is sent to one path."""
        return cls(re.compile(f"^{re.escape(path)}$"), run, "POST")


class Front:
    """Around all routes. Nothing inside has to know of what is done here."""

    def __init__(
        self, app: ASGIApp, *, place: Place, authentication: Authentication, metrics: Metrics, for_other_sites: bool
    ) -> None:
        self.app = app
        self.place = place
        self.authentication = authentication
        self.metrics = metrics
        self.for_other_sites = for_other_sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, leaving = time.perf_counter(), Leaving(scope, send, self.authentication)
        try:
            self.place.settle(scope)
            await self._any_method(scope, receive, leaving)
        finally:
            self.metrics.answered(scope, leaving.status, time.perf_counter() - begun)

    async def _any_method(self, scope: Scope, receive: Receive, leaving: Leaving) -> None:
        methods, path = scope["app"].state.methods, path_below(scope)
        is_shared = self.for_other_sites and methods.is_shared(path)
        if (own := own_answer(scope, methods, path, is_shared=is_shared)) is not None:
            await own(scope, receive, leaving)
            return
        leaving.is_shared = is_shared and methods.is_read(scope["method"], path)
        is_head = scope["method"] == "HEAD"
        if is_head:
            leaving.send = as_get(scope, leaving.send)
        if takes_gzip(scope):
            leaving.send = Compressor(leaving.send)
        try:
            await self._answered(scope, receive, leaving, path)
        finally:
            if is_head:
                scope["method"] = "HEAD"

    async def _answered(self, scope: Scope, receive: Receive, leaving: Leaving, path: str) -> None:
        """Whatever is raised inside becomes an answer, as long as none has begun."""
        leaving.is_of_a_route = True
        try:
            if "\0" in scope["path"]:
                raise NotFoundError  # no text of ours holds it, and no database takes it
            await self.authentication.recognise(scope)
            await self._routed(scope, receive, leaving, path)
        except Exception as error:
            if leaving.has_begun:
                raise
            response = await problem(Request(scope, receive), error)
            await response(scope, receive, leaving)

    async def _routed(self, scope: Scope, receive: Receive, leaving: Leaving, path: str) -> None:
        state = scope["app"].state
        token = name_with(state.etags_key)
        try:
            run, within = _found(state.shortcuts, scope, path), bounded(path, receive)
            if run is None:
                await self.app(scope, within, leaving)
            else:
                response = await run(Request(scope, within, leaving))
                await response(scope, receive, leaving)
        finally:
            name_no_more(token)


def _found(shortcuts: Iterable[Shortcut], scope: Scope, path: str) -> Callable[[Request], Awaitable[Response]] | None:
    for shortcut in shortcuts:
        if shortcut.method == scope["method"] and (found := shortcut.pattern.match(path)):
            scope["endpoint"], scope["path_params"] = shortcut.run, found.groupdict()
            return shortcut.run
    return None


class Leaving:
    """`send` of one answer: what goes with every one, and what became of it."""

    __slots__ = ("_authentication", "_scope", "has_begun", "is_of_a_route", "is_shared", "send", "status")

    def __init__(self, scope: Scope, send: Send, authentication: Authentication) -> None:
        self._scope = scope
        self._authentication = authentication
        self.send = send
        self.status = 500  #: what the frame outside makes of an answer that never began
        self.has_begun = False
        self.is_shared = False  #: pages of other sites may read it
        self.is_of_a_route = False  #: someone was asked: it may stand on a policy, or end a cookie

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message["headers"], *self._more()]}
        await self.send(message)

    def _more(self) -> list[tuple[bytes, bytes]]:
        found = named_policy(self._scope)
        if self.status == 401 and self.is_of_a_route:
            found += self._authentication.told_with(self._scope, self.status)
        return [*found, *READABLE] if self.is_shared else found
