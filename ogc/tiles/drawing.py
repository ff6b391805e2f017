"""One tile of one or more relations: known to the caller, kept on disk, or drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from layers.errors import NotFoundError
from layers.store import tiles
from layers.store.revisions import revision_at
from layers.store.tiles import Drawn
from ogc.common.caching import NO_STORE, REVALIDATE, SHARED, VARY, is_known, not_modified, weak
from ogc.common.clock import now_of
from ogc.common.compression import accepts_gzip
from ogc.common.links import MVT
from ogc.common.parameters import invalid_value
from ogc.common.relation import Relation

from .keeping import Keeper

#: names the layers of which features were left out because the tile was full
CAPPED = "Lienthong-Tile-Capped"


@dataclass(frozen=True, slots=True)
class Asked:
    """One tile: where, of what, at which instant."""

    relations: tuple[Relation, ...]
    z: int
    x: int
    y: int
    as_of: datetime | None = None

    @property
    def cache_control(self) -> str:
        """The strictest of the relations."""
        said = {relation.cache_control for relation in self.relations}
        return next((each for each in (NO_STORE, REVALIDATE, SHARED) if each in said), REVALIDATE)

    @property
    def is_cacheable(self) -> bool:
        return all(relation.is_cacheable for relation in self.relations)

    @property
    def etag(self) -> str | None:
        """By the revisions; None where one of them is not told, or is known only to the database."""
        if self.as_of is not None or not all(relation.tells_activity for relation in self.relations):
            return None
        if len(self.relations) != 1:
            return self._named()
        return self.relations[0].etag_of((self.z, self.x, self.y), self._named)

    def _named(self) -> str:
        versions = [part for relation in self.relations for part in relation.version]
        return weak("tile", tiles.ENCODER, *versions, self.z, self.x, self.y)

    def etag_of(self, body: bytes) -> str:
        """By what the tile says."""
        definitions = [relation.state.definition_digest for relation in self.relations]
        return weak("tile", tiles.ENCODER, *definitions, hashlib.sha256(body).hexdigest())


def place_of(request: Request) -> tuple[int, int, int]:
    """Zoom, column and row of the path. Raises NotFoundError for a tile that does not exist."""
    given = request.path_params
    z, x, y = _index(given["tileMatrix"]), _index(given["tileCol"]), _index(given["tileRow"])
    if not (z <= tiles.MAX_ZOOM and x < 2**z and y < 2**z):
        raise NotFoundError
    return z, x, y


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise NotFoundError
    return int(text)


async def answer(request: Request, asked: Asked) -> Response:
    """204 where the caller's relations show nothing, whatever the reason."""
    for relation in asked.relations:
        request.app.state.accesses.counted(relation)
    etag = asked.etag
    if etag is not None and asked.is_cacheable and is_known(request, etag):
        return not_modified(etag, asked.cache_control)
    found, keeping = await _found(request, asked)
    body = found[0].body if len(found) == 1 else b"".join(each.body for each in found)
    if etag is None:
        etag = asked.etag_of(body)
        if asked.is_cacheable and is_known(request, etag):
            return not_modified(etag, asked.cache_control)
    return _response(request, asked, found, body, etag, keeping)


@dataclass(frozen=True, slots=True)
class Found:
    """A layer's part of a tile; `packed` is its gzip form where it was kept."""

    layer: str
    body: bytes
    packed: bytes
    is_capped: bool


async def _found(request: Request, asked: Asked) -> tuple[list[Found], BackgroundTask | None]:
    """Each layer's part, and what is to be kept of them once the answer has left."""
    keeper: Keeper = request.app.state.tile_keeper
    place = (asked.z, asked.x, asked.y)
    if len(asked.relations) == 1 and asked.as_of is None and (one := keeper.get(asked.relations[0], place)):
        return [Found(asked.relations[0].layer, one.body, one.packed, one.is_capped)], None
    known = {} if asked.as_of else {each.layer: kept for each in asked.relations if (kept := keeper.get(each, place))}
    missing = [relation for relation in asked.relations if relation.layer not in known]
    drawn = await _drawn(request, asked, missing) if missing else {}
    parts = [
        Found(name, known[name].body, known[name].packed, known[name].is_capped)
        if name in known
        else Found(name, drawn[name].body, b"", drawn[name].is_capped)
        for name in (relation.layer for relation in asked.relations)
    ]
    is_kept = asked.as_of is None and any(keeper.keeps(relation) for relation in missing)
    return parts, BackgroundTask(keeper.put, missing, place, drawn) if is_kept else None


async def _drawn(request: Request, asked: Asked, relations: Sequence[Relation]) -> dict[str, Drawn]:
    found = {}
    async with request.app.state.database.reading(relations[0].role_class) as connection:
        for relation in relations:
            revision = None
            if asked.as_of is not None:
                revision = await revision_at(connection, relation.layer, _past(request, asked.as_of))
            found[relation.layer] = await tiles.drawn(
                connection, relation.state, relation.catalogue.storage_srid, relation.decision,
                asked.z, asked.x, asked.y, revision,
            )  # fmt: skip
    return found


def _past(request: Request, instant: datetime) -> datetime:
    if instant > now_of(request) + timedelta(days=1):
        raise invalid_value("as-of", "nằm ở tương lai", "lies in the future")
    return instant


def _response(
    request: Request, asked: Asked, found: Sequence[Found], body: bytes, etag: str, keeping: BackgroundTask | None
) -> Response:
    headers = {"Cache-Control": asked.cache_control, "Vary": VARY}
    capped = [each.layer for each in found if each.is_capped]
    if capped:
        headers[CAPPED] = ", ".join(capped)
    if asked.is_cacheable:
        headers["ETag"] = etag
    if not body:
        return Response(b"", 204, headers=headers, background=keeping)
    if len(found) == 1 and found[0].packed and accepts_gzip(request.headers.get("accept-encoding", "")):
        headers |= {"Content-Encoding": "gzip", "Vary": f"{VARY}, Accept-Encoding"}
        return Response(found[0].packed, headers=headers, media_type=MVT, background=keeping)
    return Response(body, headers=headers, media_type=MVT, background=keeping)
