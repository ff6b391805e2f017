"""A pytest plug-in of `tests.conformance.table`: counts the assertions which really ran, by abstract test."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

OPTION = "--count-assertions"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, help="the file that takes the counts")


class Counted:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._assertions: Counter[str] = Counter()
        self._outcomes: dict[str, set[str]] = {}

    def pytest_assertion_pass(self, item: pytest.Item) -> None:
        self._assertions.update(_ids(item))

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
        if call.when == "call":
            for each in _ids(item):
                self._outcomes.setdefault(each, set()).add("failed" if call.excinfo else "passed")

    def pytest_sessionfinish(self) -> None:
        found = {each: {"assertions": self._assertions[each], "outcomes": sorted(self._outcomes[each])}
                 for each in self._outcomes}  # fmt: skip
        self._path.write_text(json.dumps(found), encoding="utf-8")


def _ids(item: pytest.Item) -> tuple[str, ...]:
    proven: tuple[str, ...] = getattr(getattr(item, "function", None), "proves", ())
    return proven


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption(OPTION)
    if path:
        config.pluginmanager.register(Counted(Path(path)))
