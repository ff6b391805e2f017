"""ETag, 304 and who may keep an answer (design 4, "Read").

What an ETag is made of holds rules over hidden columns. So it is keyed: whoever knows the definitions cannot try out
rules at home.
"""

from __future__ import annotations

import hashlib
from contextvars import ContextVar, Token

from starlette.requests import Request
from starlette.responses import Response

#: counted up whenever the same rows would give other bytes
ENCODER = "1"
VARY = "Authorization, Cookie, Accept, Accept-Language"
_VARY = VARY.encode()
NO_STORE = "private, no-store"
#: an own cache may keep it but asks every time: what is taken back is gone at once
REVALIDATE = "private, no-cache"
#: the same for everybody, so that shared caches may keep it too
SHARED = "public, no-cache"
#: of the service that answers, the same in all its processes; without one there is no ETag
_KEY: ContextVar[bytes] = ContextVar("lienthong.etags.key")


def name_with(key: bytes) -> Token[bytes]:
    """From here on, whatever is named in this request is named with the key of its service."""
    return _KEY.set(key)


def name_no_more(token: Token[bytes]) -> None:
    _KEY.reset(token)


def digest(*parts: object) -> str:
    """One short name for all that an answer depends on, which only this service can make."""
    whole = "\x1f".join(map(str, (ENCODER, *parts)))
    return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16, key=_KEY.get()).hexdigest()


def weak(*parts: object) -> str:
    """The ETag of a list or a tile: equal rows, not always equal bytes (timeStamp, compression)."""
    return f'W/"{digest(*parts)}"'


def strong(*parts: object) -> str:
    """The ETag of an item."""
    return f'"{digest(*parts)}"'


def item_state(shown: bytes, definition_digest: str) -> str:
    """Names what a caller sees of an item, in whatever form: an edit of what they do not see leaves it as it is."""
    return digest("item", shown.hex(), definition_digest)


def item_etag(state: str, address: str) -> str:
    """Strong, one for each form of an item. What stands before the point is the state, the same in every form."""
    return f'"{state}.{digest(address)}"'


def names_state(header: str, state: str) -> bool:
    """Whether an `If-Match` names the state, in any form of the item (strong comparison: RFC 9110, 13.1.1)."""
    named = [each.strip() for each in header.split(",")]
    return "*" in named or any(each.startswith(f'"{state}.') and each.endswith('"') for each in named)


def is_known(request: Request, etag: str) -> bool:
    """The caller already has it (If-None-Match, weak comparison: RFC 9110, 13.1.2)."""
    header = request.headers.get("if-none-match")
    if header is None or header == etag:  # one that was given here comes back as it is
        return header is not None
    opaque = etag.removeprefix("W/")
    return header.strip() == "*" or any(known.strip().removeprefix("W/") == opaque for known in header.split(","))


def is_any(request: Request) -> bool:
    """`If-None-Match: *` names no state, and so no query that held."""
    return request.headers.get("if-none-match", "").strip() == "*"


def not_modified(etag: str, cache_control: str) -> Response:
    made = Response(status_code=304)
    made.raw_headers = [(b"etag", etag.encode()), (b"cache-control", cache_control.encode()), (b"vary", _VARY)]
    return made
