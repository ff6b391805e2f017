"""Answers that were worked out from what the caller may not see: one length, and away on a fixed tick.

How long the work took and how much was found would tell of it; so would an error that comes earlier than an answer.
Ticks are counted from the moment the whole request is here: against a tick of the clock on the wall a caller could aim.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from starlette.requests import Request
from starlette.responses import Response

from gis.errors import LienthongError
from layers.profile.grammar import CheckOnly

from .policy_header import catalogue_of


@dataclass(frozen=True, slots=True)
class Pace:
    """The clock of the ticks (seconds) and the way to wait for one; a test passes in its own."""

    clock: Callable[[], float] = anyio.current_time
    sleep_until: Callable[[float], Awaitable[None]] = anyio.sleep_until

    async def let_go(self, received: float, tick_s: float) -> None:
        """Wait for the next whole tick after `received`; work that took longer than one waits for a later one."""
        ticks = max(1, math.ceil((self.clock() - received) / tick_s))
        await self.sleep_until(received + ticks * tick_s)


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Made:
    """A response that is ready, and how many bytes longer it could have been with other hidden data."""

    response: Response
    is_guarded: bool
    slack_bytes: int = 0
    is_exact: bool = False  #: a file that already has the one length it may have; nothing is added to it


async def paced(request: Request, make: Callable[[], Awaitable[Made]]) -> Response:
    """The response of `make`, or of its error; guarded ones and errors padded and on a tick."""
    pace: Pace = request.app.state.pace
    received = pace.clock()
    limits = (await catalogue_of(request)).profile.header.check_only
    made = await _made(request, make)
    if made.is_guarded:
        if not made.is_exact:
            _pad(made, limits)
        await pace.let_go(received, limits.tick_ms / 1000)
    return made.response


async def _made(request: Request, make: Callable[[], Awaitable[Made]]) -> Made:
    from ogc.errors import answer, unknown  # pages of errors know this package

    try:
        return await make()
    except LienthongError as error:
        return Made(await answer(request, error), is_guarded=True)
    except Exception as error:
        return Made(await unknown(request, error), is_guarded=True)


def _pad(made: Made, limits: CheckOnly) -> None:
    """White space at the end means nothing in JSON and HTML. A compressed answer would have its content's length."""
    response = made.response
    longest = len(response.body) + made.slack_bytes
    length = max(1, math.ceil(longest / limits.pad_bytes)) * limits.pad_bytes
    response.body = bytes(response.body).ljust(length)
    response.headers["Content-Length"] = str(length)
    response.headers["Cache-Control"] = "private, no-store, no-transform"
