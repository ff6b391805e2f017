"""Servers in processes of their own: a free port, and when they answer."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time

STARTED_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until_it_answers(port: int, path: str, process: subprocess.Popen[bytes], *, below: int = 400) -> None:
    """Until a GET has a status below; raises when the server ends or does not come up."""
    end = time.monotonic() + STARTED_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server on port {port} ended before it was ready")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < below:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"the server on port {port} was not ready in {STARTED_S} s")
