"""Tables for a spreadsheet, as CSV and as XLSX: no cell of them is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from starlette.responses import Response

from .caching import NO_STORE, VARY

#: what makes a program take a cell for a formula, or begin another one
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UNWRITABLE = ILLEGAL_CHARACTERS_RE  #: characters that XML has no place for


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """RFC 4180. A text that looks like a formula is quoted as text; numbers stay numbers."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def csv_response(rows: Iterable[Sequence[object]], name: str) -> Response:
    """A file to keep; the mark at its beginning tells spreadsheets that it is UTF-8."""
    body = csv_text(rows).encode("utf-8-sig")
    return Response(body, headers=_kept_as(f"{name}.csv"), media_type="text/csv; charset=utf-8")


def xlsx_bytes(sheets: Mapping[str, Iterable[Sequence[object]]]) -> bytes:
    """Sheets by their titles, written row by row. Texts are typed as texts: what looks like a formula is none."""
    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title[:31])
        for row in rows:
            sheet.append([_typed(sheet, value) for value in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def xlsx_response(sheets: Mapping[str, Iterable[Sequence[object]]], name: str) -> Response:
    return Response(xlsx_bytes(sheets), headers=_kept_as(f"{name}.xlsx"), media_type=XLSX)


def _kept_as(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": NO_STORE,
        "Vary": VARY,
    }


def _typed(sheet: Any, value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    cell = WriteOnlyCell(sheet)
    cell.data_type = "s"
    cell._value = _UNWRITABLE.sub(" ", " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
    return cell


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
