"""Long lists of points in a body, read a piece at a time, as lists of coordinates are (`ogc/common/long_json.py`).

A hundred thousand points in one go would keep the interpreter for longer than others may wait. The list is taken out,
one point with a word for its number stands in its place, and what was read is put back where that point is found.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from ogc.common.long_json import pieces

#: lists of fewer bytes are read with the rest
LONG = 100_000
#: bytes read in one step in which nothing else can run
_STEP = 32_000
_BEGINS = re.compile(rb'"points"\s{0,20}:\s{0,20}(?=\[\s{0,20}\{)')
_BETWEEN = re.compile(rb"\}\s{0,20},")
_ENDS = re.compile(rb"\}\s{0,20}\]")
#: a character that no text may hold: whoever reads the whole says so
_NUL = b"\\u0000"


class _Numbered(Protocol):
    @property
    def number(self) -> str | None: ...


P = TypeVar("P", bound=_Numbered)


@dataclass(frozen=True, slots=True)
class Apart(Generic[P]):
    """A body with its long lists of points taken out."""

    text: bytes
    lists: dict[str, tuple[P, ...]]
    is_sound: bool = True  #: False: the text holds, of a list that cannot be read, the part that says why

    def put_back(self, tables: Sequence[object]) -> bool:
        """Put the lists into the tables that were read; False where one has no place in them."""
        left = dict(self.lists)
        for table in tables:
            points = getattr(table, "points", None)
            if points and (found := left.pop(points[0].number or "", None)) is not None:
                vars(table)["points"] = found  # a body is frozen for everybody but who is making it
        return self.is_sound and not left


def points_apart(raw: bytes, point: TypeAdapter[list[P]]) -> Apart[P] | None:
    """None where there is nothing long, or what is long is no list of points: it is then read with the rest."""
    rest, lists, end = list[bytes](), dict[str, tuple[P, ...]](), 0
    for found in _BEGINS.finditer(raw):
        begin = found.end() + 1
        if begin < end or (last := _ENDS.search(raw, begin)) is None or last.end() - begin < LONG:
            continue
        read = _read(raw[begin : last.start() + 1], point)
        if isinstance(read, bytes):
            return Apart(b"".join([*rest, raw[end:begin], read, raw[last.end() - 1 :]]), {}, is_sound=False)
        word = secrets.token_hex(16)
        lists[word] = read
        rest += [raw[end:begin], f'{{"number":"{word}","x":0,"y":0}}'.encode()]
        end = last.end() - 1
    return Apart(b"".join([*rest, raw[end:]]), lists) if lists else None


def _read(text: bytes, point: TypeAdapter[list[P]]) -> tuple[P, ...] | bytes:
    """The points, or the first piece that is none."""
    found: list[P] = []
    for piece in pieces(text, _BETWEEN, _STEP):
        if _NUL in piece:
            return piece
        try:
            found += point.validate_json(b"[" + piece + b"]")
        except ValidationError:
            return piece
    return tuple(found)
