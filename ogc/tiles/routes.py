"""OGC API Tiles 1: vector tiles of a layer in WebMercatorQuad."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.errors import NotFoundError
from layers.store import tiles
from ogc.common.caching import VARY, is_known, not_modified, weak
from ogc.common.extents import extent_of
from ogc.common.language import language_of
from ogc.common.links import JSON, MVT, Addresses, link
from ogc.common.operations import Operation
from ogc.common.parameters import Parameters
from ogc.common.relation import Relation, authorised
from ogc.common.responses import document_response, json_response

from .tilesets import CRS, ID, TITLE, URI, tile_matrix_set, tilejson, tileset

CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
)


async def tile_matrix_sets(request: Request, parameters: Parameters) -> Response:
    addresses = Addresses(request)
    own = {
        "id": ID,
        "title": TITLE,
        "uri": URI,
        "crs": CRS,
        "links": [link(addresses.to("tileMatrixSets", ID), "self", JSON)],
    }
    made = {"tileMatrixSets": [own], "links": addresses.self_and_alternates(JSON)}
    catalogue = await request.app.state.catalogue.current()
    return document_response(request, made, "tile_matrix_sets.html", catalogue=catalogue)


async def tile_matrix_set_by_id(request: Request, parameters: Parameters) -> Response:
    if request.path_params["tileMatrixSetId"] != ID:
        raise NotFoundError
    return json_response(tile_matrix_set(), headers={"Cache-Control": "public, max-age=86400"})


async def tilesets(request: Request, parameters: Parameters) -> Response:
    relation, addresses = await _tiled(request), Addresses(request)
    described = tileset(addresses, relation.state.definition, await extent_of(request, relation), language_of(request))
    made = {"links": addresses.self_and_alternates(JSON), "tilesets": [described]}
    definition = relation.state.definition
    return document_response(request, made, "tilesets.html", definition=definition, catalogue=relation.catalogue)


async def tileset_by_id(request: Request, parameters: Parameters) -> Response:
    relation = await _tiled(request)
    bounds = await extent_of(request, relation)
    return json_response(tileset(Addresses(request), relation.state.definition, bounds, language_of(request)))


async def tilejson_of_layer(request: Request, parameters: Parameters) -> Response:
    relation = await _tiled(request)
    definition, bounds = relation.state.definition, await extent_of(request, relation)
    columns = tiles.tile_columns(definition, relation.decision)
    return json_response(tilejson(Addresses(request), definition, columns, bounds, language_of(request)))


async def tile(request: Request, parameters: Parameters) -> Response:
    """204 where the caller's relation shows nothing, whatever the reason."""
    relation = await _tiled(request)
    z, x, y = (_index(request.path_params[name]) for name in ("tileMatrix", "tileCol", "tileRow"))
    if not (z <= tiles.MAX_ZOOM and x < 2**z and y < 2**z):
        raise NotFoundError
    etag = weak("tile", tiles.ENCODER, *relation.version, z, x, y)
    request.app.state.accesses.counted(relation)
    if relation.is_cacheable and relation.tells_activity and is_known(request, etag):
        return not_modified(etag, relation.cache_control)
    body = await _drawn(request, relation, z, x, y)
    if not relation.tells_activity:
        etag = weak("tile", tiles.ENCODER, relation.state.definition_digest, hashlib.sha256(body).hexdigest())
        if relation.is_cacheable and is_known(request, etag):
            return not_modified(etag, relation.cache_control)
    headers = {"Cache-Control": relation.cache_control, "Vary": VARY}
    if relation.is_cacheable:
        headers["ETag"] = etag
    return Response(body, 200 if body else 204, headers=headers, media_type=MVT if body else None)


async def _tiled(request: Request) -> Relation:
    """Raises NotFoundError for a layer without shapes and for a tile matrix set that is not served."""
    relation = await authorised(request, request.path_params["collectionId"], "tile")
    if request.path_params.get("tileMatrixSetId", ID) != ID or not relation.decision.has_geometry:
        raise NotFoundError
    return relation


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise NotFoundError
    return int(text)


async def _drawn(request: Request, relation: Relation, z: int, x: int, y: int) -> bytes:
    async with request.app.state.database.reading(relation.role_class) as connection:
        return await tiles.tile(connection, relation.state, relation.catalogue.storage_srid, relation.decision, z, x, y)


_PATH = "/collections/{collectionId}/tiles"
_LAYER = (403, 404, 429, 503)
OPERATIONS = (
    Operation("/tileMatrixSets", tile_matrix_sets, Message("Các lưới ô", "Tile matrix sets"), "tiles"),
    Operation(
        "/tileMatrixSets/{tileMatrixSetId}", tile_matrix_set_by_id, Message("Một lưới ô", "One tile matrix set"),
        "tiles", (), {JSON: "object"}, (404,),
    ),
    Operation(_PATH, tilesets, Message("Bộ ô của lớp", "Tilesets"), "tiles", statuses=_LAYER, action="tile"),
    Operation(
        f"{_PATH}/{{tileMatrixSetId}}", tileset_by_id, Message("Một bộ ô", "One tileset"), "tiles", (),
        {JSON: "object"}, _LAYER, action="tile",
    ),
    Operation(
        f"{_PATH}/{{tileMatrixSetId}}/tilejson", tilejson_of_layer, Message("TileJSON", "TileJSON"), "tiles", (),
        {JSON: "object"}, _LAYER, action="tile",
    ),
    Operation(
        f"{_PATH}/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", tile, Message("Một ô", "One tile"),
        "tiles", (), {MVT: "binary"}, (204, 304, *_LAYER), action="tile",
    ),
)  # fmt: skip
