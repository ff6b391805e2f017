"""GDAL's MVT driver reads our tiles; what it finds is what `items` has, to a step of the tile's grid."""

from __future__ import annotations

import json
from pathlib import Path

import pyogrio
import shapely

from tests.conformance.test_tiles import EXTENT, HALF_M, _tile_of
from tests.support.shared_layers import Service

ZOOM = 17


def test_gdal_decodes_a_tile_to_the_shapes_of_the_items(reading: Service, tmp_path: Path) -> None:
    features = reading.officer.json("/collections/zone/items", params={
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857"})["features"]  # fmt: skip
    west, south, east, north = reading.officer.json("/collections/zone")["extent"]["spatial"]["bbox"][0]
    column, row = _tile_of((west + east) / 2, (south + north) / 2, ZOOM)
    response = reading.officer.get(f"/collections/zone/tiles/WebMercatorQuad/{ZOOM}/{row}/{column}")
    assert response.status_code == 200
    path = tmp_path / f"{row}.pbf"
    path.write_bytes(response.content)
    found = pyogrio.read_dataframe(path, layer="zone", X=str(column), Y=str(row), Z=str(ZOOM))
    assert found.crs.to_epsg() == 3857 and len(found) > 0
    step_m = 2 * HALF_M / 2**ZOOM / EXTENT
    by_code = {each["properties"]["ma"]: shapely.from_geojson(json.dumps(each["geometry"])) for each in features}
    left, top = -HALF_M + column * step_m * EXTENT, HALF_M - row * step_m * EXTENT
    inner = shapely.box(left, top - step_m * EXTENT, left + step_m * EXTENT, top)
    for code, drawn in zip(found["ma"], found.geometry, strict=True):
        assert by_code[code].buffer(2 * step_m).covers(drawn)
        assert drawn.buffer(2 * step_m).covers(by_code[code].intersection(inner))
