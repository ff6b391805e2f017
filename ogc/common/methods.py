"""What every address answers besides its own methods: HEAD wherever GET, OPTIONS with Allow, and pages of other sites.

Pages of other sites may read what anybody may: GET and HEAD on the addresses of the standards, and the search, which
is GET items with a body. Credentials are never allowed, neither the cookie nor a token, and nothing that changes
anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Message, Scope, Send

from .proxies import first_step

_READING, _SEARCHING = "GET, HEAD, OPTIONS", "OPTIONS, POST"
#: what is sent there asks and changes nothing
_SEARCH = re.compile(r"^/collections/[^/]+/search$")
#: headers that a script of another site may read of an answer, and may send besides those every page may
_TOLD = (
    "Content-Crs, Content-Language, ETag, Lienthong-Policy, Lienthong-Tile-Capped, Link, Location, "
    "OGC-NumberReturned, Retry-After"
)
READABLE = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _TOLD.encode()))
_TAKEN = "Accept, Accept-Language, Content-Language, If-None-Match"
_TAKEN_WITH_A_BODY = f"{_TAKEN}, Content-Type"
_AGE_S = "86400"


class Methods:
    """The methods of each path, once the application has all its routes."""

    def __init__(self, routes: Iterable[Any], shared: Iterable[str]) -> None:
        """`shared`: the paths that pages of other sites may read."""
        self._known: list[tuple[re.Pattern[str], frozenset[str]]] = [
            (compile_path(path)[0], frozenset(methods)) for path, methods in _leaves(routes)
        ]
        self._shared = frozenset(path.strip("/").split("/")[0] for path in shared)

    def of(self, path: str) -> list[str]:
        """In alphabetical order; nothing for a path that is not served."""
        found = {method for pattern, methods in self._known if pattern.match(path) for method in methods}
        return sorted(found | ({"HEAD"} if "GET" in found else set()) | {"OPTIONS"}) if found else []

    def has_own_options(self, path: str) -> bool:
        """Where the route itself says what its caller may do."""
        return any("OPTIONS" in methods and pattern.match(path) for pattern, methods in self._known)

    def is_shared(self, path: str) -> bool:
        return first_step(path) in self._shared

    def is_read(self, method: str, path: str) -> bool:
        """Whether a method only reads there."""
        return method in ("GET", "HEAD") or (method == "POST" and _SEARCH.match(path) is not None)


def _leaves(routes: Iterable[Any]) -> Iterator[tuple[str, Iterable[str]]]:
    """Every route, also those of routers that were included."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from _leaves(inner)
        elif getattr(route, "methods", None):
            yield route.path, route.methods


#: in the scope of a HEAD that is answered as GET: what takes long to make need not be made
IS_HEAD = "lienthong.is_head"


def own_answer(scope: Scope, methods: Methods, path: str, *, is_shared: bool) -> Response | None:
    """OPTIONS asks nobody's rights and tells none, but where a route has its own (Features 4), to which what is no
    preflight goes."""
    if scope["method"] != "OPTIONS" or (not _is_preflight(scope) and methods.has_own_options(path)):
        return None
    allowed = methods.of(path)
    return Response(status_code=204, headers=_options(allowed, path, is_shared=is_shared)) if allowed else None


def as_get(scope: Scope, send: Send) -> Send:
    """HEAD is answered as GET, without its body. The server must know which it was, or it would miss the bytes."""
    scope["method"], scope[IS_HEAD] = "GET", True

    async def head_only(message: Message) -> None:
        scope["method"] = "HEAD"
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await send(message)

    return head_only


def _is_preflight(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _options(allowed: list[str], path: str, *, is_shared: bool) -> dict[str, str]:
    made = {"Allow": ", ".join(allowed), "Cache-Control": "no-store"}
    if not is_shared:
        return made
    is_search = _SEARCH.match(path) is not None
    return {
        **made, "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": _SEARCHING if is_search else _READING,
        "Access-Control-Allow-Headers": _TAKEN_WITH_A_BODY if is_search else _TAKEN,
        "Access-Control-Max-Age": _AGE_S,
    }  # fmt: skip
