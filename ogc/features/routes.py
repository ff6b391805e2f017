"""OGC API Features 1 and 3, Common 3: collections, items, item, schema, queryables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.errors import NotFoundError
from layers.store import features
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection
from layers.store.figures import Held
from layers.store.revisions import revision_known, standing
from ogc.common.caching import VARY, is_any, is_known, item_etag, item_state, not_modified, weak
from ogc.common.clock import now_of
from ogc.common.extents import count_told, extent_of, read_extent
from ogc.common.language import language_of
from ogc.common.links import GEOJSON, HTML, JSON, SCHEMA, Addresses
from ogc.common.negotiation import prefers_html
from ogc.common.operations import Operation
from ogc.common.parameters import Parameters
from ogc.common.pieces import PiecesResponse
from ogc.common.policy_header import catalogue_of
from ogc.common.prepared import PreparedDocuments, prepared_response
from ogc.common.relation import Relation, authorised, described, visible, with_action
from ogc.common.responses import document_response, json_response
from ogc.common.rights import Rights
from ogc.web import layer_pages

from . import editing, formats, releases, search
from .collections import collection, system_names
from .items import feature, feature_collection
from .paging import NOT_PINNED
from .query import OF_ITEM, PARAMETERS, Query, read_item_query, read_query
from .schemas import queryables_of, schema_of, sortables_of
from .times import AS_OF, as_of

CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.1/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.1/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.1/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.1/conf/oas31",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/schemas",
    "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/returnables-and-receivables",
    "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/sortables",
    *(
        f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "array-functions",
            "property-property",
            "arithmetic",
        )
    ),
    *editing.CONFORMS_TO,
)
MAX_PAGE_LIMIT = 200


async def collections(request: Request, parameters: Parameters) -> Response:
    """Every layer the caller may know of; kept for callers who read the very same, until one of the layers changes.
    Kept or known, it tells their boxes again."""
    catalogue = await catalogue_of(request)
    for relation in visible(request, catalogue):
        count_told(request, _readable(request, relation))
    rights: Rights = request.app.state.rights.of(request, catalogue)
    addresses = Addresses(request)
    if rights.relations is None:
        made = await _collections(request, catalogue, addresses)
        return document_response(request, made, "collections.html", catalogue=catalogue)
    documents: PreparedDocuments = request.app.state.documents
    states = tuple((layer.id, layer.state.revision, layer.state.state) for layer in rights.layers)
    key = ("collections", rights.digest, rights.relations, states, addresses.here(), language_of(request))
    prepared = await documents.of_awaited(key, lambda: _collections(request, catalogue, addresses))
    return prepared_response(request, prepared, "collections.html", catalogue=catalogue)


async def _collections(request: Request, catalogue: Catalogue, addresses: Addresses) -> dict[str, Any]:
    listed = []
    for relation in visible(request, catalogue):
        bounds = await read_extent(request, _readable(request, relation))
        listed.append(_collection(request, addresses, relation, bounds, is_listed=True))
    return {
        "links": addresses.self_and_alternates(JSON),
        "crs": system_names(catalogue.profile),
        "collections": listed,
    }


async def collection_by_id(request: Request, parameters: Parameters) -> Response:
    relation = await described(request, request.path_params["collectionId"])
    instant = as_of(parameters, relation.decision)
    bounds = await extent_of(request, _readable(request, relation), instant)
    made = _collection(request, Addresses(request), relation, bounds, is_listed=False)
    if prefers_html(request):
        return await layer_pages.collection_page(request, made, relation)
    return json_response(made, JSON, headers={"Content-Language": language_of(request)})


async def schema(request: Request, parameters: Parameters) -> Response:
    relation = await authorised(request, request.path_params["collectionId"], "items")
    address = Addresses(request).to("collections", relation.layer, "schema")
    state = relation.state
    written = editing.receivables_of(request, relation)
    made = schema_of(
        address, relation.catalogue.profile, state.definition, relation.decision, language_of(request), written
    )
    return _layer_page(request, made, "schema.html", SCHEMA, relation)


async def queryables(request: Request, parameters: Parameters) -> Response:
    relation = await authorised(request, request.path_params["collectionId"], "items")
    address = Addresses(request).to("collections", relation.layer, "queryables")
    state = relation.state
    made = queryables_of(address, relation.catalogue.profile, state.definition, relation.decision, language_of(request))
    return _layer_page(request, made, "schema.html", SCHEMA, relation)


async def sortables(request: Request, parameters: Parameters) -> Response:
    relation = await authorised(request, request.path_params["collectionId"], "items")
    address = Addresses(request).to("collections", relation.layer, "sortables")
    state = relation.state
    made = sortables_of(address, relation.catalogue.profile, state.definition, relation.decision, language_of(request))
    return _layer_page(request, made, "schema.html", SCHEMA, relation)


async def items(request: Request, parameters: Parameters) -> Response:
    if (kind := formats.wanted(request)) is not None:
        return await formats.export(request, parameters, kind)
    relation = await authorised(request, request.path_params["collectionId"], "items")
    addresses, is_page = Addresses(request), prefers_html(request)
    may_be_known = relation.is_cacheable and not is_page
    etag = _etag_at(relation, addresses) if may_be_known else ""
    is_same = may_be_known and relation.tells_activity and is_known(request, etag)
    if is_same and not is_any(request):  # an ETag of this address was given for a query that held
        return _same(request, relation, etag)
    profile = relation.catalogue.profile
    query = read_query(parameters, relation.state.definition, relation.decision, profile)
    if is_same:
        return _same(request, relation, etag)
    if is_page:  # a template of more rows would keep every other caller waiting
        query = query.for_page(MAX_PAGE_LIMIT, profile)
    page, relation, revision = await _read_page(request, relation, query)
    etag = _etag_of(page, relation, addresses) if may_be_known else ""
    if may_be_known and not relation.tells_activity and is_known(request, etag):
        return not_modified(etag, relation.cache_control)
    others = formats.alternates(addresses, relation, query)
    body = feature_collection(page, query, addresses, relation.layer, revision, now_of(request), others)
    if is_page:
        return layer_pages.items_page(request, orjson.loads(bytes(body)), relation)
    return PiecesResponse(body, GEOJSON, _headers(relation, query, etag))


def _same(request: Request, relation: Relation, etag: str) -> Response:
    request.app.state.accesses.counted(relation)
    return not_modified(etag, relation.cache_control)


async def item(request: Request, parameters: Parameters) -> Response:
    relation = await authorised(request, request.path_params["collectionId"], "items")
    profile, addresses = relation.catalogue.profile, Addresses(request)
    query = read_item_query(parameters, relation.decision, profile)
    if prefers_html(request):
        query = query.for_page(1, profile)
    found = await _read_item(request, relation, query, request.path_params["featureId"])
    if found is None:
        raise NotFoundError
    etag = item_etag(item_state(found.state, relation.state.definition_digest), addresses.here())
    if prefers_html(request):
        document = orjson.loads(feature(found, addresses, relation.layer))
        return layer_pages.item_page(request, document, relation)
    headers = _of_item(relation, query, etag)
    if relation.is_cacheable and is_known(request, etag):
        return not_modified(etag, headers["Cache-Control"])
    return json_response(feature(found, addresses, relation.layer), GEOJSON, headers=headers)


def _of_item(relation: Relation, query: Query, etag: str) -> dict[str, str]:
    """Every item has its ETag, kept or not: whoever changes it names it. It is strong, so nothing repacks the bytes."""
    cache_control = f"{relation.cache_control}, no-transform"
    return {**_headers(relation, query, etag), "ETag": etag, "Cache-Control": cache_control}


def _etag_at(relation: Relation, addresses: Addresses) -> str:
    """By the revision."""

    def named() -> str:
        return weak("items", *relation.version, addresses.here())

    return relation.etag_of(addresses.place, named) if addresses.is_short else named()


def _etag_of(page: features.Page, relation: Relation, addresses: Addresses) -> str:
    """By the revision; where that is not told, by what the page says."""
    if relation.tells_activity:
        return _etag_at(relation, addresses)
    said = hashlib.sha256(b",".join(page.features)).hexdigest()
    return weak("items", relation.state.definition_digest, page.number_matched, page.last, said, addresses.here())


def _headers(relation: Relation, query: Query, etag: str) -> dict[str, str]:
    kept = {"ETag": etag} if relation.is_cacheable else {}
    return {**query.shapes.headers, **kept, "Cache-Control": relation.cache_control, "Vary": VARY}


def _layer_page(
    request: Request, document: dict[str, Any], template: str, media_type: str, relation: Relation
) -> Response:
    return document_response(
        request, document, template, media_type, definition=relation.state.definition, catalogue=relation.catalogue
    )


def _readable(request: Request, relation: Relation) -> Relation:
    """The one whose extent is told: what the caller may read, or where only tiles are granted, that of the tiles."""
    if relation.decision.is_allowed:
        return relation
    return replace(relation, decision=with_action(request, relation, "tile"))


def _collection(
    request: Request, addresses: Addresses, relation: Relation, bounds: features.BBox | None, *, is_listed: bool
) -> dict[str, Any]:
    made = collection(
        addresses,
        relation.catalogue.profile,
        relation.state.definition,
        bounds,
        language_of(request),
        may_read=relation.decision.is_allowed,
        may_tile=with_action(request, relation, "tile").is_allowed,
        is_listed=is_listed,
    )
    if releases.are_told(relation):
        made["links"].append(releases.link_to(addresses, relation.layer))
    return made


async def _read_page(request: Request, relation: Relation, query: Query) -> tuple[features.Page, Relation, int]:
    """The page, the relation it was read from, and its revision. The event is written before anything leaves."""
    async with request.app.state.database.reading(relation.role_class) as connection:
        pinned = await _pinned_revision(connection, relation.layer, query, now_of(request))
        held = Held(request.app.state.figures)
        page = await _page(request, connection, relation, query, pinned, held)
        is_walk = query.edge is not None or page.last is not None
        is_current = pinned is None or pinned >= relation.state.revision
        if is_walk and is_current and (held.has_news or page.revision != relation.state.revision):
            seen = await standing(connection, relation.state)
            if seen.revision != relation.state.revision:  # the notification of a change is still on its way
                relation = replace(relation, state=seen)
                held = Held(request.app.state.figures)
                page = await _page_of_one_instant(request, connection, relation, query, pinned, held)
        held.keep()  # only a walk counts, and it knows by now what it read
        await _record(request, connection, relation, repr(query), page.features)
    if not relation.tells_activity:
        return page, relation, NOT_PINNED
    return page, relation, relation.state.revision if pinned is None else pinned


async def _page(
    request: Request, connection: Connection, relation: Relation, query: Query, revision: int | None, held: Held
) -> features.Page:
    storage_srid, asked = relation.catalogue.storage_srid, query.asked(revision)
    return await features.page(connection, relation.state, storage_srid, relation.decision, asked, held)


async def _page_of_one_instant(
    request: Request, connection: Connection, relation: Relation, query: Query, pinned: int | None, held: Held
) -> features.Page:
    """The page of a named revision: it stays as it is, whatever is published meanwhile."""
    revision = relation.state.revision if pinned is None else pinned
    newer = replace(relation.state, revision=max(relation.state.revision, revision + 1))
    return await _page(request, connection, replace(relation, state=newer), query, revision, held)


async def _pinned_revision(connection: Connection, layer: str, query: Query, now: datetime) -> int | None:
    """A walk stays on the revision it began with, if that may be told; `as-of` names another; else what is current."""
    if query.edge is not None:
        revision = query.edge.cursor.revision
        return revision if revision != NOT_PINNED else None
    return await revision_known(connection, layer, query.as_of, now)


async def _read_item(request: Request, relation: Relation, query: Query, fid: str) -> features.Item | None:
    """None for whatever is not there: a text that is no fid takes the same way as a hidden row."""
    number = int(fid) if fid.isascii() and fid.isdigit() and len(fid) < 17 else 0
    storage_srid = relation.catalogue.storage_srid
    async with request.app.state.database.reading(relation.role_class) as connection:
        revision = await revision_known(connection, relation.layer, query.as_of, now_of(request))
        asked = query.asked(revision)
        found = await features.item(connection, relation.state, storage_srid, relation.decision, number, asked)
        asked_for = f"{fid} {query!r}"
        await _record(request, connection, relation, asked_for, () if found is None else (found.bytes,))
    return found


async def _record(
    request: Request, connection: Connection, relation: Relation, asked: str, found: Sequence[bytes]
) -> None:
    """Raises when the event cannot be written: then nothing leaves."""
    accesses = request.app.state.accesses
    await accesses.record(connection, relation, asked=asked, features=len(found), size_bytes=sum(map(len, found)))


_LISTED = {GEOJSON: "features", HTML: "html", **dict.fromkeys(formats.MEDIA_TYPES.values(), "binary")}
_ITEMS = Operation(
    "/collections/{collectionId}/items", items, Message("Đối tượng của lớp", "Features"), "features", PARAMETERS,
    _LISTED, (202, 304, 403, 404, 429, 503), allow_others=True, action="items", forms=formats.MEDIA_TYPES,
    headers=("Prefer",),
)  # fmt: skip
OPERATIONS = (
    Operation(
        "/collections", collections, Message("Các lớp dữ liệu", "Collections"), "features", (),
        {JSON: "collections", HTML: "html"}, (503,),
    ),
    Operation(
        "/collections/{collectionId}", collection_by_id, Message("Một lớp dữ liệu", "One collection"), "features",
        (AS_OF,), {JSON: "collection", HTML: "html"}, (404, 429, 503),
    ),
    _ITEMS,
    search.operation(_ITEMS),
    Operation(
        "/collections/{collectionId}/items/{featureId}", item, Message("Một đối tượng", "One feature"), "features",
        OF_ITEM, {GEOJSON: "feature", HTML: "html"}, (304, 403, 404, 429, 503), action="items",
    ),
    Operation(
        "/collections/{collectionId}/schema", schema, Message("Lược đồ", "Schema"), "features", (),
        {SCHEMA: "schema", HTML: "html"}, (403, 404, 429, 503), action="items",
    ),
    Operation(
        "/collections/{collectionId}/queryables", queryables, Message("Thuộc tính lọc được", "Queryables"), "features",
        (), {SCHEMA: "schema", HTML: "html"}, (403, 404, 429, 503), action="items",
    ),
    Operation(
        "/collections/{collectionId}/sortables", sortables, Message("Thuộc tính sắp xếp được", "Sortables"), "features",
        (), {SCHEMA: "schema", HTML: "html"}, (403, 404, 429, 503), action="items",
    ),
    *editing.OPERATIONS,
    *releases.OPERATIONS,
)  # fmt: skip
ROUTES = editing.ROUTES
