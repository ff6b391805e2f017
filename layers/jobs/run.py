"""A worker's share: claim a job, keep its lease alive, do it, end it. Whoever loses the lease touches nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import structlog
from anyio import to_thread

from gis.errors import LienthongError, Message
from layers.checking.compute import BatchStoppedError
from layers.errors import StoreError
from layers.store import jobs
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database

from .folders import JobFolder, folders_in
from .job import LIMITS, MESSAGES, Job, Limits, LostError, Progress
from .owner import Owner, owner_today

log = structlog.get_logger("lienthong")
RELEASE_S = 5.0
#: the next time
_MAY_GO_BETTER: tuple[type[Exception], ...] = (BatchStoppedError, StoreError, *jobs.FAILURES)
#: signs of life in the time of one lease
_BEATS = 6


@dataclass
class Work:
    """One claimed job and what its kind needs to do it."""

    database: Database
    catalogue: Catalogue
    job: Job
    owner: Owner
    folder: JobFolder
    limits: Limits
    progress: Progress = field(default_factory=Progress)
    is_lost: bool = False

    async def begun(self, work: Path) -> None:
        """Later workers go on in this folder. Raises LostError."""
        async with self.database.connection() as connection:
            await jobs.begun(connection, self.job, work.name)

    def tell(self, partitions: int, done: int, message: Message | None = None) -> None:
        """How far it has come; called from threads, too. Raises LostError when the work is to stop here."""
        if self.is_lost:
            raise LostError
        self.progress.partitions, self.progress.done = partitions, done
        self.progress.message = message or MESSAGES["running"]


Result = Mapping[str, Any]
Do = Callable[[Work], Awaitable[Result]]


@dataclass
class Worker:
    """The jobs of one worker process. `kinds` are the ways to do each kind of job."""

    database: Database
    data: Path
    name: str
    kinds: Mapping[str, Do]
    limits: Limits = LIMITS
    is_ending: bool = field(default=False, init=False)
    _at_work: list[Work] = field(default_factory=list, init=False)

    def end(self) -> None:
        """What is at work stops at its next partition and is given back; nothing more is claimed."""
        self.is_ending = True
        for work in self._at_work:
            work.is_lost = True

    async def run_waiting(self, kinds: Collection[str]) -> int:
        """Jobs of these kinds, one after the other, until none waits; how many there were."""
        number = 0
        while await self.run_next(kinds):
            number += 1
        return number

    async def run_next(self, kinds: Collection[str]) -> bool:
        if self.is_ending:
            return False
        async with self.database.connection() as connection:
            given_up = await jobs.give_up(connection, kinds, self.limits)
            job = await jobs.claim(connection, self.name, kinds, self.limits)
        for lost in given_up:
            await to_thread.run_sync(JobFolder.of(self.data, lost.id).remove)
        if job is None:
            return False
        await self._run(job)
        return True

    async def clear(self) -> int:
        """Rows whose time is over, and folders that no job needs. The folders removed."""
        async with self.database.connection() as connection:
            forgotten = await jobs.forget_outlived(connection, self.limits)
            found = await to_thread.run_sync(folders_in, self.data, self.limits.kept_s)
            gone = await jobs.without_files(connection, found) if found else []
        needless = {*forgotten, *gone} & found.keys()
        for job_id in needless:
            await to_thread.run_sync(JobFolder.of(self.data, job_id).remove)
        return len(needless)

    async def _run(self, job: Job) -> None:
        log.info("job_started", id=job.id, kind=job.kind, attempt=job.attempts)
        folder = JobFolder.of(self.data, job.id)
        progress = Progress(job.partitions, job.done)
        try:
            work = await self._work(job, folder, progress)
            self._at_work.append(work)
            try:
                result = await self._kept_alive(work)
            finally:
                work.is_lost = True  # a thread that outlives this stops at its next partition
                self._at_work.remove(work)
            await self._finish(job, "successful", MESSAGES["successful"], result, work.progress)
            kept = folder.path / str(result["folder"]) if result.get("folder") else None
            await to_thread.run_sync(folder.keep_only, kept)
        except LostError:
            if self.is_ending:
                await self._give_back(job, counts=False)
            else:
                await self._clear_if_dismissed(job, folder)
        except _MAY_GO_BETTER:
            log.exception("job_interrupted", id=job.id)
            await self._give_back(job, counts=True)
        except LienthongError as error:
            await self._fail(job, error, progress)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(RELEASE_S, shield=True):
                await self._give_back(job, counts=False)
            raise
        except Exception as error:
            log.exception("job_failed", id=job.id)
            await self._fail(job, error, progress)

    async def _work(self, job: Job, folder: JobFolder, progress: Progress) -> Work:
        async with self.database.connection() as connection:
            catalogue = await load_catalogue(connection)
        await to_thread.run_sync(folder.make)
        return Work(self.database, catalogue, job, owner_today(job, catalogue), folder, self.limits, progress)

    async def _kept_alive(self, work: Work) -> Result:
        """Do it while its lease is prolonged. Raises LostError once that cannot be done any more."""
        result: Result | None = None
        error: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat, work, tasks.cancel_scope)
            try:
                result = await self.kinds[work.job.kind](work)
            except Exception as failure:  # told outside of the group, which would wrap it
                error = failure
            finally:
                tasks.cancel_scope.cancel()
        if work.is_lost:
            raise LostError
        if error is not None:
            raise error
        assert result is not None
        return result

    async def _beat(self, work: Work, scope: anyio.CancelScope) -> None:
        while True:
            await anyio.sleep(self.limits.lease_s / _BEATS)
            try:
                async with self.database.connection() as connection:
                    await jobs.keep(connection, work.job, work.progress, self.limits)
            except LostError:
                work.is_lost = True
                scope.cancel()
                return
            except jobs.FAILURES:
                log.warning("job_not_kept", id=work.job.id)  # the next beat tries again, until the lease is over

    async def _finish(self, job: Job, state: Any, message: Message, result: Result | None, progress: Progress) -> None:
        async with self.database.connection() as connection:
            await jobs.finish(connection, job, state, message, result, progress, self.limits)
        log.info("job_finished", id=job.id, kind=job.kind, state=state)

    async def _fail(self, job: Job, error: Exception, progress: Progress) -> None:
        message = error.message if isinstance(error, LienthongError) else MESSAGES["error"]
        code = error.code if isinstance(error, LienthongError) else "error"
        try:
            await self._finish(job, "failed", message, {"code": code}, progress)
        except LostError:
            return
        await to_thread.run_sync(JobFolder.of(self.data, job.id).remove)

    async def _give_back(self, job: Job, *, counts: bool) -> None:
        try:
            async with self.database.connection() as connection:
                await jobs.release(connection, job, counts=counts)
        except LostError:
            return
        except jobs.FAILURES:
            log.warning("job_not_given_back", id=job.id)  # it is taken again once the lease is over

    async def _clear_if_dismissed(self, job: Job, folder: JobFolder) -> None:
        async with self.database.connection() as connection:
            found = await jobs.job(connection, job.id)
        if found is None or found.state == "dismissed":
            await to_thread.run_sync(folder.remove)
        log.info("job_lost", id=job.id, kind=job.kind)
