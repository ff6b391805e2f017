"""Keeping a folder within its size: what was not used for longest goes first."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: how full it is left, so that not every tile removes another
_LEFT = 0.8
DRAFT = ".draft-"
#: nobody writes one tile that long
_DRAFT_AGE_S = 600.0


def remove_tree(folder: Path) -> None:
    """With all in it, while others may write into it or remove it too."""
    shutil.rmtree(folder, ignore_errors=True)


def files_below(folder: Path) -> Iterator[Path]:
    """Every file; folders that others remove meanwhile are passed over, where `rglob` would raise."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def shrink(root: Path, limit_bytes: int, suffix: str) -> None:
    """Remove files until they are within the limit. One process at a time; the others leave it to that one."""
    with _alone(root) as is_alone:
        if not is_alone:
            return
        files = sorted(_files(root, suffix))
        total = sum(size for _, size, _ in files)
        if total <= limit_bytes:
            return
        for _, size, path in files:
            if total <= limit_bytes * _LEFT:
                break
            with suppress(OSError):
                path.unlink()
            total -= size


def _files(root: Path, suffix: str) -> Iterator[tuple[float, int, Path]]:
    """Time of use, size, path; drafts that nobody finishes are removed on the way."""
    now = time.time()
    for path in files_below(root):
        with suppress(OSError):
            found = path.stat()
            if path.suffix == suffix:
                yield found.st_mtime, found.st_size, path
            elif path.name.startswith(DRAFT) and now - found.st_mtime > _DRAFT_AGE_S:
                path.unlink()


@contextmanager
def _alone(root: Path) -> Iterator[bool]:
    handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
