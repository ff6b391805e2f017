"""What the service's own OpenAPI document promises, held against what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import httpx
import jsonschema_rs

#: answers that a proxy or the machine gives and no document lists
_BY_HTTP_ITSELF = frozenset({405, 406, 413, 414, 431})


class Contract:
    """One OpenAPI 3.1 document."""

    def __init__(self, document: Mapping[str, Any], base: str) -> None:
        self.document = document
        self._prefix = httpx.URL(base).path.rstrip("/")

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], str]]:
        """Templates, the more literal first."""
        ordered = sorted(self.document["paths"], key=lambda path: (path.count("{"), path))
        return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "/?"), path) for path in ordered]

    def templates(self, path: str) -> list[str]:
        """Those that a path fits, the more literal first; one without braces is the only one (Paths Object)."""
        own = path.removeprefix(self._prefix)
        fitting = [template for pattern, template in self._paths if pattern.fullmatch(own)]
        return fitting[:1] if fitting and "{" not in fitting[0] else fitting

    def breaches(self, response: httpx.Response) -> list[str]:
        """What the answer does that the document does not say; empty when it keeps its word."""
        request = response.request
        method = "get" if request.method == "HEAD" else request.method.lower()
        if method == "options":  # everybody's, and so not described
            return []
        named = self.templates(request.url.path)
        template = next((each for each in named if method in self.document["paths"][each]), None)
        if template is None:
            is_refused = response.status_code in (401, 403, 404, 405)
            return [] if is_refused else [f"{method} {request.url.path} is not described"]
        operation = self.document["paths"][template][method]
        if response.status_code in _BY_HTTP_ITSELF:
            return []
        described = self._resolved(operation["responses"].get(str(response.status_code)))
        if described is None:
            return [f"{method} {template}: status {response.status_code} is not described"]
        if request.method == "HEAD" or not response.content:
            return []
        return [f"{method} {template}: {each}" for each in self._of_body(described, response)]

    def _of_body(self, described: Mapping[str, Any], response: httpx.Response) -> list[str]:
        media_type = response.headers.get("content-type", "")
        plain = media_type.partition(";")[0].strip()
        content = described.get("content", {})
        found = content.get(media_type) or content.get(plain)
        if found is None:
            return [f"{response.status_code} as {media_type!r}, described are {sorted(content)}"]
        if not plain.endswith(("/json", "+json")) or "schema" not in found:
            return []
        schema = found["schema"]
        errors = self._validator(_frozen(schema)).iter_errors(response.json())
        return [f"{'/'.join(map(str, e.instance_path))}: {e.message[:300]}" for e in list(errors)[:3]]

    def _resolved(self, value: Any) -> Any:
        while isinstance(value, Mapping) and "$ref" in value:
            kind, name = value["$ref"].removeprefix("#/components/").split("/")
            value = self.document["components"][kind][name]
        return value

    @lru_cache(maxsize=200)  # noqa: B019 - a contract lives as long as its tests
    def _validator(self, schema: str) -> Any:
        import json

        whole = {"allOf": [json.loads(schema)], "components": self.document["components"]}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _frozen(schema: Mapping[str, Any]) -> str:
    import json

    return json.dumps(schema, sort_keys=True)
