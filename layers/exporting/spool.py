"""Where files of exports lie until they have left: a folder of this process, taken away when no process holds it."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_LOCK, _DOOR = "held", "door"


class Spool:
    """`<data>/exports/<one process>/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    @contextmanager
    def below(cls, data: Path) -> Iterator[Spool]:
        """A folder for as long as the block runs; those of processes that were killed go first."""
        parent = data / "exports"
        folder = parent / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        with ExitStack() as held:
            with (parent / _DOOR).open("w") as door:  # nobody sweeps a folder that is just being made
                fcntl.flock(door, fcntl.LOCK_EX)
                sweep(parent)
                folder.mkdir(mode=0o700)
                lock = held.enter_context((folder / _LOCK).open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                yield cls(folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def place(self, suffix: str) -> Path:
        """A path that nothing has."""
        return self._folder / f"{uuid.uuid4().hex}.{suffix}"


def sweep(parent: Path) -> int:
    """Folders that no living process holds; how many went."""
    found = [folder for folder in parent.iterdir() if folder.is_dir()] if parent.is_dir() else []
    left = [folder for folder in found if not _is_held(folder / _LOCK)]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
