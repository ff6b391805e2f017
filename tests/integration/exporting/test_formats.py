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
from tests.support.exported import NAMES, READERS, TYPES, Rows, items, read_dxf
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
        read = found[name]
        if kind in ("shp", "csv", "xlsx") and TYPES[name] in ("string", "code"):
            read, value = read or None, value or None
        assert read == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), (kind, name)


@pytest.mark.parametrize("who", ["officer", "reviewer"])
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("kind", READERS)
def test_every_export_equals_the_items_of_the_same_query(
    exported: Service, kind: str, query: str, who: str, tmp_path: Path
) -> None:
    caller, asked = exported.callers[who], QUERIES[query]
    if query == "shapeless" and FORMATS[kind].needs_shapes:
        pytest.skip("a format for shapes")
    if query == "sorted" and who == "reviewer":
        pytest.skip("no column that all of its grants show is sortable")
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
