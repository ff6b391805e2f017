"""Answers: the same dictionary as JSON for a program or as a page for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .caching import NO_STORE, VARY
from .language import language_of
from .negotiation import prefers_html


def json_response(
    document: Mapping[str, Any] | bytes,
    media_type: str = "application/json",
    *,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """JSON from a dictionary, or from bytes that are JSON already."""
    body = document if isinstance(document, bytes) else orjson.dumps(document, default=str)
    return Response(
        body, status, headers={"Cache-Control": NO_STORE, "Vary": VARY, **(headers or {})}, media_type=media_type
    )


def document_response(
    request: Request, document: Mapping[str, Any], template: str, media_type: str = "application/json", **context: Any
) -> Response:
    """The page when the caller prefers one, else JSON. `context`: see `ogc.web.contexts`."""
    if not prefers_html(request):
        return json_response(document, media_type, headers={"Content-Language": language_of(request)})
    from ogc.web import pages  # pages know the callers and languages of this package

    return pages.render(request, template, document=document, **context)
