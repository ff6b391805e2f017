"""Long lists of coordinates in a body, read a piece at a time.

A reader of JSON keeps the interpreter for all of a text: of four megabytes, for longer than others may wait. The list
is taken out, the rest is read as ever, and the list is read in pieces, between which everybody else goes on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

#: lists of fewer bytes are read with the rest
LONG = 100_000
#: bytes looked at, and read, in one step in which nothing else can run
_STEP = 64_000
#: within a string the second quotation mark would have a backslash before it
_BEGINS = re.compile(rb'"coordinates"\s{0,20}:\s{0,20}(?=\[)')
_NUMBERS = re.compile(rb"[\[\]\d+\-.eE,\s]*")
_BETWEEN = re.compile(rb"\]\s*,")


@dataclass(frozen=True, slots=True)
class Outline:
    """A body with its long lists taken out: a word stands for each."""

    text: bytes
    lists: dict[str, list[Any]]

    def put_back(self, value: Any) -> bool:
        """Put the lists into a dictionary that was read; False where one has no place in it."""
        return _put_back(value, dict(self.lists))


def outline_of(raw: bytes) -> Outline | None:
    """None where there is nothing long, or what is long is not what it seems: it is then read with the rest."""
    rest, lists, end = [], dict[str, list[Any]](), 0
    for found in _BEGINS.finditer(raw):
        if found.start() < end:
            continue
        text = _list_at(raw, found.end())
        if len(text) < LONG:
            continue
        try:
            word = secrets.token_hex(16)
            lists[word] = _read(text)
        except ValueError:
            return None
        rest += [raw[end : found.end()], b'"', word.encode(), b'"']
        end = found.end() + len(text)
    return Outline(b"".join([*rest, raw[end:]]), lists) if lists else None


def _list_at(raw: bytes, begin: int) -> bytes:
    """What stands there of brackets and numbers, without what follows the list."""
    end = begin
    while end < len(raw):
        step = _NUMBERS.match(raw, end, end + _STEP)
        assert step is not None  # it matches nothing, too
        end = step.end()
        if end < step.endpos:
            break
    return raw[begin:end].rstrip(b", \t\r\n")


def _read(text: bytes) -> list[Any]:
    """A list of lists. Raises ValueError for what is none."""
    whole: list[Any] | None = None
    depth = 0
    for piece in pieces(text, _BETWEEN, _STEP):
        begins, depth = depth, depth + piece.count(b"[") - piece.count(b"]")
        if depth < 0 or (whole is not None and begins < 1):
            raise ValueError
        part = from_json(b"[" * begins + piece + b"]" * depth)
        if whole is None:
            whole = part
        else:
            _add(whole, part, begins)
    if depth or not isinstance(whole, list):
        raise ValueError
    return whole


def pieces(text: bytes, between: re.Pattern[bytes], step: int) -> Iterator[bytes]:
    """At least `step` bytes each, cut where one member ends and the next begins: `between` is the end and its comma."""
    begin = 0
    while begin < len(text):
        cut = between.search(text, begin + step) if begin + step < len(text) else None
        yield text[begin : cut.start() + 1] if cut else text[begin:]
        begin = cut.end() if cut else len(text)


def _add(whole: list[Any], part: list[Any], depth: int) -> None:
    """What follows, to the lists that were still open."""
    if depth > 1:
        _add(whole[-1], part[0], depth - 1)
        part = part[1:]
    whole.extend(part)


def _put_back(value: Any, left: dict[str, list[Any]]) -> bool:
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str) and item in left:
                value[name] = left.pop(item)
            elif isinstance(item, dict):
                _put_back(item, left)
    return not left
