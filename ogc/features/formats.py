"""Items in the formats of other programs (`f=` or Accept): files made beside the request pool, texts sent as they come.

Up to the limit of a page this is `items` in another writing. A whole layer beyond it needs the action `export`.
"""

from __future__ import annotations

from enum import Enum

from starlette.requests import Request
from starlette.responses import Response

from layers.access.principal import PUBLIC
from layers.exporting.formats import FORMATS, Format
from layers.store.exporting import count_up_to
from ogc.common.caching import VARY, is_known, not_modified, weak
from ogc.common.clock import now_of
from ogc.common.language import language_of
from ogc.common.links import GEOJSON, JSON, Addresses, Link, link
from ogc.common.methods import IS_HEAD
from ogc.common.negotiation import form_of
from ogc.common.origin import require_own_origin
from ogc.common.parameters import Parameters
from ogc.common.relation import Relation, authorised, described, with_action
from ogc.service.check_jobs import accepted

from .export_jobs import submit_export
from .export_query import Asked, asked_of, require_shapes, revision_of
from .export_sending import Exports, Filed, Streamed, exports_below
from .paging import MAX_LIMIT
from .query import Query

__all__ = ["FORMATS", "MEDIA_TYPES", "Exports", "Format", "export", "exports_below", "wanted"]

#: word of `f` → media type, for the operation
MEDIA_TYPES = {each.name: each.media_type for each in FORMATS.values()}


def wanted(request: Request) -> Format | None:
    """The format that was negotiated, None for JSON and pages."""
    return FORMATS.get(form_of(request))


def alternates(addresses: Addresses, relation: Relation, query: Query) -> list[Link]:
    """The same features in other formats; a page further on has none, since an export has no pages."""
    if query.edge is not None or addresses.is_posted:
        return []
    place = addresses.here(f=None, limit=None)  # written once for all
    asked = f"{place}{'&' if '?' in place else '?'}limit={query.limit}&f="
    return [link(f"{asked}{kind.name}", "alternate", kind.media_type, kind.title) for kind in of_relation(relation)]


def of_relation(relation: Relation) -> list[Format]:
    """The formats that what is shown of the layer has a place in."""
    decision = relation.decision
    has_gaps = any(box.geometry.kind == "none" for box in decision.boxes)
    return [
        kind for kind in FORMATS.values()
        if (decision.has_geometry or not kind.needs_shapes) and not (kind.needs_every_shape and has_gaps)
    ]  # fmt: skip


async def export(request: Request, parameters: Parameters, kind: Format) -> Response:
    """Raises whatever `items` raises, and ForbiddenError for more than a page without the action `export`."""
    asked = asked_of(kind, parameters, await _relation(request))
    require_shapes(asked, is_named=request.query_params.get("f") == kind.name)
    revision = await revision_of(request.app.state.database, asked, now_of(request))
    etag = _etag(request, asked)
    if _has_etag(asked.relation) and is_known(request, etag):
        request.app.state.accesses.counted(asked.relation)
        return not_modified(etag, asked.relation.cache_control)
    size = await _size(request, asked, revision)
    if size is not Size.PAGE or _wants_job(request, asked.relation):
        asked = asked_of(kind, parameters, await authorised(request, asked.relation.layer, "export"))
    headers = _headers(request, asked, etag)
    if IS_HEAD in request.scope:
        request.app.state.accesses.counted(asked.relation)
        return _headers_alone(kind, headers)
    if (size is Size.LONG and kind.text is None) or _wants_job(request, asked.relation):
        await require_own_origin(request)  # a job is kept: no page of another site may begin one
        return accepted(request, await submit_export(request, asked, parameters.values, revision))
    extract = asked.extract(revision, language_of(request))
    if kind.text is not None:
        return Streamed(request, asked, extract, kind.text, headers)
    return Filed(request, asked, extract, headers)


class Size(Enum):
    """How much is asked for: what a page may hold, more, or so much that it is not counted."""

    PAGE = 1
    MORE = 2
    LONG = 3


async def _size(request: Request, asked: Asked, revision: int) -> Size:
    if asked.is_limited:
        return Size.PAGE
    number = await count_up_to(request.app.state.database, asked.extract(revision, "vi"))
    if number is None:
        return Size.LONG
    return Size.PAGE if number <= MAX_LIMIT else Size.MORE


async def _relation(request: Request) -> Relation:
    """That of `items`; who may only export has that of `export`."""
    layer = request.path_params["collectionId"]
    relation = await described(request, layer)
    if not relation.decision.is_allowed and with_action(request, relation, "export").is_allowed:
        return await authorised(request, layer, "export")
    return await authorised(request, layer, "items")


def _wants_job(request: Request, relation: Relation) -> bool:
    """Prefer: respond-async, of somebody who can own a job and may export; a preference may be passed over."""
    wishes = ",".join(request.headers.getlist("prefer")).replace(";", ",").split(",")
    is_wish = "respond-async" in {wish.strip().lower() for wish in wishes}
    return is_wish and relation.principal.id != PUBLIC.id and with_action(request, relation, "export").is_allowed


def _etag(request: Request, asked: Asked) -> str:
    """By the revision and by both relations it may be read from."""
    relation = asked.relation
    whole = with_action(request, relation, "export").relation_digest
    return weak("export", asked.kind.name, language_of(request), whole, *relation.version, Addresses(request).here())


def _has_etag(relation: Relation) -> bool:
    return relation.is_cacheable and relation.tells_activity


def _headers(request: Request, asked: Asked, etag: str) -> dict[str, str]:
    addresses, relation = Addresses(request), asked.relation
    links = (
        f'<{addresses.here()}>; rel="self"; type="{asked.kind.media_type}"',
        f'<{addresses.here(f="json")}>; rel="alternate"; type="{GEOJSON}"',
        f'<{addresses.to("collections", relation.layer)}>; rel="collection"; type="{JSON}"',
    )
    made = {
        "Content-Disposition": f'attachment; filename="{asked.file_name}"', "X-Content-Type-Options": "nosniff",
        "Cache-Control": relation.cache_control, "Vary": VARY, "Link": ", ".join(links),
    }  # fmt: skip
    made |= {"ETag": etag} if _has_etag(relation) else {}
    return made | ({"Content-Crs": f"<{asked.crs.uri}>"} if asked.has_shapes else {})


def _headers_alone(kind: Format, headers: dict[str, str]) -> Response:
    """HEAD: how long it would be is known only once it is made, and then it may as well be had."""
    made = Response(headers=headers, media_type=kind.media_type)
    del made.headers["content-length"]
    return made
