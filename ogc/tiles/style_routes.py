"""Styles of the service and of each layer, in the shapes of OGC API Styles (a draft: no class is claimed)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.errors import NotFoundError
from ogc.auth import principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.extents import extent_of
from ogc.common.language import language_of
from ogc.common.links import JSON, Addresses
from ogc.common.operations import Operation
from ogc.common.parameters import Parameters
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.web.cards import cards
from ogc.web.map_style import map_style

from .selection import of_layer
from .styles import DEFAULT, STYLE, collection_style, style_list

_WHOLE = Message("Bản đồ của mọi lớp", "Map of all layers")


async def styles(request: Request, parameters: Parameters) -> Response:
    return json_response(style_list(Addresses(request), (), _WHOLE.in_language(language_of(request))))


async def style_by_id(request: Request, parameters: Parameters) -> Response:
    """The caller's layers on one map, as the service's own page draws them."""
    _require_style(request)
    catalogue = await catalogue_of(request)
    listed = cards(catalogue, principal_of(request), purpose_of(request), now_of(request), {})
    return json_response(map_style(listed, catalogue.profile, Addresses(request).base), STYLE)


async def collection_styles(request: Request, parameters: Parameters) -> Response:
    relation = await of_layer(request)
    title = relation.state.definition.title.message().in_language(language_of(request))
    return json_response(style_list(Addresses(request), ("collections", relation.layer), title))


async def collection_style_by_id(request: Request, parameters: Parameters) -> Response:
    relation = await of_layer(request)
    _require_style(request)
    made = collection_style(
        Addresses(request), relation.catalogue.profile, relation.state.definition, relation.decision,
        await extent_of(request, relation), language_of(request),
    )  # fmt: skip
    return json_response(made, STYLE)


def _require_style(request: Request) -> None:
    if request.path_params["styleId"] != DEFAULT:
        raise NotFoundError


_LAYER = (403, 404, 429, 503)
OPERATIONS = (
    Operation("/styles", styles, Message("Kiểu bản đồ", "Styles"), "tiles", (), {JSON: "object"}),
    Operation(
        "/styles/{styleId}", style_by_id, Message("Một kiểu bản đồ (MapLibre)", "One style (MapLibre)"), "tiles", (),
        {STYLE: "object"}, (404,),
    ),
    Operation(
        "/collections/{collectionId}/styles", collection_styles, Message("Kiểu của lớp", "Styles of a layer"), "tiles",
        (), {JSON: "object"}, _LAYER,
    ),
    Operation(
        "/collections/{collectionId}/styles/{styleId}", collection_style_by_id,
        Message("Một kiểu của lớp (MapLibre)", "One style of a layer (MapLibre)"), "tiles", (), {STYLE: "object"},
        _LAYER,
    ),
)  # fmt: skip
