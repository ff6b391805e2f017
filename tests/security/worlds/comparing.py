"""Two answers to one request, compared to the byte; the few places that may differ are listed here, with the reason."""

from __future__ import annotations

import re

from .asking import Answer, Asked

#: headers that no two answers share, whatever the world
FREE_HEADERS = frozenset({"date", "x-request-id"})
#: headers of one route that differ with the second of the machine's clock: a token says when it was made
FREE_HEADERS_OF = {"/demo/identity": frozenset({"set-cookie"})}
#: lines of /metrics that tell how long something took, or how much memory is used
_TIMED = re.compile(rb"^[^\n]*(_seconds|_bytes|_created)[^\n]*\n", re.MULTILINE)


def differences(asked: Asked, first: Answer, second: Answer) -> list[str]:
    """What tells the two worlds apart, in words for whoever reads the failure."""
    found = []
    if first.status != second.status:
        found.append(f"status {first.status} ≠ {second.status}")
    one, other = _headers(asked, first), _headers(asked, second)
    timed = asked.route == "/metrics"
    if one != other and not timed:
        found += [f"header {name!r}" for name in sorted(dict(one).keys() | dict(other).keys())
                  if dict(one).get(name) != dict(other).get(name)] or ["order of headers"]  # fmt: skip
    if _body(asked, first) != _body(asked, second):
        found.append("body " + _where(first.body, second.body))
    return found


def _headers(asked: Asked, answer: Answer) -> tuple[tuple[str, str], ...]:
    free = FREE_HEADERS | FREE_HEADERS_OF.get(asked.route, frozenset())
    return tuple(header for header in answer.headers if header[0] not in free)


def _body(asked: Asked, answer: Answer) -> bytes:
    return untimed(answer) if asked.route == "/metrics" else answer.body


def untimed(answer: Answer) -> bytes:
    """/metrics without the lines of the clock, whose digits may be anything."""
    return _TIMED.sub(b"", answer.unpacked)


def _where(first: bytes, second: bytes) -> str:
    """The place of the first difference with what stands around it."""
    pairs = enumerate(zip(first, second, strict=False))
    at = next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))
    begin = max(0, at - 80)
    return f"at {at} of {len(first)}/{len(second)}:\n    {first[begin : at + 120]!r}\n    {second[begin : at + 120]!r}"
