"""`/explain` and `/access/matrix`: why somebody may or may not, and who may do what at a glance."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Query, Request, Response

from gis.errors import Message
from layers.access.explain import Explanation, explain, require_owner
from layers.access.grammar import Action
from layers.access.principal import Principal, known_as
from layers.errors import FieldError, InvalidRequestError, NotFoundError
from layers.sharing.known import known_matrix
from layers.sharing.proposal import day_of
from layers.store.catalogue import Catalogue
from ogc.auth import principal_of, purpose_of
from ogc.common.caching import NO_STORE, VARY
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.negotiation import prefers_html
from ogc.common.policy_header import catalogue_of
from ogc.common.relation import described
from ogc.common.responses import json_response
from ogc.web import access as pages

router = APIRouter(tags=["access"])
CSV = "text/csv"
ACTIONS: tuple[Action, ...] = get_args(Action)


@router.get("/explain")
async def get_explanation(
    request: Request,
    layer: str | None = None,
    action: Action = "items",
    purpose: str | None = None,
    about: Annotated[str | None, Query(alias="as", description="Another identity; for who answers for a layer")] = None,
) -> Response:
    """Vì sao được hoặc không được, theo quyền của chính người gọi · why the caller may or may not."""
    catalogue, is_page = await catalogue_of(request), prefers_html(request)
    if not layer:
        if is_page:
            return pages.explain_page(request, catalogue, None)
        message = Message("Cần mã lớp dữ liệu.", "The layer is needed.")
        raise InvalidRequestError(message.vi, message.en, [FieldError("layer", message)])
    found = await _explanation(request, catalogue, layer, action, purpose or None, about or None)
    return pages.explain_page(request, catalogue, found) if is_page else json_response(found.as_dict())


async def _explanation(
    request: Request, catalogue: Catalogue, layer: str, action: Action, purpose: str | None, about: str | None
) -> Explanation:
    """Raises NotFoundError, the same for a missing and a hidden layer; ForbiddenError about others by a stranger."""
    definition = (await described(request, layer, action)).state.definition
    principal, day, active = principal_of(request), day_of(now_of(request)), catalogue.active_agreements
    subject, stated = principal, purpose
    if about not in (None, principal.id):
        require_owner(principal, definition, catalogue.grants, day=day, active_agreements=active)
        subject, stated = _identity(catalogue, str(about), purpose)
    else:
        stated = purpose_of(request, purpose)
    return explain(
        principal, definition, action, catalogue.grants, purpose=stated, day=day, active_agreements=active,
        about=subject, sectors=catalogue.profile.header.sectors,
    )  # fmt: skip


def _identity(catalogue: Catalogue, name: str, purpose: str | None) -> tuple[Principal, str | None]:
    """Somebody else and the purpose meant: the stated one, else their first. Raises NotFoundError."""
    found = next((one for one in catalogue.profile.identities if one.id == name), None)
    if found is None:
        raise NotFoundError
    return known_as(found), purpose or next(iter(found.purposes), None)


@router.get("/access/matrix", responses={200: {"content": {"application/json": {}, "text/html": {}, "text/csv": {}}}})
async def get_matrix(request: Request, f: Literal["json", "html", "csv"] | None = None) -> Response:
    """Ai được làm gì, theo ngành, lớp và thao tác · who may do what: sector by layer by action."""
    catalogue = await catalogue_of(request)
    found = known_matrix(catalogue, principal_of(request), day_of(now_of(request)))
    if f == "csv" or (f is None and CSV in request.headers.get("accept", "")):
        return _as_file(found.as_csv(language_of(request)))
    if prefers_html(request):
        return pages.matrix_page(request, catalogue, found)
    return json_response({"policy": catalogue.policy_digest, **found.as_dict()})


def _as_file(text: str) -> Response:
    """The mark at its beginning tells spreadsheets that it is UTF-8."""
    headers = {
        "Content-Disposition": 'attachment; filename="access.csv"', "X-Content-Type-Options": "nosniff",
        "Cache-Control": NO_STORE, "Vary": VARY,
    }  # fmt: skip
    return Response(text.encode("utf-8-sig"), headers=headers, media_type=f"{CSV}; charset=utf-8")
