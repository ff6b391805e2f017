"""What every HTML page shares: language, texts, formats, templates, headers that keep other hosts out.

What a route hands to each template is in `contexts`; what templates may call besides, in `_common` and below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import anyio
import yaml
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from gis.errors import LienthongError
from layers.access.principal import PUBLIC, Principal
from layers.store.catalogue import Catalogue
from ogc.auth import caller_of
from ogc.common.clock import now_of
from ogc.common.identity import identities_of
from ogc.common.language import COOKIE, language_of
from ogc.common.links import base_url, path_of, root_of

from . import formats
from .cards import sectors
from .features import (
    bounds_of,
    code_entries,
    code_title,
    communes_by_generation,
    label_of,
    shown_columns,
    small_features,
    told,
)

ROOM = Path(__file__).resolve().parent
LANGUAGES = ("vi", "en")
_SWITCHER_S = 1.0
#: what a link into a page may ask for
ASKED = ("commune", "sheet", "parcel", "code", "point", "fid", "procedure", "dossier")
#: no inline script or style anywhere, nothing of another host; MapLibre's worker is a file of ours
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "private, no-store",
    "vary": "Accept, Accept-Language, Cookie, Authorization",
}


def render(request: Request, template: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """A page in the caller's language. `context` may hold `here`, the name of the active entry of the menu."""
    language = language_of(request)
    common = {**_common(request, language), **_of_catalogue(request, language, context.get("catalogue"))}
    page = environment().get_template(template).render({**common, **context})
    response = HTMLResponse(page, status_code=status_code, headers={**HEADERS, "content-language": language})
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=31_536_000, samesite="lax", path=root_of(request) or "/")
    return response


def text(language: str, key: str, **values: object) -> str:
    """One text of the interface; an unknown key is a defect, not an empty place."""
    found = texts(language)[key]
    return found.format(**values) if values else found


@lru_cache
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language, nested keys joined with dots."""
    with (ROOM / "texts" / f"{language}.yaml").open(encoding="utf-8") as file:
        return dict(_flattened(yaml.safe_load(file)))


def _flattened(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        pairs += _flattened(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return pairs


def say(language: str, value: object) -> str:
    """A title of the profile, an error's message or a `{vi, en}` object in the caller's language."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return str(value.get(language) or value.get("vi") or value.get("en") or "")
    return str(getattr(value, language, value))


@lru_cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(ROOM / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(day=formats.day, moment=formats.moment, lines=_lines)
    return made


def _lines(value: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in value.splitlines())


def _common(request: Request, language: str) -> dict[str, Any]:
    """What needs no catalogue."""
    t: Callable[..., str] = partial(text, language)
    say_: Callable[[object], str] = partial(say, language)
    return {
        "t": t,
        "say": say_,
        "language": language,
        "other_language": "en" if language == "vi" else "vi",
        "switch_language": with_query(request, lang="en" if language == "vi" else "vi"),
        "root": root_of(request),
        "back": root_of(request) + path_of(request),
        "as_json": with_query(request, f="json"),
        "as_page": lambda href: with_parameter(href, "f", "html"),
        "principal": principal_of_page(request),
        "is_demo": bool(getattr(request.app.state, "demo", False)),
        "identities": (),
        "here": None,
        "asked": {**dict.fromkeys(ASKED, ""), **request.query_params},
        "script_texts": lambda: {
            k.removeprefix("script."): v for k, v in texts(language).items() if k[:7] == "script."
        },
        "code_entries": code_entries,
        "told": lambda catalogue, column, value: told(catalogue, column, value, language),
        "canonical": base_url(request) + quote(path_of(request)),
        "code_title": lambda catalogue, column, code: say_(code_title(catalogue, column, code)),
        "label_of": lambda definition, feature: label_of(definition, feature) or t("items.object", id=feature["id"]),
        "shown_columns": shown_columns,
        "bounds_of": bounds_of,
        "small_features": small_features,
        **{name: _in(getattr(formats, name), language) for name in ("number", "fixed", "area", "length", "share")},
    }


def _of_catalogue(request: Request, language: str, catalogue: Catalogue | None) -> dict[str, Any]:
    """What pages with a catalogue may use besides: the caller's layers by sector, communes, demo identities."""
    if catalogue is None:
        return {}
    principal = principal_of_page(request)
    return {
        "sectors": sectors(catalogue, principal, purpose_of_page(request), now_of(request)),
        "communes": communes_by_generation(catalogue.profile.communes),
        **_switcher(principal, language, catalogue),
    }


async def switcher_of(request: Request) -> dict[str, Any]:
    """The demo's switcher for a page of an error, which has no catalogue of its own and does not wait for one."""
    if not request.app.state.demo:
        return {}
    try:
        with anyio.fail_after(_SWITCHER_S):
            catalogue = await request.app.state.catalogue.current()
    except (LienthongError, TimeoutError):
        return {}
    return _switcher(principal_of_page(request), language_of(request), catalogue)


def _switcher(principal: Principal, language: str, catalogue: Catalogue) -> dict[str, Any]:
    identities = identities_of(catalogue.profile)
    title = next((say(language, each["title"]) for each in identities if each["id"] == principal.id), principal.id)
    return {"identities": identities, "identity_title": title}


def _in(format_: Callable[..., str], language: str) -> Callable[..., str]:
    return lambda value, *rest: format_(value, language, *rest)


def with_query(request: Request, **changes: str) -> str:
    """The address of this page with some parameters changed."""
    kept = [(key, value) for key, value in request.query_params.multi_items() if key not in changes]
    return f"{root_of(request)}{quote(path_of(request))}?{urlencode([*kept, *changes.items()])}"


def with_parameter(href: str, name: str, value: str) -> str:
    """An address with one parameter set."""
    parts = urlsplit(href)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*kept, (name, value)])))


def principal_of_page(request: Request) -> Principal:
    """Who the page greets; a page about a refused token greets nobody."""
    try:
        return caller_of(request).principal
    except KeyError:
        return PUBLIC


def purpose_of_page(request: Request) -> str | None:
    """The purpose a page is shown for: the first of the caller's."""
    try:
        return next(iter(caller_of(request).purposes), None)
    except KeyError:
        return None
