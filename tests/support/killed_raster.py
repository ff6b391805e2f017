"""A process that publishes a raster and kills itself at a named step: `python -m tests.support.killed_raster …`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.support import forking
from tests.support.forking import Started
from tests.support.rasters import RasterPlace


def main() -> None:
    url, files, path, step = sys.argv[1:5]

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    RasterPlace(url, Path(files)).publish(Path(path), on_step=on_step)


def start(place: RasterPlace, path: Path, step: str) -> Started:
    return forking.start("tests.support.killed_raster", place.url, place.files, path, step)


if __name__ == "__main__":
    main()
