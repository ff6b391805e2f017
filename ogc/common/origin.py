"""Unsafe methods are for our own pages and for programs: another site must not make a browser change anything.

The cookie is SameSite=Strict already; this holds where a browser does not keep to that.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from layers.errors import ForbiddenError

from .links import base_url

_OWN = ("same-origin", "none")


async def require_own_origin(request: Request) -> None:
    """Raises ForbiddenError for a request that a page of another origin has sent. A program names no origin."""
    origin = request.headers.get("origin")
    is_own = origin is None or host_of(origin) == urlsplit(base_url(request)).netloc
    if not is_own or request.headers.get("sec-fetch-site", "none") not in _OWN:
        raise ForbiddenError(
            "Yêu cầu đến từ trang khác nên bị từ chối.", "The request came from another site and is refused.",
            reason="origin",
        )  # fmt: skip


def host_of(address: str) -> str | None:
    """Host and port; None for what is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None
