"""A number that a .dbf does not hold stands whole beside it."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from pathlib import Path

import pyarrow as pa
import pyogrio

from layers.exporting.layout import Column, Layout
from layers.exporting.shapefile import write_shapefile

KEPT = [0.0, -0.0001, 100.1, 123_456_789.25, 123_456_789_012.345, 9_007_199_254_740_993.0, -1e22, 1e23, 1e-15, None]
ROUNDED = [-1e-20, 0.1 + 0.2, 1 / 3]
TOO_LARGE = [1e30, -1e24, math.inf, math.nan]


def test_numbers_are_exact_in_the_dbf_or_in_the_list_beside_it(tmp_path: Path) -> None:
    numbers = [*KEPT, *ROUNDED, *TOO_LARGE]
    layout = Layout("dat", (Column("dt", "number"),), "Point", "EPSG:5899")
    shapes = pa.nulls(len(numbers), pa.binary())
    batch = pa.RecordBatch.from_arrays(
        [pa.array(range(len(numbers)), pa.int64()), pa.array(numbers, pa.float64()), shapes], schema=layout.schema
    )
    write_shapefile(iter([batch]), layout, tmp_path / "dat.zip")
    found, listed = _read(tmp_path / "dat.zip", tmp_path / "files")
    assert found[: len(KEPT)] == KEPT
    assert [round(number, 15) for number in ROUNDED] == found[len(KEPT) : -len(TOO_LARGE)]
    assert found[-len(TOO_LARGE) :] == [None] * len(TOO_LARGE)
    assert list(map(repr, listed)) == list(map(repr, [*ROUNDED, *TOO_LARGE]))


def _read(path: Path, folder: Path) -> tuple[list[float | None], list[float]]:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    _, table = pyogrio.read_arrow(folder / "dat_table.dbf")
    text = (folder / "numbers.csv").read_text("utf-8-sig")
    return table["dt"].to_pylist(), [float(row["number"]) for row in csv.DictReader(io.StringIO(text))]
