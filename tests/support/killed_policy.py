"""A process that applies the operator's proposal and kills itself at a named step, as `kill -9` would."""

from __future__ import annotations

import os
import signal
import sys

import anyio

from layers.access.principal import operator
from layers.sharing.apply import apply_proposal
from layers.store.connection import Database
from tests.support import forking


async def main(url: str, step: str) -> None:
    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with Database.open(url, size=2) as database:
        await apply_proposal(database, operator("tester"), on_step=on_step)


def run(url: str, step: str) -> int:
    """How the process ended."""
    return forking.start("tests.support.killed_policy", url, step).wait()


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:3])
