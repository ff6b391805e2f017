"""The pages of access: whose grants, one grant's form, a proposal with what it would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from gis.errors import Message
from layers.access.explain import Explanation
from layers.access.matrix import Matrix, MatrixRow
from layers.access.words import ACTIONS
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.sharing.changes import Change
from layers.sharing.difference import Difference
from layers.sharing.wording import lines
from layers.store.catalogue import Catalogue
from layers.store.policy import Proposal

from . import grant_form
from .pages import render, say

#: entries of the row of links above every page of access
PLACES = {"policy": "access/policy", "matrix": "access/matrix", "explain": "explain", "proposal": "access/proposal"}


def policy_page(request: Request, catalogue: Catalogue, document: Mapping[str, Any]) -> HTMLResponse:
    """The grants for the caller, and those on the layers they answer for."""
    return _page(request, catalogue, "access_policy.html", "policy", document=document)


def proposal_page(
    request: Request, catalogue: Catalogue, found: Proposal | None, difference: Difference | None
) -> HTMLResponse:
    """The open proposal: the grants that change, and who gains or loses what."""
    told = lines(catalogue.profile, difference.effects) if difference else ()
    shown = [changed(change) for change in difference.changes] if difference else []
    return _page(
        request, catalogue, "access_proposal.html", "proposal",
        found=found, difference=difference, lines=told, changes=shown,
    )  # fmt: skip


def matrix_page(request: Request, catalogue: Catalogue, found: Matrix) -> HTMLResponse:
    """Sector by layer by action: one table a sector."""
    sectors: dict[str, list[MatrixRow]] = {}
    for row in found.rows:
        sectors.setdefault(row.sector, []).append(row)
    return _page(request, catalogue, "access_matrix.html", "matrix", matrix=found, by_sector=list(sectors.values()))


def explain_page(request: Request, catalogue: Catalogue, found: Explanation | None) -> HTMLResponse:
    """The question, and its answer once it was asked."""
    return _page(request, catalogue, "access_explain.html", "explain", found=found, actions=grant_form.ACTIONS)


def changed(change: Change) -> dict[str, Any]:
    """One grant before and after, as YAML where it exists."""
    return {
        "kind": change.kind, "id": change.id, "fields": change.fields,
        "before": grant_form.as_yaml(change.before) if change.before else None,
        "after": grant_form.as_yaml(change.after) if change.after else None,
    }  # fmt: skip


def form_page(
    request: Request,
    catalogue: Catalogue,
    layers: Sequence[LayerDefinition],
    fields: Mapping[str, Any],
    *,
    is_new: bool,
    text: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    base: str | None = None,
) -> HTMLResponse:
    """The form of one grant, in fields and as YAML; with `errors` it was sent and does not hold.

    `base` is the policy that the person looked at first: what others applied meanwhile must not be undone by saving.
    """
    chosen = next((layer for layer in layers if layer.id == fields["layer"]), layers[0])
    return _page(
        request, catalogue, "access_grant.html", "policy", status_code=422 if errors else 200,
        layers=layers, layer=chosen, fields=fields, is_new=is_new, text=text, errors=errors or {},
        actions=grant_form.GIVEN, tags=grant_form.TAGS, kinds=grant_form.KINDS, levels=grant_form.levels(chosen),
        base=base or catalogue.policy_digest,
    )  # fmt: skip


def _page(
    request: Request, catalogue: Catalogue, template: str, place: str, *, status_code: int = 200, **context: Any
) -> HTMLResponse:
    profile = catalogue.profile
    return render(
        request, template, status_code=status_code, catalogue=catalogue, here="access",
        places=PLACES, place=place, action_words=ACTIONS,
        layer_words=lambda layer: _layer(profile, layer), whom=_whom, sharing_of=_sharing, **context,
    )  # fmt: skip


def _layer(profile: Profile, layer: object) -> Message:
    """The title of a layer, or the sharing level a grant is about."""
    definition = profile.layer(layer) if isinstance(layer, str) else None
    return definition.title.message() if definition else Message(str(layer), str(layer))


def _sharing(layer: object) -> str | None:
    return str(layer["sharing"]) if isinstance(layer, Mapping) else None


_WHOM = {
    "role": Message("vai trò", "role"),
    "office": Message("cơ quan", "office"),
    "identity": Message("tài khoản", "account"),
}


def _whom(to: Mapping[str, Any], language: str) -> str:
    """For whom a grant is, in words."""
    if to.get("anyone"):
        return say(language, Message("mọi người", "everybody"))
    kind = next(kind for kind in _WHOM if to.get(kind))
    return f"{say(language, _WHOM[kind])} {to[kind]}"
