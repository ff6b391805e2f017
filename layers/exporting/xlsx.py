"""XLSX, written row by row into the zip: nothing is held, nothing says when it was written, no cell is a formula."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape

import pyarrow as pa

from layers.errors import InvalidRequestError

from .cells import digits_of, place_names, places_of, plain, rows_of, shapes_of
from .layout import FID, Batches, Layout
from .zipped import zipped

MOST_ROWS, MOST_LETTERS = 1_048_575, 32_767
#: days since the first of January 1900 as spreadsheets count them; before March 1900 they count wrongly
_FIRST_DAY, _SURE = date(1899, 12, 30), date(1900, 3, 1)
_DAY, _INSTANT = 1, 2  #: styles of cells
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
#: numbers of more digits are rounded by spreadsheets
_EXACT = 10**15

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write_xlsx(batches: Batches, layout: Layout, path: Path) -> None:
    """Two sheets: the rows, and what the columns are. Raises InvalidRequestError for more rows than a sheet has."""
    cut: list[tuple[object, ...]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as book:
        for name, text in _fixed_parts(layout).items():
            book.writestr(zipped(name), text)
        with book.open(zipped("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            _write_rows(sheet, batches, layout, cut)
        with book.open(zipped("xl/worksheets/sheet2.xml"), "w") as sheet:
            _write_columns(sheet, layout, cut)


def _write_rows(sheet: IO[bytes], batches: Batches, layout: Layout, cut: list[tuple[object, ...]]) -> None:
    places = place_names(layout) if layout.geometry else ()
    names = [FID, *(column.name for column in layout.columns), *places]
    sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_row(names)}'.encode())
    number = 0
    for batch in batches:
        number += batch.num_rows
        if number > MOST_ROWS:
            raise InvalidRequestError(
                f"Bảng tính chỉ có {MOST_ROWS} dòng; hãy lọc bớt hoặc dùng định dạng khác.",
                f"A spreadsheet has {MOST_ROWS} rows; please filter, or use another format.",
            )
        sheet.write("".join(map(_row, _rows(batch, layout, cut))).encode())
    sheet.write(b"</sheetData></worksheet>")


def _rows(batch: pa.RecordBatch, layout: Layout, cut: list[tuple[object, ...]]) -> Iterable[tuple[Any, ...]]:
    rows = rows_of(batch, layout)
    places: Iterable[tuple[Any, ...]] = [()] * len(rows)
    if layout.geometry:
        places = places_of(shapes_of(batch, layout), digits_of(layout))
    for row, place in zip(rows, places, strict=True):
        for column, value in zip(layout.columns, row[1:], strict=True):
            if isinstance(value, str) and len(value) > MOST_LETTERS:
                cut.append((str(row[0]), column.name, len(value)))
        yield (str(row[0]), *row[1:], *place)


def _write_columns(sheet: IO[bytes], layout: Layout, cut: list[tuple[object, ...]]) -> None:
    rows: list[tuple[object, ...]] = [("column", "title", "type")]
    rows += [(column.name, column.title, column.type) for column in layout.columns]
    rows += [(), ("crs", layout.crs)] if layout.geometry else []
    if any(column.type == "datetime" for column in layout.columns):  # the cells themselves name no zone
        rows += [(), ("datetime", "UTC")]
    rows += [(), ("cut to 32767 letters: fid", "column", "letters"), *cut] if cut else []
    sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{"".join(map(_row, rows))}</sheetData>'.encode())
    sheet.write(b"</worksheet>")


def _row(values: Iterable[object]) -> str:
    return f"<row>{''.join(map(_cell, values))}</row>"


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float) and abs(value) < _EXACT:
        return f"<c><v>{value!r}</v></c>"
    if isinstance(value, datetime) and value.date() >= _SURE:
        return f'<c s="{_INSTANT}"><v>{_days(value.astimezone(UTC))!r}</v></c>'
    if isinstance(value, date) and not isinstance(value, datetime) and value >= _SURE:
        return f'<c s="{_DAY}"><v>{(value - _FIRST_DAY).days}</v></c>'
    text = _ESCAPE.sub("_x005F_", _UNWRITABLE.sub(" ", str(plain(value))))[:MOST_LETTERS]
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text, {chr(13): "_x000D_"})}</t></is></c>'


def _days(instant: datetime) -> float:
    return (instant.replace(tzinfo=None) - datetime.combine(_FIRST_DAY, datetime.min.time())).total_seconds() / 86_400


def _fixed_parts(layout: Layout) -> dict[str, str]:
    """Everything but the cells."""
    types = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{_SHEET}.{kind}+xml"/>'
        for name, kind in (
            ("workbook", "sheet.main"), ("styles", "styles"), ("worksheets/sheet1", "worksheet"),
            ("worksheets/sheet2", "worksheet"),
        )
    )  # fmt: skip
    parts = (("worksheet", "worksheets/sheet1.xml"), ("worksheet", "worksheets/sheet2.xml"), ("styles", "styles.xml"))
    linked = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(parts, 1)
    )
    related = f'xmlns="{_PACKAGE}/relationships"'
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
        "_rels/.rels": f'{_HEAD}<Relationships {related}><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f"{_HEAD}<Relationships {related}>{linked}</Relationships>",
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        f'<sheet name="{layout.layer[:31]}" sheetId="1" r:id="rId1"/>'
        '<sheet name="_columns" sheetId="2" r:id="rId2"/></sheets></workbook>',
        "xl/styles.xml": f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="3"><xf/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
        '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
