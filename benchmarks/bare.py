"""A route that does nothing but send the same bytes: the least that a request can cost in this frame."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.processes import free_port, until_it_answers
from ogc import turns

#: what the server itself writes
_OWN = frozenset({"date", "server", "content-length", "connection", "transfer-encoding"})


@dataclass(frozen=True)
class Reply:
    """What a route of the service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def bare(reply: Reply, processes: int) -> Iterator[int]:
    """The port of a server with one route, which answers every request with the reply."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "body").write_bytes(reply.body)
        headers = {name: value for name, value in reply.headers.items() if name.lower() not in _OWN}
        (Path(folder) / "head.json").write_text(json.dumps([reply.status, headers]))
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.bare", folder, str(port), str(processes)])
        try:
            until_it_answers(port, "/x", process)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)


def app() -> Starlette:
    """Made in each process from the folder that the command line names."""
    folder = Path(sys.argv[1])
    body = (folder / "body").read_bytes()
    status, headers = json.loads((folder / "head.json").read_text())

    async def same(request: Request) -> Response:
        return Response(body, status, headers=headers)

    return Starlette(routes=[Route("/x", same)])


def main() -> None:
    _, port, processes = sys.argv[1:]
    with turns.counting(int(processes)):  # connections are shared out as those of the service are
        uvicorn.run(
            "benchmarks.bare:app", factory=True, port=int(port), workers=int(processes), log_level="warning",
            server_header=False, loop="ogc.turns:loop",
        )  # fmt: skip


if __name__ == "__main__":
    main()
