"""`POST /collections/{id}/search`: the question of GET `items`, for conditions that are too long for an address.

The body is a form with the very parameters of `items`, or a condition in CQL2 JSON; parameters of the address count
beside both. It is answered as `items` answers it: by the same parser, bounds, relation, event, forms and errors.

Links of the answer are addresses of `items`. Where the question is longer than an address should be, `next` and `prev`
are addresses of the search with a cursor: `method` is POST, and the same body is to be sent again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.errors import InvalidRequestError
from ogc.common.caching import NO_STORE
from ogc.common.links import IS_POSTED
from ogc.common.negotiation import negotiate, prefers_html
from ogc.common.operations import Body, Endpoint, Operation
from ogc.common.parameters import Parameters

FORM, CQL2, JSON = "application/x-www-form-urlencoded", "application/query-cql2-json", "application/json"
#: letters of a query that every client and proxy takes in an address
LONGEST_ADDRESS = 2_000
#: a condition has 8 KiB at most, and a form writes a letter as up to nine
MAX_BODY_BYTES = 128 * 1024
#: a search is no list that is kept, and asks under no condition
_OF_KEPT = (b"if-none-match", b"if-modified-since")
_BODY = Body(
    {FORM: "search", CQL2: "cql2", JSON: "cql2"},
    Message("Các tham số của GET items, hoặc điều kiện CQL2 JSON", "The parameters of GET items, or CQL2 JSON"),
)


def operation(items: Operation) -> Operation:
    """The search beside a list of items."""

    async def search_items(request: Request, parameters: Parameters) -> Response:
        return await _answered(request, items, await _question(request))

    endpoint: Endpoint = search_items
    return Operation(
        items.path.replace("/items", "/search"), endpoint, Message("Tìm đối tượng", "Search for features"), "features",
        items.parameters, items.answers, (*(each for each in items.statuses if each != 304), 413, 415),
        allow_others=True, method="POST", body=_BODY, action=items.action, forms=items.forms, headers=items.headers,
    )  # fmt: skip


async def _question(request: Request) -> str:
    """As the query of an address; what stands in address and body is given more than once. Raises HTTPException 413
    and 415, InvalidRequestError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _BODY.content:
        raise HTTPException(415, headers={"Accept": ", ".join(_BODY.content)})
    body = await _body(request)
    try:
        text = body.decode()
        given = parse_qsl(text, keep_blank_values=True, errors="strict") if media_type == FORM else _condition(text)
    except ValueError:
        raise InvalidRequestError("Nội dung không phải văn bản UTF-8.", "The body is no text in UTF-8.") from None
    named = request.query_params.multi_items()
    if media_type != FORM and ("filter-lang", "cql2-json") in named:
        given = given[:1]
    return urlencode([*named, *given])


def _condition(text: str) -> list[tuple[str, str]]:
    return [("filter", text), ("filter-lang", "cql2-json")]


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MAX_BODY_BYTES:
            raise HTTPException(413)
    return bytes(found)


async def _answered(request: Request, items: Operation, query: str) -> Response:
    parameters = Parameters.written(query.encode(), items.parameters, allow_others=True, forms=items.known_forms)
    is_long = len(query) > LONGEST_ADDRESS
    asked = _posted(request) if is_long else _as_list(request, query)
    negotiate(asked, items.known_forms, parameters.get("f"))
    if is_long and prefers_html(asked):
        raise InvalidRequestError(
            "Điều kiện quá dài cho một trang web; dùng f=json.", "Too long a question for a page; use f=json."
        )
    response = await items.endpoint(asked, parameters)
    for name in ("ETag", "Link") if is_long else ("ETag",):
        if name in response.headers:
            del response.headers[name]
    response.headers["Cache-Control"] = NO_STORE
    return response


def _as_list(request: Request, query: str) -> Request:
    """The GET that asks the same."""
    path = request.scope["path"].removesuffix("/search") + "/items"
    return _request(request, path=path, raw_path=path.encode(), query_string=query.encode())


def _posted(request: Request) -> Request:
    return _request(request, **{IS_POSTED: True})


def _request(request: Request, **changes: Any) -> Request:
    headers = [(name, value) for name, value in request.scope["headers"] if name not in _OF_KEPT]
    return Request({**request.scope, "method": "GET", "headers": headers, **changes}, request.receive)
