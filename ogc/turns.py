"""Several processes accept on one socket, and whoever has more connections than another lets that one go first.

Left to the system, one process often takes nearly all: a handful of callers who keep their connections then waits for
half the machine.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import mmap
import os
import socket
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext
from tempfile import TemporaryDirectory
from typing import Any

import structlog
import uvloop

#: the file that the processes of one service count in
COUNTED_IN = "LIENTHONG_CONNECTIONS_COUNTED_IN"
#: how long the others have, and how long we wait where the system has no room for another connection
_TURN_S, _NO_ROOM_S = 0.001, 1.0
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: of each process: some are started anew before those they replace have ended
_SLOTS_EACH, _WIDTH = 4, 8
log = structlog.get_logger("lienthong")


@contextmanager
def counting(processes: int) -> Iterator[None]:
    """For the processes that are started in the block: a file they count their connections in."""
    with TemporaryDirectory(prefix="lienthong-") as folder:
        path = Path(folder) / "connections"
        path.write_bytes(bytes(processes * _SLOTS_EACH * 2 * _WIDTH))
        os.environ[COUNTED_IN] = str(path)
        try:
            yield
        finally:
            del os.environ[COUNTED_IN]


class Tally:
    """How many connections each process has: a process and its number, slot by slot. A slot has one writer; one whose
    process is gone is the next one's."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)
            fcntl.lockf(file, fcntl.LOCK_EX)  # until it is closed
            self._numbers = memoryview(self._shared).cast("q")
            self._slots = range(0, len(self._numbers), 2)
            self._own = self._free_slot()
            self._numbers[self._own], self._numbers[self._own + 1] = os.getpid(), 0

    def _free_slot(self) -> int:
        for slot in self._slots:
            if not _is_alive(self._numbers[slot]):
                return slot
        raise RuntimeError("more processes than were told of")

    def add(self, number: int) -> None:
        self._numbers[self._own + 1] += number

    def is_fullest(self) -> bool:
        """Another process has fewer connections."""
        own = self._numbers[self._own + 1]
        others = (slot for slot in self._slots if slot != self._own and self._numbers[slot])
        return any(self._numbers[slot + 1] < own and _is_alive(self._numbers[slot]) for slot in others)


def _is_alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class TurnTakingLoop(uvloop.Loop):
    """uvloop, but for how it accepts on a socket it is given."""

    async def create_server(  # type: ignore[override]  # what the frame passes
        self, protocol_factory: Callable[[], asyncio.Protocol], *given: Any, sock: socket.socket | None = None,
        backlog: int = 100, ssl: SSLContext | None = None, **more: Any,
    ) -> asyncio.AbstractServer:  # fmt: skip
        path = os.environ.get(COUNTED_IN)
        if sock is None or path is None:
            return await super().create_server(
                protocol_factory, *given, sock=sock, backlog=backlog, ssl=ssl, **more
            )  # fmt: skip
        sock.setblocking(False)
        sock.listen(backlog)
        return _Listener(self, protocol_factory, sock, ssl, Tally(Path(path)))


def loop() -> TurnTakingLoop:
    return TurnTakingLoop()


class _Listener(asyncio.AbstractServer):
    """Accepts on one socket."""

    def __init__(
        self, loop: TurnTakingLoop, made: Callable[[], asyncio.Protocol], sock: socket.socket, ssl: SSLContext | None,
        tally: Tally,
    ) -> None:  # fmt: skip
        self._loop, self._made, self._socket, self._ssl, self._tally = loop, made, sock, ssl, tally
        self._opening: set[asyncio.Task[Any]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._is_open, self._has_waited = True, False
        self._listen()

    def close(self) -> None:
        self._is_open = False
        self._loop.remove_reader(self._socket)
        if self._later is not None:
            self._later.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._opening, return_exceptions=True)

    def get_loop(self) -> TurnTakingLoop:
        return self._loop

    def is_serving(self) -> bool:
        return self._is_open

    async def start_serving(self) -> None:
        """It serves from the beginning."""

    async def serve_forever(self) -> None:
        raise NotImplementedError("the frame has a loop of its own")

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._socket, self._ready)

    def _ready(self) -> None:
        if not self._has_waited and self._tally.is_fullest():
            self._has_waited = True
            self._listen_in(_TURN_S)
            return
        self._has_waited = False
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # somebody was quicker
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            log.warning("no_room_for_connections", error=errno.errorcode[error.errno])
            self._listen_in(_NO_ROOM_S)
            return
        self._open(connection)

    def _listen_in(self, seconds: float) -> None:
        self._loop.remove_reader(self._socket)
        self._later = self._loop.call_later(seconds, self._listen)

    def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tally.add(1)
        weakref.finalize(connection, self._tally.add, -1)  # the loop lets it go when it is closed
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._made, connection, ssl=self._ssl))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[Any]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("connection_not_opened", error=type(error).__name__)
