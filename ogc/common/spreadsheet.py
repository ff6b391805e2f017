"""Tables as CSV for a spreadsheet: no cell of it is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from .caching import NO_STORE, VARY

#: what makes a program take a cell for a formula, or begin another one
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """RFC 4180. A text that looks like a formula is quoted as text; numbers stay numbers."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def csv_response(rows: Iterable[Sequence[object]], name: str) -> Response:
    """A file to keep; the mark at its beginning tells spreadsheets that it is UTF-8."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": NO_STORE,
        "Vary": VARY,
    }
    return Response(csv_text(rows).encode("utf-8-sig"), headers=headers, media_type="text/csv; charset=utf-8")


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
