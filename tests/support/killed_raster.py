"""A process that publishes a raster and kills itself at a named step: `python -m tests.support.killed_raster …`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.rasters import RasterPlace

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    url, files, path, step = sys.argv[1:5]

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    RasterPlace(url, Path(files)).publish(Path(path), on_step=on_step)


def start(place: RasterPlace, path: Path, step: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.killed_raster", place.url, str(place.files), str(path), step]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
