"""Waiting for a long answer: PostgreSQL sends 8 kB at a time, and psycopg would wake the task for each of them.

A page of a thousand features is a hundred such parts. Here the event loop's own call-back takes each part in, and the
task is woken once, when the answer is whole. What an interruption does is left to psycopg.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import READY_R, READY_W, WAIT_R, WAIT_W, Ready, Wait

T = TypeVar("T")
#: a connection that somebody closed is told by nothing: it is looked at, as psycopg does
LOOK_EVERY_S = 0.5


async def whole(generator: PQGen[T], socket: int) -> T:
    """What the generator returns. Raises what it raises; interrupted, it stands where it stood, to be gone on with."""
    try:
        wanted = next(generator)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    drive = _Drive(generator, socket)
    try:
        drive.listen(wanted)
        return await drive.end
    except OSError as error:
        raise psycopg.OperationalError("connection socket closed") from error
    finally:
        drive.stop()


class _Drive(Generic[T]):
    """One generator, led on whenever its socket is ready."""

    def __init__(self, generator: PQGen[T], socket: int) -> None:
        self._generator = generator
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._wanted: Wait | int = 0
        self._next_look = self._loop.call_later(LOOK_EVERY_S, self._look)
        self.end: asyncio.Future[T] = self._loop.create_future()

    def listen(self, wanted: Wait | int) -> None:
        self.listen_no_more()
        if wanted & WAIT_R:
            self._loop.add_reader(self._socket, self._step, READY_R)
        if wanted & WAIT_W:
            self._loop.add_writer(self._socket, self._step, READY_W)
        self._wanted = wanted

    def listen_no_more(self) -> None:
        if self._wanted & WAIT_R:
            self._loop.remove_reader(self._socket)
        if self._wanted & WAIT_W:
            self._loop.remove_writer(self._socket)
        self._wanted = 0

    def stop(self) -> None:
        self._next_look.cancel()
        self.listen_no_more()

    def _look(self) -> None:
        self._next_look = self._loop.call_later(LOOK_EVERY_S, self._look)
        try:
            self.listen(self._wanted)
        except OSError as error:  # the socket is closed
            self._next_look.cancel()
            if not self.end.done():
                self.end.set_exception(error)

    def _step(self, ready: Ready) -> None:
        if self.end.done():  # interrupted in this very turn of the loop
            return
        try:
            wanted = self._generator.send(ready)
            if wanted != self._wanted:
                self.listen(wanted)
        except StopIteration as end:
            self.listen_no_more()
            self.end.set_result(end.value)
        except BaseException as error:  # the task's to know
            self.listen_no_more()
            self.end.set_exception(error)


class Interrupted(Generic[T]):
    """A generator whose waiting was broken off: for psycopg to be told so, and to go on with it."""

    def __init__(self, generator: PQGen[T], error: BaseException) -> None:
        self._generator = generator
        self._error: BaseException | None = error

    def __next__(self) -> Wait:
        if (error := self._error) is not None:
            self._error = None
            raise error
        return next(self._generator)

    def send(self, ready: Ready) -> Wait:
        return self._generator.send(ready)
