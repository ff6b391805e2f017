"""`/coverage`: layer by commune, what is mapped; the best each procedure can reach there, and what to close next."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator

from layers.checking.coverage import Asked, coverage_of
from ogc.auth import principal_of, purpose_of
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import JSON, Addresses, link
from ogc.common.negotiation import prefers_html
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.common.spreadsheet import csv_response
from ogc.web.coverage import coverage_page, table_of

router = APIRouter(tags=["service"])
CSV = "text/csv"


def _optional(value: object) -> object:
    """A field of a form that was left empty."""
    return value or None


Wanted = Annotated[str | None, BeforeValidator(_optional), Query()]


@router.get("/coverage", responses={200: {"content": {"application/json": {}, "text/html": {}, CSV: {}}}})
async def get_coverage(
    request: Request, sector: Wanted = None, layer: Wanted = None, commune: Wanted = None, procedure: Wanted = None,
    f: Literal["json", "html", "csv"] | None = None,
) -> Response:  # fmt: skip
    """Lớp dữ liệu nào phủ đến đâu, theo phường xã; nên bổ sung lớp nào trước · what is mapped where, and what to close
    next."""
    state, catalogue = request.app.state, await catalogue_of(request)
    state.accesses.limit_matrix(request)
    asked = Asked(sector, layer, commune, procedure)
    found = await coverage_of(
        state.database, catalogue, principal_of(request), state.grounds, asked,
        purpose=purpose_of(request), now=now_of(request),
    )  # fmt: skip
    if f == "csv" or (f is None and CSV in request.headers.get("accept", "")):
        return csv_response(table_of(found, language_of(request)), "coverage")
    addresses = Addresses(request)
    links = [*addresses.self_and_alternates(JSON), link(addresses.here(f="csv"), "alternate", CSV)]
    document: dict[str, Any] = {**found.as_dict(), "links": links}
    if prefers_html(request):
        return coverage_page(request, catalogue, document, asked)
    return json_response(document)
