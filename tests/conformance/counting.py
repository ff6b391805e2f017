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
        self._in_all = 0
        self._assertions: Counter[str] = Counter()
        self._outcomes: dict[str, set[str]] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """What stands behind no abstract test is not run: fuzzing alone takes longer than all the rest."""
        config.hook.pytest_deselected(items=[item for item in items if not _ids(item)])
        items[:] = [item for item in items if _ids(item)]

    def pytest_assertion_pass(self, item: pytest.Item) -> None:
        self._in_all += 1
        self._assertions.update(_ids(item))

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
        if call.excinfo or call.when == "call":
            for each in _ids(item):
                self._outcomes.setdefault(each, set()).add(_outcome(call))

    def pytest_sessionfinish(self) -> None:
        found = {each: {"assertions": self._assertions[each], "outcomes": sorted(self._outcomes[each])}
                 for each in self._outcomes}  # fmt: skip
        self._path.write_text(json.dumps({"assertions": self._in_all, "abstract_tests": found}), encoding="utf-8")


def _outcome(call: pytest.CallInfo[Any]) -> str:
    if call.excinfo is None:
        return "passed"
    return "skipped" if call.excinfo.errisinstance(pytest.skip.Exception) else "failed"


def _ids(item: pytest.Item) -> tuple[str, ...]:
    proven: tuple[str, ...] = getattr(getattr(item, "function", None), "proves", ())
    return proven


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption(OPTION)
    if path:
        config.pluginmanager.register(Counted(Path(path)))
