"""A process that applies the operator's proposal and kills itself at a named step, as `kill -9` would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio

from layers.access.principal import operator
from layers.sharing.apply import apply_proposal
from layers.store.connection import Database

ROOT = Path(__file__).resolve().parent.parent.parent


async def main(url: str, step: str) -> None:
    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with Database.open(url, size=2) as database:
        await apply_proposal(database, operator("tester"), on_step=on_step)


def run(url: str, step: str) -> int:
    """How the process ended."""
    command = [sys.executable, "-m", "tests.support.killed_policy", url, step]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:3])
