"""Columns of a file that somebody brings, by their names as people and programs write them: case is ignored."""

from __future__ import annotations

from collections.abc import Iterable


def column_called(name: str, columns: Iterable[str]) -> str | None:
    """The column of that name: as it is written, else in another letter case; None where there is none."""
    same = [column for column in columns if column.casefold() == name.casefold()]
    return name if name in same else next(iter(same), None)
