"""A proxy in front of the service that takes a path prefix off, and whoever walks every link behind it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import httpx
import lxml.html
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: links that are alike are followed so often
_OF_A_KIND = 3
_PLACES = {"a": "href", "link": "href", "script": "src", "img": "src", "form": "action"}
#: where a template of tiles or glyphs has a place that is known to be served
_FILLED = {
    "{z}": "0", "{y}": "0", "{x}": "0", "{tileMatrix}": "0", "{tileRow}": "0", "{tileCol}": "0",
    "{fontstack}": "NotoSans-Regular", "{range}": "0-255",
}  # fmt: skip


class Stripping:
    """Passes on what lies below the prefix, without it, and says what it was asked in headers of its own."""

    def __init__(self, app: ASGIApp, prefix: str, says: Mapping[str, str]) -> None:
        self.app, self.prefix, self.says = app, prefix, says

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not scope["path"].startswith(f"{self.prefix}/"):
            await PlainTextResponse("outside of the prefix", 502)(scope, receive, send)
            return
        said = [(name.lower().encode(), value.encode()) for name, value in self.says.items()]
        path = scope["path"].removeprefix(self.prefix)
        raw = scope["raw_path"].removeprefix(self.prefix.encode())
        passed = {**scope, "path": path, "raw_path": raw, "headers": [*scope["headers"], *said]}
        await self.app(passed, receive, send)


@dataclass
class Walk:
    """`home` is where the service says it is, `address` where it is asked."""

    home: str
    address: str
    headers: Mapping[str, str] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)

    def everything(self, *begun: str) -> Walk:
        waiting = [self.home + path for path in begun]
        with httpx.Client(headers=dict(self.headers), timeout=30) as client:
            while waiting:
                link = waiting.pop()
                key, kind = _without_language(link), _kind(link)
                if key in self.seen or self.kinds[kind] >= _OF_A_KIND:
                    continue
                self.seen.add(key)
                self.kinds[kind] += 1
                waiting += self._asked(client, link)
        return self

    def _asked(self, client: httpx.Client, link: str) -> list[str]:
        response = client.get(self.address + link.removeprefix(self.home), headers={"accept": "*/*"})
        found = [response.headers["location"]] if response.is_redirect else []
        if not (response.is_success or response.is_redirect):
            self.failures.append(f"{response.status_code} {link}")
        elif "html" in response.headers.get("content-type", ""):
            found += list(_of_page(response.text))
        elif response.headers.get("content-type", "").partition(";")[0].endswith("json"):
            found += list(_of_document(response.json()))
        whole = [urljoin(link, each) for each in found]
        self.strays += [f"{each} on {link}" for each in whole if not f"{each}/".startswith(f"{self.home}/")]
        return [each.partition("#")[0] for each in whole if each.startswith(f"{self.home}/")]


def _of_page(text: str) -> Iterator[str]:
    page = lxml.html.fromstring(text)
    for name, attribute in _PLACES.items():
        for element in page.iter(name):
            given = element.get(attribute)
            is_asked = name != "form" or element.get("method", "get").lower() == "get"
            if given and is_asked and not given.startswith("#"):
                yield given


def _of_document(value: Any) -> Iterator[str]:
    """Links, templates of tiles and glyphs, servers: whatever a program would ask next."""
    if isinstance(value, list):
        for each in value:
            yield from _of_document(each)
    if not isinstance(value, dict) or str(value.get("rel", "")).endswith("/execute"):  # asked with POST
        return
    for name, given in value.items():
        if name in ("href", "glyphs", "url", "sprite", "contentUrl") and isinstance(given, str):
            yield _filled(given)
        elif name == "tiles" and isinstance(given, list):
            yield from (_filled(each) for each in given if isinstance(each, str))
        else:
            yield from _of_document(given)


def _filled(template: str) -> str:
    for name, value in _FILLED.items():
        template = template.replace(name, value)
    return template


def _without_language(link: str) -> str:
    parts = urlsplit(link)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "lang"]
    return urlunsplit(parts._replace(query=urlencode(sorted(kept)), fragment=""))


def _kind(link: str) -> str:
    """The same for two rows of a layer, two tiles, two places in a list: their links are made by one line of ours."""
    parts = urlsplit(link)
    path = re.sub(r"(?<=/)\d+(?=/|$)", "#", parts.path)
    names = sorted(f"{name}={value}" if name == "f" else name for name, value in parse_qsl(parts.query))
    return f"{path}?{'&'.join(names)}"


def told(walk: Walk) -> str:
    return json.dumps({"strays": walk.strays[:20], "failures": walk.failures[:40], "seen": len(walk.seen)}, indent=1)
