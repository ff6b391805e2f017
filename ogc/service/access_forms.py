"""The forms of the pages below `/access`: one grant's, and what is done with a proposal."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from layers.access.grammar import Grant
from layers.errors import GrantsError, InvalidRequestError, NotFoundError
from layers.profile.grammar import LayerDefinition
from layers.profile.grants import given_grants, parse_grants, unplaced
from layers.profile.placed import Placed
from layers.sharing.changes import require_manager, require_none_to_publish
from layers.sharing.known import managed_grants, plain_grant
from layers.sharing.proposal import day_of, propose, rebase, withdraw
from layers.store.catalogue import Catalogue
from layers.store.policy import moved_on, open_proposal
from ogc.auth import principal_of
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import base_url
from ogc.common.policy_header import catalogue_of
from ogc.web import access as pages
from ogc.web import grant_form

from .access import UNSAFE, applied

router = APIRouter(tags=["access"])
MAX_FIELDS = 1_000


@router.get("/access/edit")
async def edit_grant(request: Request, grant: str | None = None, layer: str | None = None) -> Response:
    """Biểu mẫu của một quyền · the form of one grant of a layer the caller answers for, or of a new one."""
    catalogue, layers = await _owned(request)
    known = await _managed(request, catalogue)
    if grant is None:
        chosen = layer if layer in {one.id for one in layers} else layers[0].id
        fields = grant_form.fields_of({"layer": chosen, "columns": {"tags": ["public"]}})
        return pages.form_page(request, catalogue, layers, fields, is_new=True)
    if grant not in known:
        raise NotFoundError
    found = known[grant]
    require_none_to_publish([found])
    fields, text = grant_form.fields_of(plain_grant(found)), grant_form.as_yaml(found)
    return pages.form_page(request, catalogue, layers, fields, is_new=False, text=text)


@router.post("/access/edit", dependencies=UNSAFE)
async def save_grant(request: Request) -> Response:
    """Đưa quyền vào đề xuất · put the grant into the caller's proposal; nothing is in force yet."""
    catalogue, layers = await _owned(request)
    known = await _managed(request, catalogue)
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        plain, text = grant_form.grant_of(form), str(form.get("yaml") or "")
        what, name = str(form.get("what") or "fields"), str(form.get("grant") or "")
        base = str(form.get("base") or "") or None
    others = {id_: one for id_, one in known.items() if id_ != name}
    try:
        given = () if what == "remove" else parse_grants("yaml", text) if what == "yaml" else given_grants([plain])
        await _propose(request, others, given, base)
    except GrantsError as error:
        errors = grant_form.errors_by_field(error.fields, language_of(request))
        fields = grant_form.fields_of(plain) if what == "fields" else _fields(known.get(name), layers)
        return pages.form_page(
            request, catalogue, layers, fields, is_new=name not in known, text=text, errors=errors, base=base
        )  # fmt: skip
    return _to_proposal(request)


def _fields(found: Grant | None, layers: tuple[LayerDefinition, ...]) -> dict[str, Any]:
    return grant_form.fields_of(plain_grant(found) if found else {"layer": layers[0].id})


async def _propose(
    request: Request, others: dict[str, Grant], given: tuple[Placed[Grant], ...], base: str | None
) -> None:
    """Raises ConflictError when another policy than the one the form was opened on is in force."""
    taken = [placed for placed in given if placed.value.id in others]
    if taken:
        raise GrantsError([placed.error(("id",), "mã đã dùng", "the id is taken") for placed in taken])
    await propose(
        request.app.state.database, principal_of(request), (*unplaced(others.values()), *given),
        expected=base, now=now_of(request),
    )  # fmt: skip


@router.post("/access/proposal", dependencies=UNSAFE)
async def act_on_proposal(request: Request) -> Response:
    """Áp dụng, lập lại hoặc bỏ đề xuất · apply, rebase or withdraw the proposal from its page."""
    async with request.form(max_files=0, max_fields=8) as form:
        what, digest, agreed = (str(form.get(name) or "") for name in ("what", "digest", "agreed"))
    database, principal = request.app.state.database, principal_of(request)
    await catalogue_of(request)
    if what == "withdraw":
        await withdraw(database, principal)
    elif what == "rebase":
        await rebase(database, principal, now=now_of(request))
    elif what == "apply" and agreed == "yes" and digest:
        await applied(request, digest)
        return RedirectResponse(f"{base_url(request)}/access/policy", 303, {"Cache-Control": "no-store"})
    else:
        raise InvalidRequestError(
            "Cần đánh dấu vào ô xác nhận trước khi áp dụng.", "Tick the box to confirm before applying."
        )
    return _to_proposal(request)


def _to_proposal(request: Request) -> Response:
    return RedirectResponse(f"{base_url(request)}/access/proposal", 303, {"Cache-Control": "no-store"})


async def _owned(request: Request) -> tuple[Catalogue, tuple[LayerDefinition, ...]]:
    """Raises ForbiddenError for somebody who answers for no layer."""
    catalogue = await catalogue_of(request)
    return catalogue, require_manager(catalogue, principal_of(request), day_of(now_of(request)))


async def _managed(request: Request, catalogue: Catalogue) -> dict[str, Grant]:
    """The grants on the caller's layers as they stand in their proposal, else in force.

    Raises ConflictError when the proposal was made on another policy: it must be made anew first.
    """
    principal, day = principal_of(request), day_of(now_of(request))
    async with request.app.state.database.connection() as connection:
        found = await open_proposal(connection, principal)
    if found is not None and not found.is_current:
        raise moved_on()
    grants = managed_grants(catalogue, principal, day, found.grants if found else None)
    return {grant.id: grant for grant in grants}
