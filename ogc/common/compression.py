"""gzip for texts and tiles; large bodies are compressed outside the event loop."""

from __future__ import annotations

import zlib
from functools import lru_cache

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send

from layers.tiling.packing import GZIP, LEVEL, SMALLEST

from .language import quality_of

#: bytes above which compressing would hold up the event loop noticeably (about 1 ms)
OFF_LOOP = 96 * 1024
_COMPRESSIBLE = ("text/", "application/json", "application/javascript", "application/vnd.mapbox-vector-tile")


class Compressor:
    """`send` of one response, for a caller that takes gzip: compresses what is worth it. A strong ETag becomes weak
    with the change of bytes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._stream: zlib._Compress | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] != "http.response.body":
            await self._begin()
            await self._send(message)
        elif self._start is not None:
            await self._first(message)
        else:
            await self._next(message)

    async def _begin(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)

    async def _first(self, message: Message) -> None:
        """The first part of the body decides: now the size, or that more is to come, is known."""
        assert self._start is not None
        is_whole = not message.get("more_body", False)
        is_small = is_whole and len(message.get("body", b"")) < SMALLEST
        headers = MutableHeaders(raw=self._start["headers"])
        if self._start["status"] != 200 or is_small or not _is_compressible(headers):
            await self._begin()
            await self._send(message)
            return
        self._stream = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        body = await self._compressed(message.get("body", b""), is_last=is_whole)
        _declare(headers, len(body) if is_whole else None)
        self._start["headers"] = headers.raw
        await self._begin()
        await self._send({**message, "body": body})

    async def _next(self, message: Message) -> None:
        if self._stream is not None:
            body = await self._compressed(message.get("body", b""), is_last=not message.get("more_body", False))
            message = {**message, "body": body}
        await self._send(message)

    async def _compressed(self, body: bytes, *, is_last: bool) -> bytes:
        stream = self._stream
        assert stream is not None

        def run() -> bytes:
            return stream.compress(body) + (stream.flush() if is_last else b"")

        return await to_thread.run_sync(run) if len(body) > OFF_LOOP else run()


def _declare(headers: MutableHeaders, length: int | None) -> None:
    headers["content-encoding"] = "gzip"
    headers.add_vary_header("Accept-Encoding")
    if length is None:
        del headers["content-length"]
    else:
        headers["content-length"] = str(length)
    etag = headers.get("etag")
    if etag is not None and not etag.startswith("W/"):
        headers["etag"] = f"W/{etag}"


def _is_compressible(headers: Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0]
    is_text = media_type.startswith(_COMPRESSIBLE) or media_type.endswith(("+json", "+xml"))
    is_left_alone = "content-encoding" in headers or "no-transform" in headers.get("cache-control", "")
    return is_text and not is_left_alone


def takes_gzip(scope: Scope) -> bool:
    """By the raw list: every request comes by here, also those that are answered in few bytes."""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            return accepts_gzip(value.decode("latin-1"))
    return False


@lru_cache(maxsize=64)
def accepts_gzip(header: str) -> bool:
    if "gzip" not in header:
        return False
    entries = (entry.strip().partition(";") for entry in header.split(","))
    return any(name == "gzip" and quality_of(parameters) > 0 for name, _, parameters in entries)
