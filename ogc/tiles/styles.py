"""MapLibre styles from the definitions: own tiles, own glyphs, colours that are content of the profile."""

from __future__ import annotations

from typing import Any

from layers.access.decide import Decision
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.store.tile_columns import tile_columns
from ogc.common.links import JSON, Addresses, link
from ogc.web.drawing import LABELS, legend_entries, shape_of, style_layers
from ogc.web.map_style import GROUND, LABEL_DETAIL, MOST_DETAIL

from .matrix_sets import Bounds
from .tilesets import REL, tile_template

STYLE = "application/vnd.mapbox.style+json"
DEFAULT = "default"


def style_list(addresses: Addresses, own: tuple[str, ...], title: str) -> dict[str, Any]:
    """OGC API Styles, 'styles': the one style that the definition says."""
    stylesheet = link(addresses.to(*own, "styles", DEFAULT), "stylesheet", STYLE, title)
    return {
        "default": DEFAULT,
        "styles": [{"id": DEFAULT, "title": title, "links": [stylesheet]}],
        "links": [link(addresses.here(), "self", JSON), link(addresses.to(*own), f"{REL}geodata", JSON)],
    }


def collection_style(
    addresses: Addresses,
    profile: Profile,
    definition: LayerDefinition,
    decision: Decision,
    bounds: Bounds | None,
    language: str,
) -> dict[str, Any]:
    """A complete style document of one layer, with its legend in `metadata`."""
    columns, codes = tile_columns(definition, decision), {each.id: each for each in profile.codes}
    is_parcel = definition.id == profile.header.reference_layers.parcel
    is_commune = definition.id == profile.header.reference_layers.commune
    made = style_layers(definition, columns, codes, is_parcel=is_parcel, is_commune=is_commune)
    middle = {} if bounds is None else {"center": [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]}
    return {
        "version": 8,
        "name": definition.title.message().in_language(language),
        **middle,
        "zoom": 10,
        "glyphs": addresses.base + "/static/vendor/glyphs/{fontstack}/{range}.pbf",
        "sources": _sources(addresses, definition.id),
        "layers": [{"id": "ground", "type": "background", "paint": {"background-color": GROUND}}, *made],
        "metadata": {
            "shape": shape_of(definition),
            "legend": legend_entries(definition, columns, codes, language),
            **({"bounds": list(bounds)} if bounds is not None else {}),
        },
    }


def _sources(addresses: Addresses, layer_id: str) -> dict[str, Any]:
    """Labels have their own source, of fewer and larger tiles: a shape cut by a tile's edge is labelled twice."""
    template = tile_template(addresses, ("collections", layer_id))
    for name, short in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        template = template.replace(name, short)
    common = {"type": "vector", "tiles": [template], "minzoom": 0}
    return {layer_id: {**common, "maxzoom": MOST_DETAIL}, f"{layer_id}{LABELS}": {**common, "maxzoom": LABEL_DETAIL}}
