"""The command line as a person runs it: a process of its own, without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from . import forking
from .forking import ROOT

__all__ = ["ROOT", "Ran", "lienthong"]


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


def lienthong(*arguments: object, url: str, data: Path, afresh: bool = False) -> Ran:
    """Run `lienthong …` on a database; `afresh` imports everything anew, as a person's process does."""
    environment = {**os.environ, "LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(data), "COLUMNS": "200"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        run = _afresh if afresh else _forked
        code = run([str(each) for each in arguments], environment, out, err)
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read(), err.read())


def _forked(arguments: list[str], environment: dict[str, str], out: IO[str], err: IO[str]) -> int:
    started = forking.start("ogc.cli", *arguments, environment=environment, out=out.fileno(), err=err.fileno())
    return started.wait()


def _afresh(arguments: list[str], environment: dict[str, str], out: IO[str], err: IO[str]) -> int:
    command = [sys.executable, "-m", "ogc.cli", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False
    )
    return done.returncode
