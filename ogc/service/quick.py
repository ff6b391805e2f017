"""What is asked of the service most often, found by `Front` without the frame's router: that costs as much as its share
of the work of a check."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ogc.common.origin import require_own_origin
from ogc.common.parameters import Parameters

from . import checks


async def post_check(request: Request) -> Response:
    """`POST /checks` with what the application and its route ask before it."""
    Parameters(request, frozenset())
    await require_own_origin(request)
    return await checks.post_check(request)
