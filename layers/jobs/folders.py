"""Where the files of a job lie: `<data>/jobs/<id>/`, with a folder for each attempt to begin and to write results.

No two workers ever write into one folder but partitions, whose bytes are the same whoever writes them.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class JobFolder:
    path: Path

    @classmethod
    def of(cls, data: Path, job_id: str) -> JobFolder:
        return cls(jobs_folder(data) / job_id)

    def work(self, token: int) -> Path:
        return self.path / f"work-{token}"

    def results(self, token: int) -> Path:
        return self.path / f"results-{token}"

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep_only(self, kept: Path | None) -> None:
        """Everything else goes: unfinished work, results of workers that lost the job."""
        for found in self.path.iterdir() if self.path.is_dir() else ():
            if found != kept:
                shutil.rmtree(found, ignore_errors=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def jobs_folder(data: Path) -> Path:
    return data / "jobs"


def folders_in(data: Path, old_s: float) -> dict[str, bool]:
    """The ids of the jobs that have a folder, with whether nothing has changed in it for so long."""
    folder, before = jobs_folder(data), time.time() - old_s
    if not folder.is_dir():
        return {}
    return {found.name: found.stat().st_mtime < before for found in sorted(folder.iterdir()) if found.is_dir()}
