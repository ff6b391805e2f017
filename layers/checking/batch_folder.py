"""The folder a batch works in: made anew when one begins, cleared away when it is over."""

from __future__ import annotations

import shutil
from pathlib import Path

#: what a batch that is over leaves for the moment until it is cleared away
_ENDED = ".ended"


def make_anew(folder: Path) -> None:
    for left in (folder, folder.with_name(folder.name + _ENDED)):
        if left.exists():
            shutil.rmtree(left)
    folder.mkdir(parents=True)


def clear(folder: Path) -> None:
    """A plan without its files must never be found: the whole gets another name first."""
    ended = folder.with_name(folder.name + _ENDED)
    shutil.rmtree(ended, ignore_errors=True)
    folder.replace(ended)
    shutil.rmtree(ended)
