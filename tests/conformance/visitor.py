"""One identity at the service under test. Every answer it gets is held against the service's own description."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import httpx

from tests.support.contract import Contract

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


class Visitor:
    """A caller with a name, who knows the collections it sees."""

    def __init__(self, name: str, base: str, token: str | None) -> None:
        self.name, self.base = name, base
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=30)
        self.contract = Contract(self.http.get("/api", params={"f": "json"}).json(), base)
        self._schemas: dict[tuple[str, str], dict[str, Any]] = {}
        self.http.event_hooks["response"].append(self._keeps_its_word)

    def _keeps_its_word(self, response: httpx.Response) -> None:
        response.read()
        breaches = self.contract.breaches(response)
        assert not breaches, f"{response.request.method} {response.request.url} as {self.name}: {breaches}"

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)

    def json(self, path: str, **options: Any) -> Any:
        response = self.get(path, **options)
        assert response.status_code == 200, f"{response.request.url}: {response.status_code} {response.text[:400]}"
        return response.json()

    def status(self, path: str, **options: Any) -> int:
        return self.get(path, **options).status_code

    @cached_property
    def landing(self) -> Any:
        return self.json("/")

    @cached_property
    def classes(self) -> set[str]:
        return set(self.json("/conformance")["conformsTo"])

    @cached_property
    def collections(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("/collections")["collections"]
        return found

    @cached_property
    def readable(self) -> list[dict[str, Any]]:
        """Those whose features the caller may read."""
        return [each for each in self.collections if links(each, "items")]

    @cached_property
    def spatial(self) -> list[dict[str, Any]]:
        """Readable ones with an extent."""
        return [each for each in self.readable if "extent" in each]

    def features(self, collection: str, **query: Any) -> list[dict[str, Any]]:
        """All that match: no collection under test has more than fit in one page."""
        path = f"/collections/{collection}/items"
        found: list[dict[str, Any]] = self.json(path, params={"limit": "1000", **query})["features"]
        return found

    def ids(self, collection: str, **query: Any) -> set[Any]:
        return {feature["id"] for feature in self.features(collection, skipGeometry="true", **query)}

    def schema(self, collection: str, which: str = "schema") -> dict[str, Any]:
        if (collection, which) not in self._schemas:
            self._schemas[collection, which] = self.json(f"/collections/{collection}/{which}")
        return self._schemas[collection, which]


def links(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in document["links"] if link["rel"] == rel]


def link(document: dict[str, Any], rel: str) -> dict[str, Any]:
    found = links(document, rel)
    assert len(found) == 1, f"{len(found)} links {rel}"
    return found[0]


def box_of(collection: dict[str, Any]) -> tuple[float, float, float, float]:
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    return west, south, east, north


def of_box(box: tuple[float, ...]) -> str:
    return ",".join(map(repr, box))
