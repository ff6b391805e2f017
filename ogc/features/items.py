"""Bytes of `items` and `items/{fid}`: what the database built, joined; only the frame is written here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from layers.store.features import Item, ItemsQuery, Page
from ogc.common.links import GEOJSON, HTML, Addresses, Link, link

from .query import Cursor, Query


def items_query(query: Query, revision: int | None) -> ItemsQuery:
    """The question for the store."""
    return ItemsQuery(
        bbox=query.bbox,
        filter=query.filter,
        limit=query.limit,
        after=query.cursor.fid if query.cursor else None,
        properties=query.properties,
        revision=revision,
        has_geometry=not query.skip_geometry,
        sort=query.sort,
        after_value=query.after_value,
    )


def feature_collection(page: Page, addresses: Addresses, layer_id: str, revision: int, now: datetime) -> bytes:
    """A GeoJSON FeatureCollection; `numberMatched` is exact or left out."""
    frame: dict[str, Any] = {"type": "FeatureCollection", "timeStamp": _instant(now)}
    if page.number_matched is not None:
        frame["numberMatched"] = page.number_matched
    frame |= {"numberReturned": len(page.features), "links": _links(page, addresses, layer_id, revision)}
    return orjson.dumps(frame)[:-1] + b',"features":[' + b",".join(page.features) + b"]}"


def _links(page: Page, addresses: Addresses, layer_id: str, revision: int) -> list[Link]:
    made = addresses.self_and_alternates(GEOJSON)
    made.append(link(addresses.to("collections", layer_id), "collection", "application/json"))
    if page.next_after is not None:
        place = None if page.next_value is None else page.next_value.decode() or "null"
        following = Cursor(page.next_after, revision, place).text()
        made.append(link(addresses.here(after=following), "next", GEOJSON))
    return made


def feature(item: Item, addresses: Addresses, layer_id: str) -> bytes:
    """The feature with its links."""
    links = addresses.self_and_alternates(GEOJSON, (HTML,))
    links.append(link(addresses.to("collections", layer_id), "collection", "application/json"))
    return item.bytes[:-1] + b',"links":' + orjson.dumps(links) + b"}"


def _instant(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
