"""The releases of a layer and what changed from one to another, as GeoJSON, over the caller's relation.

    /collections/{id}/releases                      newest first; who sees all is told what each changed
    /collections/{id}/releases/{n}                  one of them, with how much changed since the one before
    /collections/{id}/releases/{n}/changes          what changed since the release before it
    /collections/{id}/releases/{n}/changes?base=m   what changed since release m; 0 is before the first
    /collections/{id}/releases/latest/changes       what was edited since the newest release

A layer that hides its activity has no releases for anybody but its owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.access.box import FULL, NONE, Box
from layers.errors import NotFoundError
from layers.store import differences, releases
from layers.store.connection import Connection
from layers.store.differences import Change, Kind, Span, Version
from layers.store.releases import Release
from ogc.common.crs_names import CRS84
from ogc.common.links import GEOJSON, HTML, JSON, Addresses, Link, link
from ogc.common.operations import Operation
from ogc.common.parameters import Parameters, invalid_value, whole_number
from ogc.common.relation import Relation, authorised
from ogc.common.responses import document_response, json_response

LATEST = "latest"
DEFAULT_LIMIT, MAX_LIMIT, MAX_RELEASES = 100, 1_000, 100
_NOTHING_BEFORE = 0


async def list_releases(request: Request, parameters: Parameters) -> Response:
    """Newest first. To compare two revisions is work over the whole layer: here stands only what is known without."""
    relation, addresses = await _open(request), Addresses(request)
    limit = min(parameters.parsed("limit", whole_number(1)) or 10, MAX_RELEASES)
    older_than = parameters.parsed("after", _number)
    async with request.app.state.database.connection() as connection:
        found = await releases.releases(connection, relation.layer, before=older_than, limit=limit + 1)
    async with request.app.state.database.reading(relation.role_class) as connection:
        await request.app.state.accesses.record(connection, relation, asked="releases", features=0, size_bytes=0)
    shown = [_told(relation, addresses, one, _known_counts(relation, one)) for one in found[:limit]]
    links = addresses.self_and_alternates(JSON)
    links.append(link(addresses.to("collections", relation.layer), "collection", JSON))
    if len(found) > limit:
        links.append(link(addresses.here(after=found[limit - 1].release), "next", JSON))
    return _page(request, relation, {"releases": shown, "links": links}, "releases.html")


async def one_release(request: Request, parameters: Parameters) -> Response:
    """Its day, its note, and how much changed since the release before it."""
    relation, addresses = await _open(request), Addresses(request)
    async with request.app.state.database.connection() as connection:
        found = await _named(connection, relation, request.path_params["releaseId"])
    told = _told(relation, addresses, found, await _counts(request, relation, found))
    told["links"] = [*addresses.self_and_alternates(JSON), *told["links"][1:]]
    return _page(request, relation, told, "releases.html")


async def release_changes(request: Request, parameters: Parameters) -> Response:
    """A page of features that were added, changed or removed, in the order of their ids."""
    relation, addresses = await _open(request), Addresses(request)
    limit = min(parameters.parsed("limit", whole_number(1)) or DEFAULT_LIMIT, MAX_LIMIT)
    after = parameters.parsed("after", _number) or 0
    base = parameters.parsed("base", _number)
    async with request.app.state.database.connection() as connection:
        span = await _span(connection, relation, request.path_params["releaseId"], base)
    found = await _changes(request, relation, span, after, limit)
    body = await anyio.to_thread.run_sync(_collection, found, addresses, relation, limit)
    headers = {"Content-Crs": f"<{CRS84}>"}
    return json_response(body, GEOJSON, headers=headers)


def are_told(relation: Relation) -> bool:
    """Whether the caller may ask for the layer's releases."""
    return relation.tells_activity and relation.decision.is_allowed and not relation.state.definition.is_raster


def link_to(addresses: Addresses, layer: str) -> Link:
    return link(addresses.to("collections", layer, "releases"), "version-history", JSON)


async def _open(request: Request) -> Relation:
    """Raises NotFoundError where the layer's activity is not told, and as `authorised`."""
    relation = await authorised(request, request.path_params["collectionId"], "items")
    if not relation.tells_activity:
        raise NotFoundError
    return relation


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise ValueError("cần số nguyên không âm", "a whole number, 0 or more")
    return int(text)


# ── which revisions ──────────────────────────────────────────────────────────────────────────────
async def _named(connection: Connection, relation: Relation, text: str) -> Release:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    found = await releases.release(connection, relation.layer, number)
    if found is None:
        raise NotFoundError
    return found


async def _span(connection: Connection, relation: Relation, name: str, base: int | None) -> Span:
    if name == LATEST:
        newest = await releases.releases(connection, relation.layer, before=None, limit=1)
        later, before = relation.state.revision, newest[0].revision if newest else _NOTHING_BEFORE
    else:
        found = await _named(connection, relation, name)
        later, before = found.revision, found.before
    if base is None:
        return Span(before, later)
    if base == 0:
        return Span(_NOTHING_BEFORE, later)
    known = await releases.release(connection, relation.layer, base)
    if known is None or known.revision > later:
        raise invalid_value("base", "không phải bản phát hành trước đó", "not a release before this one")
    return Span(known.revision, later)


# ── what is told ─────────────────────────────────────────────────────────────────────────────────
Counts = Mapping[Kind, int]


async def _counts(request: Request, relation: Relation, one: Release) -> Counts:
    """What changed since the release before, over what the caller sees."""
    state, srid = relation.state, relation.catalogue.storage_srid
    async with request.app.state.database.reading(relation.role_class) as connection:
        span = Span(one.before, one.revision)
        found = await differences.counts(connection, state, srid, relation.decision, span, request.app.state.figures)
        asked = f"release {one.release}"
        await request.app.state.accesses.record(connection, relation, asked=asked, features=0, size_bytes=0)
    return found


def _known_counts(relation: Relation, one: Release) -> Counts | None:
    """As they were counted when it was published: of all rows and columns, against the revision before it."""
    is_compared = one.revision == one.before + 1
    return one.counts if is_compared and _sees_all(relation) else None


def _sees_all(relation: Relation) -> bool:
    definition = relation.state.definition
    columns = tuple(attribute.name for attribute in definition.attributes)
    whole = Box(columns, FULL if definition.has_geometry else NONE)
    return any(box.covers(whole) for box in relation.decision.boxes)


def _told(relation: Relation, addresses: Addresses, one: Release, counts: Counts | None) -> dict[str, Any]:
    own = ("collections", relation.layer, "releases", str(one.release))
    return {
        "release": one.release, "revision": one.revision, "created": one.created.astimezone(UTC).isoformat(),
        "note": one.note, "counts": counts,
        "links": [
            link(addresses.to(*own), "self", JSON),
            link(addresses.to(*own, "changes"), "related", GEOJSON, "changes"),
            link(addresses.to("collections", relation.layer, "releases"), "up", JSON),
        ],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Page:
    changes: Sequence[Change]
    has_more: bool


async def _changes(request: Request, relation: Relation, span: Span, after: int, limit: int) -> _Page:
    state, srid = relation.state, relation.catalogue.storage_srid
    async with request.app.state.database.reading(relation.role_class) as connection:
        found = await differences.changes(
            connection, state, srid, relation.decision, span, after=after, limit=limit + 1
        )
        asked = f"changes {span} {after}"
        size = sum(len(side.geometry) for one in found for side in (one.before, one.after) if side is not None)
        accesses = request.app.state.accesses
        await accesses.record(connection, relation, asked=asked, features=len(found[:limit]), size_bytes=size)
    return _Page(found[:limit], len(found) > limit)


def _collection(page: _Page, addresses: Addresses, relation: Relation, limit: int) -> bytes:
    links: list[Link] = [link(addresses.here(), "self", GEOJSON)]
    links.append(link(addresses.to("collections", relation.layer, "releases"), "up", JSON))
    if page.has_more:
        links.append(link(addresses.here(after=page.changes[-1].fid, limit=limit), "next", GEOJSON))
    frame = {"type": "FeatureCollection", "numberReturned": len(page.changes), "links": links}
    features = b",".join(_feature(change) for change in page.changes)
    return orjson.dumps(frame)[:-1] + b',"features":[' + features + b"]}"


def _feature(change: Change) -> bytes:
    """As it is afterwards, or was before it went; `before` has what is other now, and only that."""
    shown = change.after or change.before
    assert shown is not None  # one side of a change is there
    made: dict[str, Any] = {
        "type": "Feature", "id": change.fid, "change": change.kind, "geometry": orjson.Fragment(shown.geometry),
        "properties": shown.properties,
    }  # fmt: skip
    if change.before is not None and change.after is not None:
        made["before"] = _before(change.before, change.after)
    return orjson.dumps(made)


def _before(old: Version, new: Version) -> dict[str, Any]:
    made: dict[str, Any] = {
        "properties": {name: value for name, value in old.properties.items() if value != new.properties.get(name)}
    }
    if old.geometry != new.geometry:
        made["geometry"] = orjson.Fragment(old.geometry)
    return made


def _page(request: Request, relation: Relation, document: dict[str, Any], template: str) -> Response:
    return document_response(
        request, document, template, JSON, definition=relation.state.definition, catalogue=relation.catalogue
    )


_STATUSES = (403, 404, 429, 503)
_RELEASES = "/collections/{collectionId}/releases"
OPERATIONS = (
    Operation(
        _RELEASES, list_releases, Message("Các bản phát hành", "Releases"), "releases", ("limit", "after"),
        {JSON: "releases", HTML: "html"}, _STATUSES,
    ),
    Operation(
        f"{_RELEASES}/{{releaseId}}", one_release, Message("Một bản phát hành", "One release"), "releases", (),
        {JSON: "release", HTML: "html"}, _STATUSES,
    ),
    Operation(
        f"{_RELEASES}/{{releaseId}}/changes", release_changes, Message("Thay đổi của một bản", "Changes of a release"),
        "releases", ("limit", "after", "base"), {GEOJSON: "changes"}, _STATUSES,
    ),
)  # fmt: skip
