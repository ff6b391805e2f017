"""What the authorised relation shows, row by row in plain Python: the reference that its SQL is tested against.

It knows nothing of the compiled SQL and shares only the decision with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from layers.filters import evaluate

from .box import GeometryLevel
from .decision import Decision

#: attribute → value in the column's own type; `geometry` is the whole shape in CRS84. What is not there is NULL
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row as the caller sees it: a cell for each column of the decision, None where it is masked or NULL."""

    cells: Mapping[str, object]
    columns: tuple[str, ...]  #: those that are not masked in this row
    geometry: GeometryLevel


def shown_rows(decision: Decision, rows: Iterable[Row]) -> Iterator[tuple[Row, ShownRow]]:
    """The rows of the relation, each with what is shown of it, in the order given."""
    for row in rows:
        shown = shown_row(decision, row)
        if shown is not None:
            yield row, shown


def shown_row(decision: Decision, row: Row) -> ShownRow | None:
    """What is shown of one row; None for a row that no box has. A rule that is unknown (NULL) does not hold."""
    holding = [box for box in decision.boxes if box.rows is None or evaluate(box.rows, row) is True]
    if not holding:
        return None
    shown = {column for box in holding for column in box.columns}
    columns = tuple(column for column in decision.columns if column in shown)
    cells = {column: row.get(column) if column in shown else None for column in decision.columns}
    return ShownRow(cells, columns, min((box.geometry for box in holding), key=lambda level: level.rank))
