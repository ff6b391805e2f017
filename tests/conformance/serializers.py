"""Hooks of schemathesis in a process of its own (`SCHEMATHESIS_HOOKS`): bodies that it cannot write by itself."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/pdf")
def as_bytes(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
