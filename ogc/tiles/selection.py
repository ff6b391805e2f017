"""Which layers a tileset of the service holds for one caller: those asked for, or all of which tiles are granted."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request

from layers.errors import NotFoundError
from ogc.common.links import Addresses
from ogc.common.parameters import Parameters
from ogc.common.policy_header import catalogue_of
from ogc.common.relation import Relation, authorised, visible, with_action

from .matrix_sets import ID

COLLECTIONS = "collections"
MOST = 40


async def of_layer(request: Request) -> Relation:
    """Raises NotFoundError for a layer without shapes and for a tile matrix set that is not served."""
    relation = await authorised(request, request.path_params["collectionId"], "tile")
    if not relation.decision.has_geometry:
        raise NotFoundError
    return relation


async def of_service(request: Request, parameters: Parameters) -> tuple[Relation, ...]:
    """In the order asked for, else in that of the profile. Raises as `authorised` for a layer that is named."""
    asked = parameters.parsed(COLLECTIONS, lambda text: _names(text, Addresses(request).to("collections", "")))
    if asked is None:
        return await _granted(request)
    found = [await authorised(request, name, "tile") for name in asked]
    if any(not relation.decision.has_geometry for relation in found):
        raise NotFoundError
    return tuple(found)


async def _granted(request: Request) -> tuple[Relation, ...]:
    found = []
    for known in visible(request, await catalogue_of(request)):
        relation = replace(known, decision=with_action(request, known, "tile"))
        is_drawn = relation.decision.is_allowed and relation.decision.has_geometry
        if is_drawn and relation.state.state == "served" and not relation.state.definition.is_raster:
            request.app.state.accesses.limit(relation)
            found.append(relation)
    return tuple(found)


def _names(text: str, base: str) -> tuple[str, ...]:
    """Ids or addresses of collections, each once."""
    found = tuple(dict.fromkeys(name.strip().removeprefix(base) for name in text.split(",")))
    if not all(found) or len(found) > MOST:
        raise ValueError(f"cần từ 1 đến {MOST} lớp", f"between 1 and {MOST} collections")
    return found


def require_matrix_set(request: Request) -> None:
    """Raises NotFoundError for a tile matrix set that is not served."""
    if request.path_params.get("tileMatrixSetId", ID) != ID:
        raise NotFoundError
