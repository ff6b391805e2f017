"""OGC API Common: landing page, conformance, API description."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message

from .language import language_of
from .links import HTML, JSON, OPENAPI, OPENAPI_30, Addresses, link
from .openapi import document
from .openapi30 import as_openapi_30
from .operations import Operation
from .parameters import Parameters, one_of
from .responses import document_response, json_response

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
    header = catalogue.profile.header
    made: dict[str, Any] = {
        "title": header.title.message().in_language(language) if header.title else _TITLE.in_language(language),
        "description": _ABOUT.in_language(language),
        "links": [
            *addresses.self_and_alternates(JSON),
            link(addresses.to("api"), "service-desc", OPENAPI, "OpenAPI 3.1"),
            link(addresses.to("api", f="json", openapi="3.0"), "service-desc", OPENAPI_30, "OpenAPI 3.0"),
            link(addresses.to("api", f="html"), "service-doc", HTML, "API"),
            link(addresses.to("conformance"), "conformance", JSON),
            link(addresses.to("collections"), "data", JSON),
            link(addresses.to("collections"), f"{_REL}data", JSON),
            link(addresses.to("conformance"), f"{_REL}conformance", JSON),
            link(addresses.to("tileMatrixSets"), f"{_REL}tiling-schemes", JSON),
            link(addresses.to("processes"), f"{_REL}processes", JSON),
            link(addresses.to("jobs"), f"{_REL}job-list", JSON),
        ],
    }
    return document_response(request, made, "landing.html", catalogue=catalogue)


async def conformance(request: Request, parameters: Parameters) -> Response:
    catalogue = await request.app.state.catalogue.current()
    links = Addresses(request).self_and_alternates(JSON)
    made = {"conformsTo": list(request.app.state.conforms_to), "links": links}
    return document_response(request, made, "conformance.html", catalogue=catalogue)


async def api(request: Request, parameters: Parameters) -> Response:
    catalogue = await request.app.state.catalogue.current()
    made = document(request.app, Addresses(request).base, language_of(request))
    if parameters.parsed("openapi", one_of("3.0", "3.1")) == "3.0":
        return json_response(as_openapi_30(made), OPENAPI_30)
    return document_response(request, made, "api.html", OPENAPI, catalogue=catalogue)


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
