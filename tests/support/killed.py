"""A process that publishes and kills itself at a named step, as `kill -9` would: `python -m tests.support.killed …`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.support import forking
from tests.support.files import publish_file
from tests.support.forking import Started


def main() -> None:
    url, path, layer, step = sys.argv[1:5]

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    publish_file(url, Path(path), layer, on_step=on_step)


def start(url: str, path: Path, layer: str, step: str = "-") -> Started:
    """Start it; a step of no name lets it run to the end."""
    return forking.start("tests.support.killed", url, path, layer, step)


if __name__ == "__main__":
    main()
