"""A body in many pieces that are all there already: sent one handful after another, and never joined as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

#: bytes that are joined and sent at once: below it a body is one message
HANDFUL = 512 * 1024


@dataclass(frozen=True, slots=True)
class Pieces:
    """`head`, the parts with `separator` between them, `tail`."""

    head: bytes
    parts: Sequence[bytes]
    tail: bytes
    separator: bytes = b""

    def __len__(self) -> int:
        between = len(self.separator) * max(0, len(self.parts) - 1)
        return len(self.head) + sum(map(len, self.parts)) + between + len(self.tail)

    def __bytes__(self) -> bytes:
        return self.head + self.separator.join(self.parts) + self.tail

    def handfuls(self) -> Iterator[bytes]:
        """About `HANDFUL` bytes each, as many parts as that is on average; the last one ends the body."""
        count = max(1, HANDFUL * len(self.parts) // max(1, len(self)))
        last = max(0, len(self.parts) - 1) // count * count
        head = self.head
        for begin in range(0, last, count):
            yield head + self.separator.join(self.parts[begin : begin + count]) + self.separator
            head = b""
        yield head + self.separator.join(self.parts[last:]) + self.tail


class PiecesResponse(Response):
    """A body whose length is known and which is drained as the caller takes it."""

    def __init__(
        self, pieces: Pieces, media_type: str, headers: Mapping[str, str], background: BackgroundTask | None = None
    ) -> None:
        self._pieces = pieces
        super().__init__(b"", 200, {**headers, "Content-Length": str(len(pieces))}, media_type, background)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        held: bytes | None = None  # the last one says that it is
        for handful in self._pieces.handfuls():
            if held is not None:
                await send({"type": "http.response.body", "body": held, "more_body": True})
            held = handful
        await send({"type": "http.response.body", "body": held or b"", "more_body": False})
