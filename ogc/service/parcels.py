"""`GET /parcels`: which parcels a number, a code or a place may mean; 0, 1 or n candidates."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from gis.errors import Message
from layers.checking.look_up import look_up
from layers.checking.request import ByCode, ByNumber, CommuneName, ParcelQuery, is_generation, parse_point
from layers.errors import FieldError, InvalidRequestError
from layers.store.catalogue import Catalogue
from ogc.auth import principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.policy_header import catalogue_of
from ogc.common.relation import Decisions, Relation
from ogc.common.responses import json_response

router = APIRouter(tags=["checks"])


@router.get("/parcels")
async def get_parcels(
    request: Request,
    commune: str | None = None,
    sheet: str | None = None,
    parcel: str | None = None,
    code: str | None = None,
    point: str | None = None,
) -> Response:
    """Tra cứu thửa đất theo xã/tờ/thửa, mã định danh hoặc vị trí · look a parcel up; `point` is lon,lat (CRS84)."""
    query = _query(commune, sheet, parcel, code, point)
    state, catalogue = request.app.state, await catalogue_of(request)
    state.accesses.limit(_relation(request, catalogue))
    candidates = await look_up(
        state.database,
        catalogue,
        query,
        principal_of(request),
        purpose=purpose_of(request),
        now=now_of(request),
    )
    return json_response({"candidates": [candidate.as_dict() for candidate in candidates]})


def _relation(request: Request, catalogue: Catalogue) -> Relation:
    """The parcel layer as `items` or else `check` grants it: a look-up uses the same grants, and as often."""
    layer, who, purpose = (
        catalogue.layers[catalogue.profile.parcel_layer.id],
        principal_of(request),
        purpose_of(request),
    )
    decisions: Decisions = request.app.state.decisions
    items = decisions.of(catalogue, layer, who, "items", purpose)
    decision = items if items.is_allowed else decisions.of(catalogue, layer, who, "check", purpose)
    return Relation(catalogue, layer, who, purpose, decision)


def _query(
    commune: str | None, sheet: str | None, parcel: str | None, code: str | None, point: str | None
) -> ParcelQuery:
    """One look-up. Raises InvalidRequestError unless exactly one way is given, and whole."""
    number = {"commune": commune, "sheet": sheet, "parcel": parcel}
    ways = [bool(any(number.values())), bool(code), bool(point)]
    missing = [name for name, value in number.items() if not value] if ways[0] else []
    if sum(ways) != 1 or missing:
        message = Message(
            "Cần đúng một cách tra: commune + sheet + parcel, hoặc code, hoặc point=kinh_độ,vĩ_độ.",
            "Exactly one way is needed: commune + sheet + parcel, or code, or point=lon,lat.",
        )
        raise InvalidRequestError(message.vi, message.en, [FieldError(name, message) for name in missing or ["parcel"]])
    if point:
        return parse_point(point)
    return ByCode(code) if code else ByNumber(commune_named(str(commune)), str(sheet).strip(), str(parcel).strip())


def commune_named(text: str, generation: int | None = None) -> CommuneName:
    """'25747', '25747@2025' or a name."""
    name, _, given = text.partition("@")
    return CommuneName(name.strip(), int(given) if is_generation(given) else generation)
