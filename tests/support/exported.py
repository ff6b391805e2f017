"""A layer with every type of column and hostile values in them, and files of its exports read back as plain values."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import anyio
import openpyxl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from layers.jobs.job import EXPORT, LIMITS
from layers.jobs.run import Work, Worker
from layers.profile.apply import apply
from layers.profile.profile import Profile
from layers.store.connection import Database
from ogc.worker import kinds_of_jobs
from tests.support.layers import insert
from tests.support.shared_layers import new_revision, square

LONG = "Đường rất dài " * 40
TYPES = {
    "ma": "string", "ten": "string", "so": "integer", "dt": "number", "co": "boolean", "ngay": "date",
    "luc": "datetime", "loai": "code", "muc_dich": "list", "ten_rat_dai_cua_cot_mot": "string",
    "ten_rat_dai_cua_cot_hai": "string", "ghi_chu": "string",
}  # fmt: skip
_TITLE = {"vi": "Lớp", "en": "Layer"}


def _column(name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "type": TYPES[name], "tag": "personal" if name == "ghi_chu" else "public"}
    if name == "loai":
        made["codes"] = "loai_dat"
    if name == "muc_dich":
        made["items"] = [{"name": "ma"}, {"name": "dt", "type": "number"}]
    if name in ("so", "dt"):
        made |= {"sortable": True, "indexed": True}
    return made


def _layer(layer_id: str, geometry: str, names: list[str], **more: Any) -> dict[str, Any]:
    return {
        "id": layer_id, "sector": "land", "title": _TITLE, "geometry": geometry, "sharing": "shared",
        "attributes": [_column(name) for name in names], **more,
    }  # fmt: skip


LAYERS = [
    _layer("dat", "MultiPolygon", list(TYPES), label="Thửa {ten} số {so}", precisions_m=[50]),
    _layer("moc", "Point", ["ma", "so"]), _layer("tim", "LineString", ["ma", "so"]),
    _layer("nen", "Geometry", ["ma", "so"]), _layer("so_bo", "none", ["ma", "ten", "so"]),
    _layer("trong", "MultiPolygon", ["ma", "ten", "muc_dich"]),
]  # fmt: skip
NAMES = [layer["id"] for layer in LAYERS]
_ALL_COLUMNS = {"tags": ["public", "internal", "personal"]}
GRANTS = [
    *({"id": f"officer_{name}", "to": {"role": "land.officer"}, "layer": name, "actions": ["items", "tile", "export"],
       "columns": _ALL_COLUMNS} for name in NAMES),
    # some rows on a grid, others as a point, others without a shape and with fewer columns
    {"id": "grid", "to": {"role": "guest"}, "layer": "dat", "actions": ["items"], "rows": "so < 3",
     "geometry": {"precision_m": 50}},
    {"id": "middle", "to": {"role": "guest"}, "layer": "dat", "actions": ["items"], "rows": "so = 3",
     "geometry": "centroid", "columns": {"names": ["ma", "ten", "so"]}},
    {"id": "shapeless", "to": {"role": "guest"}, "layer": "dat", "actions": ["items"], "rows": "so = 4",
     "geometry": "none", "columns": {"names": ["ma", "so"]}},
    {"id": "some_points", "to": {"role": "guest"}, "layer": "moc", "actions": ["items"]},
    {"id": "exporter", "to": {"role": "exporter"}, "layer": "dat", "actions": ["export"]},
]  # fmt: skip


def _identity(name: str, role: str) -> dict[str, Any]:
    return {"id": name, "title": _TITLE, "roles": [role]}


def profile() -> Profile:
    entries = [{"code": "ODT", "title": _TITLE, "color": "#ff00ff"}, {"code": "CLN", "title": _TITLE}]
    return Profile.model_validate({
        "header": {"id": "exported", "crs": {"storage": "EPSG:5899", "to_wgs84": "EPSG:6960"},
                   "reference_layers": {"parcel": "dat"}, "sectors": {"land": _TITLE}},
        "layers": LAYERS, "grants": GRANTS, "codes": [{"id": "loai_dat", "title": _TITLE, "entries": entries}],
        "identities": [_identity("officer", "land.officer"), _identity("reviewer", "guest"),
                       _identity("exporter", "exporter"), {"id": "public", "title": _TITLE}],
    })  # fmt: skip


def _row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "fid": 4_503_599_627_370_000 + 13 * number, "ma": f"T{number}", "ten": f"Nguyễn Văn Ổi {number}", "so": number,
        "dt": 100.1 * number, "co": number % 2 == 0, "ngay": date(2024, 2, 29), "ghi_chu": "riêng",
        "luc": datetime(2025, 7, 1, 1, 2, 3, tzinfo=UTC), "loai": "ODT", "muc_dich": [{"ma": "ODT", "dt": 60.5}],
        "ten_rat_dai_cua_cot_mot": "một", "ten_rat_dai_cua_cot_hai": "hai", "geom": square(3 * number, number), **more,
    }  # fmt: skip


ROWS = [
    _row(1, ten='=HYPERLINK("http://x")'), _row(2, ten='dòng một\nhai, "ba"\tbốn'), _row(3, ten=""),
    _row(4, ten=None, so=4, dt=None, co=None, ngay=None, luc=None, loai=None, muc_dich=None),
    _row(5, ten=LONG, ngay=date(1875, 5, 1), dt=-0.0001, muc_dich=[]), _row(6, ten="-1", dt=123_456_789.25),
    _row(7, ten="@x", loai="CLN", muc_dich=[{"ma": "Đ\"ất", "dt": None}, {"ma": "CLN", "dt": 1}]),
    _row(8, ten="<b>&amp;_x000D_\x7f", geom=shapely.MultiPolygon([square(40, 1), square(42, 1)])),
    _row(9, geom=square(50, 0, 100).difference(square(51, 1))), _row(10, so=None, ten="'=1"),
]  # fmt: skip


def fill(url: str) -> None:
    """Apply the profile and publish revision 1 of every layer but `trong`."""

    async def prepare() -> None:
        async with Database.open(url, size=2) as database:
            await apply(database, profile(), "test")

    anyio.run(prepare)
    definitions = {layer.id: layer for layer in profile().layers}
    with psycopg.connect(url) as connection:
        for layer, rows in _rows().items():
            insert(connection, definitions[layer], rows)
            new_revision(connection, layer)


def _rows() -> dict[str, list[dict[str, Any]]]:
    here = square(0, 0).centroid
    around = shapely.LineString(square(4, 4).exterior.coords)
    shapes = [here, square(2, 2), around, shapely.MultiPoint([(here.x + 9, here.y), (here.x, here.y)])]
    return {
        "dat": ROWS,
        "moc": [{"fid": 1, "ma": "M1", "so": 1, "geom": here}],
        "tim": [{"fid": 1, "ma": "D1", "so": 1, "geom": around}],
        "nen": [{"fid": number, "ma": f"N{number}", "so": 1, "geom": each} for number, each in enumerate(shapes, 1)],
        "so_bo": [{"fid": 1, "ma": "S1", "ten": "=1+1", "so": 1}, {"fid": 2, "ma": "S2", "ten": None, "so": None}],
    }


# ── reading back ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Back:
    """One row of a file: what it says of each column, and its shape in the file's own system."""

    values: dict[str, Any]
    shape: BaseGeometry | None


Rows = dict[int, Back]


def items(document: Mapping[str, Any]) -> Rows:
    found = {}
    for each in document["features"]:
        shape = None if each["geometry"] is None else shapely.geometry.shape(each["geometry"])
        found[each["id"]] = Back(each["properties"], shape)
    return found


def plain(value: object, of: str) -> object:
    """A value of a file in the words of GeoJSON."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return json.loads(value) if of == "list" and isinstance(value, str) and value else value


def _of_table(table: pa.Table, shape: str | None) -> Rows:
    rows = table.to_pylist()
    return {
        row["fid"]: Back(
            {name: plain(value, TYPES.get(name, "")) for name, value in row.items() if name in TYPES},
            shapely.from_wkb(row[shape]) if shape and row.get(shape) is not None else None,
        )
        for row in rows
    }  # fmt: skip


def read_parquet(path: Path) -> Rows:
    has_shapes = b"geo" in (pq.read_metadata(path).metadata or {})
    return _of_table(pq.read_table(path), "geometry" if has_shapes else None)


def read_gdal(path: Path) -> Rows:
    """A GeoPackage has the fid as its own; FlatGeobuf knows instants only, no days."""
    meta, table = pyogrio.read_arrow(path, return_fids=path.suffix == ".gpkg")
    found = _of_table(table, meta["geometry_name"] or "wkb_geometry" if meta["geometry_type"] else None)
    for row in found.values() if path.suffix == ".fgb" else ():
        row.values |= {name: day[:10] for name, day in row.values.items() if TYPES[name] == "date" and day}
    return found


def read_shapefile(path: Path) -> Rows:
    """All files of the zip, with names and long texts as they are told beside them."""
    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    names = {row["dbf"]: row["name"] for row in _csv_rows(folder / "names.csv")} | {"fid": "fid"}
    found: Rows = {}
    for file in sorted({*folder.glob("*.shp"), *folder.glob("*_table.dbf")}):
        meta, table = pyogrio.read_arrow(file)
        table = table.rename_columns([names.get(name, name) for name in table.column_names])
        found |= _of_table(table, meta["geometry_name"] or "wkb_geometry" if meta["geometry_type"] else None)
    if (folder / "long_texts.csv").exists():
        for row in _csv_rows(folder / "long_texts.csv"):
            assert len(found[int(row["fid"])].values[row["column"]].encode()) <= 254
            found[int(row["fid"])].values[row["column"]] = row["text"]
    if (folder / "numbers.csv").exists():
        for row in _csv_rows(folder / "numbers.csv"):
            found[int(row["fid"])].values[row["column"]] = float(row["number"])
    return found


def _csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def read_csv(path: Path) -> Rows:
    rows: Rows = {}
    text = path.read_bytes().decode("utf-8-sig")
    for row in csv.DictReader(io.StringIO(text, newline="")):
        shape = row.pop("geometry", None)
        values = {name: _of_text(value, TYPES[name]) for name, value in row.items() if name in TYPES}
        rows[int(row["fid"])] = Back(values, shapely.from_wkt(shape) if shape else None)
    return rows


def _of_text(text: str, of: str) -> object:
    if not text:
        return None
    if of == "list":
        return json.loads(text)
    words: dict[str, Callable[[str], object]] = {
        "integer": int, "number": float, "boolean": lambda each: each == "true",
    }  # fmt: skip
    return words[of](text) if of in words else text.removeprefix("'")


def read_xlsx(path: Path) -> Rows:
    """The shape is the point in it."""
    sheet = openpyxl.load_workbook(path, read_only=False).worksheets[0]
    head, *rows = sheet.iter_rows(values_only=True)
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    found: Rows = {}
    for cells in rows:
        row = dict(zip(head, cells, strict=True))
        place = (row.get("easting"), row.get("northing"))
        values = {name: _of_cell(value, TYPES[name]) for name, value in row.items() if name in TYPES}
        found[int(row["fid"])] = Back(values, None if place[0] is None else shapely.Point(place))
    return found


def _of_cell(value: object, of: str) -> object:
    if of == "date" and isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, str):
        value = value.replace("_x005F_", "_")  # as spreadsheets read it; openpyxl leaves it
    return float(value) if of == "number" and isinstance(value, int) else plain(value, of)


def read_sequence(path: Path) -> Rows:
    records = [each for each in path.read_bytes().split(b"\x1e") if each]
    assert all(each.endswith(b"\n") for each in records)
    return items({"features": [json.loads(each) for each in records]})


def read_dxf(path: Path) -> dict[int, list[BaseGeometry]]:
    """Per feature its outlines and points; written here from the groups, since GDAL leaves extended data out."""
    lines = path.read_bytes().decode("ascii").split("\r\n")
    groups = list(zip(lines[::2], lines[1::2], strict=False))
    found: dict[int, list[BaseGeometry]] = {}
    for entity in _entities(groups):
        if entity.fid is not None and entity.kind in ("POLYLINE", "POINT"):
            found.setdefault(entity.fid, []).append(entity.shape())
    return found


@dataclass
class _Entity:
    kind: str
    fid: int | None
    is_closed: bool
    places: list[tuple[float, float]]

    def shape(self) -> BaseGeometry:
        if self.kind == "POINT":
            return shapely.Point(self.places[0])
        return shapely.LinearRing(self.places[1:]) if self.is_closed else shapely.LineString(self.places[1:])


def _entities(groups: list[tuple[str, str]]) -> list[_Entity]:
    found: list[_Entity] = []
    begin = groups.index(("2", "ENTITIES"))
    for code, value in groups[begin + 1 :]:
        if code == "0" and value not in ("VERTEX", "SEQEND"):
            found.append(_Entity(value, None, False, []))
        elif code == "10":
            found[-1].places.append((float(value), 0.0))
        elif code == "20":
            found[-1].places[-1] = (found[-1].places[-1][0], float(value))
        elif code == "70":
            found[-1].is_closed = value == "1"
        elif code == "1000" and value.startswith("fid="):
            found[-1].fid = int(value[4:])
    return found


READERS: Mapping[str, Callable[[Path], Rows]] = {
    "jsonseq": read_sequence, "csv": read_csv, "xlsx": read_xlsx, "parquet": read_parquet, "gpkg": read_gdal,
    "fgb": read_gdal, "shp": read_shapefile,
}  # fmt: skip


# ── much, and workers ────────────────────────────────────────────────────────────────────────────


def fill_much(url: str) -> None:
    fill(url)
    add_points(url, 45_000)


def add_points(url: str, number: int) -> None:
    """To the layer of points, in its first revision."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """INSERT INTO data.moc (fid, since, row_hash, ma, so, geom, geom_4326, geom_3857, min_zoom)
               SELECT 1000 + n, 1, '\\x00', 'Mốc số ' || n, n %% 10, shape, first.geom_4326, first.geom_3857, 0
               FROM (SELECT * FROM data.moc LIMIT 1) AS first, generate_series(1, %s) AS n,
                    LATERAL (SELECT ST_Translate(first.geom, n %% 300, n / 300) AS shape) AS moved""",
            [number],
        )
        connection.execute("ANALYZE data.moc")


def work(url: str, data: Path, **limits: Any) -> int:
    """A worker does the exports that wait; how many there were."""

    async def body() -> int:
        async with Database.open(url, size=3) as database:
            worker = Worker(database, data, "here", kinds_of_jobs(), replace(LIMITS, **limits))
            return await worker.run_waiting((EXPORT,))

    return anyio.run(body)


def main() -> None:
    """A worker that kills itself, as `kill -9` would, once so many features are written."""
    url, data, features = sys.argv[1:4]

    async def killed(job: Work) -> Any:
        go_on = job.tell

        def tell(partitions: int, done: int, message: Any = None) -> None:
            if done > int(features):
                os.kill(os.getpid(), signal.SIGKILL)
            go_on(partitions, done, message)

        job.tell = tell  # type: ignore[method-assign]
        return await kinds_of_jobs()[EXPORT](job)

    async def body() -> None:
        async with Database.open(url, size=3) as database:
            worker = Worker(database, Path(data), "killed", {EXPORT: killed}, replace(LIMITS, lease_s=0.5))
            await worker.run_waiting((EXPORT,))

    anyio.run(body)


if __name__ == "__main__":
    main()
