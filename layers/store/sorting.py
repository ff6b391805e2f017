"""The order of a list: by one column, then by fid; rows without a value come last.

A sorted list is two walks along one index, in either direction: rows with a value, then rows without. Behind NULLS LAST
a descending order would find no index. Only columns that every box shows are sorted by: their order tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, bindparam, tuple_

from gis.errors import Message
from layers.errors import FieldError, InvalidRequestError


@dataclass(frozen=True, slots=True)
class Sort:
    """By one of the decision's sortables."""

    name: str
    is_descending: bool = False

    def parts(self, *, is_behind_values: bool, is_backward: bool = False) -> Iterator[SortPart]:
        """The walks that are left, in order. Backwards, both are walked the other way, the rows without a value
        first."""
        if not is_backward:
            if not is_behind_values:
                yield SortPart(self.name, self.is_descending, is_null=False)
            yield SortPart(self.name, self.is_descending, is_null=True)
            return
        if is_behind_values:
            yield SortPart(self.name, not self.is_descending, is_null=True)
        yield SortPart(self.name, not self.is_descending, is_null=False)


@dataclass(frozen=True, slots=True)
class SortPart:
    """One of the two walks."""

    name: str
    is_descending: bool
    is_null: bool

    def condition(self, rows: FromClause, *, is_after: bool) -> list[ColumnElement[bool]]:
        """The rows of the walk, with `is_after` those behind the bound `after_value` and `after`."""
        column, place = rows.c[self.name], self._place(rows)
        found: list[ColumnElement[bool]] = [column.is_(None) if self.is_null else column.is_not(None)]
        if is_after:
            after: ColumnElement[Any] = bindparam("after", None, type_=BigInteger())
            if not self.is_null:
                after = tuple_(bindparam("after_value", None, type_=column.type), after)
            found.append(place < after if self.is_descending else place > after)
        return found

    def order(self, rows: FromClause) -> list[ColumnElement[Any]]:
        columns = (rows.c[self.name], rows.c.fid)
        return [column.desc() for column in columns] if self.is_descending else list(columns)

    def _place(self, rows: FromClause) -> ColumnElement[Any]:
        return rows.c.fid if self.is_null else tuple_(rows.c[self.name], rows.c.fid)


def not_sortable(name: str) -> InvalidRequestError:
    """The same for a column that is hidden, that has no index for it, or that is not there."""
    message = Message(f"Không sắp xếp được theo '{name[:64]}'.", f"'{name[:64]}' cannot be sorted by.")
    return InvalidRequestError(message.vi, message.en, [FieldError("sortby", message)])
