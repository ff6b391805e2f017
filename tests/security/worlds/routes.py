"""Every route of the service: those of its OpenAPI document, and those of the application that are in no document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: methods that every route has and that tell nothing of their own
_NO_ROUTE = frozenset({"HEAD", "OPTIONS"})


@dataclass
class Route:
    """One method on one path, and the names of its query parameters."""

    method: str
    path: str
    parameters: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(documents: Sequence[Mapping[str, Any]], others: Sequence[tuple[str, str]]) -> list[Route]:
    """Every route that is in somebody's OpenAPI document, and those of the application that are in none.

    A path of one layer is its template's: the parameters that only it has are its columns.
    """
    found = {
        f"{method} {path}": Route(method.upper(), path, tuple(_query_names(document, operation)))
        for document in documents
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "." not in operation.get("operationId", "")
    }
    known = {route.name for route in found.values()}
    return [*found.values(), *(Route(method, path, ()) for method, path in others if f"{method} {path}" not in known)]


def _query_names(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        named = parameter
        if "$ref" in parameter:
            named = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        if named["in"] == "query":
            yield named["name"]


def served(routes: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every route the application has, in the document or not."""
    for route in routes:
        if hasattr(route, "methods") and hasattr(route, "path"):
            yield from ((method, route.path) for method in sorted(set(route.methods) - _NO_ROUTE))
        else:
            yield from served(route.original_router.routes if hasattr(route, "original_router") else route.routes)
