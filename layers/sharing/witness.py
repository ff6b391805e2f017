"""What the chain of seals is held against: its head, written down outside the database.

A line is appended to a file in the data folder and is on disk when it counts as written. Copied to another office, the
file holds against those who administer this machine too.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from layers.store.seals import Head

WITNESSED_EVERY_S = 60.0
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """One sighting of the chain's head. `number` is the line's in its file; a line that cannot be read has no seal."""

    number: int
    at: str = ""
    chain: str = ""
    seal: int = 0
    digest: str = ""
    event: int = 0

    @property
    def is_readable(self) -> bool:
        return self.seal > 0


def witness_file(data_folder: Path, database: str) -> Path:
    """Where the heads of one database are written down."""
    return data_folder / "witness" / f"{quote(database, safe='')}.jsonl"


class Witness:
    """Appends the head to a file: at once when first seen, then at most once a minute, and at the end."""

    def __init__(self, data_folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = data_folder
        self._clock = clock
        self._written_at: float | None = None
        self._last: tuple[int, str] | None = None

    def is_due(self, head: Head) -> bool:
        """Whether a line would say something new, and the minute is over."""
        if head.digest is None or (head.number, head.digest) == self._last:
            return False
        return self._written_at is None or self._clock() - self._written_at >= WITNESSED_EVERY_S

    def write(self, head: Head) -> None:
        """Append the head unless the file ends with it. Raises OSError."""
        if head.digest is None or (head.number, head.digest) == self._last:
            return
        file = witness_file(self._folder, head.database)
        if _last_digest(file) != head.digest:
            _append(file, head)
        self._last, self._written_at = (head.number, head.digest), self._clock()


def _append(file: Path, head: Head) -> None:
    told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "chain": head.chain, "seal": head.number,
            "digest": head.digest, "event": head.event}  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # a whole line in one write: two processes may append to one file
    with file.open("ab", buffering=0) as stream:
        stream.write(_end_of_torn(file) + json.dumps(told).encode() + b"\n")
        os.fsync(stream.fileno())


def _end_of_torn(file: Path) -> bytes:
    """What ends a last line that was broken off, so that the next one is not lost with it."""
    with file.open("rb") as stream:
        if stream.seek(0, os.SEEK_END) == 0:
            return b""
        stream.seek(-1, os.SEEK_END)
        return b"" if stream.read(1) == b"\n" else b"\n"


def _last_digest(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL))
            last = stream.read().splitlines()[-1:]
    except FileNotFoundError:
        return None
    return _read(0, last[0]).digest if last else None


def lines(file: Path) -> Iterator[Line]:
    """Every line of a witness file. Raises OSError."""
    with file.open("rb") as stream:
        for number, text in enumerate(stream, start=1):
            yield _read(number, text)


def _read(number: int, text: bytes) -> Line:
    try:
        told = json.loads(text)
        return Line(
            number, str(told["at"]), str(told["chain"]), int(told["seal"]), str(told["digest"]), int(told["event"])
        )
    except (ValueError, KeyError, TypeError):
        return Line(number)
