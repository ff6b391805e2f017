"""Logs: one JSON line an event on standard error. Never the values of local variables: they hold tokens and rows."""

from __future__ import annotations

import sys
import traceback

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure() -> None:
    """For the whole process, once, at the composition root."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _error,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        # standard error as it is when something is told: it may have been replaced since
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _error(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Type, first line and places of an exception; a database's DETAIL line quotes rows and stays out."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["error"] = type(error).__name__
        event["message"] = (str(error).splitlines() or [""])[0][:500]
        event["places"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ]
    return event
