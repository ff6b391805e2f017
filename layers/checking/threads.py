"""The bounded threads in which geometry is measured and records are opened, so that the event loop stays free."""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar

#: kernels at work at once, where nobody passes a limiter in
THREADS = 2
_LIMITER: RunVar[CapacityLimiter] = RunVar("lienthong.checking.limiter")


def limiter_of_loop() -> CapacityLimiter:
    """The bounded threads of this event loop: shapely leaves the interpreter's lock, so they keep the loop free."""
    try:
        return _LIMITER.get()
    except LookupError:
        _LIMITER.set(CapacityLimiter(THREADS))
        return _LIMITER.get()
