"""The service in a process of its own, as `lienthong up` starts it, and one plain client on one connection."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.client import Client
from ogc.serving import serve
from ogc.settings import Settings

PROCESSES = 2


@dataclass
class Served:
    """A running server and a token."""

    base: str
    token: str

    def connection(self) -> Client:
        return Client(urlsplit(self.base).port or 80)

    def request(self, connection: Client, path: str, body: object = None) -> tuple[int, bytes]:
        """Status and body; no compression, so that both sides of a comparison carry the same bytes."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "identity"}
        if body is None:
            return connection.get(path, headers)
        return connection.post(path, json.dumps(body).encode(), {**headers, "Content-Type": "application/json"})


@contextmanager
def served(url: str, identity: str = "land_officer", processes: int = PROCESSES) -> Iterator[Served]:
    """Start, wait until it answers, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "LIENTHONG_DATABASE_URL": url}
    command = [sys.executable, "-m", "benchmarks.served", url, str(port), str(processes)]
    process = subprocess.Popen(command, env=environment)
    try:
        server = Served(f"http://127.0.0.1:{port}", _token(environment, identity))
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def _token(environment: dict[str, str], identity: str) -> str:
    command = [sys.executable, "-m", "ogc.cli", "token", "--as", identity]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def _wait(server: Served, process: subprocess.Popen[bytes]) -> None:
    """Until /readyz answers 200; raises when the server ends or does not come up."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("the server ended before it was ready")
        try:
            with server.connection() as connection:
                status, _ = server.request(connection, "/readyz")
            if status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server was not ready in 60 s")


def main() -> None:
    """The server itself, in a process of its own."""
    url, port, processes = sys.argv[1:]
    serve(Settings(), url, "127.0.0.1", int(port), demo=True, processes=int(processes))


if __name__ == "__main__":
    main()
