"""The two things an answer has from outside the request and the data: what time it is, and names nobody has used yet.

Both are passed into `create_app`, so that a test may hold them still; nothing at the edge asks the system itself.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import HTTPConnection

Clock = Callable[[], datetime]
NewId = Callable[[], str]


def utc_now() -> datetime:
    return datetime.now(UTC)


def random_id() -> str:
    """A name that cannot be guessed: knowing it is part of the right to a record."""
    return str(uuid.uuid4())


def random_code() -> str:
    """128 random bits in the letters of base32, which people can read out and type."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=")


def now_of(connection: HTTPConnection) -> datetime:
    """The service's time, with its zone."""
    now: datetime = connection.app.state.clock()
    return now
