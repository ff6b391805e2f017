"""Error class → status, in one table; every error leaves as `application/problem+json` (RFC 9457) in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gis.errors import CrsError, GeometryError, LienthongError
from layers.errors import (
    AmbiguousError,
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidInputsError,
    InvalidRequestError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
    ProfileError,
    RefusedError,
    SourceError,
    StoreError,
    TooManyError,
    UnauthenticatedError,
    UnavailableError,
)  # fmt: skip
from ogc.common.language import language_of
from ogc.common.negotiation import NotAcceptableError, prefers_html

log = structlog.get_logger("lienthong")

PROBLEM = "application/problem+json"

#: the nearest class in an error's own line of ancestors counts
STATUS: Mapping[type[LienthongError], int] = {
    LienthongError: 500,
    CrsError: 400,
    GeometryError: 422,
    ProfileError: 500,
    NotFoundError: 404,
    NotAcceptableError: 406,
    ForbiddenError: 403,
    UnauthenticatedError: 401,
    InvalidRequestError: 400,
    InvalidInputsError: 422,
    AmbiguousError: 409,
    ConflictError: 409,
    PreconditionFailedError: 412,
    PreconditionRequiredError: 428,
    RefusedError: 422,
    SourceError: 422,
    TooManyError: 429,
    UnavailableError: 503,
    StoreError: 503,
}

#: errors of the frame around us, in words of ours
_PLAIN: Mapping[int, tuple[str, str, str]] = {
    404: ("not_found", NotFoundError().message.vi, NotFoundError().message.en),
    405: ("method_not_allowed", "Phương thức không được hỗ trợ ở địa chỉ này.", "The method is not allowed here."),
    415: ("media_type", "Nội dung gửi lên không đúng loại tệp.", "The body is of a media type that is not taken here."),
    413: ("too_large", "Nội dung gửi lên quá lớn.", "The request body is too large."),
}


def status_of(error: LienthongError) -> int:
    """The status of the nearest class the table knows."""
    return next(STATUS[known] for known in type(error).__mro__ if known in STATUS)


def problem_of(error: LienthongError, language: str) -> dict[str, Any]:
    """The body for an error of the domain. 404 says the same for missing and hidden: it has no details."""
    body = _body(status_of(error), error.code, error.message.vi, error.message.en, language)
    body["type"] = error.details.get("type", body["type"])
    body.update({name: value for name, value in error.details.items() if name not in body})
    if isinstance(error, InvalidRequestError | ProfileError):
        body["errors"] = _fields(error.fields if isinstance(error, InvalidRequestError) else error.errors, language)
    if isinstance(error, AmbiguousError):
        body["candidates"] = list(error.candidates)
    return body


def _body(status: int, code: str, vi: str, en: str, language: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": vi if language == "vi" else en,
        "detail_vi": vi,
        "detail_en": en,
        "errors": [],
    }


def _fields(fields: Sequence[FieldError], language: str) -> list[dict[str, str]]:
    return [
        {
            "field": error.field,
            "message": error.message.in_language(language),
            "message_vi": error.message.vi,
            "message_en": error.message.en,
        }
        for error in fields
    ]


async def answer(request: Request, error: LienthongError) -> Response:
    """The response for an error of the domain: a page for a person, problem+json for a program."""
    return await _respond(request, problem_of(error, language_of(request)))


async def _respond(request: Request, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    status = int(body["status"])
    response = await _page(request, body) if prefers_html(request) else None
    if response is None:
        content = orjson.dumps(body, default=str)
        response = Response(content, status, headers=dict(headers or {}), media_type=PROBLEM)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Authorization, Cookie, Accept, Accept-Language"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="lienthong", error="invalid_token"'
    if status == 429:
        response.headers["Retry-After"] = str(body["retry_after_s"])
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response


async def _page(request: Request, body: dict[str, Any]) -> Response | None:
    """The problem as a page; None when even the page fails, so that an error never hides another."""
    from ogc.web import pages

    try:
        switcher = await pages.switcher_of(request)
        return pages.render(request, "problem.html", status_code=int(body["status"]), document=body, **switcher)
    except Exception:
        log.exception("problem_page_failed")
        return None


async def unknown(request: Request, error: Exception) -> Response:
    """An error nobody foresaw: the caller gets an id, the log gets the rest; the error's text goes nowhere else."""
    error_id = request.app.state.new_id()
    route = getattr(request.scope.get("endpoint"), "__name__", None)
    log.error("unknown_error", id=error_id, method=request.method, route=route, exc_info=error)
    body = _body(
        500,
        "internal",
        f"Hệ thống gặp lỗi. Vui lòng báo quản trị viên mã {error_id}.",
        f"Something went wrong. Please give the administrator this id: {error_id}.",
        language_of(request),
    )
    return await _respond(request, {**body, "id": error_id})


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await _of_frame(request, error)


async def _of_frame(request: Request, error: HTTPException) -> Response:
    """404, 405 and the like raised by the frame itself."""
    status = error.status_code
    phrase = HTTPStatus(status).phrase
    code, vi, en = _PLAIN.get(status, (phrase.lower().replace(" ", "_"), phrase, phrase))
    return await _respond(request, _body(status, code, vi, en, language_of(request)), error.headers)


async def _validation(request: Request, error: Exception) -> Response:
    """What FastAPI found in parameters (400) or in a body (422)."""
    assert isinstance(error, RequestValidationError)
    language = language_of(request)
    found = [(str(item["loc"][0]), ".".join(map(str, item["loc"][1:])), str(item["msg"])) for item in error.errors()]
    status = 422 if any(where == "body" for where, _, _ in found) else 400
    code = "invalid_inputs" if status == 422 else "invalid_request"
    names = ", ".join(name or where for where, name, _ in found)
    body = _body(status, code, f"Thông tin không hợp lệ: {names}.", f"Not valid: {names}.", language)
    body["errors"] = [
        {"field": name or where, "message": text, "message_vi": text, "message_en": text} for where, name, text in found
    ]
    return await _respond(request, body)


async def problem(request: Request, error: Exception) -> Response:
    """The answer for whatever was raised before one had begun."""
    if isinstance(error, LienthongError):
        return await answer(request, error)
    if isinstance(error, HTTPException):
        return await _of_frame(request, error)
    return await unknown(request, error)


def install(app: FastAPI) -> None:
    """What the frame raises itself; all else reaches `Front`."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
