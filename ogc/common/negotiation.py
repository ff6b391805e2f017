"""Which form of an answer the caller wants: `?f=` first, then Accept. A browser gets a page, a program gets JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from starlette.requests import Request

from gis.errors import LienthongError

from .language import quality_of

FORMATS = ("json", "html")
#: forms of an answer: the word of `f` → its media type, the usual one first
Forms = Mapping[str, str]
_SCOPE_KEY = "lienthong.form"
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


class NotAcceptableError(LienthongError):
    """406: none of the forms of this answer is among those the caller takes."""

    code = "not_acceptable"

    def __init__(self, forms: Forms) -> None:
        known = ", ".join(dict.fromkeys(forms.values()))
        super().__init__(
            f"Không có dạng trả lời được yêu cầu ở đây. Dùng 'f=' với {', '.join(forms)}, hoặc Accept: {known}.",
            f"There is no answer of that type here. Use 'f=' with {', '.join(forms)}, or Accept: {known}.",
            available=list(dict.fromkeys(forms.values())),
        )


def negotiate(request: Request, forms: Forms, asked: str | None) -> str:
    """The form to answer in, kept for `form_of` and `prefers_html`. `asked` is `f`, which the route's parameters have
    checked.

    Raises NotAcceptableError where Accept names nothing that is served here. A change is not refused for the form of
    its answer, which is mostly empty: OWSLib sends its features with Accept: text/xml.
    """
    try:
        form = _wanted(request, forms, asked)
    except NotAcceptableError:
        if request.method in ("GET", "HEAD"):
            raise
        form = next(iter(forms))
    request.scope[_SCOPE_KEY] = form
    return form


def form_of(request: Request) -> str:
    """What `negotiate` chose for this request."""
    form: str = request.scope[_SCOPE_KEY]
    return form


def prefers_html(request: Request) -> bool:
    """True when a page is wanted more than JSON; for routes that do not negotiate, by the same rules."""
    chosen = request.scope.get(_SCOPE_KEY)
    if chosen is not None:
        return bool(chosen == "html")
    asked = request.query_params.get("f")
    if asked in FORMATS:
        return asked == "html"
    accept = request.headers.get("accept", "")
    return "html" in accept and _best(accept, (("json", "application/json"), ("html", "text/html"))) == "html"


def _wanted(request: Request, forms: Forms, asked: str | None) -> str:
    if asked is not None and asked in forms:
        return asked
    accept = request.headers.get("accept")
    if not accept or accept == "*/*":  # what every program sends: decided without taking the header apart
        return next(iter(forms))
    best = _best(accept, tuple(forms.items()))
    if best is None:
        raise NotAcceptableError(forms)
    return best


@lru_cache(maxsize=512)
def _best(accept: str, forms: tuple[tuple[str, str], ...]) -> str | None:
    """The form with the highest weight; of equals the one named more exactly, then a page, then the usual one."""
    entries = [_entry(part) for part in accept[:2000].split(",") if part.strip()]
    found: tuple[tuple[float, int, bool], str] | None = None
    for form, media_type in forms:
        weight, closeness = _weight(entries, media_type)
        rank = (weight, closeness, form == "html" and closeness > 1)
        if weight > 0 and (found is None or rank > found[0]):
            found = (rank, form)
    return found[1] if found else None


def _entry(part: str) -> tuple[str, float]:
    name, _, parameters = part.partition(";")
    return name.strip().lower(), quality_of(parameters)


def _weight(entries: list[tuple[str, float]], media_type: str) -> tuple[float, int]:
    """The q of the entry that names the type most exactly (RFC 9110, 12.5.1)."""
    matching = [(_closeness(name, media_type), quality) for name, quality in entries]
    closest = max((close for close, _ in matching), default=0)
    if not closest:
        return 0.0, 0
    return max(quality for close, quality in matching if close == closest), closest


def _closeness(name: str, media_type: str) -> int:
    """0 for another type; 1 for any, 2 for any of its kind, 3 for one of its relations, 4 for itself."""
    own = media_type.partition(";")[0]
    if name == own:
        return 4
    if own in _PAGES and name in _PAGES:
        return 4
    if _is_json(own) and _is_json(name):  # programs ask for JSON by many names, and read all of them
        return 3
    if name.endswith("/*") and name != "*/*":
        return 2 if name[:-1] == own[: len(name) - 1] else 0
    return 1 if name in ("*/*", "*") else 0


def _is_json(name: str) -> bool:
    return name.endswith(("/json", "+json"))
