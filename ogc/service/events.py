"""`/access/layers/{layerId}/events`: who read a layer, how much and for what; for those who answer for it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator

from gis.errors import Message
from layers.errors import FieldError, InvalidRequestError
from layers.sharing.accesses import ACTIONS, LOCAL_TIME, Period, Readers, owns, readers_of
from layers.store.access_log import LoggedAccess
from ogc.auth import principal_of
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import JSON, Addresses, link
from ogc.common.negotiation import prefers_html
from ogc.common.policy_header import catalogue_of
from ogc.common.relation import described
from ogc.common.responses import json_response
from ogc.common.spreadsheet import csv_response
from ogc.web.pages import text
from ogc.web.readers import COLUMNS, readers_page

router = APIRouter(tags=["access"])
DEFAULT_LIMIT = 100
#: a page of the log, and a file of it
MOST_EVENTS, MOST_ROWS = 1_000, 10_000


def _optional(value: object) -> object:
    """A field of a form that was left empty."""
    return value or None


Layer = Annotated[str, Path(alias="layerId")]
Day = Annotated[date | None, BeforeValidator(_optional)]
From = Annotated[Day, Query(alias="from", description="First day, Asia/Ho_Chi_Minh; 30 days back where left out")]
Until = Annotated[Day, Query(description="Last day, included; today where left out")]
Action = Annotated[
    str | None, BeforeValidator(_optional), Query(description="Only this", json_schema_extra={"enum": [*ACTIONS]})
]
After = Annotated[int | None, Query(ge=1, lt=2**63, description="From the link `next` of the page before")]


@router.get("/access/layers/{layerId}/events")
async def get_events(
    request: Request, layer: Layer, first: From = None, until: Until = None, action: Action = None, after: After = None,
    limit: Annotated[int, Query(ge=1, le=MOST_EVENTS)] = DEFAULT_LIMIT,
) -> Response:  # fmt: skip
    """Ai đã đọc lớp dữ liệu, bao nhiêu, để làm gì · who read the layer, how much and for what."""
    found = await _readers(request, layer, first, until, action, after, limit)
    document = _document(request, found)
    if prefers_html(request):
        return readers_page(request, await catalogue_of(request), document)
    return json_response(document)


@router.get("/access/layers/{layerId}/events.csv", responses={200: {"content": {"text/csv": {}}}})
async def get_events_csv(
    request: Request, layer: Layer, first: From = None, until: Until = None, action: Action = None
) -> Response:
    """Nhật ký dạng bảng tính, mới nhất trước · the newest accesses as a table."""
    found = await _readers(request, layer, first, until, action, None, MOST_ROWS)
    language = language_of(request)
    titles = [text(language, title) for title in COLUMNS.values()]
    rows = ([each[name] for name in COLUMNS] for each in map(_access, found.events))
    return csv_response([titles, *rows], f"{layer}-{found.period.first}-{found.period.last}")


async def _readers(
    request: Request, layer: str, first: date | None, until: date | None, action: str | None, after: int | None,
    limit: int,
) -> Readers:  # fmt: skip
    """Raises NotFoundError, the same for a missing and a hidden layer; ForbiddenError for whoever is not its owner."""
    catalogue, principal = await catalogue_of(request), principal_of(request)
    today = now_of(request).astimezone(LOCAL_TIME).date()
    if not owns(catalogue, principal, layer, today):
        await described(request, layer)
    if action is not None and action not in ACTIONS:
        message = Message("thao tác không tồn tại", "no such action")
        raise InvalidRequestError(f"action: {message.vi}.", f"action: {message.en}.", [FieldError("action", message)])
    return await readers_of(
        request.app.state.database, catalogue, principal, layer, Period.of(first, until, today),
        today=today, action=action, after=after, most=limit,
    )  # fmt: skip


def _document(request: Request, found: Readers) -> dict[str, Any]:
    addresses = Addresses(request)
    links = addresses.self_and_alternates(JSON)
    table = addresses.to("access", "layers", found.layer, "events.csv", **_asked(found))
    links.append(link(table, "alternate", "text/csv"))
    if found.next_after is not None:
        links.append(link(addresses.here(after=found.next_after), "next", JSON))
    return {
        "layer": found.layer,
        "from": found.period.first.isoformat(),
        "until": found.period.last.isoformat(),
        "action": found.action,
        "sums": [{**asdict(each), "day": each.day.isoformat()} for each in found.sums],
        "sums_complete": found.are_all_summed,
        "events": [_access(each) for each in found.events],
        "links": links,
    }


def _asked(found: Readers) -> dict[str, object]:
    return {"from": found.period.first, "until": found.period.last, "action": found.action}


def _access(found: LoggedAccess) -> dict[str, Any]:
    """`as`: 'read', or 'measured' by a check that handed out no feature of the layer."""
    given = asdict(found)
    is_measured, is_open = given.pop("is_measured"), given.pop("is_open")
    at: datetime = given.pop("at")
    return {
        **given,
        "at": at.isoformat(timespec="seconds"),
        "as": "measured" if is_measured else "read",
        "state": "open" if is_open else "ended",
    }
