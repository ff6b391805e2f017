"""How an export leaves: files made beside the request pool, texts as they are made, both only while they may."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import anyio
import pyarrow as pa
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from layers.access.principal import PUBLIC
from layers.errors import TooManyError, UnauthenticatedError, UnavailableError
from layers.exporting.formats import Text
from layers.exporting.making import MadeFile, make_file
from layers.exporting.spool import Spool
from layers.store.catalogue import LiveCatalogue
from layers.store.connection import Database, too_many_exports
from layers.store.exporting import Extract, batches
from ogc.auth import caller_now, caller_of
from ogc.common.accesses import Accesses, Export
from ogc.common.relation import Decisions, Relation

from .export_query import Asked

#: files written at once; files that are being made or sent, of all callers and of one
WRITERS, MOST_FILES, MOST_FILES_EACH = 2, 24, 2
#: of one file; what is longer is asked for in parts
MOST_BYTES = 1_000_000_000
_AGAIN_S = 10.0
_PIECE = 256 * 1024
#: why an export ends before its end
Ending = Literal["suspended", "withdrawn", "policy", "identity"]


@dataclass
class Exports:
    """What the exports of one process share; `stall_s` is how long a caller may take nothing."""

    spool: Spool
    stall_s: float
    files: Counter[str] = field(default_factory=Counter)  #: under way, by caller

    def __post_init__(self) -> None:
        self.writers = CapacityLimiter(WRITERS)

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """A file's, from its making until it is sent. Raises TooManyError, UnavailableError."""
        if self.files[caller] >= MOST_FILES_EACH:
            raise TooManyError(_AGAIN_S)
        if self.files.total() >= MOST_FILES:
            raise too_many_exports()
        self.files[caller] += 1
        try:
            yield
        finally:
            self.files[caller] -= 1
            if not self.files[caller]:
                del self.files[caller]


@asynccontextmanager
async def exports_below(data: Path, stall_s: float) -> AsyncIterator[Exports]:
    """For as long as the service runs; what killed ones left is swept first."""
    with Spool.below(data) as spool:
        yield Exports(spool, stall_s)


class EndedError(UnavailableError):
    """What was asked may not leave any more."""

    def __init__(self, reason: Ending) -> None:
        self.reason = reason
        super().__init__(
            "Lớp dữ liệu, quyền xem hoặc phiên đăng nhập vừa thay đổi nên bản xuất đã dừng. Vui lòng gửi lại yêu cầu.",
            "The layer, the rights to it or your session have just changed, so the export has ended. Please ask again.",
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an export still is what the caller may have, by the catalogue, the day and the token of this moment."""

    catalogue: LiveCatalogue
    decisions: Decisions
    relation: Relation
    request: Request

    @classmethod
    def of(cls, request: Request, relation: Relation) -> Standing:
        return cls(request.app.state.catalogue, request.app.state.decisions, relation, request)

    async def ending(self) -> Ending | None:
        """Why it may not go on. Raises UnavailableError, psycopg errors: what cannot be asked may not either."""
        catalogue, decided = await self.catalogue.current(), self.relation.decision
        state = catalogue.layers.get(self.relation.layer)
        if state is None or state.state == "withdrawn":
            return "withdrawn"
        if state.state == "suspended":
            return "suspended"
        found = self.decisions.of(
            catalogue, state, self.relation.principal, decided.action, self.relation.purpose
        )  # fmt: skip
        if not found.is_allowed or found.relation_digest != decided.relation_digest:
            return "policy"
        return None if await self._is_same_caller() else "identity"

    async def _is_same_caller(self) -> bool:
        """Asked last: whoever changed may have lost nothing, and what was lost is told by its own name."""
        try:
            return await caller_now(self.request) == caller_of(self.request)
        except UnauthenticatedError:
            return False

    async def require(self) -> None:
        """Raises EndedError."""
        reason = await self.ending()
        if reason is not None:
            raise EndedError(reason)

    async def held(self, source: AsyncGenerator[pa.RecordBatch]) -> AsyncGenerator[pa.RecordBatch]:
        """The batches for as long as they may be had: asked before each is read, and before it is given on."""
        async with aclosing(source):
            await self.require()
            async for batch in source:
                await self.require()
                yield batch


# ── files ────────────────────────────────────────────────────────────────────────────────────────


class Filed(Response):
    """Made whole, recorded, then sent; whoever reads slowly holds a file and nothing else."""

    def __init__(self, request: Request, asked: Asked, extract: Extract, headers: dict[str, str]) -> None:
        self._database: Database = request.app.state.database
        self._accesses: Accesses = request.app.state.accesses
        self._exports: Exports = request.app.state.exports
        self._asked, self._extract = asked, extract
        self._standing, self._caller = Standing.of(request, asked.relation), _caller(request, asked.relation)
        super().__init__(b"", 200, headers, asked.kind.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._exports.place(self._caller):
            path = self._exports.spool.place(self._asked.kind.suffix)
            try:
                made, file = await self._recorded(path)
            finally:
                path.unlink(missing_ok=True)  # without a name it is gone when it is sent, and when this process is
            with file:
                await self._send(send, file, made.size_bytes)

    async def _recorded(self, path: Path) -> tuple[MadeFile, BinaryIO]:
        ended: EndedError | None = None
        async with self._accesses.exporting(self._asked.relation, _asked(self._asked)) as access:
            try:
                return await self._made(path, access)
            except EndedError as error:  # told outside: its closing says why
                ended = error
                await access.close(features=0, size_bytes=0, reason=error.reason)
        assert ended is not None
        raise ended

    async def _made(self, path: Path, access: Export) -> tuple[MadeFile, BinaryIO]:
        found = self._standing.held(batches(self._database, self._extract))
        made = await make_file(
            found, self._extract.layout, self._asked.kind, path, limiter=self._exports.writers, most_bytes=MOST_BYTES
        )
        file = await to_thread.run_sync(path.open, "rb")
        try:
            await self._standing.require()
            await access.close(features=made.features, size_bytes=made.size_bytes)
        except BaseException:
            file.close()
            raise
        return made, file

    async def _send(self, send: Send, file: BinaryIO, size_bytes: int) -> None:
        self.headers["content-length"] = str(size_bytes)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        left = size_bytes
        while left >= 0 and (piece := await to_thread.run_sync(file.read, _PIECE)):
            left -= len(piece)
            if not await _sent(send, piece, self._exports.stall_s, has_more=left > 0):
                return
            if left > 0 and await self._standing.ending() is not None:
                return


def _caller(request: Request, relation: Relation) -> str:
    """Everybody without a name is told apart by the address."""
    name = relation.principal.id
    return name if name != PUBLIC.id else f"{name} {request.client.host if request.client else ''}"


def _asked(asked: Asked) -> str:
    return f"{asked.kind.name} {asked.query!r}"


# ── texts ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Left:
    """What has left of a text, and why no more did."""

    features: int = 0
    size_bytes: int = 0
    reason: str | None = None


class Streamed(Response):
    """A text that leaves while it is made. Between two batches no connection is held; the revision stays."""

    def __init__(self, request: Request, asked: Asked, extract: Extract, text: Text, headers: dict[str, str]) -> None:
        self._database: Database = request.app.state.database
        self._accesses: Accesses = request.app.state.accesses
        self._stall_s = request.app.state.exports.stall_s
        self._asked, self._extract, self._text = asked, extract, text
        self._standing = Standing.of(request, asked.relation)
        super().__init__(b"", 200, headers, asked.kind.media_type)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: BaseException | None = None
        async with self._accesses.exporting(self._asked.relation, _asked(self._asked)) as access:
            left = _Left()
            try:
                await self._leave(send, left)
            except BaseException as error:  # recorded with what has left by now, and raised behind that
                failure = error
                left.reason = _reason(error)
            await access.close(features=left.features, size_bytes=left.size_bytes, reason=left.reason)
        if failure is not None and not (isinstance(failure, EndedError) and left.size_bytes):
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
        async with aclosing(self._standing.held(batches(self._database, self._extract))) as found:
            async for batch in found:
                part = await to_thread.run_sync(self._text.part, batch, layout)
                yield batch.num_rows, head + part
                head = b""
        yield 0, head + self._text.tail(layout)


def _reason(error: BaseException) -> str:
    if isinstance(error, EndedError):
        return error.reason
    return "error" if isinstance(error, Exception) else "cancelled"


async def _sent(send: Send, piece: bytes, stall_s: float, *, has_more: bool) -> bool:
    """False where the caller has not taken it in time: nothing more is sent, and the connection ends."""
    with anyio.move_on_after(stall_s) as waiting:
        await send({"type": "http.response.body", "body": piece, "more_body": has_more})
    return not waiting.cancelled_caught
