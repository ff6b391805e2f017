"""Processes that start at once: forked from one that has imported the product already.

A test of a command wants a process - its output, its exit code, its death - and not two seconds of imports each time.
What is started here behaves as `python -m module …` does, but for the seed of hashes, which all of one run share:
a test that two processes write the same bytes starts them afresh (`tests.support.commands`).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
#: what commands and the processes that kill themselves import, most of it only when they are at work
IMPORTED = ("ogc.app", "ogc.worker", "layers.publishing.publication", "tests.support.jobs", "tests.support.rasters")
LONGEST_REQUEST = 1 << 20
END_S = 60


@dataclass
class Started:
    """A process at work; what `subprocess.Popen` has of it that tests ask for."""

    pid: int
    told: socket.socket
    returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """How it ended: its exit code, or the signal below zero. Raises TimeoutExpired."""
        if self.returncode is None:
            self.told.settimeout(timeout)
            try:
                self.returncode = int(self.told.recv(64))
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self.told.close()
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def start(module: str, *arguments: object, environment: Mapping[str, str] | None = None, out: int = -1, err: int = -1
          ) -> Started:  # fmt: skip
    """`python -m module …` in the root of the checkout; output goes to two open files, or nowhere."""
    asked = {"module": module, "arguments": [str(each) for each in arguments],
             "environment": dict(os.environ if environment is None else environment)}  # fmt: skip
    told = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    told.connect(ready())
    with Path(os.devnull).open("wb") as nowhere:
        files = [file if file >= 0 else nowhere.fileno() for file in (out, err)]
        socket.send_fds(told, [json.dumps(asked).encode()], files)
        return Started(int(told.recv(64)), told)


@cache
def ready() -> str:
    """Start the process that forks, one for this process, which ends with it; its address."""
    address = str(Path(tempfile.mkdtemp(prefix="lt-fork-")) / "socket")
    command = [sys.executable, "-m", "tests.support.forking", address]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "the process that forks did not start"
    atexit.register(process.wait, END_S)
    atexit.register(process.stdin.close)
    atexit.register(process.stdout.close)
    return address


# ── the process that forks ───────────────────────────────────────────────────────────────────────
def main(address: str) -> None:
    from ogc.cli.main import build

    build()
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        asked = _next_in_a_child(listening)
    if asked is not None:
        _run_to_its_end(asked)


def _run_to_its_end(module: str) -> None:
    """As the interpreter ends - its threads, what was left for the exit, output - but for taking apart every module
    that was imported: that is more than half of a short command.
    """
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = _code_of(end)
    except Exception:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _code_of(end: SystemExit) -> int:
    if isinstance(end.code, str):
        print(end.code, file=sys.stderr)
        return 1
    return int(end.code or 0) & 0xFF


def _next_in_a_child(listening: socket.socket) -> str | None:
    """Fork for everybody who asks. In a child: the module to run; here, when the tests are over: None."""
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            Path(listening.getsockname()).unlink()
            Path(listening.getsockname()).parent.rmdir()
            return None
        asking, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            return _watched(asking)
        asking.close()


def _watched(asking: socket.socket) -> str:
    """In a grandchild: the module to run, with everything set up. The child tells how the grandchild ended."""
    content, files, _, _ = socket.recv_fds(asking, LONGEST_REQUEST, 2)
    if pid := os.fork():
        asking.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        asking.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    asking.close()
    request = json.loads(content)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, file in zip((1, 2), files, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [request["module"], *request["arguments"]]
    return str(request["module"])


if __name__ == "__main__":
    main(sys.argv[1])
