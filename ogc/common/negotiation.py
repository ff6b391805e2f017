"""Which form of an answer the caller wants: `?f=` first, then Accept. A browser gets a page, a program gets JSON."""

from __future__ import annotations

from starlette.requests import Request

from .language import quality_of

FORMATS = ("json", "html")


def prefers_html(request: Request) -> bool:
    """True when a page is wanted more than JSON. `f` has been checked by the parameters of the route."""
    asked = request.query_params.get("f")
    if asked in FORMATS:
        return asked == "html"
    accept = request.headers.get("accept", "")
    if "html" not in accept:  # what every program sends: decided without taking the header apart
        return False
    weights = {part.partition(";")[0].strip().lower(): quality_of(part.partition(";")[2]) for part in accept.split(",")}
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    json = max((weight for name, weight in weights.items() if name.endswith("json")), default=0.0)
    return html > 0 and html >= json
