"""Parameters and schemas of the OpenAPI document, after OGC API Features 1 and Tiles 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gis.errors import Message as Text
from ogc.features.paging import DEFAULT_LIMIT, MAX_LIMIT
from ogc.features.shapes import LAST_ZOOM

_TEXT = {"type": "string"}
_URI = {"type": "string", "format": "uri"}
_WHOLE = {"type": "integer", "minimum": 0}


def _about(schema: Mapping[str, Any], text: str, **more: Any) -> dict[str, Any]:
    return {"schema": dict(schema), "description": text, **more}


PATH_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "collectionId": _TEXT,
    "featureId": _TEXT,
    "releaseId": {"type": "string", "pattern": "^([0-9]{1,8}|latest)$"},
    "styleId": {"type": "string", "enum": ["default"]},
    "tileMatrixSetId": {"type": "string", "enum": ["WebMercatorQuad"]},
    "tileMatrix": _WHOLE,
    "tileRow": _WHOLE,
    "tileCol": _WHOLE,
}

_NUMBERS = {"type": "array", "items": {"type": "number"}, "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)]}
_NAMES = {"type": "array", "items": _TEXT, "minItems": 1}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "f": _about({"type": "string", "enum": ["json", "html"]}, "The form of the answer; without it, by Accept"),
    "lang": _about({"type": "string", "enum": ["vi", "en"]}, "The language; without it, by Accept-Language"),
    "openapi": _about({"type": "string", "enum": ["3.0", "3.1"], "default": "3.1"}, "Version of the description"),
    "limit": _about(_LIMIT, "How many features at most; a larger value counts as the maximum"),
    "crs": _about(_URI, "The system of the coordinates in the answer, one of the collection's `crs`; else CRS84"),
    "bbox": _about(_NUMBERS, "Features that meet the box, in CRS84 (longitude, latitude) or in `bbox-crs`"),
    "bbox-crs": _about(_URI, "The system of `bbox`, one of the collection's `crs`"),
    "zoom-level": _about(
        {"type": "number", "minimum": 0, "maximum": LAST_ZOOM}, "Shapes simplified for this zoom of WebMercatorQuad"
    ),
    "max-allowable-offset": _about(
        {"type": "number", "minimum": 0, "maximum": 10_000_000}, "Shapes simplified, in units of the answer's system"
    ),
    "datetime": _about(_TEXT, "Features in force at a time or in an interval: RFC 3339, open ends `..`"),
    "filter": _about(_TEXT, "CQL2 over the queryables"),
    "filter-lang": _about(
        {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}, "Of `filter`"
    ),
    "filter-crs": _about(_URI, "The system of the shapes in `filter`, one of the collection's `crs`; else CRS84"),
    "q": _about(_TEXT, "Words in the texts of a feature, whatever their case and accents; of terms between commas any"),
    "sortby": _about(_TEXT, "One sortable property, `+name` or `-name`; rows without a value come last"),
    "properties": _about(_NAMES, "Only these properties"),
    "skipGeometry": _about({"type": "boolean", "default": False}, "Without geometries"),
    "offset": _about({"type": "integer", "enum": [0]}, "Of the first page; further ones are at the link `next`"),
    "after": _about(_TEXT, "Where a page begins: from the link `next` of the page before, not to be made up"),
    "before": _about(_TEXT, "Where a page ends: from the link `prev` of the page behind, not to be made up"),
    "collections": _about(_NAMES, "Only these collections, in this order: ids or addresses"),
    "base": _about(_WHOLE, "The release that is compared with, an earlier one; 0 is before the first"),
    "as-of": _about(_TEXT, "What the service knew at an instant; a date means its end, Asia/Ho_Chi_Minh"),
    "queryables": {
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        "description": "Any simple queryable of the collection by its own name: features with this value",
        "explode": True,
    },
}

#: groups of operations
TAGS: Mapping[str, Text] = {
    "common": Text("Trang đầu, chuẩn tuân thủ, mô tả", "Landing page, conformance, description"),
    "features": Text("Lớp dữ liệu và đối tượng", "Collections and features"),
    "editing": Text("Sửa đối tượng", "Editing"),
    "releases": Text("Bản phát hành và thay đổi", "Releases and changes"),
    "tiles": Text("Ô bản đồ", "Tiles"),
    "service": Text("Tình trạng của dịch vụ", "State of the service"),
    "checks": Text("Kiểm tra thửa đất", "Checks of parcels"),
    "processes": Text("Tiến trình và công việc", "Processes and jobs"),
    "access": Text("Quyền chia sẻ", "Rights"),
    "parcels": Text("Tra cứu thửa đất", "Look-up of parcels"),
}

#: headers of a request that an operation may name
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "If-Match": _about(_TEXT, "The ETag of the state that is meant to be changed"),
    "If-None-Match": _about(_TEXT, "ETags of what the caller already has"),
    "If-Unmodified-Since": _about(_TEXT, "The time of the state that is meant to be changed"),
    "Content-Crs": _about(_TEXT, "The CRS of what is sent, as a URI in angle brackets"),
    "Prefer": _about(_TEXT, "Wishes of the caller (RFC 7240), such as `respond-async`"),
}

_LINK = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {
        "href": _TEXT, "rel": _TEXT, "type": _TEXT, "title": _TEXT, "hreflang": _TEXT, "templated": {"type": "boolean"},
    },
}  # fmt: skip
_LINKS = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_COLLECTION = {
    "type": "object",
    "required": ["id", "links"],
    "properties": {
        "id": _TEXT,
        "title": _TEXT,
        "description": _TEXT,
        "itemType": _TEXT,
        "crs": {"type": "array", "items": _TEXT},
        "storageCrs": _TEXT,
        "extent": {"type": "object"},
        "links": _LINKS,
    },
}
_FEATURE = {
    "type": "object",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "integer"},
        "geometry": {"type": ["object", "null"]},
        "properties": {"type": ["object", "null"]},
        "links": _LINKS,
    },
}
_COUNTS = {"type": ["object", "null"], "properties": {kind: _WHOLE for kind in ("added", "changed", "removed")}}
_RELEASE = {
    "type": "object",
    "required": ["release", "revision", "created", "note", "counts", "links"],
    "properties": {
        "release": _WHOLE, "revision": _WHOLE, "created": {"type": "string", "format": "date-time"}, "note": _TEXT,
        "counts": _COUNTS, "links": _LINKS,
    },
}  # fmt: skip
_CHANGES = {
    "type": "object",
    "required": ["type", "features", "numberReturned", "links"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "numberReturned": _WHOLE,
        "links": _LINKS,
        "features": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "id", "change", "geometry", "properties"],
                "properties": {
                    "type": {"const": "Feature"},
                    "id": {"type": "integer"},
                    "change": {"type": "string", "enum": ["added", "changed", "removed"]},
                    "geometry": {"type": ["object", "null"]},
                    "properties": {"type": "object"},
                    "before": {"type": "object", "required": ["properties"]},
                },
            },
        },
    },
}
_FEATURE_PATCH = {
    "type": "object",
    "properties": {"properties": {"type": "object"}, "geometry": {"type": "object"}},
}
_FEATURES = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "timeStamp": {"type": "string", "format": "date-time"},
        "numberMatched": _WHOLE,
        "numberReturned": _WHOLE,
        "links": _LINKS,
        "features": {"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "detail_vi", "detail_en"],
    "properties": {
        "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "code": _TEXT, "detail": _TEXT,
        "detail_vi": _TEXT, "detail_en": _TEXT, "id": _TEXT, "errors": {"type": "array", "items": {"type": "object"}},
        "candidates": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "object": {"type": "object"},
    "html": _TEXT,
    "text": _TEXT,
    "binary": {"type": "string", "contentEncoding": "binary"},
    "schema": {"type": "object", "required": ["$schema", "$id", "type", "properties"]},
    "link": _LINK,
    "landingPage": {"type": "object", "required": ["links"], "properties": {"title": _TEXT, "links": _LINKS}},
    "conformance": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": _TEXT}},
    },
    "collection": _COLLECTION,
    "collections": {
        "type": "object",
        "required": ["links", "collections"],
        "properties": {
            "links": _LINKS,
            "crs": {"type": "array", "items": _TEXT},
            "collections": {"type": "array", "items": {"$ref": "#/components/schemas/collection"}},
        },
    },
    "feature": _FEATURE,
    "featurePatch": _FEATURE_PATCH,
    "search": {
        "type": "object",
        "additionalProperties": _TEXT,
        "description": "Các tham số của GET items, mỗi tham số một lần · the parameters of GET items, each once",
    },
    "cql2": {"type": "object", "description": "Điều kiện CQL2 JSON · a condition in CQL2 JSON"},
    "features": _FEATURES,
    "release": _RELEASE,
    "releases": {
        "type": "object",
        "required": ["releases", "links"],
        "properties": {
            "releases": {"type": "array", "items": {"$ref": "#/components/schemas/release"}},
            "links": _LINKS,
        },
    },
    "changes": _CHANGES,
    "problem": _PROBLEM,
}
