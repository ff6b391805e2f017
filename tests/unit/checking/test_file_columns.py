"""Which column of a file is meant by a name."""

from __future__ import annotations

import pytest

from layers.checking.file_columns import column_called


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["a", "key"], "key"), (["KEY", "a"], "KEY"), (["Key"], "Key"), (["KEY", "key"], "key"),
        (["Key", "KEY"], "Key"), (["keys", "a"], None), ([], None),
    ],
)  # fmt: skip
def test_case_is_ignored_and_the_name_as_written_comes_first(columns: list[str], found: str | None) -> None:
    assert column_called("key", columns) == found
