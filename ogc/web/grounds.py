"""The pages /divide (split and merge) and /inside (which parcels lie in a project's shape)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from layers.store.catalogue import Catalogue
from ogc.auth import caller_of
from ogc.common.clock import now_of
from ogc.common.policy_header import catalogue_of

from .formats import HERE
from .pages import render
from .readout import readout

router = APIRouter(include_in_schema=False)
#: the procedure that is chosen at first, where the profile has it
USUAL = "parcel_split_merge"


@router.get("/divide")
async def divide_page(request: Request) -> HTMLResponse:
    """Choose parcels, cut or join them, see how the ground adds up; the script posts to /divisions."""
    catalogue = await catalogue_of(request)
    caller, today = caller_of(request), now_of(request).astimezone(HERE).date()
    return render(
        request,
        "divide.html",
        catalogue=catalogue,
        here="divide",
        purposes=caller.purposes,
        procedures=[one for one in catalogue.profile.procedures if one.valid.holds_on(today)],
        usual=USUAL,
        settings=_settings(catalogue),
    )


@router.get("/inside")
async def inside_page(request: Request) -> HTMLResponse:
    """Draw or paste a shape, see the parcels in it, keep them as a table; the script posts to /parcels/inside."""
    catalogue = await catalogue_of(request)
    return render(request, "inside.html", catalogue=catalogue, here="inside", settings=_settings(catalogue))


def _settings(catalogue: Catalogue) -> dict[str, Any]:
    header = catalogue.profile.header
    return {
        "parcel": header.reference_layers.parcel,
        "commune": header.reference_layers.commune,
        "label": catalogue.profile.parcel_layer.label,
        "readout": readout(header.crs),
    }
