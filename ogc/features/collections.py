"""A layer as an OGC API collection: title, extent of the caller's relation, links."""

from __future__ import annotations

from typing import Any

from layers.exporting.formats import FORMATS
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from ogc.common.crs_names import CRS84, known, storage
from ogc.common.links import GEOJSON, HTML, JSON, MVT, SCHEMA, Addresses, Link, link

REL = "http://www.opengis.net/def/rel/ogc/1.0/"

#: a JSON pointer: the list of the whole document
GLOBAL = "#/crs"

Bounds = tuple[float, float, float, float]


def system_names(profile: Profile) -> list[str]:
    """What `crs` and `bbox-crs` may name."""
    return list(known(profile))


def collection(
    addresses: Addresses,
    profile: Profile,
    definition: LayerDefinition,
    bounds: Bounds | None,
    language: str,
    *,
    may_read: bool,
    may_tile: bool,
    is_listed: bool = False,
) -> dict[str, Any]:
    """The description of one layer; in the list the systems stand once, above it (Features 2, 6.2.1). Without a bound
    (nothing to see, no geometry) there is no extent: never null."""
    title, about = definition.title, definition.description
    made: dict[str, Any] = {"id": definition.id, "title": title.vi if language == "vi" else title.en}
    if about is not None:
        made["description"] = about.vi if language == "vi" else about.en
    made |= {"itemType": "feature", "sector": definition.sector, "sharing": definition.sharing}
    if definition.has_geometry:
        made |= {"crs": [GLOBAL] if is_listed else system_names(profile), "storageCrs": storage(profile).uri}
    else:
        made["crs"] = [CRS84]
    if definition.is_raster:
        made |= {"itemType": "raster", "unit": definition.unit, "classes": _classes(definition) if may_read else []}
    if bounds is not None:
        made["extent"] = {"spatial": {"bbox": [list(bounds)], "crs": CRS84}}
    return {**made, "links": _links(addresses, definition, may_read=may_read, may_tile=may_tile)}


def _classes(definition: LayerDefinition) -> list[dict[str, Any]]:
    """What the values of a raster mean; `to` is not part of its class."""
    return [
        {
            "class": one.number, "value": one.value, "from": one.from_, "to": one.to,
            "title": one.title.message().as_dict(), "color": one.color,
        }
        for one in definition.classes
    ]  # fmt: skip


def _links(addresses: Addresses, definition: LayerDefinition, *, may_read: bool, may_tile: bool) -> list[Link]:
    own = ("collections", definition.id)
    title = definition.title.vi
    made = [
        link(addresses.to(*own, f="json"), "self", JSON, title),
        link(addresses.to(*own, f="html"), "alternate", HTML, title),
        link(addresses.to("collections"), "collection", JSON),
    ]
    if may_read and not definition.is_raster:  # cells are neither items nor tiles
        made += [
            link(addresses.to(*own, "items"), "items", GEOJSON, title),
            link(addresses.to(*own, "items", f="html"), "items", HTML, title),
            *(
                link(addresses.to(*own, "items", f=kind.name), "items", kind.media_type, kind.title)
                for kind in FORMATS.values()
                if definition.has_geometry or not kind.needs_shapes
            ),
            link(addresses.to(*own, "queryables"), f"{REL}queryables", SCHEMA),
            link(addresses.to(*own, "schema"), f"{REL}schema", SCHEMA),
            link(addresses.to(*own, "sortables"), f"{REL}sortables", SCHEMA),
        ]
    if may_tile and definition.has_geometry:
        made.append(link(addresses.to(*own, "tiles"), f"{REL}tilesets-vector", JSON))
        made.append(link(addresses.to(*own, "styles"), f"{REL}styles", JSON))
        tile = addresses.to(*own, "tiles", "WebMercatorQuad", "{tileMatrix}", "{tileRow}", "{tileCol}")
        made.append({**link(tile, "item", MVT), "templated": True})
    return made
