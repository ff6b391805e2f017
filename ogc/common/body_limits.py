"""How much a caller may send: what is read beyond the limit is refused, whatever `Content-Length` says."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from .proxies import first_step

#: bytes by the first step of the path; a question about ground may bring a table of 250,000 points or eight million
#: bytes of a file
LIMITS = {
    "checks": 16_000_000,
    "divisions": 16_000_000,
    "parcels": 16_000_000,
    "subjects": 16_000_000,
    "collections": 4_000_000,
    "dossiers": 1_000_000,
    "processes": 4_000_000,
    "verify": 5_000_000,
}
DEFAULT = 200_000


def bounded(path: str, receive: Receive) -> Receive:
    """The route that reads too much of a stream gets HTTPException 413 from it."""
    left = LIMITS.get(first_step(path), DEFAULT)

    async def next_part() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return next_part
