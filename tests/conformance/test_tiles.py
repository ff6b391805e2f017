"""OGC API Tiles 1 and the Tile Matrix Set 2: abstract tests by their ids."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile
import pytest

from tests.support.shared_layers import Caller, Service

from .claims import proves

TILES, TMS = "ogcapi-tiles-1/1.0/conf", "tms/2.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"


@pytest.fixture
def caller(reading: Service) -> Caller:
    return reading.officer


def _link(document: dict[str, Any], rel: str) -> dict[str, Any]:
    return next(link for link in document["links"] if link["rel"] == rel)


@proves(
    f"{TILES}/geodata-tilesets/desc-links",
    f"{TILES}/geodata-tilesets/operation",
    f"{TILES}/tilesets-list/tileset-links",
)
def test_a_collection_with_shapes_leads_to_its_tilesets(caller: Caller) -> None:
    collection = caller.json("/collections/zone")
    listed = caller.json(_link(collection, f"{REL}tilesets-vector")["href"])
    (tileset,) = listed["tilesets"]
    assert tileset["dataType"] == "vector" and tileset["crs"].endswith("3857")
    assert tileset["tileMatrixSetURI"].endswith("/WebMercatorQuad")
    assert not any("tilesets" in link["rel"] for link in caller.json("/collections/register")["links"])


@proves(
    f"{TILES}/tileset/tileset-description", f"{TMS}/tilematrixset/definition", f"{TMS}/json-tilematrixset/definition"
)
def test_a_tileset_names_its_grid_and_its_tiles(caller: Caller) -> None:
    tileset = caller.json("/collections/zone/tiles/WebMercatorQuad")
    grid = caller.json(_link(tileset, f"{REL}tiling-scheme")["href"])
    assert grid["crs"].endswith("/3857") and grid["uri"] == tileset["tileMatrixSetURI"]
    for number, matrix in enumerate(grid["tileMatrices"]):
        assert matrix["id"] == str(number) and matrix["matrixWidth"] == matrix["matrixHeight"] == 2**number
        assert matrix["cellSize"] == pytest.approx(matrix["scaleDenominator"] * 0.00028)
        assert matrix["pointOfOrigin"] == [-20037508.342789244, 20037508.342789244]
    item = _link(tileset, "item")
    assert item["templated"] and item["type"] == "application/vnd.mapbox-vector-tile"
    assert all(name in item["href"] for name in ("{tileMatrix}", "{tileRow}", "{tileCol}"))


@proves(
    f"{TILES}/core/tc-op",
    f"{TILES}/core/tc-success",
    f"{TILES}/core/tc-tilematrix-definition",
    f"{TILES}/core/tc-tilerow-definition",
    f"{TILES}/core/tc-tilecol-definition",
    f"{TILES}/mvt/content",
)
def test_a_tile_in_the_middle_of_the_layer_is_a_vector_tile(caller: Caller) -> None:
    west, south, east, north = caller.json("/collections/zone")["extent"]["spatial"]["bbox"][0]
    template = _link(caller.json("/collections/zone/tiles/WebMercatorQuad"), "item")["href"]
    for zoom in (0, 8, 15, 22):
        column, row = _tile_of((west + east) / 2, (south + north) / 2, zoom)
        address = (
            template.replace("{tileMatrix}", str(zoom)).replace("{tileRow}", str(row)).replace("{tileCol}", str(column))
        )
        response = caller.get(address)
        assert response.status_code in (200, 204)
        if response.status_code == 200:
            assert response.headers["content-type"] == "application/vnd.mapbox-vector-tile"
            assert set(mapbox_vector_tile.decode(response.content)) == {"zone"}


def _tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    mercator = math.asinh(math.tan(math.radians(latitude))) / math.pi
    return int((longitude + 180) / 360 * 2**zoom), int((1 - mercator) / 2 * 2**zoom)


@proves(f"{TILES}/core/tc-error")
@pytest.mark.parametrize(
    ("place", "status"),
    [("0/0/1", 404), ("0/1/0", 404), ("-1/0/0", 404), ("a/0/0", 404), ("30/0/0", 404), ("16/0/0", 204)],
)
def test_a_tile_that_is_not_there_is_told_apart_from_an_empty_one(caller: Caller, place: str, status: int) -> None:
    assert caller.get(f"/collections/zone/tiles/WebMercatorQuad/{place}").status_code == status
