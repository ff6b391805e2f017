"""Pages that are not the face of a standard: /map, /check, /catalogue, the map's style, and the static files."""

from __future__ import annotations

import mimetypes
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from gis.coordinate_place import systems_of
from layers.checking.given import ground_of
from layers.checking.view import view_of
from layers.profile.grammar import Title
from layers.store.catalogue import Catalogue
from layers.store.overview import overviews
from ogc.auth import Caller, caller_of
from ogc.common.clock import now_of
from ogc.common.links import base_url, root_of
from ogc.common.policy_header import catalogue_of

from . import grounds
from .cards import cards, sectors
from .formats import HERE
from .map_style import is_shown_at_first, map_style
from .pages import principal_of_page, purpose_of_page, render
from .readout import readout

router = APIRouter(include_in_schema=False)

STATIC = Path(__file__).resolve().parent / "static"
#: where the system's table may not know the type: a module with a wrong type is not run
TYPES = {".mjs": "text/javascript", ".pbf": "application/x-protobuf", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
#: third-party files change with a release of ours only
VENDOR_AGE_S = 86_400


def of_map(layer: str | None = None, fid: str | None = None) -> None:
    """What a link to the map may name: one layer to show alone, one parcel to choose."""


def of_check(  # declared so that an unknown parameter is told, not ignored; the page reads them itself
    commune: str | None = None,
    sheet: str | None = None,
    parcel: str | None = None,
    code: str | None = None,
    point: str | None = None,
    fid: str | None = None,
    procedure: str | None = None,
    dossier: str | None = None,
) -> None:
    """What a link to the check may fill in."""


@router.get("/map", dependencies=[Depends(of_map)])
async def map_page(request: Request) -> HTMLResponse:
    """The caller's layers on one map."""
    catalogue = await catalogue_of(request)
    header = catalogue.profile.header
    listed = cards(catalogue, principal_of_page(request), purpose_of_page(request), now_of(request), {})
    only = request.query_params.get("layer")
    references = (header.reference_layers.parcel, header.reference_layers.commune)
    shown = {
        card.id
        for card in listed
        if (card.id in (only, header.reference_layers.commune) if only else is_shown_at_first(card, *references))
    }
    return render(
        request,
        "map.html",
        catalogue=catalogue,
        here="map",
        shown=shown,
        settings={**_map_settings(catalogue), "shown": sorted(shown), "only": only},
    )


@router.get("/map/style.json")
async def style(request: Request) -> Response:
    """The MapLibre style of the layers this caller may see as tiles."""
    catalogue = await catalogue_of(request)
    listed = cards(catalogue, principal_of_page(request), purpose_of_page(request), now_of(request), {})
    made = map_style(listed, catalogue.profile, base_url(request))
    return JSONResponse(made, headers={"cache-control": "private, no-store", "vary": "Cookie, Authorization"})


@router.get("/check", dependencies=[Depends(of_check)])
async def check_page(request: Request) -> HTMLResponse:
    """Find a parcel, choose a procedure, answer its questions; the script posts to /checks."""
    catalogue = await catalogue_of(request)
    caller, today = caller_of(request), now_of(request).astimezone(HERE).date()
    return render(
        request,
        "check.html",
        catalogue=catalogue,
        here="check",
        reserved=reserved_procedures(catalogue, caller, today),
        purposes=[(purpose, _title_of_purpose(catalogue, purpose)) for purpose in caller.purposes],
        procedures=catalogue.profile.procedures,
        today=today,
        settings=_map_settings(catalogue),
        systems=systems_of(ground_of(catalogue.profile.header)),
    )


def reserved_procedures(catalogue: Catalogue, caller: Caller, day: date) -> frozenset[str]:
    """The procedures that ask a layer which the caller may check and not see, for one of their purposes."""
    views = [view_of(catalogue, caller.principal, purpose=purpose, day=day) for purpose in (*caller.purposes, None)]
    procedures = catalogue.profile.procedures
    return frozenset(one.id for one in procedures if any(view.reserves(one.layers()) for view in views))


def _title_of_purpose(catalogue: Catalogue, purpose: str) -> Title | None:
    """Most purposes are procedures and are called so."""
    return next((one.title for one in catalogue.profile.procedures if purpose in (one.id, one.purpose)), None)


@router.get("/catalogue")
async def catalogue_page(request: Request) -> HTMLResponse:
    """Every layer the caller may know of, by sector."""
    catalogue = await catalogue_of(request)
    async with request.app.state.database.connection() as connection:
        known = await overviews(connection)
    listed = sectors(catalogue, principal_of_page(request), purpose_of_page(request), now_of(request), known)
    return render(request, "catalogue.html", catalogue=catalogue, here="catalogue", sectors=listed)


def _map_settings(catalogue: Catalogue) -> dict[str, Any]:
    header = catalogue.profile.header
    return {
        "parcel": header.reference_layers.parcel,
        "commune": header.reference_layers.commune,
        "label": catalogue.profile.parcel_layer.label,
        "readout": readout(header.crs),
    }


@router.get("/robots.txt")
async def robots(request: Request) -> PlainTextResponse:
    """Crawlers find the layers by their pages; rows, files and tools are not for them."""
    root = root_of(request)
    closed = ("collections/*/items", "collections/*/tiles", "map", "check", "checks", "divide", "inside", "jobs",
              "access", "tasks", "verify", "*?f=", "*&f=")  # fmt: skip
    text = "User-agent: *\n" + "".join(f"Disallow: {root}/{path}\n" for path in closed)
    return PlainTextResponse(text, headers={"cache-control": "public, max-age=86400"})


class _Files(StaticFiles):
    """Static files with the types browsers insist on; notebooks of other origins may load them."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        age = f"public, max-age={VENDOR_AGE_S}" if path.startswith("vendor/") else "no-cache"
        response.headers["cache-control"] = age
        response.headers["access-control-allow-origin"] = "*"
        response.headers["x-content-type-options"] = "nosniff"
        return response


for _ending, _type in TYPES.items():
    mimetypes.add_type(_type, _ending)
_files = _Files(directory=STATIC)


async def static(request: Request) -> Response:
    """Our own files and, below vendor/, those that `make assets` built. MapLibre adds a version to its worker."""
    return await _files.get_response(str(request.path_params["path"]), request.scope)


# a plain route: parameters of a file mean nothing and are not refused
router.add_route("/static/{path:path}", static, methods=["GET"])


router.include_router(grounds.router)
