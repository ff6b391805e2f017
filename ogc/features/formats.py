"""Items in the formats of other programs (`f=` or Accept): files made beside the request pool, texts sent as they come.

Up to the limit of a page this is `items` in another writing. A whole layer beyond it needs the action `export`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from layers.access.principal import PUBLIC
from layers.exporting.formats import FORMATS, Format, Text
from layers.exporting.making import MadeFile, make_file
from layers.exporting.spool import Spool
from layers.store.connection import Database, too_many_exports
from layers.store.exporting import Extract, batches, count_up_to
from ogc.common.accesses import Accesses
from ogc.common.caching import VARY, is_known, not_modified, weak
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import GEOJSON, JSON, Addresses, Link, link
from ogc.common.methods import IS_HEAD
from ogc.common.negotiation import form_of
from ogc.common.origin import require_own_origin
from ogc.common.parameters import Parameters
from ogc.common.relation import Relation, authorised, described, with_action
from ogc.service.check_jobs import accepted

from .export_jobs import submit_export
from .export_query import Asked, asked_of, require_shapes, revision_of
from .paging import MAX_LIMIT
from .query import Query

__all__ = ["FORMATS", "MEDIA_TYPES", "Exports", "Format", "export", "exports_below", "wanted"]

#: word of `f` → media type, for the operation
MEDIA_TYPES = {each.name: each.media_type for each in FORMATS.values()}
#: files written at once, and files that are being made or sent
WRITERS, MOST_FILES = 2, 24
_PIECE = 256 * 1024


@dataclass
class Exports:
    """What the exports of one process share; `stall_s` is how long a caller may take nothing."""

    spool: Spool
    stall_s: float
    files: int = 0

    def __post_init__(self) -> None:
        self.writers = CapacityLimiter(WRITERS)


@asynccontextmanager
async def exports_below(data: Path, stall_s: float) -> AsyncIterator[Exports]:
    """For as long as the service runs; what killed ones left is swept first."""
    with Spool.below(data) as spool:
        yield Exports(spool, stall_s)


def wanted(request: Request) -> Format | None:
    """The format that was negotiated, None for JSON and pages."""
    return FORMATS.get(form_of(request))


def alternates(addresses: Addresses, relation: Relation, query: Query) -> list[Link]:
    """The same features in other formats; a page further on has none, since an export has no pages."""
    if query.edge is not None:
        return []
    return [
        link(addresses.here(f=kind.name, limit=query.limit), "alternate", kind.media_type, kind.title)
        for kind in of_relation(relation)
    ]


def of_relation(relation: Relation) -> list[Format]:
    """The formats that what is shown of the layer has a place in."""
    decision = relation.decision
    has_gaps = any(box.geometry.kind == "none" for box in decision.boxes)
    return [
        kind for kind in FORMATS.values()
        if (decision.has_geometry or not kind.needs_shapes) and not (kind.needs_every_shape and has_gaps)
    ]  # fmt: skip


async def export(request: Request, parameters: Parameters, kind: Format) -> Response:
    """Raises whatever `items` raises, and ForbiddenError for more than a page without the action `export`."""
    asked = asked_of(kind, parameters, await _relation(request))
    require_shapes(asked, is_named=request.query_params.get("f") == kind.name)
    revision = await revision_of(request.app.state.database, asked, now_of(request))
    etag = _etag(request, asked)
    if _has_etag(asked.relation) and is_known(request, etag):
        request.app.state.accesses.counted(asked.relation)
        return not_modified(etag, asked.relation.cache_control)
    size = await _size(request, asked, revision)
    if size is not Size.PAGE or _wants_job(request, asked.relation):
        asked = asked_of(kind, parameters, await authorised(request, asked.relation.layer, "export"))
    headers = _headers(request, asked, etag)
    if IS_HEAD in request.scope:
        request.app.state.accesses.counted(asked.relation)
        return _headers_alone(kind, headers)
    if (size is Size.LONG and kind.text is None) or _wants_job(request, asked.relation):
        await require_own_origin(request)  # a job is kept: no page of another site may begin one
        return accepted(request, await submit_export(request, asked, parameters.values, revision))
    extract = asked.extract(revision, language_of(request))
    if kind.text is not None:
        return _Streamed(request, asked, extract, kind.text, headers)
    return await _file(request, asked, extract, headers)


class Size(Enum):
    """How much is asked for: what a page may hold, more, or so much that it is not counted."""

    PAGE = 1
    MORE = 2
    LONG = 3


async def _size(request: Request, asked: Asked, revision: int) -> Size:
    if asked.is_limited:
        return Size.PAGE
    number = await count_up_to(request.app.state.database, asked.extract(revision, "vi"))
    if number is None:
        return Size.LONG
    return Size.PAGE if number <= MAX_LIMIT else Size.MORE


async def _relation(request: Request) -> Relation:
    """That of `items`; who may only export has that of `export`."""
    layer = request.path_params["collectionId"]
    relation = await described(request, layer)
    if not relation.decision.is_allowed and with_action(request, relation, "export").is_allowed:
        return await authorised(request, layer, "export")
    return await authorised(request, layer, "items")


def _wants_job(request: Request, relation: Relation) -> bool:
    """Prefer: respond-async, of somebody who can own a job and may export; a preference may be passed over."""
    wishes = ",".join(request.headers.getlist("prefer")).replace(";", ",").split(",")
    is_wish = "respond-async" in {wish.strip().lower() for wish in wishes}
    return is_wish and relation.principal.id != PUBLIC.id and with_action(request, relation, "export").is_allowed


def _etag(request: Request, asked: Asked) -> str:
    """By the revision and by both relations it may be read from."""
    relation = asked.relation
    whole = with_action(request, relation, "export").relation_digest
    return weak("export", asked.kind.name, language_of(request), whole, *relation.version, Addresses(request).here())


def _has_etag(relation: Relation) -> bool:
    return relation.is_cacheable and relation.tells_activity


def _headers(request: Request, asked: Asked, etag: str) -> dict[str, str]:
    addresses, relation = Addresses(request), asked.relation
    links = (
        f'<{addresses.here()}>; rel="self"; type="{asked.kind.media_type}"',
        f'<{addresses.here(f="json")}>; rel="alternate"; type="{GEOJSON}"',
        f'<{addresses.to("collections", relation.layer)}>; rel="collection"; type="{JSON}"',
    )
    made = {
        "Content-Disposition": f'attachment; filename="{asked.file_name}"', "X-Content-Type-Options": "nosniff",
        "Cache-Control": relation.cache_control, "Vary": VARY, "Link": ", ".join(links),
    }  # fmt: skip
    made |= {"ETag": etag} if _has_etag(relation) else {}
    return made | ({"Content-Crs": f"<{asked.crs.uri}>"} if asked.has_shapes else {})


def _headers_alone(kind: Format, headers: dict[str, str]) -> Response:
    """HEAD: how long it would be is known only once it is made, and then it may as well be had."""
    made = Response(headers=headers, media_type=kind.media_type)
    del made.headers["content-length"]
    return made


# ── files ────────────────────────────────────────────────────────────────────────────────────────


async def _file(request: Request, asked: Asked, extract: Extract, headers: dict[str, str]) -> Response:
    """Made whole, recorded, then sent; whoever reads slowly holds a file and nothing else."""
    exports: Exports = request.app.state.exports
    if exports.files >= MOST_FILES:
        raise too_many_exports()
    accesses: Accesses = request.app.state.accesses
    exports.files += 1
    try:
        async with accesses.exporting(asked.relation, f"{asked.kind.name} {asked.query!r}") as access:
            found = batches(request.app.state.database, extract)
            made = await make_file(
                found, extract.layout, asked.kind, exports.spool.place(asked.kind.suffix), limiter=exports.writers
            )
            await access.close(features=made.features, size_bytes=made.size_bytes)
    except BaseException:
        exports.files -= 1
        raise
    return _Sent(made, asked.kind.media_type, headers, exports)


class _Sent(Response):
    """A file without a name: it is gone when it is sent, and when this process is."""

    def __init__(self, made: MadeFile, media_type: str, headers: dict[str, str], exports: Exports) -> None:
        self._made, self._exports = made, exports
        super().__init__(b"", 200, {**headers, "Content-Length": str(made.size_bytes)}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            file = await to_thread.run_sync(self._made.path.open, "rb")
            with file:
                self._made.path.unlink()
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                left = self._made.size_bytes
                while left >= 0 and (piece := await to_thread.run_sync(file.read, _PIECE)):
                    left -= len(piece)
                    if not await _sent(send, piece, self._exports.stall_s, has_more=left > 0):
                        return
        finally:
            self._exports.files -= 1


# ── texts ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Left:
    """What has left of a text, and why no more did."""

    features: int = 0
    size_bytes: int = 0
    reason: str | None = None


class _Streamed(Response):
    """A text that leaves while it is made. Between two batches no connection is held; the revision stays."""

    def __init__(self, request: Request, asked: Asked, extract: Extract, text: Text, headers: dict[str, str]) -> None:
        self._database: Database = request.app.state.database
        self._accesses: Accesses = request.app.state.accesses
        self._stall_s = request.app.state.exports.stall_s
        self._asked, self._extract, self._text = asked, extract, text
        super().__init__(b"", 200, headers, asked.kind.media_type)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = f"{self._asked.kind.name} {self._asked.query!r}"
        failure: BaseException | None = None
        async with self._accesses.exporting(self._asked.relation, asked) as access:
            left = _Left()
            try:
                await self._leave(send, left)
            except BaseException as error:  # recorded with what has left by now, and raised behind that
                failure = error
                left.reason = "error" if isinstance(error, Exception) else "cancelled"
            await access.close(features=left.features, size_bytes=left.size_bytes, reason=left.reason)
        if failure is not None:
            raise failure
        if left.reason is None:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _leave(self, send: Send, left: _Left) -> None:
        is_begun = False
        async with aclosing(self._parts()) as parts:
            async for number, part in parts:
                if not is_begun:
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                    is_begun = True
                if not await _sent(send, part, self._stall_s, has_more=True):
                    left.reason = "stalled"
                    return
                left.features, left.size_bytes = left.features + number, left.size_bytes + len(part)

    async def _parts(self) -> AsyncGenerator[tuple[int, bytes]]:
        """Features and bytes; the head waits for the first of them: what cannot be read is still told as an error."""
        layout, head = self._extract.layout, self._text.head(self._extract.layout)
        async with aclosing(batches(self._database, self._extract)) as found:
            async for batch in found:
                part = await to_thread.run_sync(self._text.part, batch, layout)
                yield batch.num_rows, head + part
                head = b""
        yield 0, head + self._text.tail(layout)


async def _sent(send: Send, piece: bytes, stall_s: float, *, has_more: bool) -> bool:
    """False where the caller has not taken it in time: nothing more is sent, and the connection ends."""
    with anyio.move_on_after(stall_s) as waiting:
        await send({"type": "http.response.body", "body": piece, "more_body": has_more})
    return not waiting.cancelled_caught
