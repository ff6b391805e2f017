"""`/access`: the grants a caller may know, proposals by those who answer for layers, and applying them."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, ValidationError

from gis.errors import Message
from layers.access.grammar import Closed, Grant
from layers.errors import MOST_ERRORS, FieldError, InvalidInputsError, NotFoundError
from layers.profile.grants import MOST_GRANTS, given_grants, parse_grants
from layers.profile.placed import Placed
from layers.sharing.apply import AppliedPolicy, apply_proposal
from layers.sharing.changes import owned_layers, require_manager
from layers.sharing.difference import Difference
from layers.sharing.known import managed_grants, own_grants, plain_grant
from layers.sharing.proposal import day_of, proposal_difference, propose, rebase, refusals_recorded, withdraw
from layers.sharing.wording import lines
from layers.store.catalogue import Catalogue
from layers.store.policy import Proposal, open_proposal
from ogc.auth import principal_of
from ogc.common.clock import now_of
from ogc.common.links import base_url
from ogc.common.negotiation import prefers_html
from ogc.common.origin import require_own_origin
from ogc.common.policy_header import catalogue_of, decided_anew
from ogc.common.responses import json_response
from ogc.web import access as pages

router = APIRouter(tags=["access"])
Body = TypeVar("Body", bound=Closed)
UNSAFE = [Depends(require_own_origin)]
#: without the character that PostgreSQL has in no text
PlainText = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class ProposalBody(Closed):
    """All grants on the layers the caller answers for, as they should be; with `merge` only those to add or replace."""

    grants: Annotated[list[dict[str, Any]], Field(max_length=MOST_GRANTS)]
    note: PlainText = ""
    base: PlainText | None = None  #: digest of the policy they were made from
    merge: bool = False


class ApplyBody(Closed):
    """`digest` is that of the proposal somebody has looked at."""

    digest: PlainText | None = None


def _documented(body: type[Closed], *others: str) -> dict[str, Any]:
    """The body for the OpenAPI document: the routes read it themselves, so that errors are ours."""
    content: dict[str, Any] = {"application/json": {"schema": body.model_json_schema()}}
    return {"requestBody": {"content": content | {other: {"schema": {"type": "string"}} for other in others}}}


# ── what one may know ────────────────────────────────────────────────────────────────────────────
@router.get("/access")
async def get_access(request: Request) -> Response:
    """Trang quyền truy cập · the page of access."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{base_url(request)}/access/policy{query}", 307, {"Cache-Control": "no-store"})


@router.get("/access/policy")
async def get_policy(request: Request) -> Response:
    """Các quyền của người gọi; người quản lý lớp thấy mọi quyền trên lớp của mình · the grants the caller may know."""
    catalogue, principal = await catalogue_of(request), principal_of(request)
    day = day_of(now_of(request))
    document = {
        "policy": catalogue.policy_digest,
        "layers": [layer.id for layer in owned_layers(catalogue, principal, day)],
        "grants": [grant.as_dict() for grant in own_grants(catalogue, principal, day)],
        "managed": [plain_grant(grant) for grant in managed_grants(catalogue, principal, day)],
    }
    if prefers_html(request):
        return pages.policy_page(request, catalogue, document)
    return json_response(document)


@router.get("/access/policy/{grant_id}")
async def get_grant(request: Request, grant_id: str) -> Response:
    """Một quyền · one grant of those the caller may know."""
    catalogue, principal = await catalogue_of(request), principal_of(request)
    day = day_of(now_of(request))
    managed = {grant.id: grant for grant in managed_grants(catalogue, principal, day)}
    own = {known.grant.id: known.as_dict() for known in own_grants(catalogue, principal, day)}
    found = plain_grant(managed[grant_id]) if grant_id in managed else own.get(grant_id)
    if found is None:
        raise NotFoundError
    return json_response(found)


# ── proposals ────────────────────────────────────────────────────────────────────────────────────
@router.get("/access/proposal")
async def get_proposal(request: Request) -> Response:
    """Đề xuất đang mở của người gọi · the caller's open proposal."""
    catalogue = await catalogue_of(request)
    async with request.app.state.database.connection() as connection:
        found = await open_proposal(connection, principal_of(request))
    if prefers_html(request):
        difference = (await _difference(request))[1] if found else None
        return pages.proposal_page(request, catalogue, found, difference)
    return json_response(_proposal(request, catalogue, found))


@router.put("/access/proposal", dependencies=UNSAFE, openapi_extra=_documented(ProposalBody, "application/yaml"))
async def put_proposal(request: Request) -> Response:
    """Lập hoặc thay đề xuất cho các lớp mình quản lý · make or replace the proposal for one's own layers."""
    await _require_manager(request)
    given, body = await _given(request)
    found = await propose(
        request.app.state.database, principal_of(request), given,
        note=body.note, is_merged=body.merge, expected=body.base, now=now_of(request),
    )  # fmt: skip
    return json_response(_proposal(request, await catalogue_of(request), found))


@router.delete("/access/proposal", dependencies=UNSAFE)
async def delete_proposal(request: Request) -> Response:
    """Bỏ đề xuất · drop the proposal."""
    return json_response({"withdrawn": await withdraw(request.app.state.database, principal_of(request))})


@router.post("/access/proposal/rebase", dependencies=UNSAFE)
async def rebase_proposal(request: Request) -> Response:
    """Lập lại đề xuất trên chính sách hiện hành · make the same changes on top of the policy in force."""
    found = await rebase(request.app.state.database, principal_of(request), now=now_of(request))
    return json_response(_proposal(request, await catalogue_of(request), found))


@router.get("/access/proposal/diff")
async def get_difference(request: Request) -> Response:
    """Ai được thêm, mất gì trên dữ liệu hiện tại · who would gain and lose what on the current data."""
    catalogue = await catalogue_of(request)
    found, difference = await _difference(request)
    told = [{"vi": line.in_language("vi"), "en": line.in_language("en")}
            for line in lines(catalogue.profile, difference.effects)]  # fmt: skip
    return json_response({**difference.as_dict(), "is_current": found.is_current, "lines": told})


@router.post("/access/policy", dependencies=UNSAFE, openapi_extra=_documented(ApplyBody))
async def post_policy(request: Request) -> Response:
    """Áp dụng đề xuất; có hiệu lực ngay · apply the proposal; it takes effect at once."""
    await _require_manager(request)
    body = _parsed(ApplyBody, await request.body() or b"{}")
    return json_response((await applied(request, body.digest)).as_dict())


async def applied(request: Request, digest: str | None) -> AppliedPolicy:
    """Apply the caller's proposal; this process serves the new policy from the next request on."""
    state = request.app.state
    found = await apply_proposal(state.database, principal_of(request), expected=digest, now=now_of(request))
    state.catalogue.forget()
    decided_anew(request, found.digest)
    return found


async def _difference(request: Request) -> tuple[Proposal, Difference]:
    return await proposal_difference(request.app.state.database, principal_of(request), now=now_of(request))


def _proposal(request: Request, catalogue: Catalogue, found: Proposal | None) -> dict[str, Any]:
    made: dict[str, Any] = {"policy": catalogue.policy_digest, "proposal": None}
    if found is not None:
        day = day_of(now_of(request))
        grants = managed_grants(catalogue, principal_of(request), day, found.grants)
        made["proposal"] = {**found.as_dict(), "grants": [plain_grant(grant) for grant in grants]}
    return made


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────
async def _require_manager(request: Request) -> None:
    """Raises ForbiddenError before anything is read of what somebody sends who manages no layer."""
    catalogue, principal = await catalogue_of(request), principal_of(request)
    async with refusals_recorded(request.app.state.database, principal):
        require_manager(catalogue, principal, day_of(now_of(request)))


async def _given(request: Request) -> tuple[tuple[Placed[Grant], ...], ProposalBody]:
    """Reading is work for a thread: thousands of lines must not hold up what others ask."""
    raw = await request.body()
    if "yaml" in request.headers.get("content-type", ""):
        text = raw.decode("utf-8", "replace")
        return await run_sync(parse_grants, "proposal.yaml", text), ProposalBody(grants=[])
    body = await run_sync(_parsed, ProposalBody, raw)
    return await run_sync(given_grants, body.grants), body


def _parsed(model: type[Body], raw: bytes) -> Body:
    try:
        return model.model_validate(orjson.loads(raw))
    except (ValidationError, orjson.JSONDecodeError) as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError | orjson.JSONDecodeError) -> InvalidInputsError:
    found = error.errors() if isinstance(error, ValidationError) else []
    fields = [".".join(map(str, item["loc"])) or "body" for item in found] or ["body"]
    listed = ", ".join(fields[:MOST_ERRORS])
    message = Message("Giá trị thiếu hoặc không hợp lệ.", "Missing or not valid.")
    return InvalidInputsError(
        f"Thông tin thiếu hoặc không hợp lệ: {listed}.", f"Missing or invalid: {listed}.",
        [FieldError(field, message) for field in fields],
    )  # fmt: skip
