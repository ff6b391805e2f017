"""OGC API Common: landing page, conformance, API description."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.profile.profile import Profile

from .caching import SHARED
from .language import Language, language_of
from .links import HTML, JSON, OPENAPI, OPENAPI_30, Addresses, link
from .openapi import document
from .openapi30 import as_openapi_30
from .operations import Operation
from .parameters import Parameters, one_of
from .policy_header import catalogue_of
from .prepared import PreparedDocuments, prepared_response

CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/html",
)
_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_TITLE = Message("Liên thông dữ liệu không gian", "Lienthong: spatial data shared between sectors")
_ABOUT = Message(
    "Các ngành chia sẻ lớp bản đồ theo quyền; hỏi một thửa đất và nhận một câu trả lời có căn cứ.",
    "Sectors share their map layers under their own rules; ask about a parcel and get one answer that holds up.",
)


async def landing(request: Request, parameters: Parameters) -> Response:
    catalogue = await request.app.state.catalogue.current()
    addresses, language = Addresses(request), language_of(request)
    documents: PreparedDocuments = request.app.state.documents
    key = ("landing", catalogue.profile_digest, addresses.here(), language)
    made = documents.of(key, lambda: _landing(catalogue.profile, addresses, language))
    return prepared_response(request, made, "landing.html", cache_control=SHARED, catalogue=catalogue)


def _landing(profile: Profile, addresses: Addresses, language: Language) -> dict[str, Any]:
    title = profile.header.title
    return {
        "title": title.message().in_language(language) if title else _TITLE.in_language(language),
        "description": _ABOUT.in_language(language),
        "links": [
            *addresses.self_and_alternates(JSON),
            *(
                link(addresses.to(*path, **query), rel, media_type, said)
                for path, query, rel, media_type, said in _LINKS
            ),
        ],
    }


async def conformance(request: Request, parameters: Parameters) -> Response:
    catalogue = await request.app.state.catalogue.current()
    addresses = Addresses(request)
    documents: PreparedDocuments = request.app.state.documents
    classes = list(request.app.state.conforms_to)
    made = documents.of(
        ("conformance", addresses.here()),
        lambda: {"conformsTo": classes, "links": addresses.self_and_alternates(JSON)},
    )
    return prepared_response(request, made, "conformance.html", cache_control=SHARED, catalogue=catalogue)


async def api(request: Request, parameters: Parameters) -> Response:
    """The description for callers with the same rights."""
    catalogue = await catalogue_of(request)
    rights = request.app.state.rights.of(request, catalogue)
    base, language = Addresses(request).base, language_of(request)
    documents: PreparedDocuments = request.app.state.documents
    key = ("api", rights.digest, catalogue.policy_digest, base, language)
    made = documents.of(key, lambda: document(request.app, base, language, rights, catalogue))
    if _wants_3_0(request, parameters.parsed("openapi", one_of("3.0", "3.1"))):
        older = documents.of(("3.0", *key), lambda: as_openapi_30(dict(made.document)))
        return prepared_response(request, older, "api.html", OPENAPI_30, catalogue=catalogue)
    return prepared_response(request, made, "api.html", OPENAPI, catalogue=catalogue)


def _wants_3_0(request: Request, asked: str | None) -> bool:
    """By the parameter, else by the version that the media type in Accept names."""
    if asked is not None or "f" in request.query_params:
        return asked == "3.0"
    accept = request.headers.get("accept", "").replace(" ", "").lower()
    return "openapi+json;version=3.0" in accept and "openapi+json;version=3.1" not in accept


_Path = tuple[str, ...]
_LINKS: tuple[tuple[_Path, dict[str, str], str, str, str | None], ...] = (
    (("api",), {}, "service-desc", OPENAPI, "OpenAPI 3.1"),
    (("api",), {"f": "json", "openapi": "3.0"}, "service-desc", OPENAPI_30, "OpenAPI 3.0"),
    (("api",), {"f": "html"}, "service-doc", HTML, "API"),
    (("conformance",), {}, "conformance", JSON, None),
    (("collections",), {}, "data", JSON, None),
    (("collections",), {}, f"{_REL}data", JSON, None),
    (("conformance",), {}, f"{_REL}conformance", JSON, None),
    (("tileMatrixSets",), {}, f"{_REL}tiling-schemes", JSON, None),
    (("tiles",), {}, f"{_REL}tilesets-vector", JSON, None),
    (("styles",), {}, f"{_REL}styles", JSON, None),
    (("processes",), {}, f"{_REL}processes", JSON, None),
    (("jobs",), {}, f"{_REL}job-list", JSON, None),
)

OPERATIONS = (
    Operation("/", landing, Message("Trang đầu", "Landing page"), "common", (), {JSON: "landingPage", HTML: "html"}),
    Operation(
        "/conformance", conformance, Message("Các lớp tuân thủ", "Conformance classes"), "common", (),
        {JSON: "conformance", HTML: "html"},
    ),
    Operation(
        "/api", api, Message("Mô tả API", "API description"), "common", ("openapi",),
        {OPENAPI: "object", OPENAPI_30: "object", HTML: "html"},
    ),
)  # fmt: skip
