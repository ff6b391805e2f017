"""The gzip form of a body, as the service sends it: the same bytes whoever packs it."""

from __future__ import annotations

import zlib

SMALLEST = 1024
#: 3 is twice as fast as the usual 6 and gives away about 5 % of the size of GeoJSON
LEVEL = 3
GZIP = 16 + zlib.MAX_WBITS


def packed(body: bytes) -> bytes:
    """Empty for a body that is not worth it."""
    if len(body) < SMALLEST:
        return b""
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return stream.compress(body) + stream.flush()
