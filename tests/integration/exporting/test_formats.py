"""Every export opens with other programs and says what the items of the same query say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from layers.exporting.formats import FORMATS
from tests.support.exported import READERS, TYPES, Rows, items, read_dxf
from tests.support.shared_layers import Caller, Service

STORAGE = "http://www.opengis.net/def/crs/EPSG/0/5899"
#: a tenth of a millimetre: what is stored, and what is written
SAME_M = 1.001e-4
QUERIES: dict[str, dict[str, str]] = {
    "all": {}, "filtered": {"filter": "so > 2 AND so < 9"}, "some": {"properties": "ma,ten", "limit": "4"},
    "sorted": {"sortby": "-dt"}, "shapeless": {"skipGeometry": "true"},
}  # fmt: skip


def _expected(caller: Caller, layer: str, query: dict[str, str]) -> Rows:
    return items(caller.json(f"/collections/{layer}/items", params={"limit": 1000, "crs": STORAGE, **query}))


def _file(caller: Caller, layer: str, kind: str, folder: Path, **query: str) -> Path:
    response = caller.get(f"/collections/{layer}/items", params={"f": kind, **query})
    assert response.status_code == 200, response.text
    named = re.search(r'filename="([^"]+)"', response.headers["content-disposition"])
    assert named and named[1].endswith(f".{FORMATS[kind].suffix}")
    assert response.headers["content-type"].startswith(FORMATS[kind].media_type)
    path = folder / named[1]
    path.write_bytes(response.content)
    return path


def _same_values(kind: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        is_vague = kind in ("shp", "csv", "xlsx") and TYPES[name] in ("string", "code")
        read, meant = (found[name] or None, value or None) if is_vague else (found[name], value)
        assert read == (pytest.approx(meant, abs=1e-9) if isinstance(meant, float) else meant), (kind, name)


@pytest.mark.parametrize(("query", "who"), [
    ("all", "officer"), ("all", "reviewer"), ("filtered", "reviewer"), ("some", "officer"), ("sorted", "officer"),
    ("shapeless", "officer"),
])  # fmt: skip
@pytest.mark.parametrize("kind", READERS)
def test_every_export_equals_the_items_of_the_same_query(
    exported: Service, kind: str, query: str, who: str, tmp_path: Path
) -> None:
    caller, asked = exported.callers[who], QUERIES[query]
    if query == "shapeless" and FORMATS[kind].needs_shapes:
        pytest.skip("a format for shapes")
    if kind == "fgb" and who == "reviewer":
        pytest.skip("some shapes are not shown: refused, see below")
    expected = _expected(caller, "dat", asked)
    found = READERS[kind](_file(caller, "dat", kind, tmp_path, crs=STORAGE, **asked))
    assert found.keys() == expected.keys() and expected
    if query == "sorted" and kind in ("jsonseq", "csv", "xlsx", "parquet"):
        assert list(found) == list(expected)
    for fid, row in expected.items():
        _same_values(kind, found[fid].values, row.values)
        shape = found[fid].shape
        if kind == "xlsx" and shape is not None:
            assert row.shape is not None and row.shape.distance(shape) < SAME_M
            continue
        assert (shape is None) == (row.shape is None)
        if shape is not None:
            assert shapely.hausdorff_distance(shape, row.shape) <= SAME_M


def test_a_drawing_has_the_outlines_of_the_items(exported: Service, tmp_path: Path) -> None:
    for who in ("officer", "reviewer"):
        caller = exported.callers[who]
        expected = {fid: row.shape for fid, row in _expected(caller, "dat", {}).items() if row.shape is not None}
        found = read_dxf(_file(caller, "dat", "dxf", tmp_path))
        assert found.keys() == expected.keys()
        for fid, shape in expected.items():
            drawn = shapely.GeometryCollection(found[fid])
            outlines = shape if shape.geom_type == "Point" else shapely.boundary(shape)
            assert shapely.hausdorff_distance(drawn, outlines) <= SAME_M
    meta = pyogrio.read_info(tmp_path / "dat-r1.dxf")
    layers = set(pyogrio.read_dataframe(tmp_path / "dat-r1.dxf")["Layer"])
    assert meta["driver"] == "DXF" and layers <= {"DAT", "DAT_ODT", "DAT_CLN"}


def test_a_drawing_is_in_metres(exported: Service) -> None:
    response = exported.officer.get("/collections/dat/items", params={"f": "dxf", "crs": "OGC:CRS84"})
    assert response.status_code == 400 and response.json()["errors"][0]["field"] == "crs"


@pytest.mark.parametrize("layer", ["moc", "tim", "nen", "so_bo", "trong"])
@pytest.mark.parametrize("kind", READERS)
def test_points_lines_mixtures_tables_and_empty_layers(
    exported: Service, kind: str, layer: str, tmp_path: Path
) -> None:
    if layer == "so_bo" and FORMATS[kind].needs_shapes:
        response = exported.officer.get(f"/collections/{layer}/items", params={"f": kind})
        assert response.status_code == 400
        assert {"detail_vi", "detail_en"} <= response.json().keys() and response.json()["errors"][0]["field"] == "f"
        accepted = exported.officer.get(f"/collections/{layer}/items", headers={"Accept": FORMATS[kind].media_type})
        assert accepted.status_code == 406
        return
    expected = _expected(exported.officer, layer, {})
    found = READERS[kind](_file(exported.officer, layer, kind, tmp_path, crs=STORAGE))
    assert found.keys() == expected.keys() and bool(expected) == (layer != "trong")
    for fid, row in expected.items():
        _same_values(kind, found[fid].values, row.values)
        shape = found[fid].shape
        if row.shape is not None and kind != "xlsx":
            assert shape is not None and shapely.hausdorff_distance(shape, row.shape) <= SAME_M


def test_flatgeobuf_is_refused_where_some_shapes_are_not_shown(exported: Service) -> None:
    response = exported.reviewer.get("/collections/dat/items", params={"f": "fgb"})
    assert response.status_code == 400 and "gpkg" in response.json()["detail_vi"]


def test_the_same_request_gives_the_same_bytes(exported: Service) -> None:
    for kind in FORMATS:
        first, second = (exported.officer.get("/collections/dat/items", params={"f": kind}) for _ in range(2))
        assert first.content == second.content and first.content, kind


def test_each_format_is_found_by_accept(exported: Service) -> None:
    for kind in FORMATS.values():
        response = exported.officer.get("/collections/dat/items", headers={"Accept": f"{kind.media_type}, */*;q=0.1"})
        assert response.status_code == 200 and response.headers["content-type"].startswith(kind.media_type)
    assert exported.officer.get("/collections/dat/items", params={"f": "doc"}).status_code == 400
    json = exported.officer.get("/collections/dat/items", headers={"Accept": "*/*"})
    assert json.headers["content-type"].startswith("application/geo+json")


def test_geoparquet_says_its_system_and_where_each_shape_lies(exported: Service, tmp_path: Path) -> None:
    path = _file(exported.officer, "dat", "parquet", tmp_path)
    import geopandas

    frame = geopandas.read_parquet(path)
    assert frame.crs.to_epsg() == 5899 and len(frame) == 10
    box = frame.total_bounds
    inside = geopandas.read_parquet(path, bbox=(box[0], box[1], box[0] + 30, box[1] + 30))
    assert 0 < len(inside) < 10
    column = pq.read_metadata(path).row_group(0).column(0)
    assert column.compression == "ZSTD"


def test_a_workbook_tells_what_its_columns_are(exported: Service, tmp_path: Path) -> None:
    path = _file(exported.officer, "dat", "xlsx", tmp_path)
    rows = list(openpyxl.load_workbook(path)["_columns"].iter_rows(values_only=True))
    assert rows[0] == ("column", "title", "type") and ("ngay", "", "date") in [(a, b or "", c) for a, b, c in rows]
    assert ("datetime", "UTC", None) in rows
    some = _file(exported.officer, "dat", "xlsx", tmp_path, properties="ma,ngay")
    assert all(row[0] != "datetime" for row in openpyxl.load_workbook(some)["_columns"].iter_rows(values_only=True))


def test_nothing_is_told_of_columns_and_rows_that_are_hidden(exported: Service) -> None:
    for kind in set(FORMATS) - {"fgb"}:
        body = exported.reviewer.get("/collections/dat/items", params={"f": kind}).content
        assert "riêng".encode() not in body and b"T5" not in body and b"ghi_chu" not in body
    response = exported.reviewer.get("/collections/dat/items", params={"f": "csv", "filter": "ghi_chu = 'riêng'"})
    assert response.status_code == 400


def test_an_export_leaves_its_opening_and_its_closing(exported: Service) -> None:
    with psycopg.connect(exported.url) as connection:
        (before,) = connection.execute("SELECT coalesce(max(id), 0) FROM access.event").fetchone() or (0,)
    exported.officer.get("/collections/dat/items", params={"f": "gpkg"})
    exported.officer.get("/collections/dat/items", params={"f": "csv"})
    with psycopg.connect(exported.url) as connection:
        found = connection.execute(
            "SELECT phase, features, bytes > 0 FROM access.event WHERE id > %s AND layer = 'dat' ORDER BY id", [before]
        ).fetchall()
    assert [row[0] for row in found] == ["opened", "closed"] * 2
    assert [row[1:] for row in found if row[0] == "closed"] == [(10, True)] * 2


def test_what_is_unchanged_is_304_and_head_has_no_body(exported: Service) -> None:
    first = exported.officer.get("/collections/dat/items", params={"f": "gpkg"})
    again = {"If-None-Match": first.headers["etag"]}
    assert exported.officer.get("/collections/dat/items", params={"f": "gpkg"}, headers=again).status_code == 304
    assert exported.officer.get("/collections/dat/items", params={"f": "fgb"}, headers=again).status_code == 200
    head = exported.officer.http.head("/collections/dat/items", params={"f": "gpkg"})
    assert head.status_code == 200 and head.headers["content-type"] == FORMATS["gpkg"].media_type


def test_pages_are_not_of_exports(exported: Service) -> None:
    response = exported.officer.get("/collections/dat/items", params={"f": "csv", "after": "MS4x"})
    assert response.status_code == 400 and response.json()["errors"][0]["field"] == "after"


def test_no_file_stays_behind(exported: Service) -> None:
    for kind in ("gpkg", "shp", "parquet"):
        assert exported.officer.get("/collections/dat/items", params={"f": kind}).status_code == 200
    folder = exported.secrets.parent / "exports"
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name not in ("held", "door")]
