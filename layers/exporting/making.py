"""A file from batches that come from elsewhere: written in a thread, put in place whole or not at all."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio
import pyarrow as pa
from anyio import CapacityLimiter, create_memory_object_stream, from_thread, to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pyogrio.errors import DataLayerError, DataSourceError

from layers.errors import InvalidRequestError

from .formats import Format
from .layout import Batches, Layout

#: batches that wait for the writer
_AHEAD = 2
Tell = Callable[[int], None]
Source = AsyncGenerator[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class MadeFile:
    path: Path
    features: int
    size_bytes: int


def _tell_nobody(features: int) -> None:
    return None


async def make_file(
    source: Source, layout: Layout, kind: Format, path: Path, *, tell: Tell = _tell_nobody,
    limiter: CapacityLimiter | None = None, most_bytes: int | None = None,
) -> MadeFile:  # fmt: skip
    """Raises whatever the source raises, InvalidRequestError for what the format cannot hold and for what is longer
    than `most_bytes`; nothing is left then."""
    draft = path.with_name(f".draft-{path.name}")  # drivers look at its end
    counted = _Counted(tell, _Room(draft, most_bytes))
    try:
        await _written(counted.of(source), lambda batches: kind.write(batches, layout, draft), limiter)
        await counted.room.require()
        size_bytes = await to_thread.run_sync(_put_in_place, draft, path)
    except (DataLayerError, DataSourceError) as error:
        raise InvalidRequestError(
            f"Không ghi được dữ liệu này thành {kind.title}; hãy chọn định dạng khác.",
            f"These features cannot be written as {kind.title}; please choose another format.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return MadeFile(path, counted.features, size_bytes)


def _put_in_place(draft: Path, path: Path) -> int:
    """Whole and on disk before it has its name. Its size in bytes."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
        size_bytes = os.fstat(file.fileno()).st_size
    draft.replace(path)
    return size_bytes


@dataclass(frozen=True, slots=True)
class _Room:
    """How much a draft and what lies beside it while it is written may take."""

    draft: Path
    most_bytes: int | None

    async def require(self) -> None:
        """Raises InvalidRequestError."""
        if self.most_bytes is not None and await to_thread.run_sync(self._taken) > self.most_bytes:
            raise InvalidRequestError(
                "Tệp xuất quá lớn; hãy lọc bớt hoặc chia theo xã.",
                "The file is too large; filter, or divide by commune.",
            )

    def _taken(self) -> int:
        """Drivers put journals, indexes and parts beside the file, under names that begin as its own does."""
        beside = [path for path in self.draft.parent.iterdir() if path.name.startswith(self.draft.stem)]
        return sum(_size(path) for found in beside for path in (found, *found.rglob("*")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # gone since it was listed
        return 0


class _Counted:
    """The batches as they come, and how many rows they were."""

    def __init__(self, tell: Tell, room: _Room) -> None:
        self.features = 0
        self.room = room
        self._tell = tell

    async def of(self, source: Source) -> Source:
        async with aclosing(source):
            async for batch in source:
                await self.room.require()
                yield batch
                self.features += batch.num_rows
                self._tell(self.features)


async def _written(source: Source, write: Callable[[Batches], None], limiter: CapacityLimiter | None) -> None:
    """The writer pulls in its thread; the source runs here, in one task, and stops where the writer does. The source
    begins when the writer may: one that waits for its turn holds no connection."""
    if limiter is None:
        await _pumped(source, write, None)
        return
    async with limiter:
        await _pumped(source, write, CapacityLimiter(1))


async def _pumped(source: Source, write: Callable[[Batches], None], limiter: CapacityLimiter | None) -> None:
    send, receive = create_memory_object_stream[pa.RecordBatch](_AHEAD)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        feeding = _Feeding(source, send)
        tasks.start_soon(feeding.run)
        try:
            await to_thread.run_sync(_write, write, receive, feeding, limiter=limiter)
        except Exception as error:  # told outside of the group, which would wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if feeding.failure is not None:
        raise feeding.failure
    if failure is not None:
        raise failure


class _Feeding:
    """The source's own task; what goes wrong in it is what went wrong."""

    def __init__(self, source: Source, send: MemoryObjectSendStream[pa.RecordBatch]) -> None:
        self.failure: Exception | None = None
        self._source, self._send = source, send

    async def run(self) -> None:
        async with self._send, aclosing(self._source):
            try:
                async for batch in self._source:
                    await self._send.send(batch)
            except anyio.BrokenResourceError:
                return  # the writer has stopped, and tells why itself
            except Exception as error:
                self.failure = error


def _write(
    write: Callable[[Batches], None], receive: MemoryObjectReceiveStream[pa.RecordBatch], feeding: _Feeding
) -> None:
    try:
        write(_pulled(receive, feeding))
    finally:
        from_thread.run_sync(receive.close)


def _pulled(receive: MemoryObjectReceiveStream[pa.RecordBatch], feeding: _Feeding) -> Iterator[pa.RecordBatch]:
    """Raises StoppedError where the source ended before its end: half a file must not look like a whole one."""
    while True:
        try:
            yield from_thread.run(receive.receive)
        except anyio.EndOfStream:
            if feeding.failure is not None:
                raise StoppedError from feeding.failure
            return


class StoppedError(Exception):
    """The rows broke off."""
