"""pygeoapi's process engine behind our routes: the only module that imports it, late, since it takes two seconds.

Its manager keeps nothing and reads nothing. What it is asked is asked of the `Backing` of the request at hand, on the
event loop; pygeoapi's functions run in a thread beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import lru_cache, partial
from typing import Any

import orjson
from anyio import CapacityLimiter, from_thread, to_thread
from anyio.lowlevel import RunVar
from pygeoapi.api import API, APIRequest, processes
from pygeoapi.process.base import BaseProcessor, JobNotFoundError, JobResultNotFoundError
from pygeoapi.process.manager.base import BaseManager
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode

from .backing import Answered, Asked, Backing
from .descriptions import PROCESSES

#: calls of the engine at once; each waits for the event loop most of the time
_THREADS = 16
_LIMITER: RunVar[CapacityLimiter] = RunVar("lienthong.processes.limiter")
_BASES_KEPT = 8


_BACKING: ContextVar[Backing] = ContextVar("lienthong.processes.backing")


class Passive(BaseProcessor):  # type: ignore[misc]
    """A process that is described here and done by the service."""

    def __init__(self, processor_def: dict[str, Any]) -> None:
        super().__init__(processor_def, deepcopy(PROCESSES[processor_def["process"]]))


class Manager(BaseManager):  # type: ignore[misc]
    """pygeoapi's manager over the one job table."""

    def __init__(self, manager_def: dict[str, Any]) -> None:
        super().__init__(manager_def)
        self.is_async = True

    def get_jobs(self, status: Any = None, limit: int | None = None, offset: int | None = None) -> dict[str, Any]:
        found, number = from_thread.run(_BACKING.get().jobs, limit or 100, offset or 0)
        return {"jobs": found, "numberMatched": number}

    def get_job(self, job_id: str) -> dict[str, Any]:
        found = from_thread.run(_BACKING.get().job, job_id)
        if found is None:
            raise JobNotFoundError
        return found

    def get_job_result(self, job_id: str) -> tuple[str, Any]:
        found = from_thread.run(_BACKING.get().results, job_id)
        if found is None:
            raise JobResultNotFoundError
        return "application/json", found

    def delete_job(self, job_id: str) -> bool:
        return from_thread.run(_BACKING.get().dismiss, job_id)

    def execute_process(
        self, process_id: str, data_dict: dict[str, Any], execution_mode: Any = None, requested_outputs: Any = None,
        subscriber: Any = None, requested_response: str = "document", **_more: Any,
    ) -> tuple[str, str, Any, JobStatus, dict[str, str] | None]:  # fmt: skip
        options = self.get_processor(process_id).metadata["jobControlOptions"]
        is_wanted = execution_mode == RequestedProcessExecutionMode.respond_async
        is_async = "sync-execute" not in options or (is_wanted and "async-execute" in options)
        execute = partial(_BACKING.get().execute, is_async=is_async, response=requested_response)
        made = from_thread.run(execute, process_id)
        applied = {"Preference-Applied": "respond-async"} if is_wanted and is_async else None
        status = JobStatus.accepted if made.outputs is None else JobStatus.successful
        return made.id, "application/json", made.outputs, status, applied


Function = Callable[..., tuple[dict[str, str], int, str]]


async def call(function: str, backing: Backing, base: str, asked: Asked, *names: str | None) -> Answered:
    """One function of `pygeoapi.api.processes` for one request. Raises what the backing raises."""
    token = _BACKING.set(backing)
    try:
        return await to_thread.run_sync(_call, function, base, asked, names, limiter=_limiter())
    finally:
        _BACKING.reset(token)


def _call(function: str, base: str, asked: Asked, names: tuple[str | None, ...]) -> Answered:
    api = _api(base)
    request = APIRequest(asked, api.locales)
    request._data = asked.body  # as `APIRequest.from_starlette` does
    found: Function = getattr(processes, function)
    headers, status, body = found(api, request, *names)
    kept: dict[str, str] = {name: headers[name] for name in ("Preference-Applied", "Location") if name in headers}
    return Answered(int(status), kept, orjson.loads(body) if body else None)


def _limiter() -> CapacityLimiter:
    try:
        return _LIMITER.get()
    except LookupError:
        _LIMITER.set(CapacityLimiter(_THREADS))
        return _LIMITER.get()


@lru_cache(maxsize=_BASES_KEPT)
def _api(base: str) -> API:
    """The engine for one address of the service: links are made from it."""
    here = __name__
    resources = {
        name: {"type": "process", "processor": {"name": f"{here}.Passive", "process": name}} for name in PROCESSES
    }
    config = {
        "server": {
            "url": base, "mimetype": "application/json; charset=UTF-8", "encoding": "utf-8", "languages": ["vi", "en"],
            "pretty_print": False, "manager": {"name": f"{here}.Manager"},
        },
        "logging": {"level": "CRITICAL"}, "metadata": {}, "resources": resources,
    }  # fmt: skip
    with _own_logging():
        return API(config=config, openapi={})


@contextmanager
def _own_logging() -> Iterator[None]:
    """pygeoapi sets up logging for the whole process, unless somebody has."""
    logging.getLogger("pygeoapi").setLevel(logging.CRITICAL)  # it tells what callers send, and of every default
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
