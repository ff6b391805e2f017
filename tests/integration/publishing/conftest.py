from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import files


@pytest.fixture
def url(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> str:
    """A database with the profile of `tests.support.files` applied and nothing published."""
    return clone(make_template("files", files.fill))
