"""OGC API Tiles 1 and the Tile Matrix Set 2, for every identity and every collection with shapes."""

from __future__ import annotations

import json
import math
from typing import Any

import mapbox_vector_tile
import pyproj
import pytest
import shapely

from .claims import of, proves
from .visitor import REL, Visitor, box_of, link, links

TILES, TMS = "ogcapi-tiles-1/1.0/conf", "tms/2.0/conf"
core = of(f"{TILES}/core")
MVT = "application/vnd.mapbox-vector-tile"
HALF_M = 20037508.342789244
EXTENT = 4096


def _tiled(visitor: Visitor) -> list[dict[str, Any]]:
    return [each for each in visitor.collections if links(each, f"{REL}tilesets-vector")]


@proves(f"{TILES}/geodata-tilesets/desc-links", f"{TILES}/geodata-tilesets/operation")
def test_a_collection_with_shapes_leads_to_its_tilesets_and_no_other_does(visitor: Visitor) -> None:
    assert _tiled(visitor)
    for collection in _tiled(visitor):
        address = link(collection, f"{REL}tilesets-vector")["href"]
        assert address == f"{visitor.base}/collections/{collection['id']}/tiles"
        assert visitor.json(address)["tilesets"]
    for collection in visitor.collections:
        if collection not in _tiled(visitor):
            assert visitor.status(f"/collections/{collection['id']}/tiles") in (403, 404)


@proves(f"{TILES}/tilesets-list/tileset-links")
def test_a_list_of_tilesets_says_type_crs_grid_and_where_each_is(visitor: Visitor) -> None:
    for collection in _tiled(visitor):
        address = link(collection, f"{REL}tilesets-vector")["href"]
        response = visitor.get(address, headers={"Accept": "application/json"})
        assert response.status_code == 200 and response.headers["content-type"] == "application/json"
        for tileset in response.json()["tilesets"]:
            assert tileset["dataType"] == "vector" and tileset["crs"].endswith("/3857")
            assert tileset["tileMatrixSetURI"].endswith("/WebMercatorQuad")
            own = link(tileset, "self")["href"].partition("?")[0]
            assert own == f"{address}/{tileset['tileMatrixSetURI'].rpartition('/')[2]}"
            assert visitor.json(own)["crs"] == tileset["crs"]
            assert links(tileset, f"{REL}tiling-scheme")


@proves(f"{TILES}/tileset/description", f"{TMS}/tilematrixset/definition", f"{TMS}/json-tilematrixset/definition")
def test_a_tileset_names_its_grid_and_its_tiles(visitor: Visitor) -> None:
    for collection in _tiled(visitor):
        tileset = visitor.json(f"/collections/{collection['id']}/tiles/WebMercatorQuad")
        grid = visitor.json(links(tileset, f"{REL}tiling-scheme")[0]["href"])
        assert grid["crs"].endswith("/3857") and grid["uri"] == tileset["tileMatrixSetURI"]
        for number, matrix in enumerate(grid["tileMatrices"]):
            assert matrix["id"] == str(number) and matrix["matrixWidth"] == matrix["matrixHeight"] == 2**number
            assert matrix["tileWidth"] == matrix["tileHeight"] == 256
            assert matrix["cellSize"] == pytest.approx(2 * HALF_M / 256 / 2**number)
            assert matrix["scaleDenominator"] == pytest.approx(matrix["cellSize"] / 0.00028)
            assert matrix["pointOfOrigin"] == pytest.approx([-HALF_M, HALF_M])
        (item,) = [each for each in links(tileset, "item") if each["type"] == MVT]
        assert item["templated"] is True
        assert all(name in item["href"] for name in ("{tileMatrix}", "{tileRow}", "{tileCol}"))


@proves(*core("tc-tilematrix-definition", "tc-tilerow-definition", "tc-tilecol-definition"))
@pytest.mark.parametrize("name", ["tileMatrix", "tileRow", "tileCol"])
def test_the_place_of_a_tile_is_described_as_mandatory(visitor: Visitor, name: str) -> None:
    document = visitor.contract.document
    paths = [path for path in document["paths"] if f"{{{name}}}" in path]
    assert paths
    for path in paths:
        (parameter,) = [each for each in document["paths"][path]["get"]["parameters"] if each.get("name") == name]
        assert parameter["in"] == "path" and parameter["required"] is True
        assert parameter["schema"]["type"] in (("string", "integer") if name == "tileMatrix" else ("integer",))


@proves(*core("tc-op", "tc-success"), f"{TILES}/mvt/content")
@pytest.mark.parametrize("zoom", [0, 8, 14, 17])
def test_a_tile_holds_what_lies_in_its_square_on_a_linear_grid(visitor: Visitor, zoom: int) -> None:
    for collection in _tiled(visitor):
        features = visitor.features(collection["id"]) if links(collection, "items") else []
        if "extent" not in collection:
            continue
        west, south, east, north = box_of(collection)
        column, row = _tile_of((west + east) / 2, (south + north) / 2, zoom)
        response = visitor.get(_address(visitor, collection["id"], zoom, row, column), headers={"Accept": MVT})
        assert response.status_code in (200, 204)
        if response.status_code == 204:
            continue
        assert response.headers["content-type"] == MVT
        decoded = mapbox_vector_tile.decode(response.content)
        assert set(decoded) == {collection["id"]} and decoded[collection["id"]]["extent"] == EXTENT
        expected = {each["id"]: _on_grid(each, zoom, row, column) for each in features}
        for drawn in decoded[collection["id"]]["features"]:
            shape = shapely.from_geojson(json.dumps(drawn["geometry"]))
            assert not shape.is_empty and drawn["geometry"]["type"]
            if drawn.get("id") in expected:  # an upper zoom may leave out the small and smooth the rest
                assert expected[drawn["id"]].buffer(24 if zoom < 14 else 2).covers(shape), (
                    collection["id"],
                    drawn["id"],
                )
        if zoom == 17:
            inside = {
                fid for fid, shape in expected.items() if shape.intersects(shapely.box(2, 2, EXTENT - 2, EXTENT - 2))
            }
            assert inside <= {drawn.get("id") for drawn in decoded[collection["id"]]["features"]} or not features


def _address(visitor: Visitor, collection: str, zoom: int, row: int, column: int) -> str:
    tileset = visitor.json(f"/collections/{collection}/tiles/WebMercatorQuad")
    template: str = next(each["href"] for each in links(tileset, "item") if each["type"] == MVT)
    return (template.replace("{tileMatrix}", str(zoom)).replace("{tileRow}", str(row))
            .replace("{tileCol}", str(column)))  # fmt: skip


def _tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    mercator = math.asinh(math.tan(math.radians(latitude))) / math.pi
    return int((longitude + 180) / 360 * 2**zoom), int((1 - mercator) / 2 * 2**zoom)


_MERCATOR = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:3857", always_xy=True)


def _on_grid(feature: dict[str, Any], zoom: int, row: int, column: int) -> Any:
    """The shape in the tile's own units, upwards as the decoder has it."""
    side_m = 2 * HALF_M / 2**zoom
    left, bottom = -HALF_M + column * side_m, HALF_M - (row + 1) * side_m
    projected = shapely.transform(
        shapely.from_geojson(json.dumps(feature["geometry"])), _MERCATOR.transform, interleaved=False
    )
    return shapely.affinity.affine_transform(
        projected, [EXTENT / side_m, 0, 0, EXTENT / side_m, -left * EXTENT / side_m, -bottom * EXTENT / side_m]
    )


@proves(*core("tc-error"))
@pytest.mark.parametrize(
    ("place", "status"),
    [("0/0/1", 404), ("0/1/0", 404), ("-1/0/0", 404), ("a/0/0", 404), ("30/0/0", 404), ("16/0/0", 204)],
)
def test_a_tile_that_is_not_there_is_told_apart_from_an_empty_one(visitor: Visitor, place: str, status: int) -> None:
    for collection in _tiled(visitor):
        response = visitor.get(f"/collections/{collection['id']}/tiles/WebMercatorQuad/{place}")
        assert response.status_code in ({status} if status == 204 else {400, 404}), collection["id"]


@proves(f"{TILES}/dataset-tilesets/landingpage", f"{TILES}/dataset-tilesets/operation")
def test_the_landing_page_leads_to_tilesets_of_the_whole_service(visitor: Visitor) -> None:
    address = link(visitor.landing, f"{REL}tilesets-vector")["href"]
    assert address == f"{visitor.base}/tiles"
    for tileset in visitor.json(address)["tilesets"]:
        described = visitor.json(link(tileset, "self")["href"])
        with_something = {each["id"] for each in _tiled(visitor) if "extent" in each}
        assert {each["id"] for each in described["layers"]} == with_something


@proves(f"{TILES}/collections-selection/query-collections", f"{TILES}/collections-selection/collections-response")
def test_of_a_set_of_layers_only_those_that_are_named_are_drawn(visitor: Visitor) -> None:
    names = [each["id"] for each in _tiled(visitor)]
    west, south, east, north = box_of(next(each for each in visitor.collections if each["id"] == "zone"))
    column, row = _tile_of((west + east) / 2, (south + north) / 2, 14)
    for chosen in [names, names[:1], ["zone"], list(reversed(names[:2]))]:
        query = {"collections": ",".join(chosen)}
        layers = visitor.json("/tiles/WebMercatorQuad", params=query)["layers"]
        assert [each["id"] for each in layers] == chosen
        response = visitor.get(f"/tiles/WebMercatorQuad/14/{row}/{column}", params=query)
        drawn = list(mapbox_vector_tile.decode(response.content)) if response.status_code == 200 else []
        assert drawn == [name for name in chosen if name in drawn]
        assert ("zone" in drawn) == ("zone" in chosen)
    for unknown in ("nothere", "zone,nothere"):
        refused = visitor.status("/tiles/WebMercatorQuad", params={"collections": unknown})
        assert refused in (400, 404), unknown
