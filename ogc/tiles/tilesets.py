"""WebMercatorQuad as a tile matrix set (OGC 17-083r4, annex D.1), tilesets of a layer, TileJSON."""

from __future__ import annotations

import math
from typing import Any

from layers.profile.grammar import LayerDefinition
from layers.store.tiles import MAX_ZOOM
from ogc.common.links import JSON, MVT, SCHEMA, Addresses, Link, link

ID = "WebMercatorQuad"
URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TITLE = "Google Maps Compatible for the World"
_HALF_M = 20037508.342789244
_PIXEL_M = 0.00028  #: the pixel of the standard, behind every scale denominator

Bounds = tuple[float, float, float, float]


def tile_matrix_set() -> dict[str, Any]:
    """The definition in full."""
    return {
        "id": ID,
        "title": TITLE,
        "uri": URI,
        "crs": CRS,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(zoom) for zoom in range(MAX_ZOOM + 1)],
    }


def _matrix(zoom: int) -> dict[str, Any]:
    cell = 2 * _HALF_M / 256 / 2**zoom
    return {
        "id": str(zoom),
        "scaleDenominator": cell / _PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-_HALF_M, _HALF_M],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }


def tile_template(addresses: Addresses, layer_id: str) -> str:
    return addresses.to("collections", layer_id, "tiles", ID, "{tileMatrix}", "{tileRow}", "{tileCol}")


def tileset(addresses: Addresses, definition: LayerDefinition, bounds: Bounds | None, language: str) -> dict[str, Any]:
    """A tileset's metadata; the bounds are those of the caller's relation."""
    made: dict[str, Any] = {
        "title": definition.title.vi if language == "vi" else definition.title.en,
        "dataType": "vector",
        "crs": CRS,
        "tileMatrixSetURI": URI,
        "links": _links(addresses, definition.id),
        "layers": [{"id": definition.id, "dataType": "vector", "geometryDimension": _dimension(definition)}],
    }
    if bounds is not None:
        made["boundingBox"] = {"lowerLeft": list(bounds[:2]), "upperRight": list(bounds[2:]), "crs": CRS84}
    return made


def _links(addresses: Addresses, layer_id: str) -> list[Link]:
    own = ("collections", layer_id)
    return [
        link(addresses.to(*own, "tiles", ID, f="json"), "self", JSON),
        link(addresses.to("tileMatrixSets", ID), f"{REL}tiling-scheme", JSON),
        link(addresses.to(*own), f"{REL}geodata", JSON),
        link(addresses.to(*own, "schema"), f"{REL}schema", SCHEMA),
        link(addresses.to(*own, "tiles", ID, "tilejson"), "describedby", JSON, "TileJSON 3.0"),
        {**link(tile_template(addresses, layer_id), "item", MVT), "templated": True},
    ]


def _dimension(definition: LayerDefinition) -> int:
    name = definition.stored_geometry
    return 2 if "Polygon" in name or name == "Geometry" else 1 if "Line" in name else 0


def tilejson(
    addresses: Addresses, definition: LayerDefinition, columns: tuple[str, ...], bounds: Bounds | None, language: str
) -> dict[str, Any]:
    """TileJSON 3.0.0, as map libraries read it."""
    template = tile_template(addresses, definition.id)
    for name, short in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        template = template.replace(name, short)
    attributes = {attribute.name: attribute for attribute in definition.attributes}
    fields = {name: attributes[name].type for name in columns}
    made: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": definition.title.vi if language == "vi" else definition.title.en,
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "vector_layers": [{"id": definition.id, "fields": fields, "minzoom": 0, "maxzoom": MAX_ZOOM}],
    }
    if bounds is not None:
        made["bounds"] = [_rounded(bounds[0], math.floor), _rounded(bounds[1], math.floor),
                          _rounded(bounds[2], math.ceil), _rounded(bounds[3], math.ceil)]  # fmt: skip
    return made


def _rounded(degrees: float, direction: Any) -> float:
    """Outwards to a ten-millionth, so that no feature lies outside."""
    return float(direction(degrees * 1e7) / 1e7)
