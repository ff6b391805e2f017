"""Several processes behind one port, and a port that somebody else has."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from layers.errors import RefusedError
from ogc.serving import serve
from ogc.settings import Settings
from tests.support.province import Province

END_S = 60
LOOK_AGAIN_S = 0.1
KEPT = 12
SERVE = "import sys; from ogc.serving import serve; from ogc.settings import Settings; "
SERVE += "serve(Settings(), sys.argv[1], '127.0.0.1', int(sys.argv[2]), demo=True, processes=2)"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(process: subprocess.Popen[bytes], address: str) -> httpx.Response:
    """The first answer. A process that ends before it answers fails the test at once."""
    end = time.monotonic() + END_S
    while time.monotonic() < end:
        try:
            return httpx.get(address, timeout=END_S)
        except httpx.ConnectError:
            with suppress(subprocess.TimeoutExpired):
                pytest.fail(f"it ended with {process.wait(LOOK_AGAIN_S)} before it answered")
    return httpx.get(address)


def servers(parent: psutil.Process) -> list[psutil.Process]:
    """The children that serve; multiprocessing keeps one of its own beside them."""
    return [one for one in parent.children() if "spawn_main" in " ".join(one.cmdline())]


def connections_kept(port: int, children: list[psutil.Process]) -> list[list[object]]:
    """Of so many callers who keep their connections, those of each process."""
    callers = [httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=END_S) for _ in range(KEPT)]
    try:
        assert {caller.get("/healthz").status_code for caller in callers} == {200}
        return [
            [one for one in child.net_connections("tcp") if one.laddr[1] == port and one.status == "ESTABLISHED"]
            for child in children
        ]
    finally:
        for caller in callers:
            caller.close()


def test_two_processes_answer_on_one_port_and_end_together(province: Province, tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "LIENTHONG_DATA": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", SERVE, province.url, str(port)], env=environment)
    try:
        assert ready(process, f"http://127.0.0.1:{port}/readyz").status_code == 200
        children = servers(psutil.Process(process.pid))
        assert len(children) == 2
        answers = {httpx.get(f"http://127.0.0.1:{port}/collections").text for _ in range(8)}
        assert len(answers) == 1
        assert [len(each) for each in connections_kept(port, children)] == [KEPT // 2, KEPT // 2]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(END_S)
    assert not psutil.wait_procs(children, END_S)[1]


def test_a_port_in_use_is_told_in_two_sentences() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RefusedError, match="cannot be opened") as caught:
            serve(Settings(), "postgresql:///none", "127.0.0.1", taken.getsockname()[1], demo=True)
    assert "Chọn cổng khác" in str(caught.value)
