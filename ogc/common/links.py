"""Addresses: every link is absolute, built from the request, the configured prefix and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request

from .proxies import path_below

JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
HTML = "text/html"
MVT = "application/vnd.mapbox-vector-tile"
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"

Link = dict[str, Any]
#: in the scope of a search that was sent and is too long for an address: nothing links to it by GET
IS_POSTED = "lienthong.is_posted"
#: of a path or a query string: a longer one is not remembered
_KEPT = 1024
#: letters of path and query by which something is remembered
_SHORT = 512


def link(href: str, rel: str, media_type: str, title: str | None = None) -> Link:
    """One link object (RFC 8288 in JSON, as OGC API writes it)."""
    made = {"href": href, "rel": rel, "type": media_type}
    return {**made, "title": title} if title else made


class Addresses:
    """The addresses of one request's service."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @cached_property
    def base(self) -> str:
        return base_url(self._request)

    @property
    def place(self) -> tuple[object, ...]:
        """All that `here()` is made of, as it was sent: where the address itself is not needed, it stands for it."""
        scope = self._request.scope
        named = [value for name, value in scope["headers"] if name == b"host"]
        return (
            scope.get("scheme"),
            scope.get("server"),
            *named,
            scope.get("root_path"),
            scope["path"],
            scope["query_string"],
        )

    @property
    def is_posted(self) -> bool:
        """The question is in the body: its address alone asks something else."""
        return IS_POSTED in self._request.scope

    @property
    def is_short(self) -> bool:
        """Worth remembering something by."""
        scope = self._request.scope
        return len(scope["path"]) + len(scope["query_string"]) <= _SHORT

    def to(self, *path: str, **query: object) -> str:
        """An address below the landing page; path segments are encoded, parameters that are None left out."""
        encoded = "".join(f"/{quote(part, safe=':{}')}" for part in path)
        given = {name: value for name, value in query.items() if value is not None}
        return self.base + (encoded or "/") + (f"?{urlencode(given)}" if given else "")

    def here(self, **changes: object) -> str:
        """The address of this request with some parameters changed; None takes one out."""
        asked, path = self._request.scope["query_string"], path_of(self._request)
        kept = [written for name, written in _parameters(asked) if name not in changes]
        if changes:
            kept += [_pair(name, str(value)) for name, value in changes.items() if value is not None]
        place = self.base + (_quoted if len(path) <= _KEPT else _quoted.__wrapped__)(path)
        return f"{place}?{'&'.join(kept)}" if kept else place

    def self_and_alternates(self, media_type: str, others: Iterable[str] = (HTML,)) -> list[Link]:
        """This document, and the same in its other forms."""
        made = [link(self.here(), "self", media_type)]
        return made + [link(self.here(f="html" if other == HTML else "json"), "alternate", other) for other in others]


def _parameters(query_string: bytes) -> tuple[tuple[str, str], ...]:
    """The name of each parameter, and how it is written in a link."""
    return (_written if len(query_string) <= _KEPT else _written.__wrapped__)(query_string)


@lru_cache(maxsize=1024)
def _written(query_string: bytes) -> tuple[tuple[str, str], ...]:
    """A page has a dozen links to itself in other forms: its parameters are written down once."""
    given = QueryParams(query_string).multi_items()
    return tuple((name, _pair.__wrapped__(name, value)) for name, value in given)


@lru_cache(maxsize=256)
def _pair(name: str, value: str) -> str:
    return urlencode({name: value})


@lru_cache(maxsize=1024)
def _quoted(path: str) -> str:
    return quote(path, safe="/:")


def base_url(request: Request) -> str:
    """Scheme, host and prefix of this service as its caller sees it, without a slash at the end (see `proxies`)."""
    scope = request.scope
    host = request.headers.get("host", "")
    if not host and scope.get("server"):
        host = f"{scope['server'][0]}:{scope['server'][1]}"
    return f"{scope.get('scheme', 'http')}://{host}{root_of(request)}"


def root_of(request: Request) -> str:
    """The path prefix in front of every link, without a slash at its end."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def path_of(request: Request) -> str:
    """The path below the prefix, whether the proxy in front takes it off or not."""
    return path_below(request.scope)
