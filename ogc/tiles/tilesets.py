"""Tilesets of a layer and of a set of layers: metadata (OGC 17-083r4, tile set metadata) and TileJSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gis.errors import Message
from gis.zoom import LAST_CELL_ZOOM
from layers.access.decide import Decision
from layers.profile.grammar import Attribute, LayerDefinition
from layers.store.tile_columns import is_coverage, tile_columns
from layers.store.tile_sql import IS_CELL
from layers.store.tiles import MAX_ZOOM
from ogc.common.links import JSON, MVT, Addresses, Link, link

from .matrix_sets import CRS, ID, URI, Bounds, limits

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
ALL_LAYERS = Message("Mọi lớp của dịch vụ", "All layers of the service")
_CELLS = Message(
    f"Đến mức {LAST_CELL_ZOOM} một đối tượng đại diện cho mỗi ô vuông ('{IS_CELL}'); ô đầy thì bỏ hạng cuối",
    f"Up to zoom {LAST_CELL_ZOOM} one feature stands for a square ('{IS_CELL}'); a full tile leaves out the last ranks",
)
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}
_FORMATS = {"date": "date", "datetime": "date-time"}


@dataclass(frozen=True, slots=True)
class Part:
    """One layer of a tileset, as the caller may see it; `bounds` are those of the relation."""

    definition: LayerDefinition
    decision: Decision
    bounds: Bounds | None

    @property
    def columns(self) -> list[Attribute]:
        shown = tile_columns(self.definition, self.decision)
        return [attribute for attribute in self.definition.attributes if attribute.name in shown]


def listed(addresses: Addresses, own: Sequence[str], title: str, **query: str | None) -> dict[str, Any]:
    """An entry of a list of tilesets."""
    return {
        "title": title,
        "dataType": "vector",
        "crs": CRS,
        "tileMatrixSetURI": URI,
        "links": _links(addresses, own, **query),
    }


def tileset(
    addresses: Addresses, own: Sequence[str], title: str, parts: Sequence[Part], language: str, **query: str | None
) -> dict[str, Any]:
    """The metadata in full. `own` is the path that the tileset lies under, empty for that of the service."""
    made = listed(addresses, own, title, **query)
    if any(is_coverage(part.definition) for part in parts):
        made["description"] = _CELLS.in_language(language)
    made["layers"] = [_layer(part, addresses, language) for part in parts]
    bounds = around(part.bounds for part in parts)
    if bounds is not None:
        made["boundingBox"] = _box(bounds)
        made["tileMatrixSetLimits"] = limits(bounds)
    return made


def _layer(part: Part, addresses: Addresses, language: str) -> dict[str, Any]:
    definition = part.definition
    made: dict[str, Any] = {
        "id": definition.id,
        "title": definition.title.message().in_language(language),
        "dataType": "vector",
        "geometryDimension": _dimension(definition),
        "minTileMatrix": "0",
        "maxTileMatrix": str(MAX_ZOOM),
        "propertiesSchema": {"type": "object", "properties": _properties(part, language)},
        "links": [link(addresses.to("collections", definition.id), f"{REL}geodata", JSON)],
    }
    return made if part.bounds is None else {**made, "boundingBox": _box(part.bounds)}


def _properties(part: Part, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in part.columns:
        said = {"title": attribute.title.message().in_language(language)} if attribute.title else {}
        form = {"format": _FORMATS[attribute.type]} if attribute.type in _FORMATS else {}
        found[attribute.name] = {"type": _TYPES.get(attribute.type, "string"), **form, **said}
    return found | ({IS_CELL: {"type": "boolean"}} if is_coverage(part.definition) else {})


def _links(addresses: Addresses, own: Sequence[str], **query: str | None) -> list[Link]:
    made = [
        link(addresses.to(*own, "tiles", ID, f="json", **query), "self", JSON),
        link(addresses.to("tileMatrixSets", ID), f"{REL}tiling-scheme", JSON),
        link(addresses.to(*own, "tiles", ID, "tilejson", **query), "describedby", JSON, "TileJSON 3.0"),
        {**link(tile_template(addresses, own, **query), "item", MVT), "templated": True},
    ]
    if own:
        made.insert(2, link(addresses.to(*own), f"{REL}geodata", JSON))  # its schema may not be the caller's to see
    return made


def tile_template(addresses: Addresses, own: Sequence[str], **query: str | None) -> str:
    return addresses.to(*own, "tiles", ID, "{tileMatrix}", "{tileRow}", "{tileCol}", **query)


def _dimension(definition: LayerDefinition) -> int:
    name = definition.stored_geometry
    return 2 if "Polygon" in name or name == "Geometry" else 1 if "Line" in name else 0


def tilejson(
    addresses: Addresses, own: Sequence[str], title: str, parts: Sequence[Part], **query: str | None
) -> dict[str, Any]:
    """TileJSON 3.0.0, as map libraries read it."""
    template = tile_template(addresses, own, **query)
    for name, short in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        template = template.replace(name, short)
    made: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": title,
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "vector_layers": [_vector_layer(part) for part in parts],
    }
    bounds = around(part.bounds for part in parts)
    if bounds is not None:
        made["bounds"] = [_rounded(bounds[0], math.floor), _rounded(bounds[1], math.floor),
                          _rounded(bounds[2], math.ceil), _rounded(bounds[3], math.ceil)]  # fmt: skip
    return made


def _vector_layer(part: Part) -> dict[str, Any]:
    fields = {attribute.name: attribute.type for attribute in part.columns}
    cells = {IS_CELL: "boolean"} if is_coverage(part.definition) else {}
    return {"id": part.definition.id, "fields": fields | cells, "minzoom": 0, "maxzoom": MAX_ZOOM}


def around(boxes: Iterable[Bounds | None]) -> Bounds | None:
    known = [box for box in boxes if box is not None]
    if not known:
        return None
    west, south, east, north = zip(*known, strict=True)
    return min(west), min(south), max(east), max(north)


def _box(bounds: Bounds) -> dict[str, Any]:
    return {"lowerLeft": list(bounds[:2]), "upperRight": list(bounds[2:]), "crs": CRS84}


def _rounded(degrees: float, direction: Callable[[float], int]) -> float:
    """Outwards to a ten-millionth, so that no feature lies outside."""
    return float(direction(degrees * 1e7) / 1e7)
