"""A worker that kills itself at a step of a batch: `python -m tests.support.killed_jobs URL DATA STEP NUMBER`."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from layers.jobs.batch_check import run_batch
from layers.jobs.job import BATCH_CHECK
from layers.jobs.run import Work, Worker
from layers.store.connection import Database

from . import forking
from .forking import Started
from .jobs import SHORT


def start(url: str, data: Path, step: str = "-", number: int = 0) -> Started:
    """A worker in a process of its own that kills itself, as `kill -9` would, when this step was told so often."""
    return forking.start("tests.support.killed_jobs", url, data, step, number)


def main() -> None:
    url, data, step, number = sys.argv[1:5]
    anyio.run(_work_until, url, Path(data), step, int(number))


async def _work_until(url: str, data: Path, step: str, number: int) -> None:
    async with Database.open(url, size=3) as database:
        kinds = {BATCH_CHECK: partial(_killed_batch, step=step, number=number)}
        await Worker(database, data, "killed", kinds, SHORT).run_waiting((BATCH_CHECK,))
        if step == "finished":
            os.kill(os.getpid(), signal.SIGKILL)


async def _killed_batch(work: Work, step: str, number: int) -> Any:
    told = 0
    go_on = work.tell

    def tell(partitions: int, done: int, message: Any = None) -> None:
        nonlocal told
        names = {"begin": done <= 20, "export": 50 <= done < 100, "check": 100 <= done < 900, "write": done >= 900}
        told += names.get(step, False)
        if told > number:
            os.kill(os.getpid(), signal.SIGKILL)
        go_on(partitions, done, message)

    work.tell = tell  # type: ignore[method-assign]
    result = await run_batch(work, processes=1)
    if step == "closing":
        os.kill(os.getpid(), signal.SIGKILL)
    return result


if __name__ == "__main__":
    main()
