"""The worker: sweeps what killed publications left behind. procrastinate wakes it; the work is ours.

Later issues hang long checks and exports on it through `checks.job`.
"""

from __future__ import annotations

import structlog
from procrastinate import App, PsycopgConnector

from layers.store.connection import Database
from layers.store.staging import sweep as sweep_staging

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


async def work(url: str) -> None:
    """Run until the process is told to stop (SIGINT, SIGTERM)."""
    worker = create_worker(url)
    async with worker.open_async():
        await worker.run_worker_async(install_signal_handlers=True)
