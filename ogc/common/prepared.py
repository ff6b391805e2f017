"""Documents that are the same for everybody with the same rights: made once, sent as bytes, known by their ETag."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .caching import REVALIDATE, VARY, is_known, not_modified
from .language import language_of
from .negotiation import prefers_html

#: documents kept; the largest has a few hundred kB
KEPT = 96


@dataclass(frozen=True, slots=True)
class Prepared:
    """One document and its bytes."""

    document: Mapping[str, Any]
    body: bytes
    etag: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Prepared:
        body = orjson.dumps(document, default=str)
        return cls(document, body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"')


class PreparedDocuments:
    """Those of one process; what was not asked for longest is forgotten first."""

    def __init__(self, size: int = KEPT) -> None:
        self._size = size
        self._known: OrderedDict[tuple[object, ...], Prepared] = OrderedDict()

    def of(self, key: tuple[object, ...], make: Callable[[], Mapping[str, Any]]) -> Prepared:
        """`key` names all that the document depends on."""
        found = self._known.get(key)
        return self._keep(key, Prepared.of(make()) if found is None else found)

    async def of_awaited(self, key: tuple[object, ...], make: Callable[[], Awaitable[Mapping[str, Any]]]) -> Prepared:
        found = self._known.get(key)
        return self._keep(key, Prepared.of(await make()) if found is None else found)

    def _keep(self, key: tuple[object, ...], prepared: Prepared) -> Prepared:
        self._known[key] = prepared
        self._known.move_to_end(key)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return prepared


def prepared_response(
    request: Request,
    prepared: Prepared,
    template: str,
    media_type: str = "application/json",
    *,
    cache_control: str = REVALIDATE,
    **context: Any,
) -> Response:
    """The page when the caller prefers one, else the bytes, or 304 where the caller has them."""
    if prefers_html(request):
        from ogc.web import pages  # pages know the callers and languages of this package

        return pages.render(request, template, document=prepared.document, **context)
    if is_known(request, prepared.etag):
        return not_modified(prepared.etag, cache_control)
    headers = {
        "Cache-Control": cache_control, "Vary": VARY, "ETag": prepared.etag, "Content-Language": language_of(request)
    }  # fmt: skip
    return Response(prepared.body, headers=headers, media_type=media_type)
