"""The command line as a person runs it: a process of its own, without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def message(self) -> dict[str, str]:
        """The error of a command that was run with --json."""
        found: dict[str, str] = self.json["error"]["message"]
        return found


def lienthong(*arguments: object, url: str, data: Path) -> Ran:
    """Run `lienthong …` on a database."""
    environment = {**os.environ, "LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(data), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "ogc.cli", *map(str, arguments)], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)
