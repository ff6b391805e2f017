"""OGC API Tiles 1: vector tiles of a layer and of a set of layers in WebMercatorQuad."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.errors import NotFoundError
from ogc.common.extents import extent_of
from ogc.common.language import language_of
from ogc.common.links import JSON, MVT, Addresses, link
from ogc.common.operations import Operation
from ogc.common.parameters import Parameters
from ogc.common.relation import Relation
from ogc.common.responses import document_response, json_response
from ogc.features.times import AS_OF, as_of

from .drawing import Asked, answer, place_of
from .matrix_sets import CRS, ID, TITLE, URI, tile_matrix_set
from .selection import COLLECTIONS, of_layer, of_service, require_matrix_set
from .style_routes import OPERATIONS as STYLES
from .tilesets import ALL_LAYERS, Part, listed, tilejson, tileset

CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/dataset-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/collections-selection",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
)


# ── tile matrix sets ─────────────────────────────────────────────────────────────────────────────
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


# ── of one layer ─────────────────────────────────────────────────────────────────────────────────
async def tilesets(request: Request, parameters: Parameters) -> Response:
    relation, addresses = await of_layer(request), Addresses(request)
    title = _title(request, relation)
    made = {"links": addresses.self_and_alternates(JSON), "tilesets": [listed(addresses, _own(relation), title)]}
    definition = relation.state.definition
    return document_response(request, made, "tilesets.html", definition=definition, catalogue=relation.catalogue)


async def tileset_by_id(request: Request, parameters: Parameters) -> Response:
    relation = await _of_layer(request)
    parts, title = [await _part(request, relation)], _title(request, relation)
    return json_response(tileset(Addresses(request), _own(relation), title, parts, language_of(request)))


async def tilejson_of_layer(request: Request, parameters: Parameters) -> Response:
    relation = await _of_layer(request)
    parts, title = [await _part(request, relation)], _title(request, relation)
    return json_response(tilejson(Addresses(request), _own(relation), title, parts))


async def tile(request: Request, parameters: Parameters) -> Response:
    relation = await _of_layer(request)
    instant = as_of(parameters, relation.decision)
    return await answer(request, Asked((relation,), *place_of(request), instant))


# ── of a set of layers ───────────────────────────────────────────────────────────────────────────
async def dataset_tilesets(request: Request, parameters: Parameters) -> Response:
    addresses, title = Addresses(request), ALL_LAYERS.in_language(language_of(request))
    made = {"links": addresses.self_and_alternates(JSON), "tilesets": [listed(addresses, (), title)]}
    catalogue = await request.app.state.catalogue.current()
    return document_response(request, made, "tilesets.html", definition=None, catalogue=catalogue)


async def dataset_tileset_by_id(request: Request, parameters: Parameters) -> Response:
    require_matrix_set(request)
    parts = await _parts(request, await of_service(request, parameters))
    title, asked = ALL_LAYERS.in_language(language_of(request)), parameters.get(COLLECTIONS)
    return json_response(tileset(Addresses(request), (), title, parts, language_of(request), collections=asked))


async def tilejson_of_dataset(request: Request, parameters: Parameters) -> Response:
    require_matrix_set(request)
    parts = await _parts(request, await of_service(request, parameters))
    title, asked = ALL_LAYERS.in_language(language_of(request)), parameters.get(COLLECTIONS)
    return json_response(tilejson(Addresses(request), (), title, parts, collections=asked))


async def dataset_tile(request: Request, parameters: Parameters) -> Response:
    require_matrix_set(request)
    place = place_of(request)
    relations = await of_service(request, parameters)
    instants = [as_of(parameters, relation.decision) for relation in relations]
    return await answer(request, Asked(relations, *place, instants[0] if instants else None))


async def _of_layer(request: Request) -> Relation:
    relation = await of_layer(request)
    require_matrix_set(request)
    return relation


async def _part(request: Request, relation: Relation) -> Part:
    return Part(relation.state.definition, relation.decision, await extent_of(request, relation))


async def _parts(request: Request, relations: Sequence[Relation]) -> list[Part]:
    return [await _part(request, relation) for relation in relations]


def _own(relation: Relation) -> tuple[str, str]:
    return "collections", relation.layer


def _title(request: Request, relation: Relation) -> str:
    return relation.state.definition.title.message().in_language(language_of(request))


_PATH = "/collections/{collectionId}/tiles"
_SET, _PLACE = "{tileMatrixSetId}", "{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
_LAYER = (403, 404, 429, 503)
OPERATIONS = (
    Operation("/tileMatrixSets", tile_matrix_sets, Message("Các lưới ô", "Tile matrix sets"), "tiles"),
    Operation(
        f"/tileMatrixSets/{_SET}", tile_matrix_set_by_id, Message("Một lưới ô", "One tile matrix set"),
        "tiles", (), {JSON: "object"}, (404,),
    ),
    Operation(_PATH, tilesets, Message("Bộ ô của lớp", "Tilesets"), "tiles", statuses=_LAYER),
    Operation(
        f"{_PATH}/{_SET}", tileset_by_id, Message("Một bộ ô", "One tileset"), "tiles", (), {JSON: "object"}, _LAYER,
    ),
    Operation(
        f"{_PATH}/{_SET}/tilejson", tilejson_of_layer, Message("TileJSON", "TileJSON"), "tiles", (),
        {JSON: "object"}, _LAYER,
    ),
    Operation(
        f"{_PATH}/{_PLACE}", tile, Message("Một ô", "One tile"), "tiles", (AS_OF,), {MVT: "binary"},
        (204, 304, *_LAYER),
    ),
    Operation("/tiles", dataset_tilesets, Message("Bộ ô của dịch vụ", "Tilesets of the service"), "tiles"),
    Operation(
        f"/tiles/{_SET}", dataset_tileset_by_id, Message("Một bộ ô của các lớp", "One tileset of several layers"),
        "tiles", (COLLECTIONS,), {JSON: "object"}, _LAYER,
    ),
    Operation(
        f"/tiles/{_SET}/tilejson", tilejson_of_dataset, Message("TileJSON của các lớp", "TileJSON of several layers"),
        "tiles", (COLLECTIONS,), {JSON: "object"}, _LAYER,
    ),
    Operation(
        f"/tiles/{_PLACE}", dataset_tile, Message("Một ô của các lớp", "One tile of several layers"), "tiles",
        (COLLECTIONS, AS_OF), {MVT: "binary"}, (204, 304, *_LAYER),
    ),
    *STYLES,
)  # fmt: skip
