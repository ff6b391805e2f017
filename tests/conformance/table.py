"""`python -m tests.conformance.table [FILE]` runs the conformance tests and counts assertions by abstract test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .claims import ELSEWHERE, HERE, abstract_tests

ROOT = HERE.parents[1]
Counts = dict[str, dict[str, Any]]


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        status, in_all, counts = run(Path(folder), arguments[1:])
    text = "\n".join([*rows(in_all, counts), ""])
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return status


def run(folder: Path, options: list[str]) -> tuple[int, int, Counts]:
    """Assertions that pass are told to plug-ins only where pytest compiled the tests for it: a cache of its own."""
    path = folder / "counts.json"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", f"{__package__}.counting",
        "-o", "enable_assertion_pass_hook=true", "--count-assertions", str(path), *options, str(HERE),
        *(f"{ROOT / each.replace('.', '/')}.py" for each in ELSEWHERE),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    if not path.exists():
        return done.returncode, 0, {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return done.returncode, found["assertions"], found["abstract_tests"]


def rows(in_all: int, counts: Counts) -> list[str]:
    """Markdown: each class with its abstract tests, then what is not claimed and why."""
    listed, reasons = abstract_tests()["classes"], abstract_tests()["not_claimed"]
    tested: dict[str, dict[str, None]] = {name: dict.fromkeys(tests) for name, tests in listed.items()}
    for each in counts:
        tested.setdefault(each.rpartition("/")[0], {})[each.rpartition("/")[2]] = None
    claimed = [name for name in tested if name not in reasons]
    with_results = len({each.rpartition("/")[0] for each in counts})
    return [
        f"{in_all} assertions ran for {len(counts)} abstract tests of {with_results} conformance classes. In the "
        "table one that stands behind several is counted with each.",
        "", "| conformance class | abstract test | assertions | |", "|---|---|--:|---|",
        *(_row(name, test, counts, reasons) for name in claimed for test in tested[name]),
        "", "| not claimed | reason |", "|---|---|",
        *(f"| `{name}` | {reason} |" for name, reason in reasons.items()),
    ]  # fmt: skip


def _row(name: str, test: str, counts: Counts, reasons: dict[str, str]) -> str:
    found = counts.get(f"{name}/{test}")
    if found is not None:
        return f"| `{name}` | {test} | {found['assertions']} | {', '.join(found['outcomes'])} |"
    reason = reasons.get(f"{name}/{test}")
    return f"| `{name}` | {test} | – | {f'not claimed: {reason}' if reason else '**did not run**'} |"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
