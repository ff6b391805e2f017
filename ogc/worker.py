"""The worker: sweeps what killed publications left behind, and seals events. procrastinate wakes it; the work is ours.

Later issues hang long checks and exports on it through `checks.job`.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import structlog
from procrastinate import App, PsycopgConnector

from layers.sharing.sealing import Sealer
from layers.store.connection import Database
from layers.store.staging import sweep as sweep_staging

SHUTDOWN_S = 10
log = structlog.get_logger()


def create_worker(url: str) -> App:
    """The queue's application for one database."""
    worker = App(connector=PsycopgConnector(conninfo=url))

    @worker.periodic(cron="*/10 * * * *")
    @worker.task(queueing_lock="sweep", name="sweep_staging")
    async def sweep(timestamp: int) -> None:
        async with Database.open(url, size=1) as database, database.connection() as connection:
            dropped = await sweep_staging(connection)
        log.info("staging_swept", dropped=dropped, due=timestamp)

    return worker


async def work(url: str, data_folder: Path) -> None:
    """Run until the process is told to stop (SIGINT, SIGTERM)."""
    worker = create_worker(url)
    async with Database.open(url, size=2) as database, worker.open_async(), anyio.create_task_group() as tasks:
        sealer = Sealer(database, data_folder)
        tasks.start_soon(sealer.run_forever)
        try:
            await worker.run_worker_async(install_signal_handlers=True)
        finally:
            tasks.cancel_scope.cancel()
            with anyio.move_on_after(SHUTDOWN_S, shield=True):
                await sealer.finish()
