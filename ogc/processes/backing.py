"""Between our routes and the process engine: what is asked of it, what it asks of the service, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Executed:
    """What became of an execution; `outputs` None is a job that was taken in."""

    id: str
    outputs: Any = None


class Backing(Protocol):
    """The service as one caller may use it. Whatever it raises reaches the caller of `call`."""

    async def execute(self, process: str, *, is_async: bool, response: str) -> Executed: ...
    async def jobs(self, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]: ...
    async def job(self, job_id: str) -> dict[str, Any] | None: ...
    async def results(self, job_id: str) -> Any: ...
    async def dismiss(self, job_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as pygeoapi reads one: its language and form are settled already."""

    path: str
    query: Mapping[str, str]
    language: str
    body: bytes = b""
    is_async: bool = False

    @property
    def query_params(self) -> dict[str, str]:
        return {**self.query, "f": "json", "lang": self.language}

    @property
    def headers(self) -> dict[str, str]:
        return {"accept": "application/json", **({"Prefer": "respond-async"} if self.is_async else {})}

    @property
    def scope(self) -> dict[str, str]:
        return {"path": self.path}


@dataclass(frozen=True, slots=True)
class Answered:
    """What pygeoapi answers: the status, the headers that matter, and the JSON."""

    status: int
    headers: Mapping[str, str]
    document: Any
