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
        status, counts = run(Path(folder), arguments[1:])
    text = "\n".join([*rows(counts), ""])
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return status


def run(folder: Path, options: list[str]) -> tuple[int, Counts]:
    """Assertions that pass are told to plug-ins only where pytest compiled the tests for it: a cache of its own."""
    path = folder / "counts.json"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", f"{__package__}.counting",
        "-o", "enable_assertion_pass_hook=true", "--count-assertions", str(path), *options, str(HERE),
        *(f"{ROOT / each.replace('.', '/')}.py" for each in ELSEWHERE),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    return done.returncode, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def rows(counts: Counts) -> list[str]:
    """Markdown: each class with its abstract tests, then what is not claimed and why."""
    listed, reasons = abstract_tests()["classes"], abstract_tests()["not_claimed"]
    by_class: dict[str, list[str]] = {}
    for each in counts:
        by_class.setdefault(each.rpartition("/")[0], []).append(each.rpartition("/")[2])
    made = [
        f"{sum(each['assertions'] for each in counts.values())} assertions ran for {len(counts)} abstract tests "
        f"of {len(by_class)} conformance classes.",
        "", "| conformance class | abstract test | assertions | |", "|---|---|--:|---|",
    ]  # fmt: skip
    for name in sorted(by_class, key=list({**listed, **by_class}).index):
        tests = listed.get(name, sorted(by_class[name]))
        made += [_row(name, test, counts, reasons) for test in tests]
    made += ["", "| not claimed | reason |", "|---|---|"]
    return made + [f"| `{name}` | {reason} |" for name, reason in reasons.items()]


def _row(name: str, test: str, counts: Counts, reasons: dict[str, str]) -> str:
    found = counts.get(f"{name}/{test}")
    if found is None:
        return f"| `{name}` | {test} | – | not claimed: {reasons.get(f'{name}/{test}', '?')} |"
    return f"| `{name}` | {test} | {found['assertions']} | {', '.join(found['outcomes'])} |"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
