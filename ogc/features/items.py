"""Bytes of `items` and `items/{fid}`: what the database built, joined; only the frame is written here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from layers.store.features import Item, Page, Place
from ogc.common.links import GEOJSON, HTML, Addresses, Link, link
from ogc.common.pieces import Pieces

from .paging import Cursor, order_of
from .query import Query


def feature_collection(
    page: Page, query: Query, addresses: Addresses, layer_id: str, revision: int, now: datetime, others: Iterable[Link]
) -> Pieces:
    """A GeoJSON FeatureCollection; `numberMatched` is exact or left out; `others` link to other writings of it."""
    frame: dict[str, Any] = {"type": "FeatureCollection", "timeStamp": _instant(now)}
    if page.number_matched is not None:
        frame["numberMatched"] = page.number_matched
    links = [*_links(page, query, addresses, layer_id, revision), *others]
    frame |= {"numberReturned": len(page.features), "links": links}
    return Pieces(orjson.dumps(frame)[:-1] + b',"features":[', page.features, b"]}", separator=b",")


def _links(page: Page, query: Query, addresses: Addresses, layer_id: str, revision: int) -> list[Link]:
    made = [] if addresses.is_posted else addresses.self_and_alternates(GEOJSON)
    made.append(link(addresses.to("collections", layer_id), "collection", "application/json"))
    if page.last is not None:
        made.append(_page(addresses, "next", before=None, after=_cursor(page.last, query, revision)))
    if page.first is not None:
        made.append(_page(addresses, "prev", after=None, before=_cursor(page.first, query, revision)))
    return made


def _page(addresses: Addresses, rel: str, **cursor: str | None) -> Link:
    """Of a search that is too long for an address, the page is had by sending the same body again."""
    made = link(addresses.here(**cursor), rel, GEOJSON)
    return {**made, "method": "POST", "title": "cùng nội dung · the same body"} if addresses.is_posted else made


def _cursor(place: Place, query: Query, revision: int) -> str:
    if query.sort is None:
        return Cursor(place.fid, revision).text()
    return Cursor(place.fid, revision, order_of(query.sort), (place.value or b"null").decode()).text()


def feature(item: Item, addresses: Addresses, layer_id: str) -> bytes:
    """The feature with its links."""
    links = addresses.self_and_alternates(GEOJSON, (HTML,))
    links.append(link(addresses.to("collections", layer_id), "collection", "application/json"))
    return item.bytes[:-1] + b',"links":' + orjson.dumps(links) + b"}"


def _instant(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
