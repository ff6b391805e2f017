"""The partitions of a batch, run by processes. A partition that is done stays done, whoever did it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as first_of
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait

from gis.errors import LienthongError
from layers.publishing.source import Progress, no_progress

from .partition import run
from .plan import Plan

#: seconds between two looks at what is done
_LOOK_S = 0.5
_CONTEXT = multiprocessing.get_context("forkserver")


class BatchStoppedError(LienthongError):
    """A worker process ended before its partition did."""

    code = "batch_stopped"


def get_ready() -> None:
    """Let a process import what workers need, and return at once. Workers are forked from it, and not from this one,
    which has threads and connections of its own."""
    _CONTEXT.set_forkserver_preload([__name__])
    forkserver.ensure_running()


def compute(plan: Plan, workers: int | None, progress: Progress = no_progress) -> None:
    """Run every partition that is not done. Raises BatchStoppedError; what was done stays done."""
    waiting = [number for number in range(plan.partitions) if not plan.findings_file(number).is_file()]
    done = plan.subjects - sum(_subjects_in(plan, number) for number in waiting)
    progress("check", done, plan.subjects)
    count = min(workers or os.cpu_count() or 1, len(waiting))
    if count <= 1:
        for number in waiting:
            done += run(plan, number)
            progress("check", done, plan.subjects)
        return
    get_ready()
    reader, writer = _CONTEXT.Pipe(duplex=False)
    with reader, writer, ProcessPoolExecutor(
        count, mp_context=_CONTEXT, initializer=end_with, initargs=(reader,)
    ) as pool:  # fmt: skip
        futures = [pool.submit(run, plan, number) for number in waiting]
        try:
            left = set(futures)
            while left:  # whoever is told may stop here, and not only when a partition is done
                finished, left = first_of(left, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                done += sum(future.result() for future in finished)
                progress("check", done, plan.subjects)
        except BrokenProcessPool as error:
            raise BatchStoppedError(
                "Một tiến trình kiểm tra bị dừng (hết bộ nhớ?). Chạy lại với --resume, có thể với ít --workers hơn.",
                "A worker process was stopped (out of memory?). Run again with --resume, maybe with fewer --workers.",
            ) from error
        except BaseException:
            writer.close()  # whoever stops here does not wait for partitions that are under way
            raise
        finally:
            _cancel(futures)


def end_with(reader: Connection) -> None:
    """A process ends when the other end of the pipe is closed: by a parent that stops, or with one that was killed.
    What it was at is not done, and nobody has seen it.

    Nothing here leaves cycles behind; looking for some among a million shapes took a fifth of the time.
    """
    gc.disable()

    def watch() -> None:
        wait([reader])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _cancel(futures: Sequence[Future[int]]) -> None:
    for future in futures:
        future.cancel()


def _subjects_in(plan: Plan, number: int) -> int:
    return min(plan.size, plan.subjects - number * plan.size)
