"""The language of an answer: `?lang=`, then the cookie, then Accept-Language, then Vietnamese."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

Language = Literal["vi", "en"]
COOKIE = "lienthong_lang"


def language_of(request: Request) -> Language:
    """Vietnamese unless the caller asked for English."""
    asked = request.query_params.get("lang") or request.cookies.get(COOKIE)
    if asked not in ("vi", "en"):
        asked = _accepted(request.headers.get("accept-language", ""))
    return "en" if asked == "en" else "vi"


def _accepted(header: str) -> str | None:
    """The one of our two languages with the highest weight; the first of equals."""
    best, weight = None, 0.0
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        quality = quality_of(parameters)
        if language in ("vi", "en") and quality > weight:
            best, weight = language, quality
    return best


def quality_of(parameters: str) -> float:
    """The q of one entry of an Accept header; 1 when there is none, 0 when it cannot be read."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
