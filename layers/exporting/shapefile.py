"""Shapefiles in a zip: one for each kind of shape, with what the format cannot hold told beside it.

A .dbf has names of ten letters, texts of 254 bytes, numbers of 24 digits with 15 behind the point, days without a time
and no difference between nothing and an empty text. Names are mapped in `names.csv`, longer texts stand whole in
`long_texts.csv`, numbers that were rounded in `numbers.csv`, instants are texts.
"""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import shapely

from .cells import plain
from .csv_text import csv_line
from .layout import FID, Batches, Layout
from .zipped import zipped

MOST_BYTES, MOST_LETTERS = 254, 10
#: of a number: signs in all, digits behind the point
_SIGNS, _DIGITS = 24, 15
#: numbers below it with four digits behind the point are in any case what the .dbf says
_SURELY_EXACT = 1e9
_DATE = "2000-01-01"
#: kind of a shape → the end of the file's name and the type in it; the first ones are dimensions
_SEVERAL_POINTS, _NO_SHAPE = 3, -1
_KINDS = {
    0: ("point", "Point"), 1: ("line", "MultiLineString"), 2: ("polygon", "MultiPolygon"),
    _SEVERAL_POINTS: ("multipoint", "MultiPoint"), _NO_SHAPE: ("table", None),
}  # fmt: skip
_README = """\
Tệp Shapefile, bảng mã UTF-8 (.cpg), hệ tọa độ trong .prj.
- names.csv: tên cột đầy đủ ứng với tên 10 ký tự trong .dbf.
- Ô trống trong .dbf có thể là không có giá trị hoặc chuỗi rỗng: định dạng không phân biệt được.
- Chuỗi dài hơn 254 byte bị cắt trong .dbf; nguyên văn ở long_texts.csv.
- Số trong .dbf có 15 chữ số lẻ; số nào vì thế bị làm tròn thì đứng nguyên ở numbers.csv (số quá lớn để trống ô).
- Cột thời điểm (có giờ) được ghi thành chuỗi ISO 8601; danh sách là chuỗi JSON.
- Đối tượng được chia theo loại hình: _point, _multipoint, _line, _polygon; _table.dbf là đối tượng không được xem hình.

Shapefiles in UTF-8 (.cpg), coordinate system in .prj.
- names.csv: the whole names of columns and those of ten letters in the .dbf.
- An empty cell in the .dbf may be no value or an empty text: the format does not tell them apart.
- Texts over 254 bytes are cut in the .dbf; they stand whole in long_texts.csv.
- Numbers in the .dbf have 15 digits behind the point; those that are rounded by it stand whole in numbers.csv (the cell
  of one that is too large is empty).
- Instants are ISO 8601 texts; lists are JSON texts.
- Features are divided by kind of shape: _point, _multipoint, _line, _polygon; _table.dbf: whose shape is not shown.
"""


@dataclass(frozen=True, slots=True)
class _Told:
    """What stands beside the shapefiles because it does not fit into them."""

    long_texts: Path
    numbers: Path


def write_shapefile(batches: Batches, layout: Layout, path: Path) -> None:
    """The rows are put down once as they come, then each kind of shape is written from there."""
    folder = path.with_name(f"{path.stem}.parts")
    folder.mkdir()
    try:
        names = short_names(layout)
        held, told = folder / "rows.arrow", _Told(folder / "long_texts.csv", folder / "numbers.csv")
        dimensions = _put_down(batches, layout, held, told)
        written = [file for file in (told.long_texts, told.numbers) if file.exists()]
        for dimension in sorted(dimensions or {_usual(layout)}):
            written += _write_kind(held, layout, names, dimension, folder)
        _zip(path, layout, names, written)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def short_names(layout: Layout) -> dict[str, str]:
    """Column → its name in the .dbf: the first ten letters, or fewer and a number where those are taken."""
    made: dict[str, str] = {FID: FID}
    taken = {FID}
    for column in layout.columns:
        numbered = (f"{column.name[: MOST_LETTERS - len(str(n))]}{n}" for n in range(1, len(layout.columns) + 2))
        made[column.name] = next(n for n in (column.name[:MOST_LETTERS], *numbered) if n.lower() not in taken)
        taken.add(made[column.name].lower())
    return made


def _usual(layout: Layout) -> int:
    """The kind of an empty layer."""
    usual = {"MultiPoint": 0, "MultiLineString": 1}
    return usual.get(layout.geometry or "", 2)


# ── first pass ───────────────────────────────────────────────────────────────────────────────────


def _put_down(batches: Batches, layout: Layout, held: Path, told: _Told) -> set[int]:
    """Rows as the .dbf can hold them, with the dimension of each shape. The dimensions there are."""
    schema = _dbf_schema(layout).append(pa.field("dimension", pa.int8()))
    found: set[int] = set()
    with pa.OSFile(str(held), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for batch in batches:
            shapes = shapely.from_wkb(batch.column(layout.shape_column).to_numpy(zero_copy_only=False))
            shapes, dimension = _told_apart(shapes)
            found |= set(dimension.tolist())
            columns = [batch.column(0), *(_fitting(batch, layout, n, told) for n in range(len(layout.columns)))]
            stream.write_batch(
                pa.RecordBatch.from_arrays(
                    [*columns, pa.array(shapely.to_wkb(shapes), pa.binary()), pa.array(dimension)], schema=schema
                )
            )
    return found


def _told_apart(shapes: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The shapes, single points out of their collections, and the kind of each."""
    kinds = shapely.get_dimensions(shapes).astype(np.int8)
    several = (kinds == 0) & (shapely.get_num_geometries(shapes) > 1)
    single = (kinds == 0) & ~several
    shapes = shapes.copy()
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    kinds[several] = _SEVERAL_POINTS
    return shapes, kinds


def _dbf_schema(layout: Layout) -> pa.Schema:
    fields = [
        pa.field(each.name, pa.string()) if each.type == pa.timestamp("us", tz="UTC") else each
        for each in layout.schema
    ]
    return pa.schema(fields)


def _fitting(batch: pa.RecordBatch, layout: Layout, number: int, told: _Told) -> pa.Array:
    column, values = layout.columns[number], batch.column(number + 1)
    if column.type == "datetime":
        return pa.array([plain(value) for value in values.to_pylist()], pa.string())
    if column.arrow == pa.float64():
        return _fitting_numbers(batch.column(0), column.name, values, told)
    if column.arrow != pa.string():
        return values
    texts = values.to_pylist()
    # four bytes are the most of a letter: most texts need no second look
    odd = [at for at, text in enumerate(texts) if text and len(text) * 4 > MOST_BYTES and _is_long(text)]
    if odd:
        _note(told.long_texts, "text", [(batch.column(0)[at].as_py(), column.name, texts[at]) for at in odd])
        for at in odd:
            texts[at] = texts[at].encode()[:MOST_BYTES].decode(errors="ignore")
    return pa.array(texts, pa.string())


def _fitting_numbers(fids: pa.Array, name: str, values: pa.Array, told: _Told) -> pa.Array:
    numbers = values.to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore", over="ignore"):
        is_exact = (np.rint(numbers * 1e4) / 1e4 == numbers) & (np.abs(numbers) < _SURELY_EXACT)
    found = values.to_pylist()
    odd = [at for at in np.flatnonzero(~is_exact).tolist() if found[at] is not None and not _is_kept(found[at])]
    if not odd:
        return values
    _note(told.numbers, "number", [(fids[at].as_py(), name, found[at]) for at in odd])
    for at in odd:
        if not _is_near(found[at]):
            found[at] = None
    return pa.array(found, pa.float64())


def _is_kept(number: float) -> bool:
    return math.isfinite(number) and float(f"{number:.{_DIGITS}f}"[:_SIGNS]) == number


def _is_near(number: float) -> bool:
    """All digits before the point have their place."""
    return math.isfinite(number) and len(f"{number:.0f}") <= _SIGNS


def _is_long(text: str) -> bool:
    return len(text.encode()) > MOST_BYTES


def _note(told: Path, what: str, rows: list[tuple[object, ...]]) -> None:
    is_new = not told.exists()
    with told.open("ab") as file:
        if is_new:
            file.write(csv_line(("fid", "column", what), is_first=True))
        file.writelines(csv_line(row) for row in rows)


# ── second pass ──────────────────────────────────────────────────────────────────────────────────


def _write_kind(held: Path, layout: Layout, names: dict[str, str], dimension: int, folder: Path) -> list[Path]:
    end, kind = _KINDS[dimension]
    target = folder / f"{layout.layer}_{end}.{'shp' if kind else 'dbf'}"
    schema = _renamed(_dbf_schema(layout), names, layout)
    if kind is None:
        schema = schema.remove(schema.get_field_index(layout.shape_column))
    shapes: dict[str, Any] = {}
    if kind is not None:
        shapes = {"geometry_name": layout.shape_column, "geometry_type": kind, "crs": layout.crs}
    options = {"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": _DATE, "2GB_LIMIT": "YES"}
    if kind is None:
        options["SHPT"] = "NULL"
    with closing(_of_kind(held, dimension, schema)) as rows:
        reader = pa.RecordBatchReader.from_batches(schema, rows)
        pyogrio.write_arrow(reader, target, layer=target.stem, driver="ESRI Shapefile", layer_options=options, **shapes)
    return sorted(folder.glob(f"{target.stem}.*"))


def _renamed(schema: pa.Schema, names: dict[str, str], layout: Layout) -> pa.Schema:
    return pa.schema([pa.field(names.get(each.name, each.name), each.type) for each in schema])


def _of_kind(held: Path, dimension: int, schema: pa.Schema) -> Generator[pa.RecordBatch]:
    with pa.OSFile(str(held), "rb") as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            chosen = batch.filter(pc.equal(batch.column("dimension"), dimension))
            columns = [chosen.column(number) for number in range(len(schema))]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _zip(path: Path, layout: Layout, names: dict[str, str], written: list[Path]) -> None:
    table = csv_line(("dbf", "name", "title", "type"), is_first=True)
    table += b"".join(csv_line((names[each.name], each.name, each.title, each.type)) for each in layout.columns)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (("README.txt", _README.encode()), ("names.csv", table)):
            archive.writestr(zipped(name), text)
        for file in written:
            with file.open("rb") as source, archive.open(zipped(file.name), "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
