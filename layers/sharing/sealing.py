"""The task that seals access events every second, in every server and worker; one of them at a time does the work."""

from __future__ import annotations

from pathlib import Path

import anyio
import structlog
from anyio import to_thread

from layers.store.connection import Database
from layers.store.seals import Head, Sealing

from .witness import Witness

SEALED_EVERY_S = 1.0
log = structlog.get_logger("lienthong")


class Sealer:
    """Seals and has the head witnessed. A failure is logged when it begins and when it ends, and tried again."""

    def __init__(self, database: Database, data_folder: Path) -> None:
        self._sealing = Sealing(database)
        self._witness = Witness(data_folder)
        self._is_failing = False

    async def run_forever(self) -> None:
        while True:
            await self.once()
            await anyio.sleep(SEALED_EVERY_S)

    async def once(self) -> None:
        """Seal what is new; witness the head when that is due."""
        await self._attempt(is_last=False)

    async def finish(self) -> None:
        """Seal and witness what there is: the process ends."""
        await self._attempt(is_last=True)

    async def _attempt(self, *, is_last: bool) -> None:
        try:
            head = await self._sealing.seal()
            if is_last or self._witness.is_due(head):
                await self._write(head)
        except Exception as error:  # whatever it is, it must not end the service: what is not sealed shows
            if not self._is_failing:
                log.error("events_not_sealed", exc_info=error)
            self._is_failing = True
        else:
            if self._is_failing:
                log.info("events_sealed_again")
            self._is_failing = False

    async def _write(self, head: Head) -> None:
        await to_thread.run_sync(self._witness.write, head)
