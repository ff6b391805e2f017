"""The worker: does the jobs of the one job table, sweeps what killed publications left behind, and seals events.

procrastinate wakes it; the work is ours. Jobs of the lanes run side by side: a check never waits for a batch.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import structlog
from procrastinate import App, PsycopgConnector

from layers.jobs.batch_check import run_batch
from layers.jobs.export import run_export
from layers.jobs.job import BATCH_CHECK, EXPORT, LIMITS, PARCEL_CHECK, Limits
from layers.jobs.parcel_check import run_check
from layers.jobs.run import Do, Worker
from layers.publishing.raster_sweep import sweep_files
from layers.sharing.sealing import Sealer
from layers.store.connection import Database
from layers.store.raster_files import RasterFolder
from layers.store.staging import sweep as sweep_staging

SHUTDOWN_S = 10
#: a batch reads whole layers at once; each statement has this long
STATEMENT_MS = 600_000
#: tasks of the queue at once: one for each lane, and one for what is periodic
CONCURRENCY = 4
log = structlog.get_logger()


class Lane:
    """Jobs of some kinds, one after the other. Whoever wakes it while it works makes it look again at the end."""

    def __init__(self, worker: Worker, kinds: tuple[str, ...]) -> None:
        self.worker, self.kinds = worker, kinds
        self._is_working = self._is_wanted = False

    async def wake(self) -> None:
        self._is_wanted = True
        if self._is_working:
            return
        self._is_working = True
        try:
            while self._is_wanted:
                self._is_wanted = False
                await self.worker.run_waiting(self.kinds)
        finally:
            self._is_working = False

    async def look_forever(self) -> None:
        """Besides being woken: for jobs whose worker is gone. Nobody tells of those."""
        while True:
            await anyio.sleep(self.worker.limits.lease_s / 2)
            try:
                await self.wake()
            except Exception:  # the database may be away for a while
                log.exception("jobs_not_looked_for")


def create_worker(url: str, lanes: tuple[Lane, ...] = (), rasters: RasterFolder | None = None) -> App:
    """The queue's application for one database."""
    worker = App(connector=PsycopgConnector(conninfo=url))

    @worker.periodic(cron="*/10 * * * *")
    @worker.task(queueing_lock="sweep", name="sweep_staging")
    async def sweep(timestamp: int) -> None:
        async with Database.open(url, size=1) as database, database.connection() as connection:
            dropped = await sweep_staging(connection)
            removed = 0 if rasters is None else await sweep_files(connection, rasters)
        log.info("staging_swept", dropped=dropped, removed=removed, due=timestamp)

    # each minute besides: for jobs whose worker is gone, and wake-ups that were lost
    @worker.periodic(cron="* * * * *")
    @worker.task(queueing_lock="run_jobs", name="run_jobs")
    async def run_jobs(timestamp: int) -> None:
        for worker_of_jobs in {id(lane.worker): lane.worker for lane in lanes}.values():
            await worker_of_jobs.clear()
        async with _ending_when_told(lanes), anyio.create_task_group() as tasks:
            for lane in lanes:
                tasks.start_soon(lane.wake)
        log.info("jobs_looked_for", due=timestamp)

    return worker


@asynccontextmanager
async def _ending_when_told(lanes: tuple[Lane, ...]) -> AsyncIterator[None]:
    """The queue ends a task by cancelling it; work in threads hears of that only from here."""
    is_over = False

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            if not is_over:
                for lane in lanes:
                    lane.worker.end()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        yield
        is_over = True
        tasks.cancel_scope.cancel()


def kinds_of_jobs() -> Mapping[str, Do]:
    """Each kind of job with the way it is done; a check is read from its body as the route reads it."""
    from ogc.features.export_jobs import prepared
    from ogc.service.checks import request_of  # brings the pages along, which not every worker needs at once

    return {
        BATCH_CHECK: run_batch,
        PARCEL_CHECK: partial(run_check, request_of=request_of),
        EXPORT: partial(run_export, prepare=prepared),
    }


def lanes_of(database: Database, data_folder: Path, limits: Limits = LIMITS) -> tuple[Lane, ...]:
    """A lane each for checks, batches and exports."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    worker = Worker(database, data_folder, name, kinds_of_jobs(), limits)
    return tuple(Lane(worker, (kind,)) for kind in (PARCEL_CHECK, BATCH_CHECK, EXPORT))


async def work(url: str, data_folder: Path, limits: Limits = LIMITS, rasters: Path | None = None) -> None:
    """Run until the process is told to stop (SIGINT, SIGTERM). `rasters`: where their files lie, else in the data."""
    folder = RasterFolder(rasters or data_folder / "rasters")
    async with Database.open(url, size=6, statement_timeout_ms=STATEMENT_MS, rasters=folder.root) as database:
        lanes = lanes_of(database, data_folder, limits)
        worker = create_worker(url, lanes, folder)
        async with worker.open_async(), anyio.create_task_group() as tasks:
            sealer = Sealer(database, data_folder)
            tasks.start_soon(sealer.run_forever)
            for lane in lanes:
                tasks.start_soon(lane.look_forever)
            try:
                await worker.run_worker_async(
                    install_signal_handlers=True, concurrency=CONCURRENCY, shutdown_graceful_timeout=SHUTDOWN_S / 5
                )
            finally:
                for lane in lanes:
                    lane.worker.end()
                tasks.cancel_scope.cancel()
                with anyio.move_on_after(SHUTDOWN_S, shield=True):
                    await sealer.finish()
