"""Addresses: every link is absolute, built from the request, the configured prefix and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
HTML = "text/html"
MVT = "application/vnd.mapbox-vector-tile"
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"

Link = dict[str, Any]


def link(href: str, rel: str, media_type: str, title: str | None = None) -> Link:
    """One link object (RFC 8288 in JSON, as OGC API writes it)."""
    made = {"href": href, "rel": rel, "type": media_type}
    return {**made, "title": title} if title else made


class Addresses:
    """The addresses of one request's service."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.base = base_url(request)

    def to(self, *path: str, **query: object) -> str:
        """An address below the landing page; path segments are encoded, parameters that are None left out."""
        encoded = "".join(f"/{quote(part, safe=':{}')}" for part in path)
        given = {name: value for name, value in query.items() if value is not None}
        return self.base + (encoded or "/") + (f"?{urlencode(given)}" if given else "")

    def here(self, **changes: object) -> str:
        """The address of this request with some parameters changed; None takes one out."""
        kept = [(name, value) for name, value in self._request.query_params.multi_items() if name not in changes]
        given = [*kept, *((name, value) for name, value in changes.items() if value is not None)]
        root = str(self._request.scope.get("root_path", ""))
        path = str(self._request.scope["path"]).removeprefix(root)
        return self.base + quote(path) + (f"?{urlencode(given)}" if given else "")

    def self_and_alternates(self, media_type: str, others: Iterable[str] = (HTML,)) -> list[Link]:
        """This document, and the same in its other forms."""
        made = [link(self.here(), "self", media_type)]
        return made + [link(self.here(f="html" if other == HTML else "json"), "alternate", other) for other in others]


class Prefix:
    """Pure ASGI: the service lies below a path, whether the proxy in front takes it off or not."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = "/" + path.strip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["root_path"] = self.path
        await self.app(scope, receive, send)


def base_url(request: Request) -> str:
    """Scheme, host and prefix of this service as its caller sees it, without a slash at the end."""
    scope, headers = request.scope, request.headers
    scheme, host, root = str(scope.get("scheme", "http")), headers.get("host", ""), str(scope.get("root_path", ""))
    if request.app.state.settings.trust_forwarded:
        scheme = _first(headers.get("x-forwarded-proto")) or scheme
        host = _first(headers.get("x-forwarded-host")) or host
        root = _first(headers.get("x-forwarded-prefix")) or root
    if not host and scope.get("server"):
        host = f"{scope['server'][0]}:{scope['server'][1]}"
    return f"{scheme}://{host}{root.rstrip('/')}"


def _first(header: str | None) -> str:
    return (header or "").split(",")[0].strip()
