"""CSV (RFC 4180) in UTF-8 with a mark at the beginning: without it the spreadsheet most offices have reads Vietnamese
wrongly, and every other program skips it. Null is an empty field, an empty text is `""`; a text that looks like a
formula, or begins with an apostrophe, has an apostrophe before it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable

import pyarrow as pa
import shapely

from .cells import FORMULA, digits_of, place_names, places_of, plain, rows_of, shapes_of
from .layout import FID, Layout

_MARKED = (*FORMULA, "'")
_QUOTED = frozenset('",\r\n')


def csv_head(layout: Layout) -> bytes:
    names = [FID, *(column.name for column in layout.columns), *_shape_names(layout)]
    return codecs.BOM_UTF8 + _line(names)


def csv_part(batch: pa.RecordBatch, layout: Layout) -> bytes:
    rows = rows_of(batch, layout)
    if not layout.geometry:
        return b"".join(_line(row) for row in rows)
    shapes, digits = shapes_of(batch, layout), digits_of(layout)
    if layout.has_points_only:
        return b"".join(_line((*row, *place)) for row, place in zip(rows, places_of(shapes, digits), strict=True))
    texts = shapely.to_wkt(shapes, rounding_precision=digits)
    return b"".join(_line((*row, text)) for row, text in zip(rows, texts, strict=True))


def csv_line(values: Iterable[object], *, is_first: bool = False) -> bytes:
    """One line of a table; the first one with the mark of UTF-8."""
    return (codecs.BOM_UTF8 if is_first else b"") + _line(values)


def _shape_names(layout: Layout) -> tuple[str, ...]:
    if not layout.geometry:
        return ()
    return place_names(layout) if layout.has_points_only else (layout.shape_column,)


def _line(values: Iterable[object]) -> bytes:
    return (",".join(map(_field, values)) + "\r\n").encode()


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(plain(value))
    if text.startswith(_MARKED):
        text = f"'{text}"
    if not text or not _QUOTED.isdisjoint(text):
        return '"' + text.replace('"', '""') + '"'
    return text
